"""The gate of DESIGN.md, 2.1, written plainly: what the engine does with lanes, clauses and windows, for tests of the rules' answers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dissectors import Clause, Expected, PointLine
from rules.judge import Judge
from rules.plan import Plan
from tests.synthetic import Moment, Point, Transaction


@dataclass(slots=True)
class Kept:
    count: int = 0
    last: int | None = None


@dataclass(slots=True)
class Window:
    mode: str
    span: int
    threshold: int
    seen: list[tuple[int, str]] = field(default_factory=list)
    above: bool = False


@dataclass(slots=True)
class Crossing:
    window: int
    count: int
    first: Moment
    last: Moment
    kind: str = "crossing"


class Gate:
    """Runs transactions through a plan. `delivered` counts what Python was asked, `counts` alerts by rule name, `crossings` windows."""

    def __init__(self, plan: Plan) -> None:
        self.windows: dict[int, Window] = {}
        self.judge = Judge(plan, self._window)
        self.held: dict[tuple[Any, ...], dict[int, Sequence[Expected]]] = {}
        self.kept: dict[tuple[Any, int], Kept] = defaultdict(Kept)
        self.alive: list[Expected] = []
        self.delivered = 0
        self.counts: Counter[str] = Counter()
        self.episodes: Counter[str] = Counter()
        self.crossings: list[tuple[str, dict[str, Any]]] = []

    def _window(self, mode: str, span: int, threshold: int) -> int:
        number = len(self.windows) + 1
        self.windows[number] = Window(mode, span, threshold)
        return number

    def run(self, transactions: Sequence[Transaction]) -> Gate:
        """Takes them one by one, as if asked packet by packet."""
        for t in transactions:
            self.take(t)
        return self

    def take(self, t: Transaction) -> None:
        sub = t.sub_function
        code = None if sub is None else (sub.group, sub.code)
        key = (t.client.ip, t.server.ip, t.server.port, t.protocol, t.unit, t.function.code, code, t.access)
        held = self.held.get(key)
        mask = 2**32 - 1 if held is None else self._asking(key, held, t)
        if mask:
            self.delivered += 1
            asked = replace(t, lanes=mask)
            answer = dict(self.judge.lanes(asked, held or {}))  # type: ignore[arg-type]
            self.held[key] = held = answer if held is None else {**held, **answer}
            self.alive.extend(entry for entries in held.values() for entry in entries)  # an id is an identity while its object lives
            for alert in self.judge.follow(asked, held):  # type: ignore[arg-type]
                self.counts[alert.name] += 1
        for entries in (held or {}).values():
            self._tally(key, entries, t)

    def _asking(self, key: Any, held: dict[int, Sequence[Expected]], t: Transaction) -> int:
        mask = 0
        for position, entries in enumerate(held.values()):
            entry = self._fit(key, entries, t)
            if entry is None or entry.clause.deliver:
                mask |= 1 << position
        return mask

    def _fit(self, key: Any, entries: Sequence[Expected], t: Transaction) -> Expected | None:
        return next((entry for entry in entries if self._fits(key, entry, t)), None)

    def _fits(self, key: Any, entry: Expected, t: Transaction) -> bool:
        clause = entry.clause
        if clause.fresh is not None:
            last = self.kept[key, id(entry)].last
            if last is not None and t.time - last >= clause.fresh:
                return False
        return fits(clause, t)

    def _tally(self, key: Any, entries: Sequence[Expected], t: Transaction) -> None:
        entry = self._fit(key, entries, t)
        if entry is None:
            return
        kept = self.kept[key, id(entry)]
        kept.last = t.time
        if entry.clause.tally:
            if kept.count == 0 and entry.consequence is not None:
                self.episodes[entry.consequence.name] += 1
            kept.count += 1
            if entry.consequence is not None:
                self.counts[entry.consequence.name] += 1
        for window, value in entry.clause.windows:
            self._feed(window, value, t)

    def _feed(self, number: int, value: str | None, t: Transaction) -> None:
        window = self.windows[number]
        points = [f"{p.kind}:{address}" for p in t.points for address in range(p.first, p.last + 1)]
        values = [value] if value is not None else points if window.mode == "value_count" else [""]
        window.seen = [(at, v) for at, v in window.seen if at >= t.completed - window.span]
        window.seen.extend((t.completed, v) for v in values)
        count = len(window.seen) if window.mode == "event_count" else len({v for _, v in window.seen})
        if count >= window.threshold and not window.above:
            moment = Moment(capture=1, packet=1, time=t.time)
            group = self.judge.crossed(Crossing(number, count, moment, moment))  # type: ignore[arg-type]
            self.crossings.append((group.alert.name, dict(group.fields)))
        window.above = count >= window.threshold


def fits(clause: Clause, t: Transaction) -> bool:
    """Whether an occurrence fits a clause, freshness aside."""
    if clause.outcomes is not None and t.outcome.result not in clause.outcomes:
        return False
    if clause.rejections is not None and t.outcome.code not in clause.rejections:
        return False
    if clause.anomalies is not None and set(t.anomalies) not in [set(names) for names in clause.anomalies]:
        return False
    if clause.l2 is not None:
        seen = (t.client.mac, t.server.mac, t.vlan)
        if not any(all(want in (None, got) for want, got in zip(line, seen, strict=True)) for line in clause.l2):
            return False
    return clause.points is None or all(_covered(p, address, clause.points) for p in t.points for address in range(p.first, p.last + 1))


def _covered(p: Point, address: int, lines: Sequence[PointLine]) -> bool:
    """An address of a point lies in one of the united lines."""
    value = None if p.values is None else p.values[address - p.first]
    if p.name is not None and all((line.first, line.last) != (0, 2**64 - 1) for line in lines):
        return False
    for line in lines:
        placed = line.kind in (None, p.kind) and line.access in (None, p.access) and line.first <= address <= line.last
        low, high = line.minimum, line.maximum
        limited = low is not None or high is not None
        within = (
            line.lenient
            if value is None
            else not isinstance(value, str) and (low is None or value >= low) and (high is None or value <= high)
        )
        if placed and (not limited or within):
            return True
    return False
