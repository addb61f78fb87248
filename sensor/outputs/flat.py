"""Assets, edges and findings as rows of plain values: what GraphML, GEXF, DOT and CSV can hold. One definition for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from sensor.inventory.known import value
from sensor.outputs.cells import text
from zones.model import ACCESSES

Plain = str | int | float | bool
Document = Mapping[str, Any]


def _own(name: str) -> Callable[[Document], Any]:
    return lambda asset: value(asset, name)


def _access(access: str) -> Callable[[Document], Any]:
    return lambda edge: edge["accesses"].get(access)


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

EDGE: Final[Mapping[str, tuple[type, Callable[[Document], Any]]]] = {
    "protocol": (str, lambda edge: edge["protocol"]),
    "port": (int, lambda edge: edge["port"]),
    "units": (str, lambda edge: _joined(edge["units"])),
    "transactions": (int, lambda edge: edge["transactions"]),
    "rejected": (int, lambda edge: edge["rejected"]),
    "gravest": (str, lambda edge: gravest(edge)),
    **{f"access_{access}": (int, _access(access)) for access in ACCESSES},
    "functions": (str, lambda edge: _joined(one["name"] or one["code"] for one in edge["functions"])),
    "points": (str, lambda edge: _joined(edge["points"])),
    "more_points": (int, lambda edge: edge["more_points"] or None),
    "per_minute": (float, lambda edge: edge["per_minute"]),
    "first": (str, lambda edge: edge["first"]),
    "last": (str, lambda edge: edge["last"]),
    "packets_from_client": (int, lambda edge: _counted(edge, "from_client", "packets")),
    "packets_from_server": (int, lambda edge: _counted(edge, "from_server", "packets")),
    "bytes_from_client": (int, lambda edge: _counted(edge, "from_client", "bytes")),
    "bytes_from_server": (int, lambda edge: _counted(edge, "from_server", "bytes")),
    "missing_bytes": (int, lambda edge: _both(edge, "gap_bytes")),
    "one_way_flows": (int, lambda edge: (edge["ledger"] or {}).get("one_way")),
}
"""Columns of an edge beside its ends."""


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
    """The columns of an edge that have a value."""
    return _fields(edge, EDGE)


def gravest(edge: Document) -> str:
    """The gravest access of an edge."""
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


def _counted(edge: Document, side: str, name: str) -> int | None:
    ledger = edge["ledger"]
    return None if ledger is None else ledger.get(side, {}).get(name, 0)


def _both(edge: Document, name: str) -> int | None:
    return (_counted(edge, "from_client", name) or 0) + (_counted(edge, "from_server", name) or 0) or None
