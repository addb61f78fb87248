"""A scripted engine: batches of facts, and a gate that counts just enough to test what stands on this side of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.synthetic import Moment, Point, Transaction

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
START = 1_700_000_040 * SECOND
"""A full minute."""


def at(time: int, packet: int = 1, capture: int = 1) -> Moment:
    """A moment `time` ns after the start."""
    return Moment(capture=capture, packet=packet, time=START + time)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """Of dissectors.Clause only what the scripted gate looks at; `name` makes each one its own."""

    name: str = ""
    outcomes: Sequence[str] | None = None
    fresh: int | None = None
    deliver: bool = False
    tally: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    clause: Clause
    consequence: Any = None


@dataclass(slots=True)
class Tally:
    clause: int
    operation: int
    count: int = 0
    first: Moment | None = None
    last: Moment | None = None
    outcomes: dict[str, int] = field(default_factory=dict)
    rejections: dict[int, int] = field(default_factory=dict)
    points: tuple[Point, ...] = ()
    values: None = None
    packets: tuple[Moment, ...] = ()
    interval: tuple[int, int] | None = None

    def add(self, t: Transaction) -> None:
        assert t.request is not None
        self.count += 1
        if self.last is not None:
            pause = t.request.time - self.last.time
            least, longest = self.interval or (pause, pause)
            self.interval = (min(least, pause), max(longest, pause))
        self.first = self.first or t.request
        self.last = t.request
        self.outcomes[t.outcome.result] = self.outcomes.get(t.outcome.result, 0) + 1
        if t.outcome.code is not None:
            self.rejections[t.outcome.code] = self.rejections.get(t.outcome.code, 0) + 1
        self.points = tuple({point.text: point for point in (*self.points, *t.points)}.values())
        self.packets = (*self.packets[:10], t.request)

    def copy(self) -> Tally:
        return Tally(
            self.clause,
            self.operation,
            self.count,
            self.first,
            self.last,
            dict(self.outcomes),
            dict(self.rejections),
            self.points,
            None,
            self.packets,
            self.interval,
        )


@dataclass(frozen=True, slots=True)
class WindowTally:
    window: int
    count: int
    first: Moment | None
    last: Moment | None
    packets: tuple[Moment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    window: int
    count: int
    first: Moment
    last: Moment
    kind: str = "crossing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    address: str
    attribute: str
    value: Any
    moment: Moment
    unit: str | None = None
    protocol: str = "ethernet"
    field: str = "eth.src"
    kind: str = "observation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    name: str
    source: str
    destination: str
    moment: Moment
    protocol: str = "modbus"
    layer: str | None = "modbus.mbap"
    offset: int | None = 4
    needed: int | None = 2
    available: int | None = 1
    kind: str = "anomaly"


@dataclass(slots=True)
class Batch:
    facts: Sequence[Any]
    clock: int
    minute: bool
    end: bool
    engine: ScriptedEngine

    def __iter__(self) -> Iterator[Any]:
        for fact in self.facts:
            if fact.kind != "transaction":
                yield fact
                continue
            delivered = self.engine.gate(fact)
            if delivered is not None:
                yield delivered
                self.engine.settle(fact)


def talk(
    server: str, *, sent: tuple[int, int] = (0, 0), payload: tuple[int, int] = (0, 0), gap: int = 0, half_seen: int = 0
) -> dict[str, Any]:
    """A conversation as Engine.conversations gives it: packets and payload bytes from client and server, bytes missing of the latter's."""
    names = ("bytes", "retransmitted", "out_of_order", "gaps", "gap_bytes", "undecoded_bytes", "duplicates", "conflicts")
    sides = [{"packets": sent[side], "payload_bytes": payload[side], **dict.fromkeys(names, 0)} for side in (0, 1)]
    return {
        "client": "10.0.0.1", "server": server, "port": 502, "protocol": "modbus", "flows": 1, "first": at(0), "last": at(1),
        "midstream": 0, "one_way": int(0 in sent), "half_seen": half_seen, "encrypted": 0,
        "from_client": sides[0], "from_server": {**sides[1], "gap_bytes": gap},
    }  # fmt: skip


