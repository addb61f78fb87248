"""Where an address stands: its zone and asset, by the most specific declaration.

The order: an asset's IP address; a MAC (of an asset that is known by nothing else, or for traffic without IP; then of a zone); the
network with the longest prefix; the VLAN, innermost first; else `external` for a public address and `unknown` for any other.
An asset that has IP addresses isn't looked for by its MAC in IP traffic: behind a router's MAC stand all the hosts it routes for.
A multicast or broadcast address has no place of its own (unless a multicast network is declared): such traffic belongs to the zone
of the side that is one device.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from zones.model import EXTERNAL, UNKNOWN, Policy, Zone

CACHE = 32_768
"""How many addresses' places are kept; then all are looked up anew."""

# Not globally reachable (IANA special-purpose address registries, 2024); what lies between is public.
_LOCAL_V4 = (
    ("0.0.0.0", 8), ("10.0.0.0", 8), ("100.64.0.0", 10), ("127.0.0.0", 8), ("169.254.0.0", 16), ("172.16.0.0", 12), ("192.0.0.0", 24),
    ("192.0.2.0", 24), ("192.168.0.0", 16), ("198.18.0.0", 15), ("198.51.100.0", 24), ("203.0.113.0", 24), ("240.0.0.0", 4),
)  # fmt: skip
_SPECIAL_BLOCKS = ("22", "23", "255.255.255")
"""How /24 blocks begin that hold multicast addresses or the limited broadcast."""
_GLOBAL_UNICAST_V6 = 0b001  # 2000::/3 is all that IANA has given out as global unicast
_DOCUMENTATION_V6 = (0x20010DB8, 0x3FFF0)  # 2001:db8::/32, 3fff::/20


class Place(NamedTuple):
    """Where one side stands. `by` says what decided (`asset`, `mac`, `network`, `vlan`, `external`, `unknown`, `group`), `text` and
    `line` with which words of the policy. `needs_mac`, `needs_vlan`: another MAC or VLAN of the same address may stand elsewhere."""

    zone: Zone
    asset: str | None
    by: str
    text: str
    line: int
    needs_mac: bool = False
    needs_vlan: bool = False

    @property
    def names(self) -> frozenset[str]:
        """What a conduit may call it."""
        return frozenset((self.zone.name,)) if self.asset is None else frozenset((self.zone.name, self.asset))

    @property
    def called(self) -> str:
        """The asset where it is one, with its zone."""
        return self.zone.name if self.asset is None else f"{self.asset} ({self.zone.name})"


def _v4(text: str) -> int:
    a, b, c, d = map(int, text.split("."))
    return a << 24 | b << 16 | c << 8 | d


def _block(bits: int) -> str:
    return f"{bits >> 16}.{bits >> 8 & 255}.{bits & 255}"


def _v6(text: str) -> int:
    from socket import AF_INET6, inet_pton

    return int.from_bytes(inet_pton(AF_INET6, text.partition("%")[0]), "big")


_LOCAL_SHIFTED = tuple(
    (32 - prefix, frozenset(_v4(text) >> (32 - prefix) for text, length in _LOCAL_V4 if length == prefix))
    for prefix in sorted({length for _, length in _LOCAL_V4})
)


def _public(bits: int, width: int) -> bool:
    if width == 32:
        return all(bits >> shift not in networks for shift, networks in _LOCAL_SHIFTED)
    return bits >> 125 == _GLOBAL_UNICAST_V6 and bits >> 96 != _DOCUMENTATION_V6[0] and bits >> 108 != _DOCUMENTATION_V6[1]


def _parse(ip: str) -> tuple[int, int] | None:
    """Bits and width; an IPv4 address mapped into IPv6 is the IPv4 address. None for what is no address."""
    try:
        if ":" not in ip:
            return _v4(ip), 32
        bits = _v6(ip)
    except (OSError, ValueError):
        return None
    return (bits & 0xFFFF_FFFF, 32) if bits >> 32 == 0xFFFF else (bits, 128)


def _group(bits: int, width: int) -> bool:
    return bits >> 120 == 0xFF if width == 128 else bits >> 28 == 0xE or bits == 0xFFFF_FFFF


def _group_mac(mac: str) -> bool:
    return bool(int(mac[:2], 16) & 1)


