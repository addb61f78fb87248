"""The alert budget: how many alerts of one rule an hour may bring before they are told as one.

Alerts that come beyond are no findings of their own. A finding of kind `health` says how many they are and counts their occurrences,
exactly and with the severity of the gravest, so that nothing is dropped in silence and nothing that matters is missing for `--fail-on`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sensor.clock import HOUR

if TYPE_CHECKING:
    from sensor.findings import Statement

REASON: Final = "alert_budget"
MAX_COUNTERS: Final = 100_000
"""Pairs of rule and hour that are counted; the oldest give way, and hours that long ago don't come back."""


class Budget:
    """Counts alerts by rule (what has none, by its reason) and hour of capture time. `most` 0 is no bound."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: dict[tuple[str, int], int] = {}

    def has_room(self, statement: Statement, first: int) -> bool:
        """Whether an alert that begins then would have room; takes none."""
        key = (statement.rule or statement.reason, first // HOUR)
        return not self._most or statement.kind != "alert" or self._counts.get(key, 0) < self._most

    def beyond(self, statement: Statement, first: int) -> Statement | None:
        """None where an alert that begins then has room (and takes it), else what is said of those that have none."""
        if not self._most or statement.kind != "alert":
            return None
        key = (statement.rule or statement.reason, first // HOUR)
        count = self._counts.get(key, 0) + 1
        if key not in self._counts and len(self._counts) >= MAX_COUNTERS:
            del self._counts[next(iter(self._counts))]
        self._counts[key] = count
        return None if count <= self._most else said(statement, self._most)


def said(statement: Statement, most: int) -> Statement:
    """What is said where a rule alerts too often."""
    from dataclasses import replace

    title = f"More than {most} alerts in an hour, told as one: {statement.title}"
    rule = statement.rule or statement.reason
    return replace(statement, kind="health", title=title, reason=REASON, rule=rule, attack=(), references=())
