"""The rules' answer to the gate: which of them an operation concerns, and by which clauses its occurrences are counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rules.compiler import OUTCOME, Compiled, Feed, no_window
from rules.expression import Expr, known_field, reduce
from rules.fields import Stage
from rules.following import Follower
from rules.plan import Alert, Plan, Rule
from rules.questions import Questions
from rules.sequences import Sequences
from rules.windows import Group, NewWindow, Windows

if TYPE_CHECKING:
    from dissectors import Crossing, Expected, Transaction
    from dissectors._native import Moment

MAX_CLASSES = 4_096
"""Classes of operations (protocol, function, sub-function, access) that are remembered; then they are worked out anew."""

MAX_SIGNATURES = 1_024
"""Signatures (outcome, anomalies, MAC addresses, VLANs) whose clauses are remembered for a class."""

MAX_ANSWERS = 4_096
"""Answers that are found again by their clauses, which they hold."""

_PLACE = frozenset(("client.mac", "server.mac", "vlan"))
"""Fields of where an occurrence was seen, which differ from one pair of stations to the next."""

Lanes = Mapping[int, Sequence["Expected"]]
NONE: Lanes = MappingProxyType({})


Numbered = tuple[int, Compiled]


@dataclass(slots=True)
class _Class:
    """The rules that a class of operations concerns: those that look no further than an occurrence's signature, and those that look at the
    operation. `known` are answers by signature: the lanes that are the same for all, and rules that need a window for each operation.
    `questions` is what the particular ones ask of an operation."""

    plain: Sequence[Numbered]
    particular: Sequence[Numbered]
    asked: frozenset[str]
    known: dict[tuple[Any, ...], tuple[Lanes, Sequence[Numbered]]]
    questions: Questions


class Judge:
    """Judges operations by a plan (zones.Judge is its like): lane n + 1 belongs to the plan's rule n.

    `new_window` is Engine.window. One run, one judge.
    """

    def __init__(self, plan: Plan, new_window: NewWindow) -> None:
        self.plan = plan
        self.windows = Windows(new_window)
        self._follower = Follower(plan)
        self._classes: dict[tuple[Any, ...], _Class] = {}
        self._answers: dict[tuple[tuple[int, int], ...], Lanes] = {}

    def lanes(self, t: Transaction, held: Lanes) -> Lanes:
        """The lanes of an operation after a delivered occurrence. `held` is empty for the first, else what the operation has now: all its
        lanes, those of others too, in the order in which the engine got them (`t.lanes` counts positions in it)."""
        concerned = self._class(t)
        if held:
            return self._renewed(concerned, t, held)
        if not concerned.plain and not concerned.particular:
            return NONE
        key = _signature(concerned.asked, t) if concerned.asked else ()
        known = concerned.known.get(key) or self._learn(concerned, key, t)
        left = concerned.questions.left(t) if concerned.particular else ()
        if not known[1] and not left:
            return known[0]
        made = dict(known[0])
        for number, compiled in known[1]:
            made[number] = self._first(compiled, compiled.expr, t)
        for number, compiled, expr in left:
            made[number] = self._first(compiled, expr, t)
        return self._alike(made)

    def follow(self, t: Transaction, lanes: Lanes) -> list[Alert]:
        """The alerts of rules that are followed and match this delivered occurrence: each is one more of its count.

        Called once for each delivered transaction, with its operation's lanes after `lanes` was asked.
        """
        return self._follower.follow(t, lanes)

    def before(self, alert: Alert) -> Sequence[Moment]:
        """The packets of the steps before the occurrence that `follow` just gave this alert for; none for a rule of one step."""
        return self._follower.before(alert)

    @property
    def sequences(self) -> Sequences:
        """What sequences wait for."""
        return self._follower.sequences

    def crossed(self, crossing: Crossing) -> Group:
        """What it means that a window crossed its threshold. KeyError for a window that is not the rules'."""
        return self.windows.group(crossing.window)

    def _alike(self, made: Lanes) -> Lanes:
        """One object for all answers with the same clauses, so that whatever is made of them is made once."""
        key = tuple([(number, id(entries)) for number, entries in made.items()])
        known = self._answers.get(key)
        if known is None:
            if len(self._answers) >= MAX_ANSWERS:
                self._answers.clear()
            known = self._answers[key] = made
        return known

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
        plain: list[Numbered] = []
        particular: list[Numbered] = []
        for index, rule in enumerate(self.plan.rules):
            expr = reduce(rule.expr, t, Stage.CLASS)
            if expr is not False:
                compiled = Compiled(rule, expr, kinds)
                (particular if compiled.of_operation else plain).append((index + 1, compiled))
        asked = frozenset(name for _, compiled in plain for name in compiled.asked if known_field(name).stage is Stage.SIGNATURE)
        return _Class(plain, particular, asked, {}, Questions(particular))

    def _learn(self, concerned: _Class, key: tuple[Any, ...], t: Transaction) -> tuple[Lanes, Sequence[Numbered]]:
        """Works out the lanes for a signature that was not met in this class, and which rules need a window for each operation."""
        if len(concerned.known) >= MAX_SIGNATURES:
            concerned.known.clear()
        same: dict[int, Sequence[Expected]] = {}
        each: list[Numbered] = []
        for number, compiled in concerned.plain:
            if compiled.quiet(compiled.expr, t):
                same[number] = compiled.opened(compiled.expr, t, no_window)
            else:
                each.append((number, compiled))
        concerned.known[key] = found = (MappingProxyType(same), tuple(each))
        return found

    def _first(self, compiled: Compiled, expr: Expr, t: Transaction) -> Sequence[Expected]:
        """The first clauses of a lane; of a rule that an operation decided they are the same for all such operations."""
        if expr is not True or compiled.rule.counted is not None:
            return compiled.opened(expr, t, self._feed(compiled.rule, t))
        signature = compiled.signature(t)
        found = compiled.matched.get(signature)
        if found is None:
            if len(compiled.matched) >= MAX_SIGNATURES:
                compiled.matched.clear()
            found = compiled.matched[signature] = compiled.opened(True, t, no_window)
        return found

    def _feed(self, rule: Rule, t: Transaction) -> Feed:
        count = rule.counted
        return no_window if count is None else lambda: self.windows.feed(rule, count, t)

    def _renewed(self, concerned: _Class, t: Transaction, held: Lanes) -> Lanes:
        """The rules' lanes, those that asked for this occurrence brought up to date."""
        compiled = dict((*concerned.plain, *concerned.particular))
        made: dict[int, Sequence[Expected]] = {}
        for position, (number, entries) in enumerate(held.items()):
            rule = compiled.get(number)
            if rule is not None:
                asks = t.lanes >> position & 1
                made[number] = rule.grown(entries, rule.left(t), t, self._feed(rule.rule, t)) if asks else entries
        return made


def _signature(asked: frozenset[str], t: Transaction) -> tuple[Any, ...]:
    """What an occurrence's clauses depend on, as a key: no more than is asked, or each pair of stations would be worked out by itself."""
    outcome = t.outcome
    ending = (outcome.result, outcome.code)
    if asked <= OUTCOME:
        return ending
    anomalies = t.anomalies if "anomalies" in asked else None
    if not asked & _PLACE:
        return (*ending, anomalies)
    return (*ending, anomalies, t.client.mac, t.server.mac, t.vlan)
