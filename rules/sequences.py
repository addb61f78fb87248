"""Correlations of several rules within a span: `temporal` (in any order) and `temporal_ordered` (in theirs). They are followed: no clause
can say what another operation did, so their rules' occurrences are delivered, and counted here (DESIGN.md, 2.1).

The clock is when transactions were complete, as for windows, and facts come in that order: the result depends neither on batches nor on
threads. A group that was complete begins anew: each completion is one occurrence of the alert.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

from rules.expression import known_field, reduce
from rules.fields import Stage
from rules.plan import Rule, Sequence

if TYPE_CHECKING:
    from dissectors import Transaction
    from dissectors._native import Moment

MAX_GROUPS = 65_536
"""Groups of all rules that wait for more. Beyond, the one that was quiet longest is forgotten, and how often that was is
(`Sequences.forgotten`)."""


class Seen(NamedTuple):
    """A step that was seen: when the chain that it ends began and when it itself was, ns, and the first packets of the chain's steps."""

    began: int
    time: int
    moments: tuple[Moment, ...]


class Sequences:
    """What was seen of each rule's steps, by group."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = MAX_GROUPS if limit is None else limit
        self._groups: OrderedDict[tuple[Any, ...], dict[int, Seen]] = OrderedDict()
        self.forgotten = 0

    def take(self, rule: Rule, sequence: Sequence, t: Transaction) -> tuple[Moment, ...] | None:
        """Takes an occurrence: the packets of the steps before it where it completes the rule, else None."""
        for index in range(len(sequence.steps) - 1, -1, -1):
            step = sequence.steps[index]
            if reduce(step.expr, t, Stage.FREE) is not True:
                continue
            key = (rule.id, *(known_field(name).read(t) for name in step.group_by))
            seen = self._group(key, sequence.span_ns, t.completed)
            found = self._ordered(seen, sequence, index, t) if sequence.ordered else self._any(seen, sequence, index, t)
            if found is not None:
                self._groups.pop(key, None)
                return found
        return None

    def _group(self, key: tuple[Any, ...], span: int, now: int) -> dict[int, Seen]:
        """What a group has seen; what lies further back than the span is gone."""
        seen = self._groups.get(key)
        if seen is None:
            if len(self._groups) >= self._limit:
                self._groups.popitem(last=False)
                self.forgotten += 1
            seen = self._groups[key] = {}
        self._groups.move_to_end(key)
        for index in [index for index, one in seen.items() if now - one.began > span]:
            del seen[index]
        return seen

    @staticmethod
    def _ordered(seen: dict[int, Seen], sequence: Sequence, index: int, t: Transaction) -> tuple[Moment, ...] | None:
        """The latest beginning wins: whoever starts anew has the whole span before it."""
        before = None if index == 0 else seen.get(index - 1)
        if index > 0 and before is None:
            return None
        moments = () if before is None else before.moments
        if index == len(sequence.steps) - 1:
            return moments
        began = t.completed if before is None else before.began
        seen[index] = Seen(began, t.completed, (*moments, *_moment(t)))
        return None

    @staticmethod
    def _any(seen: dict[int, Seen], sequence: Sequence, index: int, t: Transaction) -> tuple[Moment, ...] | None:
        seen[index] = Seen(t.completed, t.completed, _moment(t))
        if len(seen) < sequence.least:
            return None
        others = sorted((one for place, one in seen.items() if place != index), key=lambda one: one.time)
        return tuple(moment for one in others for moment in one.moments)


def _moment(t: Transaction) -> tuple[Moment, ...]:
    found = t.request or t.response
    return () if found is None else (found,)
