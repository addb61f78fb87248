"""From a rule and an operation to a lane: the clauses by which the gate counts what the rule matches.

What a rule asks is decided in three steps. What stands in the operation is decided once. What an occurrence's outcome, anomalies,
MAC addresses and VLANs decide becomes a block of clauses for exactly these (its signature); other signatures are delivered once and get
blocks of their own. What is left asks for points, and becomes ranges. What then still is left differs from one occurrence to
the next: the rule is followed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from dissectors import Clause, Expected
from rules.expression import And, Expr, Not, Or, Some, atoms, conjunction, disjunction, fields_of, known_field, negation, reduce
from rules.fields import RESULTS, Field, Stage
from rules.plan import Alert, Rule
from rules.points import MAX_SEARCHES, Spans, covered, intersection, lines, plain, uncovered

if TYPE_CHECKING:
    from dissectors import Transaction

FRESH_NS = 3_600_000_000_000
"""After an hour of quiet the next occurrence is delivered and opens a new finding."""

MAX_CLAUSES = 64
"""Clauses of one lane; signatures beyond are followed."""

MAX_DECISIONS = 4_096
"""What a rule leaves of an operation is remembered for so many different ones."""

OUTCOME = frozenset(["outcome.result", "outcome.code", "outcome.name"])
"""The fields of an outcome."""

Entries = tuple[Expected, ...]
Feed = Callable[[], tuple[int, str | None] | None]
"""A correlation's window and the value to count, asked only where occurrences are counted; None when there are too many windows."""


def no_window() -> None:
    """The feed of a rule that is no correlation."""


class Signature(NamedTuple):
    """The conditions of a block's clauses, as Clause has them."""

    outcomes: tuple[str, ...] | None = None
    rejections: tuple[int, ...] | None = None
    anomalies: tuple[tuple[str, ...], ...] | None = None
    l2: tuple[tuple[str | None, str | None, tuple[int, ...] | None], ...] | None = None

    def of(self, clause: Clause) -> bool:
        """Whether a clause belongs to this block."""
        held = (clause.outcomes, clause.rejections, clause.anomalies, clause.l2)
        return held == (self.outcomes, self.rejections, self.anomalies, self.l2)


UNSIGNED = Signature()
"""Where a rule asks for nothing that an occurrence decides."""

Signed = tuple[Signature, bool]
"""A signature, and whether clauses can say it exactly."""


