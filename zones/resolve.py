"""What a policy of the right shape means: names resolved, networks read, overlaps judged."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING

from zones.calendar import Calendar
from zones.conduits import Reader
from zones.document import Document, Path
from zones.model import EXTERNAL, UNKNOWN, Asset, Network, Policy, Zone
from zones.places import Places
from zones.vocabulary import Vocabulary, suggestion

if TYPE_CHECKING:
    from zones.loader import Report
    from zones.schema import AssetEntry, PolicyEntry, ZoneEntry

EXTERNAL_LEVEL = 5.0
"""Public addresses stand above the enterprise unless the policy says otherwise."""


class Resolver:
    """One policy on its way from entries to a `Policy`."""

    def __init__(self, document: Document, report: Report) -> None:
        self.document = document
        self.report = report
        self.zones: dict[str, Zone] = {}
        self.assets: dict[str, Asset] = {}
        self.claims: dict[tuple[str, object], tuple[str, int]] = {}
        self.described: dict[str, ZoneEntry] = {}

    def line(self, *path: str | int) -> int:
        """Where a part stands in the file."""
        return self.document.line(path)

    def read_zones(self, entries: dict[str, ZoneEntry], at: Path, parent: Zone | None) -> None:
        """Zones at one depth, and below each those nested in it."""
        for name, entry in entries.items():
            path = (*at, name)
            line = self.line(*path)
            if name in self.zones:
                self.report.error(line, f'zone "{name}" is declared twice (first on line {self.zones[name].line})')
                continue
            if parent is not None and name in (EXTERNAL, UNKNOWN):
                self.report.error(line, f'zone "{name}" can\'t be nested')
                continue
            zone = self._zone(name, entry, path, parent)
            self.zones[name] = zone
            if entry.zones:
                self.read_zones(entry.zones, (*path, "zones"), zone)

    def _zone(self, name: str, entry: ZoneEntry, path: Path, parent: Zone | None) -> Zone:
        level = entry.level if entry.level is not None else parent.level if parent else None
        if level is None and name == EXTERNAL:
            level = EXTERNAL_LEVEL
        networks = self._networks(name, entry.networks or [], (*path, "networks"))
        macs = tuple((mac, self.line(*path, "macs", i)) for i, mac in enumerate(entry.macs or []))
        vlans = tuple((vlan, self.line(*path, "vlans", i)) for i, vlan in enumerate(entry.vlans or []))
        for mac, line in macs:
            self.claim("MAC", mac, name, line)
        for vlan, line in vlans:
            self.claim("VLAN", vlan, name, line)
        for i, asset in enumerate(entry.assets or []):
            self.claim("asset", asset, name, self.line(*path, "assets", i))
        described = entry.roles or entry.vendors or entry.tags
        if not (networks or macs or vlans or entry.assets or described or entry.zones or name in (EXTERNAL, UNKNOWN)):
            self.report.warning(self.line(*path), f'zone "{name}" has no networks, macs, vlans or assets: nothing is ever in it')
        zone = Zone(
            name, level, parent.name if parent else None, entry.internal == "allow", networks, macs, vlans,
            tuple(entry.assets or []), entry.description, entry.security_level, self.line(*path),
        )  # fmt: skip
        self.described[name] = entry
        if parent is not None and parent.networks:
            for network in networks:
                if not any(outer.holds(network) for outer in parent.networks):
                    self.report.warning(network.line, f'network {network.text} of zone "{name}" lies outside of its parent "{parent.name}"')
        return zone

    def _networks(self, zone: str, texts: list[str], path: Path) -> tuple[Network, ...]:
        made = []
        for i, text in enumerate(texts):
            line = self.line(*path, i)
            try:
                read = ipaddress.ip_network(text)
            except ValueError as error:
                self.report.error(line, _network_error(text, error))
                continue
            shift = read.max_prefixlen - read.prefixlen
            made.append(Network(read.version, int(read.network_address) >> shift, read.prefixlen, text, line))
            self.claim("network", str(read), zone, line)
        return tuple(made)

    def claim(self, what: str, value: object, owner: str, line: int) -> None:
        """One owner for each network, MAC, VLAN and listed asset: two are an ambiguity."""
        held = self.claims.get((what, value))
        if held is None:
            self.claims[what, value] = owner, line
            return
        other, first = held
        if other == owner:
            self.report.warning(line, f'{what} {value} stands twice in "{owner}" (first on line {first})')
        else:
            self.report.error(line, f'{what} {value} is claimed by "{other}" (line {first}) and by "{owner}": which is it?')

    def read_assets(self, entries: dict[str, AssetEntry], lost: set[str]) -> None:
        """Declared assets; `lost` names those that are declared, but wrongly."""
        listed = {value: owner for (what, value), (owner, _) in self.claims.items() if what == "asset"}
        for name, entry in entries.items():
            line = self.line("assets", name)
            if name in self.zones:
                self.report.error(line, f'asset "{name}" has the name of a zone (line {self.zones[name].line})')
            ips = self._ips(name, entry.ip or [])
            if not (entry.ip or entry.mac):
                self.report.error(line, f'asset "{name}" has neither ip nor mac')
            for i, mac in enumerate(entry.mac or []):
                self.claim("MAC", mac, name, self.line("assets", name, "mac", i))
            zone = listed.get(name) or self._zone_by_kind(name, entry, line)
            self.assets[name] = Asset(
                name, ips, tuple(entry.mac or []), zone if isinstance(zone, str) else None,
                entry.role, tuple(entry.tags or []), entry.description, entry.vendor, line,
            )  # fmt: skip
        for (what, value), (_, line) in self.claims.items():
            if what == "asset" and isinstance(value, str) and value not in self.assets and value not in lost:
                self.report.error(line, f'asset "{value}" is not declared{suggestion(value, self.assets)}')

    def _zone_by_kind(self, name: str, entry: AssetEntry, line: int) -> str | None:
        """The zone of assets with this role, vendor or tag; of nested ones the innermost. Two that aren't nested are an ambiguity."""
        found = [zone for zone, described in self.described.items() if _is_kind(entry, described)]
        inner = [zone for zone in found if not any(zone in self._around(other) for other in found)]
        if len(inner) > 1:
            said = " and ".join(f'"{zone}" (line {self.zones[zone].line})' for zone in inner)
            self.report.error(line, f'asset "{name}" is claimed by its role, vendor or tags by {said}: which is it? List it in one')
        return inner[0] if inner else None

    def _around(self, zone: str) -> set[str]:
        """The zones that a zone is nested in."""
        around, parent = set(), self.zones[zone].parent
        while parent is not None:
            around.add(parent)
            parent = self.zones[parent].parent
        return around

    def _ips(self, name: str, texts: list[str]) -> tuple[str, ...]:
        made = []
        for i, text in enumerate(texts):
            line = self.line("assets", name, "ip", i)
            try:
                address = ipaddress.ip_address(text)
            except ValueError:
                self.report.error(line, f'"{text}" is not an IP address')
                continue
            if address.is_multicast or address.is_unspecified or text == "255.255.255.255":
                self.report.error(line, f'"{text}" is not the address of one device')
            self.claim("IP address", str(address), name, line)
            made.append(str(address))
        return tuple(made)

    def unplaced(self) -> None:
        """Warns of assets that no zone holds."""
        networks = [network for zone in self.zones.values() for network in zone.networks]
        for asset in self.assets.values():
            if asset.zone is not None or any(_inside(ip, networks) for ip in asset.ips):
                continue
            if not any(("MAC", mac) in self.claims and self.claims["MAC", mac][0] in self.zones for mac in asset.macs):
                self.report.warning(asset.line, f'asset "{asset.name}" is in no zone: list it in one, or declare its network')


