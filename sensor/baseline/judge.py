"""What is new, and how: the baseline's answer to the gate.

An operation that was learned has a clause for what was learned of it, which counts nothing. Whatever does not fit that one is delivered,
and counted from then on by a clause of its own, for each way of being new. An operation that was not learned has one such clause alone.
It is news again after an hour of quiet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from dissectors import Clause, Expected, PointLine
from sensor.baseline import words
from sensor.baseline.learn import LANE, Lanes
from sensor.baseline.model import GRAVE, ROW, Baseline, Learned, Span, key_of, key_of_operation, service
from sensor.clock import HOUR, utc
from sensor.findings import Severity, Statement
from sensor.inventory.address import is_device
from zones.fitting import covered

if TYPE_CHECKING:
    from dissectors import Transaction
    from dissectors._native import Point

HOWS: Final[Mapping[str, str]] = {
    "asset": "New asset", "conversation": "New conversation", "protocol": "New protocol between two assets", "function": "New function",
    "interval": "Interval changed", "value": "Value out of range", "points": "New points",
}  # fmt: skip
"""The ways of being new, and the titles of their findings."""
_CONFIDENCE: Final = {
    "asset": 0.9, "conversation": 0.8, "protocol": 0.8, "function": 0.7, "interval": 0.5, "value": 0.6, "points": 0.7,
}  # fmt: skip
FEW: Final = 20
"""What was learned from fewer occurrences says half as much."""
_SEVERITY: Final[Mapping[str, tuple[Severity, Severity]]] = {
    "asset": ("medium", "high"), "conversation": ("medium", "high"), "protocol": ("medium", "high"), "function": ("low", "high"),
    "interval": ("low", "low"), "value": ("medium", "medium"), "points": ("low", "medium"),
}  # fmt: skip
"""How grave it is where something is looked at, and where something is changed (sensor.baseline.model.GRAVE)."""
_WITHIN: Final = ("interval", "value", "points")
"""The ways of an operation that was learned, in the order of their clauses: each of them takes what those before it don't."""
_ANY: Final = Clause(anomalies=None, fresh=HOUR)
MAX_ALIKE: Final = 4_096
"""Answers that are found again by what was learned."""


def rule_of(how: str) -> str:
    """The rule's id in findings."""
    return f"baseline-{how}"


class Judge:
    """Judges by one baseline. `engine` describes operations (dissectors.Engine). One run, one judge."""

    def __init__(self, baseline: Baseline, engine: Any) -> None:
        self.baseline = baseline
        self._engine = engine
        self._news = News(baseline, engine)
        self._alike: dict[Clause, Lanes] = {}

    def lanes(self, t: Transaction, held: Lanes) -> Lanes:
        """The baseline's lane after a delivered occurrence; `held` is what the operation's lanes hold now."""
        mine = held.get(LANE)
        if mine is not None and not t.lanes >> tuple(held).index(LANE) & 1:
            return {LANE: mine}
        said = self._engine.operation(t.operation)
        learned = self.baseline.operations.get(key_of_operation(said) if said["merged"] else key_of(t))
        if learned is None:
            return {LANE: _counted(_ANY, self._news.of_operation(t, merged=said["merged"]))}
        if mine is not None:
            return {LANE: self._grown(t, learned, mine)}
        opening = self._opening(learned)
        return opening if how(learned, t) == "interval" else {LANE: self._grown(t, learned, opening[LANE])}

    def _opening(self, learned: Learned) -> Lanes:
        """What was learned, as one clause; the same object for all operations of which the same was learned."""
        clause = expectation(learned)
        found = self._alike.get(clause)
        if found is None:
            if len(self._alike) >= MAX_ALIKE:
                self._alike.clear()
            found = self._alike[clause] = {LANE: (Expected(clause),)}
        return found

    def _grown(self, t: Transaction, learned: Learned, mine: Sequence[Expected]) -> Sequence[Expected]:
        """The lane with a clause for the way in which this occurrence is new. Ways that were not met yet are delivered, and none of them
        takes what belongs to another."""
        met = {entry.consequence.rule: entry for entry in mine if entry.consequence is not None}
        now = how(learned, t)
        made = [mine[0]]
        for way, clause in _ways(learned):
            if way == now:
                made.append(Expected(clause, self._news.within(t, learned, way)))
            elif rule_of(way) in met:
                made.append(met[rule_of(way)])
            if way != _WITHIN[-1]:
                made.append(_guard(clause))
        return tuple(made)


def _counted(clause: Clause, statement: Statement) -> Sequence[Expected]:
    return (Expected(clause, statement),)


def _guard(clause: Clause) -> Expected:
    """Delivers what the clause takes, where the clause is stale or not there yet."""
    return Expected(clause._replace(fresh=None, deliver=True, tally=False, limits=False))


def expectation(learned: Learned) -> Clause:
    """What was learned of an operation: its points with their limits, and its interval."""
    regular = None if learned.interval is None else (*learned.interval.range, ROW)
    return Clause(points=_lines(learned, values=True), anomalies=None, regular=regular, tally=False)


def _lines(learned: Learned, *, values: bool) -> tuple[PointLine, ...] | None:
    return None if learned.points is None else tuple(span.line(values=values) for span in learned.points)


def _ways(learned: Learned) -> Iterator[tuple[str, Clause]]:
    """The ways in which an occurrence may be new, each with its clause."""
    if learned.interval is not None:
        yield "interval", _ANY._replace(points=_lines(learned, values=True))
    if learned.points is not None:
        if any(span.least is not None or span.greatest is not None for span in learned.points):
            yield "value", _ANY._replace(points=_lines(learned, values=False), limits=True)
        yield "points", _ANY