@dataclass(frozen=True)
class Compiled:
    """A rule, for one class of operations: `expr` is what is left of it there. `kinds` are the protocol's kinds of points. `matched` keeps
    the clauses, by signature, for operations that are matched whatever else an occurrence has."""

    rule: Rule
    expr: Expr
    kinds: tuple[str, ...]
    matched: dict[Signed, Entries] = field(default_factory=dict)
    _decisions: dict[tuple[Any, ...], Expr] = field(default_factory=dict)
    _calm: dict[int, tuple[Expr, Entries]] = field(default_factory=dict)
    _endings: dict[tuple[str, int | None], Signed] = field(default_factory=dict)
    _left: dict[tuple[int, Signature], tuple[Expr, Expr]] = field(default_factory=dict)
    _flat: dict[tuple[bool, Signature], Entries] = field(default_factory=dict)

    @cached_property
    def of_operation(self) -> tuple[Field, ...]:
        """The fields of the operation that are still asked for."""
        asked = (known_field(name) for name in sorted(set(fields_of(self.expr))))
        return tuple(found for found in asked if found.stage is Stage.OPERATION)

    def left(self, t: Transaction) -> Expr:
        """What the operation leaves of the rule."""
        if not self.of_operation:
            return self.expr
        key = tuple([found.read(t) for found in self.of_operation])
        decided = self._decisions.get(key)
        if decided is None:
            if len(self._decisions) >= MAX_DECISIONS:
                self._decisions.clear()
            decided = self._decisions[key] = reduce(self.expr, t, Stage.OPERATION)
        return decided

    @cached_property
    def asked(self) -> frozenset[str]:
        """The fields that the rule still asks for, groups and what is counted included."""
        count = self.rule.counted
        grouped = () if count is None else (*count.group_by, *([count.value] if count.value else []))
        return frozenset(fields_of(self.expr)) | frozenset(grouped)

    @cached_property
    def signed(self) -> frozenset[str]:
        """The fields whose values are conditions of a block."""
        return frozenset(name for name in self.asked if known_field(name).stage is Stage.SIGNATURE)

    def quiet(self, expr: Expr, t: Transaction) -> bool:
        """Occurrences like this one, of an operation that left `expr`, are in no window: the clauses do not depend on the operation."""
        return self.rule.counted is None or (self.signature(t)[1] and reduce(expr, t, Stage.SIGNATURE) is False)

    @cached_property
    def followed_alert(self) -> Alert | None:
        """The alert of occurrences that Python matches one by one; a correlation has none, only windows count for it."""
        return replace(self.rule.alert, followed=True) if self.rule.counted is None else None

    def signature(self, t: Transaction) -> Signed:
        """The signature of an occurrence. What only its outcome decides is remembered by the outcome."""
        if not self.signed:
            return UNSIGNED, True
        if not self.signed <= OUTCOME:
            return self._signature(t)
        outcome = t.outcome
        key = (outcome.result, outcome.code)
        known = self._endings.get(key)
        if known is None:
            if len(self._endings) >= MAX_DECISIONS:
                self._endings.clear()
            known = self._endings[key] = self._signature(t)
        return known

    def _signature(self, t: Transaction) -> Signed:
        asked, sure = self.signed, True
        outcomes = rejections = anomalies = l2 = None
        if any(name.startswith("outcome.") for name in asked):
            outcomes = (t.outcome.result,)
            if t.outcome.result == "rejected" and asked & {"outcome.code", "outcome.name"}:
                sure = t.outcome.code is not None
                rejections = None if t.outcome.code is None else (t.outcome.code,)
        if "anomalies" in asked:
            anomalies = (tuple(t.anomalies),)
        if asked & {"client.mac", "server.mac", "vlan"}:
            macs = [getattr(t, name).mac if f"{name}.mac" in asked else None for name in ("client", "server")]
            sure = sure and all(f"{name}.mac" not in asked or mac for name, mac in zip(("client", "server"), macs, strict=True))
            l2 = ((macs[0], macs[1], tuple(t.vlan) if "vlan" in asked else None),)
        return Signature(outcomes, rejections, anomalies, l2), sure

    def opened(self, expr: Expr, t: Transaction, feed: Feed) -> Entries:
        """A lane's first clauses: the block of the first occurrence, and one clause for all outcomes with which the rule matches nothing,
        so that an operation isn't asked for again with each of them."""
        calm = self.calm(expr)
        if calm and t.outcome.result in (calm[0].clause.outcomes or ()):
            return calm
        return (*self.block(expr, t, feed), *calm)

    def calm(self, expr: Expr) -> Entries:
        """The clause of the outcomes that a rule matches nothing with, where nothing but the outcome is asked of an occurrence. A rejection
        is none of them while its code decides."""
        known = self._calm.get(id(expr))
        if known is None:
            if len(self._calm) >= MAX_DECISIONS:
                self._calm.clear()
            known = self._calm[id(expr)] = (expr, self._calmed(expr))
        return known[1]

    def _calmed(self, expr: Expr) -> Entries:
        if isinstance(expr, bool) or not self.signed or not self.signed <= OUTCOME:
            return ()
        coded = bool(self.signed & {"outcome.code", "outcome.name"})
        results = tuple(
            result for result in RESULTS
            if not (coded and result == "rejected") and reduce(expr, _with_outcome(result), Stage.SIGNATURE) is False
        )  # fmt: skip
        return (Expected(clause=Clause(outcomes=results, anomalies=None, tally=False)),) if results else ()

    def block(self, expr: Expr, t: Transaction, feed: Feed) -> Entries:
        """The clauses for an occurrence's signature. `expr` is what its operation left; `feed` gives a correlation's window."""
        signature, sure = self.signature(t)
        left = self._decided_by(signature, expr, t) if sure else expr
        if isinstance(left, bool):
            return self._whole(left, signature, feed)
        searches = {atom for atom in atoms(left) if isinstance(atom, Some)}
        kinds = self.kinds if len(searches) <= MAX_SEARCHES and all(map(plain, t.points)) else None
        return _guarded(self._entries(left, None, signature, feed, kinds))

    def _decided_by(self, signature: Signature, expr: Expr, t: Transaction) -> Expr:
        """What a signature leaves of a tree, remembered by the tree's identity (trees are few, and held with what is left of them)."""
        key = (id(expr), signature)
        known = self._left.get(key)
        if known is None:
            if len(self._left) >= MAX_DECISIONS:
                self._left.clear()
            known = self._left[key] = (expr, reduce(expr, t, Stage.SIGNATURE))
        return known[1]

    def _whole(self, matched: bool, signature: Signature, feed: Feed) -> Entries:
        """The clause for all occurrences of a signature: the same for all operations, but where it is counted in a window of its own."""
        if matched and self.rule.counted is not None:
            return (self._decided(matched, None, signature, feed),)
        known = self._flat.get((matched, signature))
        if known is None:
            if len(self._flat) >= MAX_DECISIONS:
                self._flat.clear()
            known = self._flat[matched, signature] = (self._decided(matched, None, signature, feed),)
        return known

    def _entries(self, expr: Expr, within: Spans | None, signature: Signature, feed: Feed, kinds: tuple[str, ...] | None) -> list[Expected]:
        """A list of which the first that fits decides, for occurrences whose points are covered by `within` (None: any). Without `kinds`
        points are not translated."""
        if isinstance(expr, bool):
            return [self._decided(expr, within, signature, feed)]
        for atom in atoms(expr):
            free = uncovered(atom, kinds) if kinds is not None and isinstance(atom, Some) else None
            both = free if free is None or within is None else intersection(within, free)
            if both is not None:
                without = self._entries(assume(expr, atom, False), both, signature, feed, kinds)
                return without + self._entries(assume(expr, atom, True), within, signature, feed, kinds)
        clause = _clause(signature, within, deliver=True, tally=False)
        return [Expected(clause=clause, consequence=self.followed_alert)]

    def _decided(self, matched: bool, within: Spans | None, signature: Signature, feed: Feed) -> Expected:
        if not matched:
            return Expected(clause=_clause(signature, within, tally=False))
        if self.rule.counted is not None:
            return Expected(clause=_clause(signature, within, tally=False, windows=() if (fed := feed()) is None else (fed,)))
        if self.rule.sequence is not None:
            return Expected(clause=_clause(signature, within, deliver=True, tally=False), consequence=self.followed_alert)
        return Expected(clause=_clause(signature, within, fresh=FRESH_NS), consequence=self.rule.alert)

    def grown(self, held: Sequence[Expected], expr: Expr, t: Transaction, feed: Feed) -> Sequence[Expected]:
        """The lane after an occurrence that it asked for: a block for a new signature, or a new clause where one was quiet for an hour."""
        signature, _ = self.signature(t)
        for index, entry in enumerate(held):
            if not signature.of(entry.clause) or not covered(t.points, entry.clause.points):
                continue
            if entry.clause.fresh is None:
                return held
            renewed = Expected(clause=entry.clause, consequence=entry.consequence)
            return (*held[:index], renewed, *held[index + 1 :])
        if len(held) >= MAX_CLAUSES:
            return held if self._open(held) else (*held, Expected(clause=_OTHERS, consequence=self.followed_alert))
        return (*self.block(expr, t, feed), *held) if self._sure(t) else (*held, *self.block(expr, t, feed))

    def _sure(self, t: Transaction) -> bool:
        return self.signature(t)[1]

    @staticmethod
    def _open(held: Sequence[Expected]) -> bool:
        return any(entry.clause == _OTHERS for entry in held)


