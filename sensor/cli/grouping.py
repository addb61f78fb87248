"""Findings put together so that people can read them: thirty-seven units of one gateway, or eleven ports of one host, are one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sensor.findings import SEVERITIES
from zones.model import ACCESSES

MANY: Final = 3
"""So many servers (then clients) of the same matter stand apart; more of them become one line."""
NAMED: Final = 3
"""So many different values are named in a line."""


@dataclass(frozen=True, slots=True)
class Group:
    """Findings that say the same thing. `findings` are documents (Finding.to_dict), the first one first."""

    findings: Sequence[Mapping[str, Any]]

    @property
    def lead(self) -> Mapping[str, Any]:
        """The first one, which speaks for all where they say the same."""
        return self.findings[0]

    @property
    def count(self) -> int:
        """Occurrences in all."""
        return sum(finding["count"] for finding in self.findings)

    @property
    def first(self) -> str:
        """Time of the first occurrence, as UTC text."""
        return min(str(finding["first"]) for finding in self.findings)

    @property
    def last(self) -> str:
        """Time of the last."""
        return max(str(finding["last"]) for finding in self.findings)

    def values(self, name: str) -> list[str]:
        """The different values of a field, in the order of their first occurrence; of a side its address."""
        return list(dict.fromkeys(text for finding in self.findings if (text := _text(finding.get(name))) is not None))

    def said(self, name: str, one: str, many: str) -> str:
        """One value as it is, several as `7 units`; empty where there is none."""
        values = self.values(name)
        if not values:
            return ""
        return f"{one}{values[0]}" if len(values) == 1 else f"{len(values)} {many}"

    def listed(self, name: str) -> str:
        """The first values by name, and how many more there are."""
        return listed(self.values(name))

    def points(self) -> list[str]:
        """The different points, in the order of their first occurrence."""
        return list(dict.fromkeys(str(point["point"]) for finding in self.findings for point in finding.get("points") or ()))

    def functions(self) -> list[str]:
        """The different functions by name, each by its sub-function where it has one."""
        names = (_text(finding.get("sub_function")) or _text(finding.get("function")) for finding in self.findings)
        return list(dict.fromkeys(name for name in names if name is not None))


def listed(values: Sequence[str], most: int = NAMED) -> str:
    """The first of them, and how many more there are."""
    more = len(values) - most
    return ", ".join(values) if more <= 1 else f"{', '.join(values[:most])} and {more} more"


def grouped(findings: Iterable[Mapping[str, Any]]) -> list[Group]:
    """The gravest first: by severity, by what is done, then by first time. Apart by who and whom where these are few."""
    matters: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for finding in findings:
        matters.setdefault(_matter(finding), []).append(finding)
    groups: list[Group] = []
    for same in matters.values():
        for by_client in _apart(same, "client"):
            groups.extend(Group(part) for part in _apart(by_client, "server"))
    return sorted(groups, key=lambda group: (*map(int.__neg__, gravity(group.lead)), group.first, group.lead["id"]))


def gravity(finding: Mapping[str, Any]) -> tuple[int, int]:
    """Severity, then what is done."""
    access = finding["access"]
    return SEVERITIES.index(finding["severity"]), ACCESSES.index(access) if access in ACCESSES else -1


def _matter(finding: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes findings the same for a reader. Sessions differ in their protocols only by the port that was tried, and who looks
    for open ports looks in all zones."""
    zones = finding.get("zones") or {}
    tried = finding["access"] == "session"
    return (
        finding["kind"], finding.get("rule"), finding.get("conduit"), zones.get("from"), None if tried else zones.get("to"),
        finding["reason"], finding["severity"], finding["access"], None if tried else finding["protocol"],
    )  # fmt: skip


def _apart(findings: Sequence[Mapping[str, Any]], side: str) -> Iterable[list[Mapping[str, Any]]]:
    parts: dict[str | None, list[Mapping[str, Any]]] = {}
    for finding in findings:
        parts.setdefault(_text(finding.get(side)), []).append(finding)
    return parts.values() if len(parts) <= MANY else [list(findings)]


def _text(value: Any) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("name") or value.get("ip") or value.get("mac") or value.get("code")
    return None if value is None else str(value)
