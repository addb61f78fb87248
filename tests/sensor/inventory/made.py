"""Documents of assets and edges as the store gives them, made for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TIME = "2026-03-04T08:15:21.000000000Z"


def said(
    value: Any, *, protocol: str = "s7comm", field: str = "s7comm.field", confidence: float = 0.95, packet: int = 7, time: str = TIME
) -> dict[str, Any]:
    """One value with its provenance."""
    source = {"capture": "c1", "packet": packet, "time": time, "protocol": protocol, "field": field}
    return {"value": value, "confidence": confidence, "provenance": source}


def attribute(*values: Mapping[str, Any]) -> dict[str, Any]:
    """The last of the values is current."""
    return {**values[-1], "history": list(values[:-1])}


def asset(
    identity: str = "10.0.0.2", *, server: Sequence[str] = (), client: Sequence[str] = (), attributes: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """An asset's document; an attribute may be a plain value."""
    roles = [{"role": "server", "protocol": name, "port": 1} for name in server] + [
        {"role": "client", "protocol": name, "port": None} for name in client
    ]
    told = {
        name: value if isinstance(value, dict) and "provenance" in value else attribute(said(value))
        for name, value in (attributes or {}).items()
    }
    return {
        "id": identity, "kind": "host", "parent": None, "addresses": [identity], "heard": True, "first": TIME, "last": TIME,
        "roles": roles, "vlans": [], "units": [], "attributes": told, **more,
    }  # fmt: skip


def edge(client: str, server: str, protocol: str = "modbus", *, accesses: Mapping[str, int] | None = None, **more: Any) -> dict[str, Any]:
    """An edge's document."""
    held = dict(accesses or {"read": 10})
    return {
        "client": client, "server": server, "protocol": protocol, "port": 502, "units": [], "transactions": sum(held.values()),
        "rejected": 0, "rejections": {}, "accesses": held, "functions": [], "points": [], "more_points": 0,
        "per_minute": None, "first": TIME, "last": TIME,
        "evidence": {"capture": "c1", "packet": 3, "time": TIME}, "ledger": None, **more,
    }  # fmt: skip