class Places:
    """Looks places up for one policy."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        zones = policy.zones
        self._external = Place(zones[EXTERNAL], None, "external", "public, not declared", zones[EXTERNAL].line)
        self._unknown = Place(zones[UNKNOWN], None, "unknown", "not declared", zones[UNKNOWN].line)
        self.nowhere = Place(zones[UNKNOWN], None, "group", "multicast or broadcast", 0)
        self._macs: dict[str, Place] = {}
        self._vlans: dict[int, Place] = {}
        kinds = [(width, group) for width in (32, 128) for group in (False, True)]
        self._tables: dict[tuple[int, bool], dict[int, dict[int, Place]]] = {kind: {} for kind in kinds}
        for zone in zones.values():
            self._add_zone(zone)
        self._orders = {
            kind: [(kind[0] - prefix, tables[prefix]) for prefix in sorted(tables, reverse=True)] for kind, tables in self._tables.items()
        }
        self._ip_macs = dict(self._macs)
        self._assets: dict[tuple[int, int], Place] = {}
        self._names: dict[str, Zone] = dict(zones)
        for name in policy.assets:
            self._add_asset(name)
        self.uses_macs, self.uses_vlans = bool(self._ip_macs), bool(self._vlans)
        self.by_ip_alone = not (self.uses_macs or self.uses_vlans)
        self._needy: dict[tuple[int, bool], Place] = {}
        self._cache: dict[object, Place] = {}
        self._blocks: dict[str, Place] = {}
        self._mixed = frozenset(self._mixed_blocks())

    def _add_zone(self, zone: Zone) -> None:
        for mac, line in zone.macs:
            self._macs[mac] = Place(zone, None, "mac", mac, line)
        for vlan, line in zone.vlans:
            self._vlans[vlan] = Place(zone, None, "vlan", f"VLAN {vlan}", line)
        for network in zone.networks:
            group = _group(network.bits << (network.width - network.prefix), network.width)
            table = self._tables[network.width, group].setdefault(network.prefix, {})
            table[network.bits] = Place(zone, None, "network", network.text, network.line)

    def _add_asset(self, name: str) -> None:
        """An asset stands in the zone that lists it, else where its first address stands."""
        asset = self.policy.assets[name]
        zone = self.policy.zones[asset.zone] if asset.zone is not None else None
        for ip in asset.ips:
            parsed = _parse(ip)
            if parsed is not None:
                home = zone or self._by_network(*parsed).zone
                self._assets[parsed] = Place(home, name, "asset", f"{name} {ip}", asset.line)
                self._names.setdefault(name, home)
        for mac in asset.macs:
            listed = self._macs.get(mac)
            home = zone or self._names.get(name) or (listed.zone if listed else self.policy.zones[UNKNOWN])
            self._macs[mac] = Place(home, name, "asset", f"{name} {mac}", asset.line)
            self._names.setdefault(name, home)
            if not asset.ips:
                self._ip_macs[mac] = self._macs[mac]

    def zone_of_name(self, name: str) -> Zone:
        """The zone of this name, or that the asset of this name stands in."""
        return self._names[name]

    def _by_network(self, bits: int, width: int) -> Place:
        group = _group(bits, width)
        for shift, table in self._orders[width, group]:
            found = table.get(bits >> shift)
            if found is not None:
                return found
        if group:
            return self.nowhere
        return self._external if _public(bits, width) else self._unknown

    def place_of(self, ip: str | None, mac: str | None, vlan: tuple[int, ...]) -> Place:
        """The place of a side: its IP address (None for traffic without), its MAC, the VLAN ids of the packet, outermost first."""
        if ip is not None and self.by_ip_alone:
            found = self._cache.get(ip) or self._blocks.get(ip.rpartition(".")[0])
            return self._by_ip(ip) if found is None else found
        key = (ip, mac, vlan)
        found = self._cache.get(key)
        if found is None:
            if len(self._cache) >= CACHE:
                self._cache.clear()
            found = self._cache[key] = self._look_up(ip, mac, vlan)
        return found

    def _by_ip(self, ip: str) -> Place:
        """The place of an address by itself, kept: for its whole /24 where all of that stands in one place."""
        found = self._look_up(ip, None, ())
        block, _, last = ip.rpartition(".")
        if ":" not in ip and last and block not in self._mixed and not block.startswith(_SPECIAL_BLOCKS):
            cache, key = self._blocks, block
        else:
            cache, key = self._cache, ip  # type: ignore[assignment]
        if len(cache) >= CACHE:
            cache.clear()
        cache[key] = found
        return found

    def _mixed_blocks(self) -> Iterator[str]:
        """The IPv4 /24 blocks whose addresses don't all stand in one place, as the text before their last dot."""
        for bits, width in self._assets:
            if width == 32:
                yield _block(bits >> 8)
        for group in (False, True):
            for prefix, table in self._tables[32, group].items():
                yield from (_block(bits >> (prefix - 24)) for bits in table if prefix > 24)

    def _look_up(self, ip: str | None, mac: str | None, vlan: tuple[int, ...]) -> Place:
        parsed = _parse(ip) if ip is not None else None
        if parsed is None:
            return self._without_ip(mac, vlan)
        place = self._assets.get(parsed) if self._assets else None
        if place is not None:
            return place
        place = self._by_network(*parsed)
        if place is self.nowhere:
            return place
        listed = self._ip_macs.get(mac) if mac is not None else None
        if listed is not None:
            return self._needing(listed, vlan=False)
        if place.by == "network":
            return self._needing(place, vlan=False) if self.uses_macs else place
        return place if self.by_ip_alone else self._needing(self._by_vlan(vlan) or place, vlan=True)

    def _without_ip(self, mac: str | None, vlan: tuple[int, ...]) -> Place:
        """Traffic without IP: its MAC is its address, so only the VLAN may change."""
        if mac is not None and mac in self._macs:
            return self._macs[mac]
        if mac is not None and _group_mac(mac):
            return self.nowhere
        place = self._by_vlan(vlan) or self._unknown
        return place._replace(needs_vlan=self.uses_vlans)

    def _by_vlan(self, vlan: tuple[int, ...]) -> Place | None:
        return next((self._vlans[tag] for tag in reversed(vlan) if tag in self._vlans), None)

    def _needing(self, place: Place, *, vlan: bool) -> Place:
        """The same place, known to hold for this MAC (and VLAN) only."""
        key = (id(place), vlan)
        found = self._needy.get(key)
        if found is None:
            wants = self.uses_macs, vlan and self.uses_vlans
            found = self._needy[key] = Place(place.zone, place.asset, place.by, place.text, place.line, *wants) if any(wants) else place
        return found
