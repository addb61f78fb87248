"""The edges of the asset graph: operations united by client, server, protocol and port, with what the ledger says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, Final, NamedTuple, overload

from sensor.clock import MINUTE, utc
from sensor.inventory.ranges import merged

MAX_POINTS: Final = 64
"""Points and ranges that an edge names; how many more there are is said."""
MAX_FUNCTIONS: Final = 64

Key = tuple[str, str, str, int | None]
"""Client and server (asset ids), protocol, port."""


class Did(NamedTuple):
    """An operation with its counts: who did what to whom. Times in ns; `capture` and `packet` are of its first occurrence."""

    client: str
    server: str
    port: int | None
    protocol: str
    unit: str
    function: int
    name: str | None
    access: str
    times: int
    rejected: int
    rejections: Mapping[str, int]
    first: int | None
    last: int | None
    points: Sequence[str]
    capture: Any
    packet: int | None


class Edge:
    """An edge while it is put together."""

    __slots__ = (
        "accesses",
        "capture",
        "first",
        "functions",
        "key",
        "last",
        "ledger",
        "packet",
        "points",
        "rejected",
        "rejections",
        "units",
    )

    def __init__(self, key: Key) -> None:
        self.key = key
        self.accesses: dict[str, int] = {}
        self.functions: dict[tuple[int, str | None, str], int] = {}
        self.points: list[str] = []
        self.units: dict[str, None] = {}
        self.rejected = 0
        self.rejections: dict[str, int] = {}
        self.first: int | None = None
        self.last: int | None = None
        self.capture: Any = None
        self.packet: int | None = None
        self.ledger: dict[str, Any] | None = None

    def add(self, did: Did) -> None:
        """Adds an operation."""
        self.accesses[did.access] = self.accesses.get(did.access, 0) + did.times
        function = (did.function, did.name, did.access)
        self.functions[function] = self.functions.get(function, 0) + did.times
        self.rejected += did.rejected
        _sum(self.rejections, did.rejections)
        if did.points:
            self.points.extend(did.points)
        if did.unit:
            self.units[did.unit] = None
        if did.first is not None and (self.first is None or did.first < self.first):
            self.first, self.capture, self.packet = did.first, did.capture, did.packet
        if did.last is not None and (self.last is None or did.last > self.last):
            self.last = did.last

    def account(self, ledger: Mapping[str, Any]) -> None:
        """Adds what was seen and not seen of the flows below it."""
        if self.ledger is None:
            self.ledger = {}
        _sum(self.ledger, ledger)

    def to_dict(self) -> dict[str, Any]:
        """The edge as JSON; times are UTC text."""
        client, server, protocol, port = self.key
        total = sum(self.accesses.values())
        points = merged(self.points)
        functions = sorted(self.functions.items(), key=lambda one: (-one[1], one[0][0]))
        first = None if self.first is None else utc(self.first)
        return {
            "client": client, "server": server, "protocol": protocol, "port": port, "units": list(self.units),
            "transactions": total, "rejected": self.rejected, "rejections": self.rejections,
            "accesses": dict(sorted(self.accesses.items())),
            "functions": [
                {"code": code, "name": name, "access": access, "count": count} for (code, name, access), count in functions[:MAX_FUNCTIONS]
            ],
            "points": points[:MAX_POINTS], "more_points": max(0, len(points) - MAX_POINTS),
            "per_minute": _rate(total, self.first, self.last),
            "first": first, "last": None if self.last is None else utc(self.last),
            "evidence": None if first is None else {"capture": self.capture, "packet": self.packet, "time": first},
            "ledger": self.ledger,
        }  # fmt: skip


class Edges(Sequence[Mapping[str, Any]]):
    """Edges in the order of their first operation; each is put together when it is read, so that a million of them are held as what was
    done, not as documents."""

    def __init__(self, done: Mapping[Key, Sequence[Did]], ledgers: Mapping[Key, Sequence[Mapping[str, Any]]]) -> None:
        self._done = list(done.items())
        self._ledgers = ledgers

    def __len__(self) -> int:
        return len(self._done)

    @overload
    def __getitem__(self, place: int) -> Mapping[str, Any]: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Mapping[str, Any]]: ...
    def __getitem__(self, place: int | slice) -> Mapping[str, Any] | Sequence[Mapping[str, Any]]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        key, done = self._done[place]
        edge = Edge(key)
        for did in done:
            edge.add(did)
        for ledger in self._ledgers.get(key, ()):
            edge.account(ledger)
        return edge.to_dict()

    def ends(self) -> Iterator[tuple[str, str]]:
        """Client and server of each."""
        return ((key[0], key[1]) for key, _ in self._done)

    def brief(self, place: int) -> Mapping[str, Any]:
        """What rules of inference ask of an edge, for a fraction of the price."""
        (client, server, protocol, _), done = self._done[place]
        first = done[0]
        rejections = first.rejections if len(done) == 1 else {code: count for did in done for code, count in did.rejections.items()}
        said = None if first.first is None else {"capture": first.capture, "packet": first.packet, "time": utc(first.first)}
        return {
            "client": client, "server": server, "protocol": protocol, "units": {did.unit for did in done}, "rejections": rejections,
            "accesses": {did.access for did in done}, "first": None, "evidence": said,
        }  # fmt: skip

    def between(self, ids: Set[str]) -> Edges:
        """Those among these assets."""
        return Edges({key: done for key, done in self._done if key[0] in ids and key[1] in ids}, self._ledgers)


def edges(operations: Iterable[Did], homes: Mapping[str, str], ledgers: Iterable[tuple[Key, Mapping[str, Any]]] = ()) -> Edges:
    """Edges by client, server, protocol and port. `homes` says to which asset an address belongs; what belongs to none is left out.
    `operations` come by their first time; keys of `ledgers` have addresses."""
    done: dict[Key, list[Did]] = {}
    for did in operations:
        client, server = homes.get(did.client), homes.get(did.server)
        if client is not None and server is not None:
            done.setdefault((client, server, did.protocol, did.port), []).append(did)
    accounts: dict[Key, list[Mapping[str, Any]]] = {}
    for (asked, answered, protocol, port), ledger in ledgers:
        key = (homes.get(asked, ""), homes.get(answered, ""), protocol, port)
        if key in done:
            accounts.setdefault(key, []).append(ledger)
    return Edges(done, accounts)


def _rate(count: int, first: int | None, last: int | None) -> float | None:
    """Transactions a minute between the first and the last; None where there is no time between them."""
    if first is None or last is None or last <= first or count < 2:
        return None
    return round((count - 1) * MINUTE / (last - first), 3)


def _sum(total: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, Mapping):
            _sum(total.setdefault(name, {}), value)
        else:
            total[name] = total.get(name, 0) + value
