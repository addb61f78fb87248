"""Counts of what rules follow by themselves, where no clause of the gate can count it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dissectors import Transaction

_FIRST = 10
_MAX_POINTS = 256


class FollowTally:
    """Shaped like the engine's Tally: occurrences of one operation that one rule matched. `clause` is negative."""

    __slots__ = ("_first_packets", "clause", "count", "first", "last", "operation", "outcomes", "point_set", "rejections", "values")

    def __init__(self, clause: int, operation: int) -> None:
        self.clause = clause
        self.operation = operation
        self.count = 0
        self.first: Any = None
        self.last: Any = None
        self.outcomes: dict[str, int] = {}
        self.rejections: dict[int, int] = {}
        self.point_set: dict[tuple[str, str], Any] = {}
        self.values = None
        self._first_packets: list[Any] = []

    def add(self, t: Transaction, before: Sequence[Any] = ()) -> None:
        """Counts an occurrence; the packets of what led to it are evidence as well."""
        moment = t.request or t.response
        self._first_packets.extend(before[: _FIRST - len(self._first_packets)])
        self.count += 1
        self.last = moment
        if self.first is None:
            self.first = moment
        if len(self._first_packets) < _FIRST:
            self._first_packets.append(moment)
        outcome = t.outcome
        self.outcomes[outcome.result] = self.outcomes.get(outcome.result, 0) + 1
        if outcome.code is not None:
            self.rejections[outcome.code] = self.rejections.get(outcome.code, 0) + 1
        for point in t.points:
            if len(self.point_set) < _MAX_POINTS:
                self.point_set.setdefault((point.text, point.access), point)

    @property
    def points(self) -> tuple[Any, ...]:
        """As the engine's: without values."""
        return tuple(self.point_set.values())

    @property
    def packets(self) -> tuple[Any, ...]:
        """The first occurrences and the last."""
        return tuple(moment for moment in (*self._first_packets, self.last) if moment is not None)