def _is_kind(entry: AssetEntry, zone: ZoneEntry) -> bool:
    return (
        (entry.role is not None and entry.role in (zone.roles or ()))
        or (entry.vendor is not None and entry.vendor in (zone.vendors or ()))
        or any(tag in (zone.tags or ()) for tag in entry.tags or ())
    )


def _inside(ip: str, networks: Iterable[Network]) -> bool:
    address = ipaddress.ip_address(ip)
    host = Network(address.version, int(address), address.max_prefixlen, ip, 0)
    return any(network.holds(host) for network in networks)


def _network_error(text: str, error: ValueError) -> str:
    if "has host bits set" in str(error):
        return f'network "{text}" has host bits set; did you mean "{ipaddress.ip_network(text, strict=False)}"?'
    return f'"{text}" is not a network (10.20.0.0/16)'


def _look_over(policy: Policy, report: Report) -> None:
    """A conduit that passes levels by must say why. Warns of one that says so and doesn't, and of one that changes nothing."""
    zone_of = Places(policy).zone_of_name
    for conduit in policy.conduits:
        if conduit.term is not None:
            continue  # why it is needed stands in its ticket
        sources, targets = ([zone_of(name) for name in sorted(names)] for names in (conduit.sources, conduit.targets))
        pairs = [(one, other) for one in sources for other in targets]
        if not conduit.allow:
            continue
        passed = {level for one, other in pairs for level in policy.passed_levels(one, other)}
        if passed and conduit.skip_level is None:
            said = ", ".join(f"{level:g}" for level in sorted(passed))
            report.error(conduit.line, f'conduit "{conduit.id}" passes by level {said}; if that is meant, say skip_level: <reason>')
        if not passed and conduit.skip_level is not None:
            report.warning(conduit.line, f'conduit "{conduit.id}" skips no level: skip_level says nothing')
        if not conduit.deny and all(one.name == other.name and one.internal for one, other in pairs):
            said = f'conduit "{conduit.id}" changes nothing: all is allowed within zone "{pairs[0][0].name}" (unless internal: deny)'
            report.warning(conduit.line, said)


