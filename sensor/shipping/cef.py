"""Findings in the Common Event Format (ArcSight, version 0): `CEF:0|vendor|product|version|class|name|severity|extensions`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sensor.clock import nanoseconds
from sensor.documents import derived

_SEVERITY: Final = {"info": 1, "low": 3, "medium": 6, "high": 8, "critical": 10}
MOST_TEXT: Final = 1_023
"""Of a value: the format's limit for most of its texts."""


def cef(record: Mapping[str, Any], *, sensor: str, version: str) -> str:
    """One finding. A class is the rule, conduit or pair of zones with its reason; nothing in it ends a line."""
    known = derived.rule_id(record) or record["reason"]
    head = ("Fieldtap", "Fieldtap", version, known, record["title"], str(_SEVERITY[record["severity"]]))
    extension = " ".join(f"{name}={_value(value)}" for name, value in _extensions(record, sensor) if value not in (None, ""))
    return f"CEF:0|{'|'.join(_header(text) for text in head)}|{extension}"


def _extensions(record: Mapping[str, Any], sensor: str) -> list[tuple[str, Any]]:
    client, server = record.get("client") or {}, record.get("server") or {}
    function, outcome = record.get("function") or {}, record.get("outcome") or {}
    zones = record.get("zones") or {}
    found = [
        ("rt", _ms(record["revised"])), ("start", _ms(record["first"])), ("end", _ms(record["last"])), ("cnt", record["count"]),
        ("externalId", f"{record['id']}.{record['revision']}"), ("cat", record["kind"]), ("reason", record["reason"]),
        ("act", function.get("name") or function.get("code")), ("app", record.get("protocol")), ("outcome", outcome.get("result")),
        *_side(client, "s", "smac"), *_side(server, "d", "dmac"), ("dvchost", sensor),
        ("sourceZone", zones.get("from")), ("destinationZone", zones.get("to")),
    ]  # fmt: skip
    found += _labelled("cs1", "state", record["state"]) + _labelled("cs2", "unit", record.get("unit"))
    found += _labelled("cs3", "access", record.get("access"))
    found += _labelled("cs4", "points", " ".join(str(point["point"]) for point in record.get("points") or ()))
    found += _labelled("cs5", "techniques", " ".join(derived.attack_ids(record)))
    return found + _labelled("cfp1", "confidence", record["confidence"])


def _side(side: Mapping[str, Any], letter: str, mac: str) -> list[tuple[str, Any]]:
    """CEF knows IPv4 in `src` and `dst`, IPv6 in fields of its own."""
    ip = side.get("ip")
    names: list[tuple[str, Any]] = [(f"{letter}pt", side.get("port")), (mac, side.get("mac"))]
    if ip is None:
        return names
    if ":" not in ip:
        return [("src" if letter == "s" else "dst", ip), *names]
    place, label = ("c6a2", "Source IPv6 Address") if letter == "s" else ("c6a3", "Destination IPv6 Address")
    return [(place, ip), (f"{place}Label", label), *names]


def _labelled(name: str, label: str, value: Any) -> list[tuple[str, Any]]:
    return [] if value in (None, "") else [(name, value), (f"{name}Label", label)]


def _ms(text: str) -> int:
    return nanoseconds(text) // 1_000_000


def _header(text: Any) -> str:
    """No line ends in a header; `\\` and `|` are escaped."""
    plain = " ".join(str(text)[:MOST_TEXT].split())
    return plain.replace("\\", "\\\\").replace("|", "\\|")


def _value(value: Any) -> str:
    """`\\`, `=` and the ends of lines are escaped; other control characters are none of a message's."""
    text = str(value)[:MOST_TEXT].replace("\\", "\\\\").replace("=", "\\=").replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\r")
    return "".join(one if one.isprintable() or one == " " else " " for one in text).strip()