class _Ending(NamedTuple):
    """An outcome as a rule reads it."""

    result: str
    code: int | None = None
    name: str | None = None


class _Imagined(NamedTuple):
    """An occurrence of which only the outcome is asked."""

    outcome: _Ending


def _with_outcome(result: str) -> Any:
    return _Imagined(_Ending(result))


_OTHERS = Clause(anomalies=None, deliver=True, tally=False)
"""Whatever fits nothing else: delivered each time."""


def assume(expr: Expr, atom: Expr, value: bool) -> Expr:
    """The tree with one condition decided."""
    if type(expr) is type(atom) and expr == atom:
        return value
    match expr:
        case And(parts=parts):
            return conjunction(tuple(assume(part, atom, value) for part in parts))
        case Or(parts=parts):
            return disjunction(tuple(assume(part, atom, value) for part in parts))
        case Not(part=part):
            return negation(assume(part, atom, value))
    return expr


def _clause(signature: Signature, within: Spans | None, **rest: Any) -> Clause:
    return Clause(
        points=None if within is None else lines(within),
        outcomes=signature.outcomes,
        rejections=signature.rejections,
        anomalies=signature.anomalies,
        l2=signature.l2,
        **rest,
    )


def _guarded(entries: list[Expected]) -> Entries:
    """The same, with a delivering clause behind each that can go stale: what follows must not take its occurrences."""
    made: list[Expected] = []
    for index, entry in enumerate(entries):
        made.append(entry)
        if entry.clause.fresh is not None and index + 1 < len(entries):
            made.append(Expected(clause=entry.clause._replace(fresh=None, deliver=True, tally=False)))
    return tuple(made)


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
