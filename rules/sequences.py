"""Correlations of several rules within a span: `temporal` (in any order) and `temporal_ordered` (in theirs). They are followed: no clause
can say what another operation did, so their rules' occurrences are delivered, and counted here (DESIGN.md, 2.1).

The clock is when transactions were complete, as for windows, and facts come in that order: the result depends neither on batches nor on
threads. A group that was complete begins anew: each completion is one occurrence of the alert.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from rules.plan import Rule, Sequence

if TYPE_CHECKING:
    from dissectors import Transaction
    from dissectors._native import Moment
    from rules.following import Step

MAX_GROUPS = 65_536
"""Groups of all rules that wait for more. Beyond, the one that was quiet longest is forgotten, and how often that was is
(`Sequences.forgotten`)."""


Seen = tuple[int, tuple["Moment", ...]]
"""A step that was seen: when the chain that it ends began, ns, and the first packets of the chain's steps."""


class Sequences:
    """What was seen of each rule's steps, by group."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = MAX_GROUPS if limit is None else limit
        self._groups: OrderedDict[tuple[Any, ...], dict[int, Seen]] = OrderedDict()
        self.forgotten = 0

    def take(self, rule: Rule, sequence: Sequence, steps: Iterable[Step], t: Transaction) -> tuple[Moment, ...] | None:
        """Takes an occurrence: the packets of the steps before it where it completes the rule, else None. `steps` are those that
        its operation can be, the last first."""
        groups, now = self._groups, t.completed
        for index, matches, group in steps:
            if not matches(t):
                continue
            key = (rule.id, *[read(t) for read in group])
            seen = groups.get(key)
            if seen is None:
                seen = self._new(key)
            else:
                groups.move_to_end(key)
            found = _ordered(seen, sequence, index, t, now) if sequence.ordered else _any(seen, sequence, index, t, now)
            if found is not None:
                del groups[key]
                return found
        return None

    def _new(self, key: tuple[Any, ...]) -> dict[int, Seen]:
        """A group that was not met, or was forgotten."""
        if len(self._groups) >= self._limit:
            self._groups.popitem(last=False)
            self.forgotten += 1
        seen: dict[int, Seen] = {}
        self._groups[key] = seen
        return seen


def _ordered(seen: dict[int, Seen], sequence: Sequence, index: int, t: Transaction, now: int) -> tuple[Moment, ...] | None:
    """The latest beginning wins: whoever starts anew has the whole span before it."""
    if index == 0:
        seen[0] = (now, _moment(t))
        return None
    before = seen.get(index - 1)
    if before is None or now - before[0] > sequence.span_ns:
        return None
    if index == len(sequence.steps) - 1:
        return before[1]
    seen[index] = (before[0], before[1] + _moment(t))
    return None


def _any(seen: dict[int, Seen], sequence: Sequence, index: int, t: Transaction, now: int) -> tuple[Moment, ...] | None:
    seen[index] = (now, _moment(t))
    if len(seen) < sequence.least:
        return None
    late = [one for place, one in seen.items() if place != index and now - one[0] <= sequence.span_ns]
    if len(late) + 1 < sequence.least:
        return None
    return tuple(moment for one in sorted(late, key=itemgetter(0)) for moment in one[1])


def _moment(t: Transaction) -> tuple[Moment, ...]:
    found = t.request or t.response
    return () if found is None else (found,)