def resolve(entry: PolicyEntry, document: Document, report: Report, words: Vocabulary, digest: str) -> Policy:
    """The policy that `entry` means; errors, warnings and notes go to `report` (with an error the result is of no use)."""
    resolver = Resolver(document, report)
    resolver.read_zones(entry.zones, ("zones",), None)
    zones = resolver.zones
    declared = document.declared
    resolver.read_assets(entry.assets, declared)
    zones.setdefault(EXTERNAL, Zone(EXTERNAL, EXTERNAL_LEVEL, line=0))
    zones.setdefault(UNKNOWN, Zone(UNKNOWN, line=0))
    if not report.errors:
        resolver.unplaced()
    calendar = Calendar(entry, document, report)
    schedules = calendar.schedules()
    reader = Reader(document, report, words, {*zones, *resolver.assets, *declared}, schedules)
    conduits = (*(reader.conduit(part, i) for i, part in enumerate(entry.conduits)), *calendar.exceptions(reader))
    seen: dict[str, int] = {}
    for conduit in conduits:
        if conduit.id in seen:
            what = "conduit" if conduit.term is None else "exception"
            report.error(conduit.line, f'{what} "{conduit.id}" stands twice (first on line {seen[conduit.id]})')
        seen.setdefault(conduit.id, conduit.line)
    policy = Policy(
        file=report.file, sha256=digest, site=entry.site, timezone=entry.timezone, severity=entry.severity, zones=zones,
        assets=resolver.assets, conduits=conduits, schedules=schedules, line=document.line(("conduits",)),
        ladder=tuple(sorted({zone.level for zone in zones.values() if zone.level is not None})),
    )  # fmt: skip
    if not report.errors:
        _look_over(policy, report)
    return policy