def how(learned: Learned, t: Transaction) -> str:
    """The way in which an occurrence is new that does not fit what was learned."""
    if learned.points is None:
        return "interval"
    limited, bare = (_lines(learned, values=values) or () for values in (True, False))
    for point in t.points:
        if not covered(point, bare if point.values is None else limited):
            return "value" if all(covered(point, bare) for point in t.points) else "points"
    return "interval"


class News:
    """Says what is new: the statements of findings."""

    def __init__(self, baseline: Baseline, engine: Any) -> None:
        self.baseline = baseline
        self._engine = engine
        self._of_pair: dict[tuple[str | None, str | None], list[Learned]] = {}
        self._asked: dict[str | None, dict[str, None]] = {}
        for learned in baseline.operations.values():
            self._of_pair.setdefault(learned.key.pair, []).append(learned)
            self._asked.setdefault(learned.key.client, {})[learned.key.server or "several"] = None

    def of_operation(self, t: Transaction, *, merged: bool = False) -> Statement:
        """Of an operation that was not learned: the widest way in which it is new."""
        client, server = t.client.ip or t.client.mac or "?", t.server.ip or t.server.mac or "?"
        known, base = self._of_pair.get((client, server), ()), self.baseline
        answers = t.access == "report" or t.outcome.result in ("accepted", "rejected")
        for address, heard in ((client, True), (server, answers)):
            if heard and address not in base.assets and is_device(address):
                span = f"from {utc(base.first)[:19]}Z to {utc(base.last)[:19]}Z"
                return self._said(t, "asset", f"{address} was never seen (learned: {len(base.assets):,} assets {span})")
        if not known:
            asked = words.listed(self._asked.get(client, ()))
            return self._said(t, "conversation", f"{client} never talked to {server} (learned: it talked to {asked})")
        return self._of_pair_known(t, known, (client, server), merged=merged)

    def _of_pair_known(self, t: Transaction, known: Sequence[Learned], sides: tuple[str, str], *, merged: bool) -> Statement:
        client, server = sides
        port = service(t.protocol, t.server.port)
        same = [learned for learned in known if (learned.key.protocol, learned.key.port) == (t.protocol, port)]
        if not same and not merged:
            spoken = words.listed(sorted({f"{one.key.protocol} {one.key.port or ''}".rstrip() for one in known}))
            there = f" on port {t.server.port}" if t.server.port is not None else ""
            return self._said(t, "protocol", f"{client} never spoke {t.protocol} with {server}{there} (learned: {spoken})")
        if merged:
            return self._said(t, "function", f"{client} does more with {server} than the gate tells apart, which was not learned")
        done = words.listed(sorted({f"{words.function_of(one)} ({one.key.access})" for one in same}))
        unit = f" on unit {t.unit}" if t.unit is not None else ""
        wanted = f"{words.function(t)} ({t.access}){unit}"
        return self._said(t, "function", f"{wanted} was never asked of {server} by {client} (learned: {done})")

    def within(self, t: Transaction, learned: Learned, way: str) -> Statement:
        """Of an operation that was learned: new points, a value out of range, another interval."""
        if way == "interval":
            return self._said(t, way, self._interval(t, learned), learned)
        client = t.client.ip or t.client.mac or "?"
        spans, protocol = learned.points or (), t.protocol
        where = [point for point in t.points if not covered(point, _lines(learned, values=way == "value") or ())]
        named, done = words.listed(point.text for point in where), words.done(t.access)
        if way == "points":
            known = words.points(spans, protocol)
            return self._said(t, way, f"{named} was never {done} by {client} (learned: {known}, {words.did(learned)})", learned)
        seen = words.values([value for point in where for value in point.values or () if isinstance(value, (int, float))])
        held = words.limits(span for span in spans if any(_meet(span, point) for point in where))
        return self._said(t, way, f"{named} was never {done} with {seen} by {client} (learned: {held}, {words.did(learned)})", learned)

    def _interval(self, t: Transaction, learned: Learned) -> str:
        last, moment = self._engine.operations()[t.operation - 1].last, t.request or t.response
        client, server = t.client.ip or t.client.mac, t.server.ip or t.server.mac
        now = "" if last is None or moment is None else f": {words.duration(max(0, moment.time - last.time))} now"
        held = "" if learned.interval is None else words.interval(learned.interval)
        return f"{client} no longer asks {server} for {words.function(t)} at its interval{now} (learned: {held}, {words.did(learned)})"

    def _said(self, t: Transaction, way: str, why: str, learned: Learned | None = None) -> Statement:
        looks, changes = _SEVERITY[way]
        sure = _CONFIDENCE[way] if learned is None or learned.count >= FEW else _CONFIDENCE[way] / 2
        detail: dict[str, Any] = {"name": self.baseline.name, "how": way, "why": why}
        if learned is not None:
            detail["learned"] = {"count": learned.count, "first": utc(learned.first), "last": utc(learned.last)}
        return Statement(
            kind="alert", title=HOWS[way], reason=way, severity=changes if t.access in GRAVE else looks, confidence=sure,
            rule=rule_of(way), detail={"baseline": detail},
        )  # fmt: skip


def _meet(span: Span, point: Point) -> bool:
    """Whether they have an address, or the name, in common."""
    if (span.kind, span.access, span.block, span.name) != (point.kind, point.access, point.block, point.name):
        return False
    return span.name is not None or (span.first <= point.last and point.first <= span.last)
