"""All that is known of assets, put together for every output: what was observed, what is concluded of it, what people declared.

Beside what the store holds a known asset has

    concluded       by topic: value, confidence, votes with their evidence (sensor.inventory.infer)
    declared        by name: value, who, why, at
    observed        one value each for what people ask for (name, vendor, model, firmware, serial, os, role, level), with its packet
    contradictions  what does not fit together
    cpe             a CPE 2.3 name of its firmware, or None
    zone, level     where it stands: declared, else by the policy; the level concluded where neither says
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sensor.inventory.address import is_mac
from sensor.inventory.candidates import Rules
from sensor.inventory.contradictions import contradictions
from sensor.inventory.cpe import firmware_cpe
from sensor.inventory.edges import Edges, edges
from sensor.inventory.infer import concluded
from sensor.inventory.names import MODEL, NAME, ROLES, TOPICS, VERSIONS

if TYPE_CHECKING:
    from sensor.result import Result
    from sensor.store import Store
    from zones.model import Asset
    from zones.places import Places

Document = dict[str, Any]
_PLAIN: Final[Mapping[str, Sequence[str]]] = {
    "name": NAME, "model": MODEL, "firmware": VERSIONS, "hardware": ("hardware",),
    "serial": ("serial",), "os": ("os",), "location": ("location",),
}  # fmt: skip
"""What is asked for, and the attributes that say it, the first one known."""


@dataclass(frozen=True, slots=True)
class Known:
    """Assets and the edges between them, as documents; `captures` are paths by id, `declared` all declarations by asset."""

    assets: Sequence[Document]
    edges: Sequence[Mapping[str, Any]]
    captures: Mapping[str, str]
    declared: Mapping[str, Mapping[str, Mapping[str, Any]]]

    def between(self, assets: Iterable[Mapping[str, Any]]) -> Known:
        """Only these assets, and the edges among them."""
        kept = [dict(asset) for asset in assets]
        return Known(kept, _among(self.edges, kept), self.captures, self.declared)


def known(store: Store, policy: Any = None, *, until: int | None = None, heard: bool = True) -> Known:
    """What a store knows, at `until` (ns) where it is given. `policy` (zones.Policy) says zones; `heard` leaves out addresses that never
    sent a packet."""
    found = [asset for asset in store.assets(until) if asset["heard"] or not heard]
    captures = {capture["id"]: capture["path"] for capture in store.captures()}
    return put_together(found, store.conversations(until), policy, captures=captures, declared=store.declared())


def known_of(result: Result) -> Known:
    """What a run has found, before anything of it is kept; captures are numbers. What is declared rests with the store."""
    from sensor.inventory.kept import of_run

    assets = [asset.to_dict() for asset in result.assets]
    homes = {asset["id"]: asset["id"] for asset in assets if asset["parent"] is None}
    for asset in assets:
        if asset["parent"] is None:
            for address in asset["addresses"]:
                homes.setdefault(address, asset["id"])
    return put_together(assets, edges(of_run(result), homes), result.plan.policy)


def put_together(
    assets: Sequence[Document], talks: Sequence[Mapping[str, Any]], policy: Any = None, *,
    captures: Mapping[str, str] | None = None, declared: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
    rules: Rules | None = None,
) -> Known:  # fmt: skip
    """The same from documents; edges to assets that aren't among them are left out."""
    talks = _among(talks, assets)
    conclusions = concluded(assets, talks, rules)
    places = None
    if policy is not None:
        from zones.places import Places

        places = Places(policy)
    told = declared or {}
    for asset in assets:
        asset["concluded"] = {topic: conclusion.to_dict() for topic, conclusion in conclusions[asset["id"]].items()}
        asset["declared"] = _declared(asset, told)
        asset["observed"] = _observed(asset)
        asset["contradictions"] = contradictions(asset)
        asset["cpe"] = firmware_cpe(*(_text(asset["observed"].get(name)) for name in ("vendor", "model", "firmware")))
        _place(asset, places)
    return Known(assets, talks, captures or {}, told)


def _among(talks: Sequence[Mapping[str, Any]], assets: Iterable[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    ids = {str(asset["id"]) for asset in assets}
    if isinstance(talks, Edges):
        return talks.between(ids)
    return [edge for edge in talks if edge["client"] in ids and edge["server"] in ids]


def value(asset: Mapping[str, Any], name: str) -> Any:
    """What holds: declared, else observed or concluded, else None. `zone` and `level` are the asset's own."""
    if name in ("zone", "level"):
        return asset[name]
    said = asset["declared"].get(name) or asset["observed"].get(name)
    return None if said is None else said["value"]


def _declared(asset: Mapping[str, Any], told: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Of a device all that its addresses declare, its id's last; of a unit its own."""
    names = [asset["id"]] if asset["parent"] is not None else [*asset["addresses"], asset["id"]]
    mac = asset["attributes"].get("mac") if asset["parent"] is None else None
    if mac is not None:
        names.insert(0, str(mac["value"]))
    found: dict[str, Any] = {}
    for name in names:
        found |= told.get(name.lower(), {})
    return found


def _observed(asset: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, attributes in _PLAIN.items():
        said = next((asset["attributes"][one] for one in attributes if one in asset["attributes"]), None)
        if said is not None and said["value"] not in (None, ""):
            found[name] = {"value": said["value"], "confidence": said["confidence"], "provenance": said["provenance"]}
    for topic in TOPICS:
        conclusion = asset["concluded"].get(topic)
        if conclusion is not None and conclusion["value"] is not None and (topic not in found or topic == "os"):
            best = next(vote for vote in conclusion["votes"] if vote["value"] == conclusion["value"])
            ground = next(iter(best["evidence"]), None)
            found[topic] = {"value": conclusion["value"], "confidence": conclusion["confidence"], "provenance": ground}
    if "vendor" not in found and "vendor" in asset["attributes"]:
        said = asset["attributes"]["vendor"]
        if said["confidence"] > 0.5:
            found["vendor"] = {"value": said["value"], "confidence": said["confidence"], "provenance": said["provenance"]}
    return found


def _text(said: Mapping[str, Any] | None) -> str | None:
    return None if said is None else str(said["value"])


def _said_by_policy(asset: Document, declared: Asset) -> None:
    """A policy's name and role of an asset, where people declared nothing else in the store."""
    by = {"who": "policy", "why": f"line {declared.line}", "at": "", "source": "policy"}
    role = (declared.role or "").lower().replace(" ", "_").replace("-", "_")
    said = {"name": {"value": declared.name, **by}} | ({"role": {"value": role, **by}} if role in ROLES else {})
    asset["declared"] = {**said, **asset["declared"]}


def _place(asset: Document, places: Places | None) -> None:
    """Zone and level, and what says so: `declared`, `policy` or `concluded`."""
    told, zone = asset["declared"], None
    level = float(told["level"]["value"]) if "level" in told else None
    asset["level_by"] = None if level is None else "declared"
    if places is not None:
        ip = next((address for address in asset["addresses"] if not is_mac(address)), None)
        mac = asset["attributes"].get("mac")
        place = places.place_of(ip, asset["id"] if ip is None else mac and str(mac["value"]), tuple(asset["vlans"]))
        zone = place.zone.name
        if place.asset is not None:
            _said_by_policy(asset, places.policy.assets[place.asset])
        if level is None and place.zone.level is not None:
            level, asset["level_by"] = place.zone.level, "policy"
    if level is None and asset["observed"].get("level") is not None:
        level, asset["level_by"] = asset["observed"]["level"]["value"], "concluded"
    asset["zone"] = told["zone"]["value"] if "zone" in told else zone
    asset["level"] = level
