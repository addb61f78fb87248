"""What a policy says of an address, of two of them, and of a transaction between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Any

import click

from sensor.cli.table import Section
from sensor.inventory.address import is_mac

if TYPE_CHECKING:
    from zones import Policy
    from zones.decision import Decider
    from zones.model import Line, PointRange, Term
    from zones.places import Place


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a supposed transaction (dissectors.Party)."""

    ip: str | None
    mac: str | None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """A function (dissectors.Code)."""

    code: int
    name: str | None
    group: int | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """Points (dissectors.Point)."""

    kind: str
    block: int | None
    first: int
    last: int
    access: str
    values: Sequence[float] | None
    name: str | None = None
    width: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended (dissectors.Outcome)."""

    result: str = "accepted"


@dataclass(frozen=True, slots=True)
class Supposed:
    """A transaction that nobody made, with what a policy looks at."""

    client: Side
    server: Side
    protocol: str
    access: str
    function: Code
    unit: str | None
    points: Sequence[Point]
    sub_function: None = None
    vlan: tuple[int, ...] = ()
    outcome: Outcome = Outcome()
    lanes: int = 1
    initiator: str = "client"
    completed: int = 0
    request: None = None
    response: None = None


def explained(policy: Path, address: str, server: str | None, asked: Mapping[str, Any]) -> list[Section]:
    """The sections to show. Raises PolicyError; a usage error where the question can't be answered."""
    from zones import compile_policy
    from zones.decision import Decider

    made = compile_policy(str(policy))
    decider = Decider(made)
    client = _side(made, address)
    if server is None:
        if any(value not in (None, ()) for value in asked.values()):
            raise click.UsageError("What is done needs two addresses: who asks, and who is asked.")
        return [Section(address, lines=_standing(decider, client))]
    other = _side(made, server)
    if asked["protocol"] is None:
        if any(value not in (None, ()) for value in asked.values()):
            raise click.UsageError("--access, --function, --unit, --port, --point and --value need --protocol.")
        return [_pair(decider, client, other, f"{address} → {server}"), _pair(decider, other, client, f"{server} → {address}")]
    t: Any = _supposed(client, other, asked)
    title = f"{address} → {server}: {t.protocol} {t.function.name or t.function.code}, {t.access}"
    return [Section(title, lines=decider.explain_decision(t))]


def _side(policy: Policy, text: str) -> Side:
    asset = policy.assets.get(text)
    if asset is not None:
        return Side(asset.ips[0] if asset.ips else None, None if asset.ips or not asset.macs else asset.macs[0])
    if is_mac(text.lower().replace("-", ":")):
        return Side(None, text.lower().replace("-", ":"))
    try:
        return Side(str(ip_address(text)), None)
    except ValueError:
        known = ", ".join(policy.assets) or "none"
        raise click.UsageError(f"{text} is neither an address nor an asset of this policy (assets: {known}).") from None


def _place(decider: Decider, side: Side) -> Place:
    return decider.places.place_of(side.ip, side.mac, ())


def _standing(decider: Decider, side: Side) -> list[str]:
    place = _place(decider, side)
    zone = place.zone
    level = "" if zone.level is None else f", level {zone.level:g}"
    line = f" ({decider.policy.file}:{place.line})" if place.line else ""
    inside = "everything is allowed inside" if zone.internal else "traffic inside is denied unless a conduit allows it"
    lines = [f'zone "{zone.name}"{level}, by {place.by}: {place.text}{line}', inside]
    for conduit in decider.policy.conduits:
        roles = [role for role, names in (("client", conduit.sources), ("server", conduit.targets)) if names & place.names]
        lines += [f'{" and ".join(roles)} of conduit "{conduit.id}" ({decider.policy.file}:{conduit.line})'] if roles else []
    return lines


def _pair(decider: Decider, client: Side, server: Side, title: str) -> Section:
    one, other = _place(decider, client), _place(decider, server)
    section = Section(title, lines=[f'zone "{one.zone.name}" to zone "{other.zone.name}"'])
    if one.zone.name == other.zone.name and one.zone.internal:
        denied = any(decider.judge.denials(one, other))
        section.lines += _granted(decider, one, other) if denied else []
        section.lines.append(f"allowed: everything {'else ' if denied else ''}is allowed inside a zone")
        return section
    section.lines += _granted(decider, one, other) or ["nothing is allowed: no conduit joins them in this direction"]
    return section


