"""Alerts as Suricata writes them (eve.json), for tools that read those: Malcolm, Elastic's Suricata integration, EveBox.

Alerts and violations only, each once, when it opens. What Suricata doesn't have stands under `fieldtap`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sensor.documents import derived
from sensor.outbox import Item

if TYPE_CHECKING:
    from sensor.documents.make import Maker

FIRST_ID: Final = 1_000_000
"""Local signature ids are 1000000 to 1999999; ours is made of the rule's id, the same on every sensor."""
_SEVERITY: Final = {"critical": 1, "high": 1, "medium": 2, "low": 3, "info": 4}
_CATEGORY: Final = {"alert": "OT detection", "violation": "Zone policy violation"}


class Eve:
    """A form of lines (sensor.shipping.files)."""

    def __init__(self, maker: Maker) -> None:
        self._maker = maker

    def head(self) -> bytes:
        """None."""
        return b""

    def line(self, item: Item) -> bytes:
        """An event of type alert; nothing of later revisions, and of what is no alert."""
        import orjson

        record = orjson.loads(item.document)
        if derived.event_kind(record) != "alert":
            return b""
        return orjson.dumps(event(record, self._maker.name)) + b"\n"


def event(record: Mapping[str, Any], sensor: str) -> dict[str, Any]:
    """The event of a finding."""
    said: dict[str, Any] = {
        "timestamp": _time(record["first"]),
        "event_type": "alert",
        "host": sensor,
        "flow_id": _number(record["id"], 53),
    }
    for ours, theirs in (("client", "src"), ("server", "dest")):
        side = record.get(ours) or {}
        said |= {f"{theirs}_ip": side["ip"]} if side.get("ip") else {}
        said |= {f"{theirs}_port": side["port"]} if side.get("port") is not None else {}
    macs = {
        name: side["mac"] for name, key in (("src_mac", "client"), ("dest_mac", "server")) if (side := record.get(key) or {}).get("mac")
    }
    said |= {"ether": macs} if macs else {}
    said |= {"app_proto": record["protocol"]} if record.get("protocol") else {}
    said["alert"] = {
        "action": "allowed", "gid": 1, "signature_id": FIRST_ID + _number(_identity(record), 64) % 1_000_000, "rev": 1,
        "signature": record["title"], "category": _CATEGORY[record["kind"]], "severity": _SEVERITY[record["severity"]],
        "metadata": _metadata(record),
    }  # fmt: skip
    names = ("id", "kind", "reason", "count", "unit", "function", "access", "outcome", "zones", "conduit", "packets")
    said["fieldtap"] = {name: record[name] for name in names if record.get(name) not in (None, [], {})}
    return said


def _metadata(record: Mapping[str, Any]) -> dict[str, list[str]]:
    """Lists of text, which others lift into their own fields."""
    found = {
        "mitre_technique_id": derived.attack_ids(record), "signature_severity": [str(record["severity"]).capitalize()],
        "confidence": [f"{float(record['confidence']):g}"], "rule": [one for one in (derived.rule_id(record),) if one],
    }  # fmt: skip
    return {name: values for name, values in found.items() if values}


def _identity(record: Mapping[str, Any]) -> str:
    return f"{derived.rule_id(record)}|{record['reason'] if record['kind'] == 'violation' else ''}"


def _number(text: str, bits: int) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> (64 - bits)


def _time(text: str) -> str:
    """Microseconds, and the offset without a colon."""
    return f"{text[:26]}+0000"
