"""What two policies decide differently: both are asked the same questions, made from the lines of either.

Each line is asked about at its corners: every side it names, every access, the first and last of its points and their neighbours, its
limits of values and what lies just beyond them. What no line of either policy speaks of is decided the same by both, but for the zones
that addresses stand in, and those are compared by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, NamedTuple

from zones.decision import Decider
from zones.expectations import said_of
from zones.model import ACCESSES, EXTERNAL, INDUSTRIAL, SECURITY_MODES, UNKNOWN, Line, Network, PointRange, Policy
from zones.supposed import Code, Point, Side, Supposed, asker

MAX_QUESTIONS = 200_000
"""More are not asked, and the comparison says so."""
ANOTHER = "another user"
_NOWHERE = ("8.8.8.8", "192.168.255.253", "172.31.255.253", "10.255.255.253")
"""Addresses that policies seldom declare, for what is external or unknown."""


class Change(NamedTuple):
    """One decision that differs: who asks whom for what, what it was and became, and the lines that said so. `points` may be several."""

    source: str
    target: str
    protocol: str
    access: str
    function: str | None
    before: str
    after: str
    lines: tuple[int, int]
    points: tuple[str, ...]


class Moved(NamedTuple):
    """An address or asset that stands in another zone."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """All of it; `asked` questions, and whether that were `all_asked`."""

    moved: tuple[Moved, ...]
    changes: tuple[Change, ...]
    asked: int
    all_asked: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values: `moved`, `changes` (each with its fields), `asked`, `all_asked`."""
        return {
            "moved": [one._asdict() for one in self.moved], "changes": [one._asdict() for one in self.changes],
            "asked": self.asked, "all_asked": self.all_asked,
        }  # fmt: skip


class _Asked(NamedTuple):
    source: str
    target: str
    line: Line
    access: str
    function: Code
    points: tuple[Point, ...]
    text: str | None
    asker: tuple[str | None, str | None]

    @property
    def about(self) -> str:
        """Points, user and security mode, in words."""
        user, mode = self.asker
        said = (self.text, None if user is None else f"user {user}", None if mode is None else f"security {mode}")
        return ", ".join(part for part in said if part)


def compare(one: Policy, other: Policy, at: int) -> Difference:
    """Compares two policies at a time (ns)."""
    before, after = Decider(one), Decider(other)
    merged: dict[Change, list[str]] = {}
    asked, everything = 0, True
    for question in dict.fromkeys(_questions(one, other)):
        sides = [(_side(decider, question.source), _side(decider, question.target)) for decider in (before, after)]
        if any(side is None for pair in sides for side in pair):
            continue
        if asked >= MAX_QUESTIONS:
            everything = False
            break
        asked += 1
        was, is_ = (_decide(decider, pair, question, at) for decider, pair in zip((before, after), sides, strict=True))
        if was[0] != is_[0]:
            change = Change(
                question.source, question.target, question.line.protocol, question.access, question.function.name, was[0], is_[0],
                (was[1], is_[1]), (),
            )  # fmt: skip
            merged.setdefault(change, []).extend([question.about] if question.about else [])
    changes = tuple(change._replace(points=tuple(dict.fromkeys(points))) for change, points in merged.items())
    return Difference(tuple(_moves(before, after)), changes, asked, everything)


def _decide(decider: Decider, sides: tuple[Any, Any], question: _Asked, at: int) -> tuple[str, int]:
    client, server = sides
    port = min(question.line.known_ports, default=None)
    if question.line.ports is not None:
        port = question.line.ports[0][0]
    unit = None
    if question.line.units is not None:
        first = question.line.units[0]
        unit = first if isinstance(first, str) else str(first[0])
    t: Any = Supposed(
        client=client, server=Side(server.ip, server.mac, port), protocol=question.line.protocol, access=question.access,
        function=question.function, points=question.points, unit=unit, completed=at, detail=asker(*question.asker),
    )  # fmt: skip
    rung = decider.judged(t)[3]
    rates = "".join(f", at most {limit.rate.text}" for limit in rung.limits)
    return f"{said_of(rung.verdict)}{rates}", rung.verdict.line if rung.verdict is not None else rung.line


