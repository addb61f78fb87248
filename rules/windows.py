"""Windows: where correlations are counted, and what a crossing means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules.expression import known_field
from rules.fields import COUNTED_POINTS
from rules.plan import Alert, Count, Rule

if TYPE_CHECKING:
    from dissectors import Transaction

MAX_WINDOWS = 65_536
"""Windows in one run. A group beyond is not counted, and how often that was is (`Windows.refused`)."""

NewWindow = Callable[[str, int, int], int]
"""Engine.window: (mode, span in ns, threshold) → the window's number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What a window counts: a correlation's alert, for one group (its fields with their values)."""

    alert: Alert
    fields: Mapping[str, Any]


class Windows:
    """Makes a window for each correlation and group when it is first met."""

    def __init__(self, new_window: NewWindow) -> None:
        self._new = new_window
        self._numbers: dict[tuple[str, tuple[Any, ...]], int] = {}
        self._groups: dict[int, Group] = {}
        self.refused = 0

    def feed(self, rule: Rule, count: Count, t: Transaction) -> tuple[int, str | None] | None:
        """The window that occurrences like this one are counted in, and their value (None: each point, or nothing to tell apart).

        None when there are too many windows already.
        """
        values = tuple(_value(name, t) for name in count.group_by)
        key = (rule.id, values)
        number = self._numbers.get(key)
        if number is None:
            if len(self._numbers) >= MAX_WINDOWS:
                self.refused += 1
                return None
            number = self._new(count.mode, count.span_ns, count.threshold)
            self._numbers[key] = number
            self._groups[number] = Group(alert=rule.alert, fields=dict(zip(count.groups, values, strict=True)))
        return number, None if count.value in (None, COUNTED_POINTS) else str(_value(count.value or "", t))

    def group(self, window: int) -> Group:
        """What this window counts. KeyError for one that was not made here."""
        return self._groups[window]


def _value(name: str, t: Transaction) -> Any:
    """A field's value: None without one, a tuple for several."""
    values = known_field(name).read(t)
    return values[0] if len(values) == 1 else values or None
