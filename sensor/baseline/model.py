"""What a baseline holds: who did what to whom, with which points, values and intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dissectors import PointLine

if TYPE_CHECKING:
    from dissectors import Transaction

GRAVE: Final = ("write", "mode", "program", "configure")
"""Accesses whose values are learned and judged: what somebody sends. What is read follows the process, not the people."""
DYNAMIC: Final = 49_152
"""The first of the ports that are given out as they come (RFC 6335, section 6): where no dissector claims a flow, they are one service."""
UNCLAIMED: Final = ("tcp", "udp")
TOP: Final = 2**64 - 1


class Key(NamedTuple):
    """An operation as a baseline knows it. What a merged one no longer tells apart is None; a port of the dynamic range is its first."""

    client: str | None
    server: str | None
    port: int | None
    protocol: str
    unit: str | None
    function: int | None
    sub_function: str | None
    access: str

    @property
    def pair(self) -> tuple[str | None, str | None]:
        """Who talks to whom."""
        return self.client, self.server


def service(protocol: str, port: int | None) -> int | None:
    """A server's port, all dynamic ones as one where nobody knows what is behind them; None without ports, which the gate has as 0."""
    if port == 0:
        return None
    return DYNAMIC if port is not None and port > DYNAMIC and protocol in UNCLAIMED else port


def sub_text(sub: Any) -> str | None:
    """A sub-function (dissectors.Code) as text: `4/1`, `/0`."""
    return None if sub is None else f"{'' if sub.group is None else sub.group}/{sub.code}"


def key_of(t: Transaction) -> Key:
    """The key of a transaction's operation, which isn't merged."""
    client, server, protocol = t.client, t.server, t.protocol
    return Key(
        client.ip or client.mac, server.ip or server.mac, service(protocol, server.port), protocol, t.unit, t.function.code,
        sub_text(t.sub_function), t.access,
    )  # fmt: skip


def key_of_operation(said: Mapping[str, Any]) -> Key:
    """The same from Engine.operation; of a merged one as far as it is known."""
    function, protocol = said["function"], said["protocol"] or ""
    return Key(
        said["client"], said["server"], service(protocol, said["port"]), protocol, said["unit"],
        None if function is None else function.code, sub_text(said["sub_function"]), said["access"],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """Points of one kind, access and block (or one with a name), with the least and greatest value, where values were learned."""

    kind: str
    access: str
    block: int | None
    first: int
    last: int
    name: str | None = None
    least: float | None = None
    greatest: float | None = None

    @property
    def place(self) -> tuple[Any, ...]:
        """Where it lies, for sorting."""
        return (self.kind, self.access, -1 if self.block is None else self.block, self.name or "", self.first, self.last)

    def line(self, *, values: bool) -> PointLine:
        """As a line of a clause; without `values` they are not limited."""
        whole = self.name is not None
        return PointLine(
            access=self.access, kind=self.kind, block=self.block, first=0 if whole else self.first, last=TOP if whole else self.last,
            name=self.name, minimum=self.least if values else None, maximum=self.greatest if values else None, lenient=True,
        )  # fmt: skip

    def text(self, protocol: str) -> str:
        """As points are written everywhere."""
        from dissectors import point_text

        return point_text(protocol, self.kind, self.block, self.first, self.last, self.name)


@dataclass(frozen=True, slots=True)
class Interval:
    """The time between two occurrences, ns: median and spread (median of the distances from it) of the last `of`."""

    median: int
    spread: int
    of: int

    @property
    def range(self) -> tuple[int, int]:
        """What still is the same interval: four spreads either way."""
        return max(0, self.median - WIDTH * self.spread), self.median + WIDTH * self.spread


WIDTH: Final = 4
"""Spreads to either side of the median."""
ROW: Final = 20
"""Intervals outside in a row that are a change."""
FEWEST: Final = 20
"""Intervals from which on an operation has one."""
LEAST_SPREAD: Final = 1_000_000
"""A millisecond, which is what switches and captures add."""
LEAST_SHARE: Final = 20
"""A twentieth of the median at least: a poller that another thing delays a little goes on polling at its interval."""


def interval_of(intervals: Sequence[int]) -> Interval | None:
    """Median and spread; None of too few. Both are the lower one of the two in the middle where there are two."""
    if len(intervals) < FEWEST:
        return None
    middle = _median(intervals)
    spread = _median([abs(interval - middle) for interval in intervals])
    return Interval(middle, max(spread, middle // LEAST_SHARE, LEAST_SPREAD), len(intervals))


def _median(numbers: Iterable[int]) -> int:
    ordered = sorted(numbers)
    return ordered[(len(ordered) - 1) // 2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """One operation. `points` None: too many to tell apart, any will do. `coarse`: ranges were joined over addresses that were not seen.
    `first` and `last` are ns; `accepted`: it, or part of it, was accepted and not learned."""

    key: Key
    function: str | None = None
    sub_function: str | None = None
    merged: bool = False
    count: int = 0
    first: int = 0
    last: int = 0
    points: tuple[Span, ...] | None = ()
    coarse: bool = False
    interval: Interval | None = None
    accepted: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain data, which `of` reads."""
        document = asdict(self)
        document["key"] = list(self.key)
        document["points"] = None if self.points is None else [_listed(span) for span in self.points]
        document["interval"] = None if self.interval is None else [self.interval.median, self.interval.spread, self.interval.of]
        return document

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Learned:
        """The inverse."""
        made = dict(document)
        made["key"] = Key(*made["key"])
        made["points"] = None if made["points"] is None else tuple(Span(*span) for span in made["points"])
        made["interval"] = None if made["interval"] is None else Interval(*made["interval"])
        return cls(**made)


def _listed(span: Span) -> list[Any]:
    return [span.kind, span.access, span.block, span.first, span.last, span.name, span.least, span.greatest]


@dataclass(slots=True, kw_only=True)
class Baseline:
    """All that was learned. `first` and `last` are the capture time it was learned from, ns, `assets` who was heard or answered.
    `over` counts, by client, the operations that had no room: they were not learned."""

    name: str
    first: int = 0
    last: int = 0
    packets: int = 0
    operations: dict[Key, Learned] = field(default_factory=dict)
    assets: set[str] = field(default_factory=set)
    over: dict[str, int] = field(default_factory=dict)

    @property
    def left_out(self) -> int:
        """Operations that had no room."""
        return sum(self.over.values())
