"""The edges of the asset graph: operations united by client, server, protocol and port, with what the ledger says of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, Final, NamedTuple, Protocol, overload

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

    def __init__(self, key: Key, did: Did) -> None:
        self.key = key
        _, _, _, _, unit, function, name, access, times, rejected, rejections, first, last, points, capture, packet = did
        self.accesses = {access: times}
        self.functions = {(function, name, access): times}
        self.points = list(points)
        self.units: dict[str, None] = {unit: None} if unit else {}
        self.rejected = rejected
        self.rejections = dict(rejections)
        self.first = first
        self.last = last
        self.capture = capture if first is not None else None
        self.packet = packet if first is not None else None
        self.ledger: dict[str, Any] | None = None

    def add(self, did: Did) -> None:
        """Adds another operation."""
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
        functions = list(self.functions.items())
        if len(functions) > 1:
            functions.sort(key=lambda one: (-one[1], one[0][0]))
        first = None if self.first is None else utc(self.first)
        return {
            "client": client, "server": server, "protocol": protocol, "port": port, "units": list(self.units),
            "transactions": total, "rejected": self.rejected, "rejections": self.rejections,
            "accesses": dict(sorted(self.accesses.items())) if len(self.accesses) > 1 else self.accesses,
            "functions": [
                {"code": code, "name": name, "access": access, "count": count} for (code, name, access), count in functions[:MAX_FUNCTIONS]
            ],
            "points": points[:MAX_POINTS], "more_points": max(0, len(points) - MAX_POINTS),
            "per_minute": _rate(total, self.first, self.last),
            "first": first, "last": None if self.last is None else utc(self.last),
            "evidence": None if first is None else {"capture": self.capture, "packet": self.packet, "time": first},
            "ledger": self.ledger,
        }  # fmt: skip


class Talks(Protocol):
    """Edges by their places, as rules of inference ask for them: no more of each than they need."""

    def keys(self) -> Iterable[Key]:
        """Ends, protocol and port of each."""

    def key(self, place: int) -> Key:
        """Ends, protocol and port."""

    def accesses(self, place: int) -> Collection[str]:
        """What was done on it."""

    def codes(self, place: int) -> Collection[str]:
        """By which codes it was refused."""

    def units(self, place: int) -> Collection[str]:
        """The units that it was about."""

    def evidence(self, place: int) -> Mapping[str, Any]:
        """Its first packet: capture, packet, time."""


class Listed:
    """The same of edges that are documents."""

    def __init__(self, edges: Sequence[Mapping[str, Any]]) -> None:
        self._edges = edges

    def keys(self) -> Iterator[Key]:
        """Ends, protocol and port of each."""
        return (self.key(place) for place in range(len(self._edges)))

    def key(self, place: int) -> Key:
        """Ends, protocol and port."""
        edge = self._edges[place]
        return (edge["client"], edge["server"], edge["protocol"], edge["port"])

    def accesses(self, place: int) -> Collection[str]:
        """What was done on it."""
        found: Collection[str] = self._edges[place]["accesses"]
        return found

    def codes(self, place: int) -> Collection[str]:
        """By which codes it was refused."""
        found: Collection[str] = self._edges[place]["rejections"]
        return found

    def units(self, place: int) -> Collection[str]:
        """The units that it was about."""
        found: Collection[str] = self._edges[place]["units"]
        return found

    def evidence(self, place: int) -> Mapping[str, Any]:
        """Its first packet."""
        edge = self._edges[place]
        return edge["evidence"] or {**_NO_PACKET, "time": edge["first"]}


_NO_PACKET: Final[Mapping[str, None]] = {"capture": None, "packet": None, "time": None}


class Edges(Sequence[Mapping[str, Any]]):
    """Edges in the order of their first operation; each is put together when it is read, so that a million of them are held as what was
    done, not as documents."""

    def __init__(self, done: Iterable[tuple[Key, Sequence[Did]]], ledgers: Mapping[Key, Sequence[Mapping[str, Any]]]) -> None:
        self._done = list(done)
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
        return self._document(*self._done[place])

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return (self._document(key, done) for key, done in self._done)

    def _document(self, key: Key, done: Sequence[Did]) -> Mapping[str, Any]:
        edge = Edge(key, done[0])
        for did in done[1:]:
            edge.add(did)
        for ledger in self._ledgers.get(key, ()):
            edge.account(ledger)
        return edge.to_dict()

    def keys(self) -> Iterator[Key]:
        """Ends, protocol and port of each."""
        return (key for key, _ in self._done)

    def key(self, place: int) -> Key:
        """Ends, protocol and port."""
        return self._done[place][0]

    def accesses(self, place: int) -> Collection[str]:
        """What was done on it."""
        return {did.access for did in self._done[place][1]}

    def codes(self, place: int) -> Collection[str]:
        """By which codes it was refused."""
        return {code for did in self._done[place][1] for code in did.rejections}

    def units(self, place: int) -> Collection[str]:
        """The units that it was about."""
        return {did.unit for did in self._done[place][1] if did.unit}

    def evidence(self, place: int) -> Mapping[str, Any]:
        """Its first packet."""
        did = self._done[place][1][0]
        if did.first is None:
            return _NO_PACKET
        return {"capture": did.capture, "packet": did.packet, "time": utc(did.first)}

    def between(self, ids: Set[str]) -> Edges:
        """Those among these assets."""
        return Edges((one for one in self._done if one[0][0] in ids and one[0][1] in ids), self._ledgers)


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
    return Edges(done.items(), accounts)


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
