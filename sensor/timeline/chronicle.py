"""Listens to a run: what was written over what, modes, programs, configurations, in bursts that a person can read.

To the gate it is one more judge, with a lane of its own: it expects identification and sessions, and has everything else of an understood
protocol delivered. That costs a delivery for each read, which a replay on request can pay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from dissectors import Clause, Expected, protocols
from sensor.clock import MINUTE, utc
from sensor.timeline.contents import Contents
from sensor.timeline.values import Values

if TYPE_CHECKING:
    from dissectors import Transaction
    from dissectors._native import Point

LANE: Final = 1_000_000
"""Beyond those of policy and rules."""
BURST: Final = MINUTE
"""What follows the last of the same kind within this is one event."""
MAX_EVENTS: Final = 20_000
"""Events; what comes beyond is counted."""
MAX_POINTS: Final = 64
"""Points that an event names with their values; the rest is counted."""
MAX_PACKETS: Final = 10
MAX_FUNCTIONS: Final = 8
_TOLD: Final = ("write", "mode", "program", "configure")
_HEARD: Final = ("read", "report", *_TOLD)
_EVERYTHING: Final[Mapping[int, Sequence[Expected]]] = {LANE: (Expected(Clause(anomalies=None, deliver=True, tally=False)),)}
_NOTHING: Final[Mapping[int, Sequence[Expected]]] = {}


@dataclass(slots=True, kw_only=True)
class Change:
    """A point that was written: the value before, where it was known, the first and last one written, how often, and what came of it."""

    point: str
    before: list[Any] | None
    after: list[Any] | None
    latest: list[Any] | None
    outcomes: dict[str, int]
    count: int = 1

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the timeline."""
        said: dict[str, Any] = {"point": self.point, "before": self.before, "after": self.after, "count": self.count}
        said["outcomes"] = self.outcomes
        return said if self.latest == self.after else {**said, "latest": self.latest}


@dataclass(slots=True, kw_only=True)
class Burst:
    """The same thing done by the same client to the same device, with at most a minute between two of them."""

    kind: str
    protocol: str
    client: str
    server: str
    unit: str | None
    functions: dict[str, None]
    time: int
    last: int
    first_seen: bool
    count: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    changes: dict[str, Change] = field(default_factory=dict)
    more_points: int = 0
    packets: list[tuple[int, int]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the timeline."""
        return {
            "time": utc(self.time), "last": utc(self.last), "kind": self.kind, "protocol": self.protocol, "client": self.client,
            "server": self.server, "unit": self.unit, "functions": list(self.functions), "first_seen": self.first_seen, "count": self.count,
            "outcomes": self.outcomes, "changes": [change.to_dict() for change in self.changes.values()], "more_points": self.more_points,
            "packets": [{"capture": capture, "packet": packet} for capture, packet in self.packets],
        }  # fmt: skip


class Chronicle:
    """A judge (sensor.pipeline.Judge) that expects little, and a listener. `hold`: keep the bytes of programs and files."""

    def __init__(self, *, hold: bool = False) -> None:
        self.contents = Contents(hold=hold)
        self.bursts: list[Burst] = []
        self.left_out = 0
        self._values = Values()
        self._newest: dict[tuple[object, ...], Burst] = {}
        self._met: set[tuple[object, ...]] = set()
        self._known = frozenset(protocols())

    def lanes(self, t: Transaction, held: Mapping[int, Sequence[Expected]]) -> Mapping[int, Sequence[Expected]]:
        """Everything of understood protocols but identification and sessions is delivered. DNP3 closes files in sessions."""
        if LANE in held:
            return {LANE: held[LANE]}
        heard = t.protocol in self._known and (t.access in _HEARD or t.protocol == "dnp3")
        return _EVERYTHING if heard else _NOTHING

    def heard(self, t: Transaction) -> None:
        """Takes a delivered transaction."""
        if t.protocol not in self._known:
            return
        if self.contents.take(t) or t.access not in _HEARD:
            return
        points = t.points
        if t.access in _TOLD:
            self._told(t, points)
        if points:
            self._values.heard(t, points)

    def _told(self, t: Transaction, points: Sequence[Point]) -> None:
        sub = t.sub_function
        function = " ".join(name for name in (_name(t.function), None if sub is None else _name(sub)) if name)
        client, server = _address(t.client), _address(t.server)
        key = (t.access, t.protocol, client, server, t.unit, "" if t.access == "write" else function)
        burst = self._newest.get(key)
        if burst is None or t.time - burst.last > BURST:
            if len(self.bursts) >= MAX_EVENTS:
                self.left_out += 1
                return
            met = (t.access, client, server)
            burst = self._newest[key] = Burst(
                kind=t.access, protocol=t.protocol, client=client, server=server, unit=t.unit, functions={}, time=t.time, last=t.time,
                first_seen=met not in self._met,
            )  # fmt: skip
            self._met.add(met)
            self.bursts.append(burst)
        if len(burst.functions) < MAX_FUNCTIONS:
            burst.functions[function] = None
        self._grown(burst, t, points)

    def _grown(self, burst: Burst, t: Transaction, points: Sequence[Point]) -> None:
        burst.count += 1
        burst.last = max(burst.last, t.time)
        burst.outcomes[t.outcome.result] = burst.outcomes.get(t.outcome.result, 0) + 1
        moment = t.request or t.response
        if moment is not None and len(burst.packets) < MAX_PACKETS:
            burst.packets.append((moment.capture, moment.packet))
        for point in points:
            if point.access not in _TOLD:
                continue
            known = burst.changes.get(point.text)
            if known is not None:
                known.count += 1
                known.latest = _plain(point.values)
                known.outcomes[t.outcome.result] = known.outcomes.get(t.outcome.result, 0) + 1
            elif len(burst.changes) < MAX_POINTS:
                values = _plain(point.values)
                before = _plain(self._values.before(t, point)) if t.access == "write" else None
                outcomes: dict[str, int] = {t.outcome.result: 1}
                burst.changes[point.text] = Change(point=point.text, before=before, after=values, latest=values, outcomes=outcomes)
            else:
                burst.more_points += 1


def _name(code: Any) -> str:
    return str(code.name or code.code)


def _address(side: Any) -> str:
    return str(side.ip or side.mac or "?")


def _plain(values: Sequence[Any] | None) -> list[Any] | None:
    """Values for JSON, not endless."""
    return None if values is None else list(values[:256])
