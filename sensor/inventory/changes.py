"""What is new, gone or another between two states of an inventory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sensor.inventory.known import value

COMPARED: Final = ("role", "level", "zone", "vendor", "model", "firmware", "hardware", "serial", "name", "os")
"""What is compared of an asset beside its addresses and hardware address; every other attribute of which both know a value is, too."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of an asset. `packets` are those that said so: capture, packet, time; `attribute` is None where it came or went."""

    kind: Literal["new", "gone", "changed"]
    asset: str
    attribute: str | None = None
    old: Any = None
    new: Any = None
    packets: Sequence[Mapping[str, Any]] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "kind": self.kind, "asset": self.asset, "attribute": self.attribute, "from": self.old, "to": self.new,
            "packets": [dict(packet) for packet in self.packets],
        }  # fmt: skip


def changes(old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]], *, since: str | None = None) -> list[Change]:
    """From one state of known assets to another. With `since` (UTC text) the second continues the first, and an asset is gone that was not
    seen after that time."""
    before = {asset["id"]: asset for asset in old}
    after = {asset["id"]: asset for asset in new}
    found = [Change("new", identity, packets=_first(after[identity])) for identity in after if identity not in before]
    for identity, asset in before.items():
        later = after.get(identity)
        if later is None or (since is not None and (later["last"] or "") <= since):
            found.append(Change("gone", identity, packets=_last(asset)))
        else:
            found += _changed(asset, later)
    order = ("new", "gone", "changed")
    return sorted(found, key=lambda change: (order.index(change.kind), change.asset, change.attribute or ""))


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[Change]:
    if sorted(old["addresses"]) != sorted(new["addresses"]):
        yield Change("changed", new["id"], "addresses", list(old["addresses"]), list(new["addresses"]))
    for name in COMPARED:
        values = value(old, name), value(new, name)
        if values[0] != values[1]:
            yield Change("changed", new["id"], name, *values, packets=[*_said(old, name), *_said(new, name)])
    others = (old["attributes"].keys() & new["attributes"].keys()) - set(COMPARED)
    for name in sorted(others):
        sides = old["attributes"][name], new["attributes"][name]
        if sides[0]["value"] != sides[1]["value"]:
            packets = [_packet(side["provenance"]) for side in sides]
            yield Change("changed", new["id"], name, sides[0]["value"], sides[1]["value"], packets)


def _said(asset: Mapping[str, Any], name: str) -> Iterable[Mapping[str, Any]]:
    said = asset["observed"].get(name)
    return [] if said is None or said["provenance"] is None else [_packet(said["provenance"])]


def _first(asset: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    said = sorted((_packet(one["provenance"]) for one in asset["attributes"].values()), key=lambda packet: str(packet["time"]))
    return said[:1]


def _last(asset: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [{"capture": None, "packet": None, "time": asset["last"]}] if asset["last"] is not None else []


def _packet(provenance: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: provenance.get(name) for name in ("capture", "packet", "time")}