def _questions(*policies: Policy) -> Iterator[_Asked]:
    for policy in policies:
        for conduit in policy.conduits:
            for line in (*conduit.allow, *conduit.deny):
                for source in sorted(line.sources or conduit.sources):
                    for target in sorted(line.targets or conduit.targets):
                        yield from _of_line(source, target, line)


def _of_line(source: str, target: str, line: Line) -> Iterator[_Asked]:
    functions = [Code(one, None) if isinstance(one, int) else Code(-1, one) for one in sorted(line.functions or (), key=str)]
    accesses = line.access or ACCESSES
    if line.protocol not in INDUSTRIAL and not line.known_ports:
        accesses = ("session",)  # judged by its connections
    for access in accesses:
        for function in functions or [Code(0, "connect" if access == "session" else None)]:
            for points, text in _corners(line, access):
                for who in _askers(line):
                    yield _Asked(source, target, line, access, function, points, text, who)


def _askers(line: Line) -> Iterator[tuple[str | None, str | None]]:
    """Users and security modes that a line names, and others; (None, None) where it names none."""
    modes = [None] if line.security_modes is None else SECURITY_MODES
    users = [None] if line.users is None else [*sorted(line.users), ANOTHER]
    return ((user, mode) for user in users for mode in modes)


def _corners(line: Line, access: str) -> Iterator[tuple[tuple[Point, ...], str | None]]:
    values = sorted({edge for limit in (line.minimum, line.maximum) if limit is not None for edge in (limit - 1, limit, limit + 1)})
    if line.points is None and not values:
        yield (), None
        return
    for one in line.points or (PointRange("", None, 0, 0, ""),):
        edges = [one.first] if one.name is not None else [edge for edge in (one.first - 1, one.first, one.last, one.last + 1) if edge >= 0]
        for edge in dict.fromkeys(edges):
            place = one.text if edge in (one.first, one.last) and one.first == one.last else f"{one.kind}:{edge}"
            for value in (*values,) or (None,):
                said = place if value is None else f"{place} = {value:g}"
                seen = None if value is None else (float(value),)
                yield (Point(one.kind, one.block, edge, edge, access, seen, one.name),), said


def _side(decider: Decider, name: str) -> Side | None:
    """An address of an asset, or one that stands in a zone; None where this policy has no such."""
    policy = decider.policy
    asset = policy.assets.get(name)
    if asset is not None:
        return Side(asset.ips[0], None) if asset.ips else Side(None, asset.macs[0])
    zone = policy.zones.get(name)
    if zone is None:
        return None
    listed = [policy.assets[one] for one in policy.assets if policy.assets[one].zone == name]
    candidates = [text for network in zone.networks for text in _some(network)]
    candidates += [ip for one in listed for ip in one.ips] + (list(_NOWHERE) if name in (EXTERNAL, UNKNOWN) else [])
    for text in candidates:
        if decider.places.place_of(text, None, ()).zone.name == name:
            return Side(text, None)
    macs = [*(mac for mac, _ in zone.macs), *(mac for one in listed for mac in one.macs)]
    return Side(None, macs[0]) if macs else None


def _some(network: Network) -> Iterator[str]:
    """Some addresses of a network, spread over it."""
    addresses = network.addresses
    for part in range(64):
        offset = part if part < 32 else len(addresses) * (part - 31) // 33
        if offset < len(addresses):
            yield _text(addresses.start + offset, network.family)


def _text(bits: int, family: int) -> str:
    return str(ip_address(bits.to_bytes(4 if family == 4 else 16, "big")))


def _moves(before: Decider, after: Decider) -> Iterator[Moved]:
    """Declared networks and assets that stand elsewhere than they did."""
    for text, bits in _addresses((before.policy, after.policy)):
        one, other = (decider.places.place_of(bits, None, ()).zone.name for decider in (before, after))
        if one != other:
            yield Moved(text, one, other)


def _addresses(policies: Iterable[Policy]) -> Iterator[tuple[str, str]]:
    """Every network and asset with one of its addresses, once."""
    seen: dict[str, str] = {}
    for policy in policies:
        for zone in policy.zones.values():
            for network in zone.networks:
                seen.setdefault(network.text, _text(network.addresses.start + (1 if len(network.addresses) > 2 else 0), network.family))
        for asset in policy.assets.values():
            for ip in asset.ips:
                seen.setdefault(f"{asset.name} {ip}", ip)
    yield from seen.items()
