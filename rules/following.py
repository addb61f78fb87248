"""Rules that are followed: each delivered occurrence is looked at, by what its operation left of them.

What is looked for is worked out once for a lane's clauses (which belong to one rule, and to operations that left the same of it) and kept
as functions: 100,000 occurrences a second go through 200 rules (tests/bench/rules.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rules.compiler import first_fit
from rules.expression import known_field, reduce
from rules.fields import Stage
from rules.plan import Alert, Plan, Rule
from rules.predicate import Predicate, predicate
from rules.sequences import Sequences

if TYPE_CHECKING:
    from dissectors import Expected, Transaction
    from dissectors._native import Moment

MAX_WATCHED = 65_536
"""Lanes (and sets of lanes) whose functions are remembered."""

Lanes = Mapping[int, Sequence["Expected"]]


class Step(NamedTuple):
    """A step of a sequence that this operation can be: its place, what it asks, and what its group is made of."""

    place: int
    matches: Predicate
    group: tuple[Callable[[Any], tuple[Any, ...]], ...]


class Watched(NamedTuple):
    """A followed rule in an operation's lane. `counted`: some of the lane's clauses count, so the clause that took an occurrence
    decides."""

    rule: Rule
    entries: Sequence[Expected]
    alert: Alert
    matches: Predicate
    counted: bool
    steps: tuple[Step, ...]


class Follower:
    """Follows a plan's rules for one run."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.sequences = Sequences()
        self._watched: dict[int, tuple[Lanes, tuple[Watched, ...]]] = {}
        self._known: dict[int, Watched | None] = {}
        self._entries: list[Sequence[Expected]] = []
        self._before: dict[int, Sequence[Moment]] = {}

    def follow(self, t: Transaction, lanes: Lanes) -> list[Alert]:
        """The alerts of rules that are followed and match this delivered occurrence."""
        known = self._watched.get(id(lanes))
        watched = known[1] if known is not None and known[0] is lanes else self._looked_for(t, lanes)
        found: list[Alert] = []
        for one in watched:
            if one.matches(t) and (not one.counted or _taken(one.entries, t)):
                if one.rule.sequence is None:
                    found.append(one.alert)
                elif (before := self.sequences.take(one.rule, one.rule.sequence, one.steps, t)) is not None:
                    self._before = {id(one.alert): before}
                    found.append(one.alert)
        return found

    def before(self, alert: Alert) -> Sequence[Moment]:
        """The packets of the steps before the occurrence that completed a sequence with this alert last."""
        return self._before.get(id(alert), ())

    def _looked_for(self, t: Transaction, lanes: Lanes) -> tuple[Watched, ...]:
        """The followed rules of an operation's lanes, kept by the lanes' identity."""
        if len(self._watched) >= MAX_WATCHED or len(self._known) >= MAX_WATCHED:
            self._watched.clear()
            self._known.clear()
            self._entries.clear()
        rules = self.plan.rules
        each = (self._watch(rules[number - 1], entries, t) for number, entries in lanes.items() if 1 <= number <= len(rules))
        found = tuple(one for one in each if one is not None)
        self._watched[id(lanes)] = (lanes, found)
        return found

    def _watch(self, rule: Rule, entries: Sequence[Expected], t: Transaction) -> Watched | None:
        """What is looked for in a lane. The entries are kept, so that their identity stays theirs."""
        if id(entries) not in self._known:
            self._entries.append(entries)
            self._known[id(entries)] = _watched(rule, entries, t)
        return self._known[id(entries)]


def _watched(rule: Rule, entries: Sequence[Expected], t: Transaction) -> Watched | None:
    consequences = [entry.consequence for entry in entries if isinstance(entry.consequence, Alert)]
    alert = next((one for one in consequences if one.followed), None)
    if alert is None:
        return None
    left = reduce(rule.expr, t, Stage.OPERATION)
    steps: list[Step] = []
    for index, step in enumerate(rule.sequence.steps if rule.sequence is not None else ()):
        asked = reduce(step.expr, t, Stage.CLASS)  # operations of one class share lanes, whichever step they are
        if asked is not False:
            steps.append(Step(index, predicate(asked), tuple(known_field(name).read for name in step.group_by)))
    counted = any(not one.followed for one in consequences)
    return Watched(rule, entries, alert, predicate(left), counted, tuple(reversed(steps)))


def _taken(entries: Sequence[Expected], t: Transaction) -> bool:
    """Whether the clause that takes an occurrence leaves it to be followed."""
    entry = first_fit(entries, t)
    return entry is not None and isinstance(entry.consequence, Alert) and entry.consequence.followed
