"""Known assets (sensor.inventory.known) for people: the list, and all that is known of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sensor.cli.asset_view import MOST_ROLES, acts_as, called, model, value
from sensor.cli.table import Column, Section, Table
from sensor.cli.words import clock, counted, number, shortened
from sensor.inventory.known import value as held
from sensor.inventory.names import ROLES

MOST_EVIDENCE = 60
"""Characters of what a vote rests on; the attributes have it whole."""


def known_role(asset: Mapping[str, Any]) -> str:
    """What it is for, declared or concluded: `PLC`."""
    role = held(asset, "role")
    return "" if role is None else ROLES.get(str(role), str(role))


def overview(assets: Sequence[Mapping[str, Any]]) -> Section:
    """One line each, of known assets (sensor.inventory.known)."""
    columns = [
        Column("asset", keep=True), Column("role"), Column("level", "right", gives_way=4), Column("vendor", gives_way=2),
        Column("model and firmware", gives_way=1), Column("acts as", gives_way=1), Column("last seen (UTC)", gives_way=3),
    ]  # fmt: skip
    rows = [
        [
            called(asset), known_role(asset), _level(asset), str(held(asset, "vendor") or value(asset, "vendor")), model(asset),
            acts_as(asset), clock(asset["last"]),
        ]
        for asset in assets
    ]  # fmt: skip
    if any(asset["zone"] is not None for asset in assets):
        columns.insert(3, Column("zone"))
        for row, asset in zip(rows, assets, strict=True):
            row.insert(3, asset["zone"] or "")
    if any(held(asset, "name") for asset in assets):
        columns.insert(1, Column("name"))
        for row, asset in zip(rows, assets, strict=True):
            row.insert(1, str(held(asset, "name") or ""))
    return Section("", lines=[] if rows else ["No assets yet."], table=Table(columns, rows) if rows else None)


def _level(asset: Mapping[str, Any]) -> str:
    return "" if asset["level"] is None else f"{asset['level']:g}"


def detail(
    asset: Mapping[str, Any], units: Sequence[Mapping[str, Any]], talks: Sequence[Mapping[str, Any]], captures: Mapping[str, str]
) -> list[Section]:
    """All that is known of one."""
    made = [Section(asset["id"], lines=_facts(asset))]
    if asset["contradictions"]:
        made.append(_contradictions(asset, captures))
    made.append(_attributes(asset, captures))
    if asset["declared"]:
        made.append(_declared(asset))
    if asset["concluded"]:
        made.append(_votes(asset, captures))
    if units:
        made.append(_units(units))
    return [*made, _talks(talks)]


def _declared(asset: Mapping[str, Any]) -> Section:
    columns = (Column("attribute", keep=True), Column("value"), Column("who"), Column("why"), Column("when"))
    rows = [(name, said["value"], said["who"], said["why"], said["at"][:10]) for name, said in sorted(asset["declared"].items())]
    return Section("Declared", table=Table(columns, rows))


def _units(units: Sequence[Mapping[str, Any]]) -> Section:
    columns = (Column("unit"), Column("role"), Column("vendor"), Column("model and firmware"))
    rows = [(unit["id"].rpartition(":")[2], known_role(unit), value(unit, "vendor"), model(unit)) for unit in units]
    return Section(counted(len(rows), "unit"), table=Table(columns, rows))


def _facts(asset: Mapping[str, Any]) -> list[str]:
    lines = [f"{asset['kind']}, addresses {', '.join(asset['addresses']) or 'none'}"]
    role = known_role(asset)
    if role:
        lines.append(f"{role}{_sure(asset, 'role')}")
    if asset["level"] is not None:
        lines.append(f"Purdue level {asset['level']:g} ({asset['level_by']})" + (f", zone {asset['zone']}" if asset["zone"] else ""))
    if asset["cpe"] is not None:
        lines.append(str(asset["cpe"]))
    if asset["vlans"]:
        lines.append(f"VLAN {', '.join(map(str, asset['vlans']))}")
    lines.append(
        f"seen from {clock(asset['first']) or '?'} to {clock(asset['last']) or '?'} UTC" if asset["heard"] else "never sent a packet"
    )
    roles = [
        f"{role['protocol']} {role['role']}{'' if role['port'] is None else ' on port ' + str(role['port'])}" for role in asset["roles"]
    ]
    return [*lines, *([f"acts as {', '.join(roles)}"] if roles else [])]


def _sure(asset: Mapping[str, Any], name: str) -> str:
    if name in asset["declared"]:
        return ", declared"
    said = asset["observed"].get(name)
    return "" if said is None else f", {said['confidence']:.0%} sure"


def _contradictions(asset: Mapping[str, Any], captures: Mapping[str, str]) -> Section:
    lines = [
        f"{one['says']}: {one['from']['value']} ({_place(one['from']['provenance'], captures)}), then {one['to']['value']}"
        f" ({_place(one['to']['provenance'], captures)})"
        for one in asset["contradictions"]
    ]
    return Section(counted(len(lines), "contradiction"), lines=lines)


def _place(source: Mapping[str, Any], captures: Mapping[str, str]) -> str:
    """`packet 12 of plant.pcapng`."""
    if source.get("packet") is None:
        return clock(source.get("time"))
    return f"packet {source['packet']} of {captures.get(str(source['capture']), source['capture'])}"


def _votes(asset: Mapping[str, Any], captures: Mapping[str, str]) -> Section:
    columns = (Column("topic", keep=True), Column("vote"), Column("weight", "right"), Column("because"), Column("evidence", gives_way=1))
    rows = []
    for topic, conclusion in asset["concluded"].items():
        for vote in conclusion["votes"]:
            ground = next(iter(vote["evidence"]), None)
            where = "" if ground is None else f"{shortened(str(ground['value']), MOST_EVIDENCE)}, {_place(ground, captures)}"
            rows.append((topic, _plain(vote["value"]), f"{vote['weight']:.0%}", vote["why"], where))
    return Section("Votes", table=Table(columns, rows))


def _attributes(asset: Mapping[str, Any], captures: Mapping[str, str]) -> Section:
    columns = (Column("attribute", keep=True), Column("value"), Column("sure", "right", gives_way=1), Column("said by"))
    rows = []
    for name, said in sorted(asset["attributes"].items()):
        source = said["provenance"]
        rows.append((name, str(said["value"]), f"{said['confidence']:.0%}", f"{source['field']}, {_place(source, captures)}"))
        for old in said["history"]:
            place = f"{old['provenance']['field']}, {_place(old['provenance'], captures)}"
            same = old["provenance"]["field"] == source["field"]
            rows.append((f"  {'before' if same else 'also'}: {name}", str(old["value"]), f"{old['confidence']:.0%}", place))
    return Section("Attributes", lines=[] if rows else ["None."], table=Table(columns, rows) if rows else None)


def _plain(said: object) -> str:
    return f"{said:g}" if isinstance(said, float) else str(said)


def _talks(talks: Sequence[Mapping[str, Any]]) -> Section:
    columns = (
        Column("client", keep=True), Column("server", keep=True), Column("protocol"), Column("transactions", "right"), Column("access"),
        Column("points", gives_way=1),
    )  # fmt: skip
    rows = [
        (
            talk["client"], talk["server"], talk["protocol"], number(talk["transactions"]), ", ".join(sorted(talk["accesses"])),
            _points(talk),
        )
        for talk in talks
    ]  # fmt: skip
    return Section("Conversations", lines=[] if rows else ["None."], table=Table(columns, rows) if rows else None)


def _points(talk: Mapping[str, Any]) -> str:
    more = max(0, len(talk["points"]) - MOST_ROLES) + talk["more_points"]
    return ", ".join(talk["points"][:MOST_ROLES]) + (f" and {more} more" if more else "")
