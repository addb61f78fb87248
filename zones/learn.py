"""The smallest policy under which what was seen is no violation: zones by network where there is no policy yet, and for each pair of zones
the lines that its traffic needs, points put together.

What was seen is proposed, whoever did it: a proposal is to be read, not to be trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from zones.model import Policy
from zones.past import Done, Sides
from zones.places import Place
from zones.vocabulary import CARRIERS, Vocabulary

MAX_POINTS = 24
"""Ranges of points that a line names; with more it is not limited to points, and says so."""
MAX_UNITS = 16
MAX_PORTS = 64
MAX_ASSETS = 32
"""Addresses that a line names; with more it holds for their whole zone."""


class Unseen(NamedTuple):
    """What of a conversation was not seen: numbers of flows, and bytes that are missing."""

    client: str
    server: str
    flows: int
    midstream: int
    one_way: int
    encrypted: int
    missing: int


Placing = Callable[[str, str], Sides]
"""Where client and server of these addresses stand."""


@dataclass(slots=True)
class Support:
    """How often something was seen, and where first."""

    count: int = 0
    first: int | None = None
    where: str = ""

    def add(self, done: Done) -> None:
        """Counts an operation."""
        self.count += done.times
        if self.first is None or (done.first, done.where) < (self.first, self.where):
            self.first, self.where = done.first, done.where

    def join(self, other: Support) -> None:
        """Counts what another counted."""
        self.count += other.count
        if other.first is not None and (self.first is None or (other.first, other.where) < (self.first, self.where)):
            self.first, self.where = other.first, other.where


@dataclass(slots=True)
class Wanted:
    """What one line has to allow between one client and one server."""

    functions: set[int | str] = field(default_factory=set)
    units: set[str | None] = field(default_factory=set)
    ports: set[int] = field(default_factory=set)
    points: set[str] = field(default_factory=set)
    coarse: bool = False
    support: Support = field(default_factory=Support)


class Signature(NamedTuple):
    """What a line says beside who: lines that say the same are one."""

    protocol: str
    access: str | None
    functions: tuple[str, ...]
    units: tuple[str, ...]
    ports: tuple[str, ...]
    points: tuple[str, ...]
    note: str


class ProposedLine(NamedTuple):
    """A line of `allow`, and what it rests on."""

    says: Signature
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    support: Support


@dataclass(frozen=True, slots=True)
class ProposedConduit:
    """A conduit between two zones. `passed` are levels that it skips."""

    source: str
    target: str
    lines: tuple[ProposedLine, ...]
    passed: tuple[float, ...]
    unseen: tuple[Unseen, ...]


class Learner:
    """Puts together what has to be allowed. `place` says where addresses stand; `called` what a side is called in a line."""

    def __init__(self, policy: Policy, place: Placing, words: Vocabulary) -> None:
        self.policy = policy
        self.place = place
        self.words = words
        self.unknown: dict[str, int] = {}
        """Protocols that the language has no word for, with how often they were seen."""

    def conduits(self, done: Iterable[Done], unseen: Iterable[Unseen]) -> list[ProposedConduit]:
        """A conduit for each pair of zones between which something was seen."""
        pairs: dict[tuple[str, str], list[tuple[Sides, Done]]] = {}
        for one in done:
            sides = self.place(one.client, one.server)
            if self.words.protocol_error(one.protocol):
                self.unknown[one.protocol] = self.unknown.get(one.protocol, 0) + one.times
            else:
                pairs.setdefault((sides.client.zone.name, sides.server.zone.name), []).append((sides, one))
        lacking: dict[tuple[str, str], list[Unseen]] = {}
        for lost in unseen:
            sides = self.place(lost.client, lost.server)
            lacking.setdefault((sides.client.zone.name, sides.server.zone.name), []).append(lost)
        return [self._conduit(pair, pairs[pair], lacking.get(pair, [])) for pair in sorted(pairs)]

    def _conduit(self, pair: tuple[str, str], seen: Sequence[tuple[Sides, Done]], unseen: Sequence[Unseen]) -> ProposedConduit:
        source, target = pair
        wanted: dict[tuple[str, str, str, str | None, bool], Wanted] = {}
        for sides, done in seen:
            who = (_called(sides.client), _called(sides.server))
            for access, points in self._parts(done):
                one = wanted.setdefault((*who, done.protocol, access, bool(points)), Wanted())
                self._add(one, done, points)
        needed = {key: one for key, one in wanted.items() if not _carried(key, wanted)}
        lines = tuple(_united(needed, self._signature, (source, target)))
        passed = self.policy.passed_levels(self.policy.zones[source], self.policy.zones[target])
        return ProposedConduit(source, target, lines, passed, tuple(sorted(unseen)))

    def _parts(self, done: Done) -> Iterator[tuple[str | None, list[str]]]:
        """Access and points: each point needs its own access, the operation the gravest, which is its own. Reports aren't limited to
        points: one without any is usual."""
        if not self.words.industrial(done.protocol):
            yield None, []
            return
        by_access: dict[str, list[str]] = {done.access: []}
        for access, text in done.points:
            by_access.setdefault(access, []).extend([text] if access != "report" else [])
        yield from by_access.items()

    def _add(self, one: Wanted, done: Done, points: list[str]) -> None:
        known = self.words.functions(done.protocol)
        if known is not None and done.access != "session":
            one.functions.add(done.name if done.name in known else done.code)
            one.units.add(done.unit)
        if done.protocol in ("tcp", "udp") and done.port is not None:
            one.ports.add(done.port)
        one.points.update(points)
        one.coarse = one.coarse or done.coarse
        one.support.add(done)

    def _signature(self, protocol: str, access: str | None, one: Wanted) -> Signature:
        """What a line has to say."""
        notes = []
        points = [] if one.coarse else _points(protocol, one.points, self.words)
        if one.points and not 0 < len(points) <= MAX_POINTS:
            points = []
            notes.append("points are not limited: too many were seen, or such that a policy can't name")
        units = sorted((unit for unit in one.units if unit is not None), key=by_number)
        if None in one.units or len(units) > MAX_UNITS:
            notes += [f"units are not limited: {len(units)} were seen"] if len(units) > MAX_UNITS else []
            units = []
        ports = [f"{low}-{high}" if low < high else str(low) for low, high in _ranges((port, port) for port in one.ports)]
        if len(ports) > MAX_PORTS:
            notes.append(f"ports are not limited: {len(one.ports)} were seen")
            ports = ["0-65535"]
        functions = sorted(map(str, one.functions), key=by_number)
        return Signature(protocol, access, tuple(functions), tuple(units), tuple(ports), tuple(points), "; ".join(notes))


def _called(place: Place) -> str:
    return place.zone.name if place.asset is None else place.asset


def _carried(key: tuple[str, str, str, str | None, bool], wanted: Mapping[tuple[str, str, str, str | None, bool], Wanted]) -> bool:
    """Sessions that another line between the same two allows as well."""
    client, server, protocol, access, _ = key
    if access != "session":
        return False
    return any(
        (other[0], other[1]) == (client, server) and other[3] != "session" and protocol in (other[2], CARRIERS.get(other[2]))
        for other in wanted
    )


def _united(
    needed: Mapping[tuple[str, str, str, str | None, bool], Wanted],
    signature: Callable[[str, str | None, Wanted], Signature],
    zones: tuple[str, str],
) -> Iterator[ProposedLine]:
    """Lines that say the same of one client and several servers, or of several clients and the same servers, as one."""
    to: dict[tuple[Signature, str], tuple[set[str], Support]] = {}
    for (client, server, protocol, access, _), one in needed.items():
        servers, support = to.setdefault((signature(protocol, access, one), client), (set(), Support()))
        servers.add(server)
        support.join(one.support)
    lines: dict[tuple[Signature, tuple[str, ...]], tuple[set[str], Support]] = {}
    for (says, client), (servers, support) in to.items():
        clients, total = lines.setdefault((says, _named(servers, zones[1])), (set(), Support()))
        clients.add(client)
        total.join(support)
    for (says, named), (clients, total) in sorted(lines.items(), key=lambda line: (line[0][0], line[0][1], sorted(line[1][0]))):
        yield ProposedLine(says, _named(clients, zones[0]), named, total)


def _named(names: set[str], zone: str) -> tuple[str, ...]:
    """The names in a line; none where it holds for the whole zone."""
    return () if zone in names or len(names) > MAX_ASSETS else tuple(sorted(names, key=by_number))


def by_number(text: str) -> tuple[int, bytes | str]:
    """For sorting: addresses and numbers by their value, other texts by themselves."""
    try:
        return (0, ip_address(text).packed)
    except ValueError:
        return (1, text.zfill(12)) if text.isdigit() else (2, text)


def _ranges(found: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges that touch or overlap as one."""
    made: list[tuple[int, int]] = []
    for first, last in sorted(found):
        if made and first <= made[-1][1] + 1:
            made[-1] = (made[-1][0], max(made[-1][1], last))
        else:
            made.append((first, last))
    return made