def _granted(decider: Decider, one: Place, other: Place) -> list[str]:
    lines = []
    for conduit, line in decider.judge.denials(one, other):
        lines.append(f'denied by "{conduit.id}" ({decider.policy.file}:{line.line}): {", ".join(_allowance(line))}')
    for conduit, line in decider.judge.lines(one, other):
        by = f'"{conduit.id}"' if conduit.term is None else f'exception "{conduit.id}", {_term(decider.policy, conduit.term)}'
        lines.append(f"allowed by {by} ({decider.policy.file}:{line.line}): {', '.join(_allowance(line))}")
    return lines


def _term(policy: Policy, term: Term) -> str:
    """From when to when, in the policy's time zone, and who answers for it."""
    from datetime import datetime

    from zones.times import SECOND, zone_named

    zone = zone_named(policy.timezone)
    begin, end = (datetime.fromtimestamp(time // SECOND, zone).strftime("%Y-%m-%d %H:%M") for time in (term.start, term.end))
    return f"{begin} to {end} ({term.ticket}, {term.owner})"


def _allowance(line: Line) -> Iterator[str]:
    yield line.protocol
    yield "any access but unasked reports" if line.access is None else " ".join(line.access)
    if line.functions is not None:
        yield f"functions {' '.join(sorted(map(str, line.functions)))}"
    if line.units is not None:
        yield f"units {' '.join(unit if isinstance(unit, str) else f'{unit[0]}-{unit[1]}' for unit in line.units)}"
    if line.points is not None:
        yield f"points {' '.join(point.text for point in line.points)}"
    if line.initiator is not None:
        yield f"over connections that the {line.initiator} opened"
    for names in line.schedules:
        yield f"while {' or '.join(names)}"
    if line.valued:
        yield f"values {'…' if line.minimum is None else f'{line.minimum:g}'} to {'…' if line.maximum is None else f'{line.maximum:g}'}"


def _supposed(client: Side, server: Side, asked: Mapping[str, Any]) -> Supposed:
    from zones.vocabulary import vocabulary

    words = vocabulary()
    protocol, access = asked["protocol"], asked["access"]
    wrong = words.protocol_error(protocol)
    if wrong:
        raise click.UsageError(f"{wrong[0].upper()}{wrong[1:]}.")
    functions = words.registry.get(protocol, {}).get("functions", ())
    function, access = _function(functions, asked["function"], access, asked["points"])
    try:
        from zones.points import read_point

        ranges = [read_point(protocol, text, words) for text in asked["points"]]
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    values = list(asked["values"]) or None
    points = [_supposed_point(one, access, values) for one in ranges]
    port = asked["port"]
    if port is None and functions:
        port = min(words.ports(protocol), default=None)
    server = Side(server.ip, server.mac, port)
    at = time_ns() if asked["at"] is None else asked["at"]
    return Supposed(client, server, protocol, access, function, asked["unit"], points, completed=at)


def _supposed_point(one: PointRange, access: str, values: Sequence[float] | None) -> Point:
    """Values are one for each address, except where the protocol types its points: there they share the addresses."""
    addresses, count = one.last - one.first + 1, len(values or ())
    typed = one.shown is not None and count > 0 and addresses % count == 0
    width = addresses // count if typed else 1
    return Point(one.kind, one.block, one.first, one.last, access, values, one.name, width)


def _function(
    rows: Sequence[Mapping[str, Any]], wanted: str | None, access: str | None, points: Sequence[str]
) -> tuple[Code, str]:  # fmt: skip
    """The function and its access: the one that is asked for, or the first that has the access and by its name concerns such points."""
    if not rows:
        return Code(0, wanted or "connect"), access or "session"
    if wanted is None:
        same = [row for row in rows if row["access"] == (access or "read")]
        kind = points[0].partition(":")[0].rpartition("_")[2] if points else ""
        row = next((row for row in same if kind in row["name"]), same[0] if same else None)
        return (Code(0, None) if row is None else Code(row["code"], row["name"])), access or "read"
    code = int(wanted, 0) if wanted[:1].isdigit() and wanted.lower().removeprefix("0x").isalnum() else None
    row = next((row for row in rows if wanted == row["name"] or code == row["code"]), None)
    if row is None and code is None:
        raise click.UsageError(f"There is no function {wanted}: {', '.join(row['name'] for row in rows)}.")
    return (Code(code or 0, None), access or "read") if row is None else (Code(row["code"], row["name"]), access or row["access"])
