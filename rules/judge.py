"""The rules' answer to the gate: which of them an operation concerns, and by which clauses its occurrences are counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rules.compiler import Compiled, Entries
from rules.expression import reduce
from rules.fields import Stage
from rules.matcher import matches
from rules.plan import Alert, Plan
from rules.points import covered
from rules.windows import Group, NewWindow, Windows

if TYPE_CHECKING:
    from dissectors import Crossing, Expected, Transaction

MAX_CLASSES = 4_096
"""Classes of operations (protocol, function, sub-function, access) that are remembered; then they are worked out anew."""

MAX_BLOCKS = 1_024
"""Blocks of clauses that are remembered for a class."""

Lanes = Mapping[int, Sequence["Expected"]]
NONE: Lanes = MappingProxyType({})


@dataclass(slots=True)
class _Class:
    """The rules that a class of operations concerns: lanes that are the same for all of its operations, and rules to be asked for each."""

    always: Lanes
    asked: Sequence[tuple[int, Compiled]]
    blocks: dict[tuple[Any, ...], Entries]


class Judge:
    """Judges operations by a plan (zones.Judge is its like): lane n + 1 belongs to the plan's rule n.

    `new_window` is Engine.window. One run, one judge.
    """

    def __init__(self, plan: Plan, new_window: NewWindow) -> None:
        self.plan = plan
        self.windows = Windows(new_window)
        self._classes: dict[tuple[Any, ...], _Class] = {}

    def lanes(self, t: Transaction, held: Lanes) -> Lanes:
        """The lanes of an operation after a delivered occurrence. `held` is empty for the first, else what the operation has now: all its
        lanes, those of others too, in the order in which the engine got them (`t.lanes` counts positions in it)."""
        concerned = self._class(t)
        if not concerned.asked:
            return self._renewed(concerned, t, held) if held and concerned.always else concerned.always
        if held:
            return self._renewed(concerned, t, held)
        made = dict(concerned.always)
        for number, compiled in concerned.asked:
            expr = reduce(compiled.expr, t, Stage.OPERATION)
            if expr is not False:
                made[number] = self._block(concerned, number, compiled, expr, t)
        return made

    def follow(self, t: Transaction, lanes: Lanes) -> list[Alert]:
        """The alerts of rules that are followed and match this delivered occurrence: each is one more of its count.

        Called once for each delivered transaction, with its operation's lanes after `lanes` was asked.
        """
        found: list[Alert] = []
        for number, entries in lanes.items():
            if not 1 <= number <= len(self.plan.rules) or not any(_followed(entry) for entry in entries):
                continue
            entry = first_fit(entries, t)
            if entry is not None and _followed(entry) and matches(self.plan.rules[number - 1], t):
                found.append(entry.consequence)
        return found

    def crossed(self, crossing: Crossing) -> Group:
        """What it means that a window crossed its threshold. KeyError for a window that is not the rules'."""
        return self.windows.group(crossing.window)

    def _class(self, t: Transaction) -> _Class:
        sub = t.sub_function
        key = (t.protocol, t.function.code, t.access) if sub is None else (t.protocol, t.function.code, t.access, sub.group, sub.code)
        found = self._classes.get(key)
        if found is None:
            if len(self._classes) >= MAX_CLASSES:
                self._classes.clear()
            found = self._classes[key] = self._work_out(t)
        return found

    def _work_out(self, t: Transaction) -> _Class:
        """Decides each rule as far as protocol, function and access do."""
        kinds = self.plan.kinds.get(t.protocol, ())
        always: dict[int, Sequence[Expected]] = {}
        asked: list[tuple[int, Compiled]] = []
        for index, rule in enumerate(self.plan.rules):
            expr = reduce(rule.expr, t, Stage.CLASS)
            if expr is False:
                continue
            compiled = Compiled(rule, expr, kinds)
            if expr is True and rule.count is None:
                always[index + 1] = compiled.block(True, t, None)
            else:
                asked.append((index + 1, compiled))
        return _Class(MappingProxyType(always), asked, {})

    def _block(self, concerned: _Class, number: int, compiled: Compiled, expr: Any, t: Transaction) -> Entries:
        """The first clauses of a lane; for a rule without a window the same for all operations of which it leaves the same."""
        count = compiled.rule.count
        if count is not None:
            return compiled.block(expr, t, self.windows.feed(compiled.rule, count, t))
        if expr is not compiled.expr and expr is not True:
            return compiled.block(expr, t, None)
        key = (number, expr is True, compiled.signature(t))
        found = concerned.blocks.get(key)
        if found is None:
            if len(concerned.blocks) >= MAX_BLOCKS:
                concerned.blocks.clear()
            found = concerned.blocks[key] = compiled.block(expr, t, None)
        return found

    def _renewed(self, concerned: _Class, t: Transaction, held: Lanes) -> Lanes:
        """The rules' lanes, those that asked for this occurrence brought up to date."""
        known = {number: compiled for number, compiled in concerned.asked}
        made: dict[int, Sequence[Expected]] = {}
        for position, (number, entries) in enumerate(held.items()):
            if not 1 <= number <= len(self.plan.rules):
                continue
            made[number] = entries
            if not t.lanes >> position & 1:
                continue
            compiled = known.get(number)
            rule = self.plan.rules[number - 1]
            if compiled is None:
                compiled = Compiled(rule, True, ())
            expr = reduce(compiled.expr, t, Stage.OPERATION)
            feed = None if rule.count is None else self.windows.feed(rule, rule.count, t)
            made[number] = compiled.grown(entries, expr, t, feed)
        return made


def first_fit(entries: Sequence[Expected], t: Transaction) -> Expected | None:
    """The entry of a lane that takes an occurrence, freshness aside."""
    for entry in entries:
        clause = entry.clause
        if clause.outcomes is not None and t.outcome.result not in clause.outcomes:
            continue
        if clause.rejections is not None and t.outcome.code not in clause.rejections:
            continue
        if clause.anomalies is not None and tuple(t.anomalies) not in clause.anomalies:
            continue
        if clause.l2 is not None and not any(_same_l2(line, t) for line in clause.l2):
            continue
        if covered(t.points, clause.points):
            return entry
    return None


def _same_l2(line: tuple[str | None, str | None, tuple[int, ...] | None], t: Transaction) -> bool:
    seen = (t.client.mac, t.server.mac, tuple(t.vlan))
    return all(wanted is None or wanted == value for wanted, value in zip(line, seen, strict=True))


def _followed(entry: Expected) -> bool:
    return isinstance(entry.consequence, Alert) and entry.consequence.followed
