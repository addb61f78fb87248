"""What does not fit together in what was said of one asset: each with both packets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

MATTERS: Final[Mapping[str, tuple[str, str]]] = {
    "mac": ("mac_moved", "the address was used by another hardware address"),
    "serial": ("two_serials", "two serial numbers answer at one address"),
    "order_number": ("two_models", "two order numbers answer at one address"),
    "model": ("two_models", "two models answer at one address"),
    "product": ("two_models", "two products answer at one address"),
    "vendor": ("two_vendors", "two makers are named at one address"),
    "firmware": ("firmware_changed", "the firmware is another than before"),
    "hardware": ("hardware_changed", "the hardware version is another than before"),
}  # fmt: skip
"""Attributes of which a device has one, the kind of contradiction that two are, and what it says."""
_TTL: Final = re.compile(r"ttl=(\d{1,3})\b")
_STARTS: Final = (32, 64, 128, 255, 999)
"""Times to live that systems begin with (the last for what no packet can have)."""
ANSWERED: Final = 0.8
"""What is less sure than this (a register's entry, a packet that may have been routed) contradicts nothing."""


def contradictions(asset: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of an asset's document, by attribute and time: kind, attribute, what it says, `from` and `to` with value and provenance."""
    found = []
    for name, (kind, says) in MATTERS.items():
        attribute = asset["attributes"].get(name)
        if attribute is not None:
            found += [{"kind": kind, "attribute": name, "says": says, "from": old, "to": new} for old, new in _rivals(name, attribute)]
    return found + _stacks(asset)


def _stacks(asset: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Connections opened in the manner of several systems: several hosts speak from one address, as behind network address translation."""
    by_start: dict[int, Mapping[str, Any]] = {}
    attribute = asset["attributes"].get("tcp_stack")
    for said in (*attribute["history"], attribute) if attribute is not None else ():
        found = _TTL.match(str(said["value"]))
        if found is not None and said["provenance"]["field"] == "tcp.syn":
            by_start.setdefault(next(start for start in _STARTS if int(found.group(1)) <= start), said)
    if len(by_start) < 2:
        return []
    one, other = sorted(by_start.values(), key=lambda said: (said["provenance"]["time"], said["provenance"]["packet"]))[:2]
    says = "connections are opened by several systems: other hosts may stand behind it (NAT)"
    return [{"kind": "several_hosts", "attribute": "tcp_stack", "says": says, "from": _side(one), "to": _side(other)}]


def _rivals(name: str, attribute: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Neighbours in time that differ, of what one source said in the same field: two fields may write the same thing differently."""
    by_field: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for said in (*attribute["history"], attribute):
        if said["confidence"] >= ANSWERED:
            source = said["provenance"]
            by_field.setdefault((source["protocol"], "" if name == "mac" else source["field"]), []).append(said)
    for values in by_field.values():
        values.sort(key=lambda said: (said["provenance"]["time"], said["provenance"]["packet"]))
        for old, new in pairwise(values):
            if old["value"] != new["value"]:
                yield _side(old), _side(new)


def _side(said: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": said["value"], "provenance": said["provenance"]}
