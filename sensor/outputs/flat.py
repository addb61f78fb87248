"""Assets, edges and findings as rows of plain values: what GraphML, GEXF, DOT and CSV can hold. One definition for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from sensor.inventory.known import value
from sensor.outputs.cells import text
from zones.model import ACCESSES

Plain = str | int | float | bool
Document = Mapping[str, Any]


def _own(name: str) -> Callable[[Document], Any]:
    return lambda asset: value(asset, name)


def _plain(name: str) -> Callable[[Document], Any]:
    return lambda document: document.get(name)


def _part(name: str, part: str) -> Callable[[Document], Any]:
    return lambda document: (document.get(name) or {}).get(part)


def _address(side: Document | None) -> str | None:
    return None if side is None else side.get("ip") or side.get("mac")


def _code(code: Document | None) -> str | None:
    return None if code is None else str(code["name"] or code["code"])


def _joined(parts: Iterable[Any]) -> str:
    return " ".join(map(str, parts))


ASSET: Final[Mapping[str, tuple[type, Callable[[Document], Any]]]] = {
    "kind": (str, lambda asset: asset["kind"]),
    "parent": (str, lambda asset: asset["parent"]),
    "addresses": (str, lambda asset: _joined(asset["addresses"])),
    "mac": (str, lambda asset: asset["attributes"].get("mac", {}).get("value")),
    "name": (str, _own("name")),
    "role": (str, _own("role")),
    "role_confidence": (float, lambda asset: asset["concluded"].get("role", {}).get("confidence")),
    "level": (float, lambda asset: asset["level"]),
    "level_by": (str, lambda asset: asset["level_by"]),
    "zone": (str, lambda asset: asset["zone"]),
    "vendor": (str, _own("vendor")),
    "model": (str, _own("model")),
    "firmware": (str, _own("firmware")),
    "hardware": (str, _own("hardware")),
    "serial": (str, _own("serial")),
    "os": (str, _own("os")),
    "cpe": (str, lambda asset: asset["cpe"]),
    "criticality": (str, _own("criticality")),
    "heard": (bool, lambda asset: asset["heard"]),
    "serves": (str, lambda asset: _roles(asset, "server")),
    "asks": (str, lambda asset: _roles(asset, "client")),
    "vlans": (str, lambda asset: _joined(asset["vlans"])),
    "contradictions": (str, lambda asset: _joined(dict.fromkeys(one["kind"] for one in asset["contradictions"]))),
    "first": (str, lambda asset: asset["first"]),
    "last": (str, lambda asset: asset["last"]),
}
"""Columns of an asset beside its id: type, and where the value comes from."""

EDGE: Final[Mapping[str, type]] = {
    "protocol": str, "port": int, "units": str, "transactions": int, "rejected": int, "gravest": str,
    **{f"access_{access}": int for access in ACCESSES},
    "functions": str, "points": str, "more_points": int, "per_minute": float, "first": str, "last": str,
    "packets_from_client": int, "packets_from_server": int, "bytes_from_client": int, "bytes_from_server": int,
    "missing_bytes": int, "one_way_flows": int,
}  # fmt: skip
"""Columns of an edge beside its ends, and their types. There may be a million edges: edge_fields fills them without asking one by one."""
_ACCESS: Final[Mapping[str, str]] = {access: f"access_{access}" for access in ACCESSES}


FINDING: Final[Mapping[str, tuple[type, Callable[[Document], Any]]]] = {
    **{name: (str, _plain(name)) for name in ("kind", "severity")},
    "confidence": (float, _plain("confidence")),
    "evidence_class": (str, lambda one: (one.get("detail") or {}).get("evidence_class")),
    "title": (str, _plain("title")), "reason": (str, _plain("reason")), "rule": (str, _plain("rule")), "conduit": (str, _plain("conduit")),
    "from_zone": (str, _part("zones", "from")), "to_zone": (str, _part("zones", "to")),
    "client": (str, lambda one: _address(one["client"])), "server": (str, lambda one: _address(one["server"])),
    "port": (int, _part("server", "port")), "protocol": (str, _plain("protocol")), "unit": (str, _plain("unit")),
    "function": (str, lambda one: _code(one["function"])), "sub_function": (str, lambda one: _code(one["sub_function"])),
    "access": (str, _plain("access")), "points": (str, lambda one: _joined(point["point"] for point in one["points"])),
    "outcomes": (str, lambda one: _joined(f"{name}:{count}" for name, count in (one["outcomes"] or {}).items())),
    "count": (int, _plain("count")), "first": (str, _plain("first")), "last": (str, _plain("last")), "state": (str, _plain("state")),
    "attack": (str, _part("attack", "id")),
    "policy_line": (str, lambda one: f"{one['policy']['file']}:{one['policy']['line']}" if one["policy"] else None),
    "packets": (str, lambda one: _joined(f"{packet['capture']}/{packet['packet']}" for packet in one["packets"])),
    "disposition": (str, _part("disposition", "state")), "suppressed_until": (str, _part("suppressed", "until")),
    "suppressed_by": (str, _part("suppressed", "who")), "suppressed_why": (str, _part("suppressed", "why")),
}  # fmt: skip
"""Columns of a finding beside its id. A packet is capture and number."""


def asset_fields(asset: Document) -> dict[str, Plain]:
    """The columns of an asset that have a value."""
    return _fields(asset, ASSET)


def finding_fields(finding: Document) -> dict[str, Plain]:
    """The columns of a finding that have a value."""
    return _fields(finding, FINDING)


def edge_fields(edge: Document) -> dict[str, Plain]:
    """The columns of an edge that have a value, in their order."""
    accesses, functions, points = edge["accesses"], edge["functions"], edge["points"]
    found: dict[str, Any] = {
        "protocol": _text(edge["protocol"]), "port": edge["port"], "units": _text(_joined(edge["units"])),
        "transactions": edge["transactions"], "rejected": edge["rejected"], "gravest": _text(gravest(edge)),
    }  # fmt: skip
    found |= {column: accesses[access] for access, column in _ACCESS.items() if access in accesses}
    found["functions"] = _text(_joined([one["name"] or one["code"] for one in functions]))
    found["points"] = _text(_joined(points))
    found["more_points"] = edge["more_points"] or None
    found["per_minute"], found["first"], found["last"] = edge["per_minute"], edge["first"], edge["last"]
    if edge["ledger"] is not None:
        found |= _seen(edge["ledger"])
    return {name: value for name, value in found.items() if value is not None and value != ""}


def _seen(ledger: Document) -> dict[str, int | None]:
    client, server = ledger.get("from_client", {}), ledger.get("from_server", {})
    return {
        "packets_from_client": client.get("packets", 0), "packets_from_server": server.get("packets", 0),
        "bytes_from_client": client.get("bytes", 0), "bytes_from_server": server.get("bytes", 0),
        "missing_bytes": client.get("gap_bytes", 0) + server.get("gap_bytes", 0) or None, "one_way_flows": ledger.get("one_way"),
    }  # fmt: skip


@lru_cache(maxsize=4096)
def _text(said: str) -> str:
    """`text` of what many edges say alike."""
    return text(said)


def gravest(edge: Document) -> str:
    """The gravest access of an edge."""
    if len(edge["accesses"]) == 1:
        return str(next(iter(edge["accesses"])))
    return max(edge["accesses"], key=lambda access: ACCESSES.index(access) if access in ACCESSES else -1, default="")


def key(edge: Document) -> str:
    """What tells the edges between two assets apart: `modbus/502`."""
    return str(edge["protocol"]) if edge["port"] is None else f"{edge['protocol']}/{edge['port']}"


def _fields(document: Document, columns: Mapping[str, tuple[type, Callable[[Document], Any]]]) -> dict[str, Plain]:
    found: dict[str, Plain] = {}
    for name, (kind, of) in columns.items():
        held = of(document)
        if held is not None and held != "":
            found[name] = text(held) if kind is str else kind(held)
    return found


def _roles(asset: Document, side: str) -> str:
    return _joined(dict.fromkeys(role["protocol"] for role in asset["roles"] if role["role"] == side))