class ScriptedEngine:
    """`script` is a list of (time after the start, fact or None); a batch ends at each full minute and at the end."""

    def __init__(self, script: Sequence[tuple[int, Any]], result: Mapping[str, Any] | None = None, batch: int = 1000) -> None:
        self.lanes: dict[int, list[tuple[int, list[tuple[Any, int]]]]] = {}
        self.asked: list[tuple[int, Any]] = []
        self._script = list(script)
        self._result = dict(result or {})
        self._batch = batch
        self._tallies: dict[int, Tally] = {}
        self._operations: dict[int, Tally] = {}
        self._firsts: dict[int, Transaction] = {}
        self._changed: set[int] = set()
        self._next = 1
        self.windows: list[WindowTally] = []
        self.talks: list[dict[str, Any]] = []
        self._batches = iter(self._cut())

    def _cut(self) -> Iterator[Batch]:
        held: list[Any] = []
        clock = 0
        for time, fact in self._script:
            for _ in range(clock // MINUTE, time // MINUTE):
                clock = (clock // MINUTE + 1) * MINUTE
                yield Batch(held, START + clock, True, False, self)
                held = []
            clock = time
            held = held if fact is None else [*held, fact]
            if len(held) >= self._batch:
                yield Batch(held, START + clock, False, False, self)
                held = []
        yield Batch(held, START + clock, False, True, self)

    def advance(self) -> Batch | None:
        return next(self._batches, None)

    def _fit(self, lane: list[tuple[Any, int]], t: Transaction) -> tuple[Any, int] | None:
        for clause, number in lane:
            tally = self._tallies[number]
            if clause.outcomes is not None and t.outcome.result not in clause.outcomes:
                continue
            if clause.fresh is not None and tally.last is not None and t.request and t.request.time - tally.last.time >= clause.fresh:
                continue
            return clause, number
        return None

    def gate(self, t: Transaction) -> Transaction | None:
        """The transaction where it is to be delivered, with its lanes; else it is tallied."""
        operation = self._operations.setdefault(t.operation, Tally(0, t.operation))
        operation.add(t)
        self._firsts.setdefault(t.operation, t)
        lanes = self.lanes.get(t.operation)
        if lanes is None:
            return t
        fits = [self._fit(lane, t) for _, lane in lanes]
        mask = sum(1 << place for place, fit in enumerate(fits) if fit is None or fit[0].deliver)
        if mask:
            from dataclasses import replace

            return replace(t, lanes=mask, first=False)
        self._count(fits, t)
        return None

    def settle(self, t: Transaction) -> None:
        """The delivered occurrence is looked at again after the answer."""
        self._count([self._fit(lane, t) for _, lane in self.lanes.get(t.operation, [])], t)

    def _count(self, fits: Sequence[tuple[Any, int] | None], t: Transaction) -> None:
        for fit in fits:
            if fit is not None:
                self._tallies[fit[1]].add(t)
                self._changed.add(fit[1])

    def expect(self, operation: int, lanes: Sequence[tuple[int, Sequence[Any]]]) -> list[list[int]]:
        self.asked.append((operation, lanes))
        held = {number: clause for _, lane in self.lanes.get(operation, []) for clause, number in lane}
        made = []
        for lane, entries in lanes:
            numbers = []
            for entry in entries:
                if isinstance(entry, int):
                    numbers.append((held[entry], entry))
                    continue
                self._tallies[self._next] = Tally(self._next, operation)
                numbers.append((entry, self._next))
                self._next += 1
            made.append((lane, numbers))
        self._changed |= held.keys() - {number for _, numbers in made for _, number in numbers}
        self.lanes[operation] = made
        return [[number for _, number in numbers] for _, numbers in made]

    def tallies(self) -> list[Tally]:
        changed = [self._tallies[number].copy() for number in sorted(self._changed)]
        self._changed.clear()
        return changed

    def operations(self) -> list[Tally]:
        return list(self._operations.values())

    def operation(self, number: int) -> dict[str, Any]:
        t = self._firsts[number]
        return {
            "client": t.client.ip or t.client.mac, "server": t.server.ip or t.server.mac, "port": t.server.port, "protocol": t.protocol,
            "unit": t.unit, "function": t.function, "sub_function": t.sub_function, "access": t.access,
        }  # fmt: skip

    def window_tallies(self) -> list[WindowTally]:
        return list(self.windows)

    def conversations(self) -> list[dict[str, Any]]:
        return self.talks

    def result(self) -> dict[str, Any]:
        return self._result

    def progress(self) -> tuple[int, int, int]:
        return (1, 2, 3)

    def stop(self) -> None:
        self._batches = iter([Batch((), START, True, True, self)])