def _points(protocol: str, texts: Iterable[str], words: Vocabulary) -> list[str]:
    """Points as a policy writes them, put together; none where one of them can't be written."""
    from dissectors import point_text
    from zones.points import read_point

    places: dict[tuple[str, int | None], list[tuple[int, int]]] = {}
    named: set[str] = set()
    try:
        for text in texts:
            point = read_point(protocol, text, words)
            if point.name is not None:
                named.add(text)
            else:
                places.setdefault((point.kind, point.block), []).append((point.first, point.last))
        made = []
        for (kind, block), found in sorted(places.items(), key=lambda place: (place[0][0], place[0][1] or 0)):
            for first, last in _ranges(found):
                text = point_text(protocol, kind, block, first, last)
                back = read_point(protocol, text, words)
                if (back.kind, back.block, back.first, back.last) != (kind, block, first, last):
                    return []
                made.append(text)
    except ValueError:
        return []
    return [*made, *sorted(named)]


def networks_of(addresses: Iterable[str], prefix: int) -> list[str]:
    """The networks of these addresses, of `prefix` bits (IPv6: 64), without link-local and group addresses, which belong to none."""
    found = set()
    for text in addresses:
        try:
            address = ip_address(text)
        except ValueError:
            continue  # a MAC address
        if address.is_multicast or address.is_unspecified or address.is_loopback or address.is_link_local or text == "255.255.255.255":
            continue
        found.add(ip_network((address, prefix if address.version == 4 else 64), strict=False))
    return [str(network) for network in sorted(found, key=lambda network: (network.version, network.network_address.packed))]
