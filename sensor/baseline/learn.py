"""Learning: the gate keeps what operations do (dissectors/src/gate/habit.rs), and at the end it is read once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from dissectors import Clause, Expected
from sensor.baseline.model import GRAVE, Baseline, Learned, Span, interval_of, key_of_operation
from sensor.inventory.address import is_device

if TYPE_CHECKING:
    from dissectors import Habit, Tally, Transaction

LANE: Final = 1 << 30
"""The baseline's lane in an operation's expectation."""
MAX_OPERATIONS: Final = 65_536
"""Operations that are learned."""
MAX_OF_CLIENT: Final = 4_096
"""The same of one client, so that one that sweeps the network while it is learned leaves room for the others."""
MANY_NAMES: Final = 32
MANY_RANGES: Final = 128
"""What a tally has room for (dissectors/src/gate/ranges.rs): of more it is not known which they are."""

Lanes = Mapping[int, Sequence[Expected]]
_LEARN: Final[Lanes] = {LANE: (Expected(Clause(anomalies=None, tally=False, learn=True)),)}
_LEARN_VALUES: Final[Lanes] = {LANE: (Expected(Clause(anomalies=None, tally=False, learn=True, limits=True)),)}
_PASS: Final[Lanes] = {LANE: (Expected(Clause(anomalies=None, tally=False)),)}


class Passing:
    """Lets everything pass: where something was learned and nothing is to be judged."""

    def lanes(self, t: Transaction, held: Lanes) -> Lanes:  # noqa: ARG002
        """Expects everything."""
        return _PASS


class Learner:
    """Answers the gate while a baseline is learned. Asked once an operation; what it answers depends on the operation's client alone."""

    def __init__(self, name: str, max_operations: int = MAX_OPERATIONS, max_of_client: int = MAX_OF_CLIENT) -> None:
        self.name = name
        self._max = max_operations
        self._most = max_of_client
        self._of_client: dict[str | None, int] = {}
        self._numbers: set[int] = set()
        self.over: dict[str, int] = {}

    def lanes(self, t: Transaction, held: Lanes) -> Lanes:
        """The lane that learns; one that lets pass where there is no room."""
        if LANE in held:
            return {LANE: held[LANE]}
        if t.operation not in self._numbers and not self._admitted(t):
            return _PASS
        return _LEARN_VALUES if t.access in GRAVE else _LEARN

    def _admitted(self, t: Transaction) -> bool:
        client = t.client.ip or t.client.mac
        used = self._of_client.get(client, 0)
        if used >= self._most or len(self._numbers) >= self._max:
            if t.first:
                self.over[client or ""] = self.over.get(client or "", 0) + 1
            return False
        self._of_client[client] = used + 1
        self._numbers.add(t.operation)
        return True

    def learned(self, engine: Any, span: tuple[int, int], packets: int) -> Baseline:
        """The baseline, from what the engine counted so far. `span` is the first and last capture time."""
        habits: dict[int, Habit] = {habit.operation: habit for habit in engine.habits()}
        made = Baseline(name=self.name, first=span[0], last=span[1], packets=packets, over=dict(self.over))
        for tally in engine.operations():
            if tally.operation in self._numbers and tally.count:
                _add(made, learned_of(engine.operation(tally.operation), tally, habits.get(tally.operation)), tally)
        return made


def _add(baseline: Baseline, learned: Learned, tally: Tally) -> None:
    """Operations that differ only in what a baseline doesn't look at (the user of an OPC UA session) are one, without an interval."""
    known = baseline.operations.get(learned.key)
    baseline.operations[learned.key] = learned if known is None else united(known, learned)
    client, server = learned.key.pair
    answered = learned.key.access == "report" or any(name in tally.outcomes for name in ("accepted", "rejected"))
    for address, heard in ((client, True), (server, answered)):
        if heard and address is not None and is_device(address):
            baseline.assets.add(address)


def united(one: Learned, other: Learned) -> Learned:
    """What either did."""
    points = None if one.points is None or other.points is None else joined((*one.points, *other.points))
    return replace(
        one, count=one.count + other.count, first=min(one.first, other.first), last=max(one.last, other.last), points=points,
        coarse=one.coarse or other.coarse, merged=one.merged or other.merged, interval=None, accepted=one.accepted or other.accepted,
    )  # fmt: skip


def learned_of(said: Mapping[str, Any], tally: Tally, habit: Habit | None) -> Learned:
    """One operation: `said` is Engine.operation, `tally` its own, `habit` what was kept beside it."""
    function, sub = said["function"], said["sub_function"]
    values = () if habit is None else habit.values
    return Learned(
        key=key_of_operation(said), function=None if function is None else function.name, sub_function=None if sub is None else sub.name,
        merged=said["merged"], count=tally.count, first=0 if tally.first is None else tally.first.time,
        last=0 if tally.last is None else tally.last.time, points=None if said["merged"] else points_of(tally, values),
        coarse=tally.points_coarse, interval=None if habit is None or said["merged"] else interval_of(habit.intervals),
    )  # fmt: skip


def points_of(tally: Tally, values: Iterable[tuple[Any, tuple[float, float] | None]]) -> tuple[Span, ...] | None:
    """The points of a tally with the limits of their values; None where it had no room for all of them."""
    points = tally.points
    if tally.points_coarse and (len(points) >= MANY_RANGES or sum(point.name is not None for point in points) >= MANY_NAMES):
        return None
    valued: dict[tuple[Any, ...], list[Span]] = {}
    for point, limits in values:
        if point.access not in GRAVE:
            continue
        low, high = limits or (None, None)
        span = Span(point.kind, point.access, point.block, point.first, point.last, point.name, low, high)
        valued.setdefault((span.kind, span.access, span.block, span.name), []).append(span)
    found: list[Span] = []
    for point in points:
        inside = valued.get((point.kind, point.access, point.block, point.name), ())
        found += _cut(Span(point.kind, point.access, point.block, point.first, point.last, point.name), inside)
    return joined(found)


def _cut(whole: Span, inside: Sequence[Span]) -> Iterator[Span]:
    """A range as those of its parts that have values, and the rest."""
    if whole.name is not None:
        yield inside[0] if inside else whole
        return
    at = whole.first
    for span in sorted(inside, key=lambda span: (span.first, span.last)):
        if span.first < whole.first or span.last > whole.last:
            continue
        if span.first > at:
            yield replace(whole, first=at, last=span.first - 1)
        yield span
        at = max(at, span.last + 1)
    if at <= whole.last:
        yield replace(whole, first=at)


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Each once, in order; neighbours with the same limits as one, the same place with the wider limits."""
    made: list[Span] = []
    for span in sorted(set(spans), key=lambda span: (span.place, span.least is not None, span.least or 0, span.greatest or 0)):
        last = made[-1] if made else None
        if last is None or (last.kind, last.access, last.block, last.name) != (span.kind, span.access, span.block, span.name):
            made.append(span)
        elif (last.first, last.last) == (span.first, span.last):
            made[-1] = _widened(last, span)
        elif (last.least, last.greatest) == (span.least, span.greatest) and span.first <= last.last + 1:
            made[-1] = replace(last, last=max(last.last, span.last))
        else:
            made.append(span)
    return tuple(made)


def _widened(one: Span, other: Span) -> Span:
    """Without limits where one of them has none."""
    if one.least is None or other.least is None or one.greatest is None or other.greatest is None:
        return replace(one, least=None, greatest=None)
    return replace(one, least=min(one.least, other.least), greatest=max(one.greatest, other.greatest))
