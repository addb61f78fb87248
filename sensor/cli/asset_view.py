"""Assets for people, from the documents that the store and the result give."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sensor.cli.table import Column, Section, Table
from sensor.cli.words import clock, counted, number
from zones.model import INDUSTRIAL

MOST_ROLES: Final = 3
_LEGAL: Final = re.compile(r"[ ,]+(AG|Co|Corp|GmbH|Inc|KG|LLC|Ltd|SA|SE)\b.*$", re.IGNORECASE)


def value(asset: Mapping[str, Any], name: str) -> str:
    """The current value of an attribute as text, empty where it is not known."""
    attribute = asset["attributes"].get(name)
    return "" if attribute is None or attribute["value"] is None else str(attribute["value"])


def called(asset: Mapping[str, Any]) -> str:
    """Its id; a unit is named below its device."""
    identity = str(asset["id"])
    return identity if asset["parent"] is None else f"  unit {identity.rpartition(':')[2]}"


def model(asset: Mapping[str, Any]) -> str:
    """Product, model and firmware, each once."""
    named = value(asset, "product_name"), value(asset, "model") or value(asset, "product"), value(asset, "firmware")
    return " ".join(dict.fromkeys(text for text in named if text))


def known_as(asset: Mapping[str, Any]) -> str:
    """Vendor without its legal form, product, model and firmware, as far as they are known."""
    return " ".join(part for part in (_LEGAL.sub("", value(asset, "vendor")), model(asset)) if part)


def acts_as(asset: Mapping[str, Any]) -> str:
    """`modbus server, ssh client`. Where a protocol was recognised on a port, the port's usual name says nothing more."""
    if asset["kind"] == "router":
        return "router"
    recognised = {role["port"] for role in asset["roles"] if role["protocol"] in INDUSTRIAL and role["port"] is not None}
    roles: dict[str, list[str]] = {"server": [], "client": []}
    for role in asset["roles"]:
        named = role["protocol"] not in INDUSTRIAL and role["port"] in recognised
        if not named and role["protocol"] not in roles[role["role"]]:
            roles[role["role"]].append(role["protocol"])
    return ", ".join(f"{_few(names)} {role}" for role, names in roles.items() if names)


def _few(names: Sequence[str]) -> str:
    ordered = sorted(names, key=lambda name: (name not in INDUSTRIAL, name))
    more = len(ordered) - MOST_ROLES
    return " ".join(ordered) if more <= 1 else f"{' '.join(ordered[:MOST_ROLES])} +{more}"


def overview(assets: Sequence[Mapping[str, Any]]) -> Section:
    """One line each."""
    columns = (
        Column("asset", keep=True), Column("vendor", gives_way=2), Column("model and firmware", gives_way=1), Column("acts as"),
        Column("last seen (UTC)", keep=True, gives_way=3),
    )  # fmt: skip
    rows = [(called(asset), value(asset, "vendor"), model(asset), acts_as(asset), clock(asset["last"])) for asset in assets]
    return Section("", lines=[] if rows else ["No assets yet."], table=Table(columns, rows) if rows else None)


def detail(
    asset: Mapping[str, Any], units: Sequence[Mapping[str, Any]], talks: Sequence[Mapping[str, Any]], captures: Mapping[str, str]
) -> list[Section]:
    """All that is known of one."""
    lines = [f"{asset['kind']}, addresses {', '.join(asset['addresses']) or 'none'}"]
    if asset["vlans"]:
        lines.append(f"VLAN {', '.join(map(str, asset['vlans']))}")
    lines.append(
        f"seen from {clock(asset['first']) or '?'} to {clock(asset['last']) or '?'} UTC" if asset["heard"] else "never sent a packet"
    )
    roles = [
        f"{role['protocol']} {role['role']}{'' if role['port'] is None else ' on port ' + str(role['port'])}" for role in asset["roles"]
    ]
    lines.extend([f"acts as {', '.join(roles)}"] if roles else [])
    made = [Section(asset["id"], lines=lines), _attributes(asset, captures)]
    if units:
        columns = (Column("unit"), Column("vendor"), Column("model and firmware"))
        rows = [(unit["id"].rpartition(":")[2], value(unit, "vendor"), model(unit)) for unit in units]
        made.append(Section(counted(len(rows), "unit"), table=Table(columns, rows)))
    return [*made, _talks(talks)]


def _attributes(asset: Mapping[str, Any], captures: Mapping[str, str]) -> Section:
    columns = (Column("attribute", keep=True), Column("value"), Column("sure", "right", gives_way=1), Column("said by"))
    rows = []
    for name, said in sorted(asset["attributes"].items()):
        source = said["provenance"]
        capture = captures.get(str(source["capture"]), str(source["capture"]))
        rows.append((name, str(said["value"]), f"{said['confidence']:.0%}", f"{source['field']}, packet {source['packet']} of {capture}"))
        rows.extend(
            (f"  before: {name}", str(old["value"]), f"{old['confidence']:.0%}", old["provenance"]["field"]) for old in said["history"]
        )
    return Section("Attributes", lines=[] if rows else ["None."], table=Table(columns, rows) if rows else None)


def _talks(talks: Sequence[Mapping[str, Any]]) -> Section:
    columns = (
        Column("client", keep=True),
        Column("server", keep=True),
        Column("protocol"),
        Column("transactions", "right"),
        Column("access"),
    )
    rows = [
        (talk["client"], talk["server"], talk["protocol"], number(talk["transactions"]), ", ".join(sorted(talk["accesses"])))
        for talk in talks
    ]
    return Section("Conversations", lines=[] if rows else ["None."], table=Table(columns, rows) if rows else None)
