"""Where an address stands: its zone and asset, by the most specific declaration.

The order: an asset's IP address; a MAC (of an asset that is known by nothing else, or for traffic without IP; then of a zone); the
network with the longest prefix; the VLAN, innermost first; else `external` for a public address and `unknown` for any other.
An asset that has IP addresses isn't looked for by its MAC in IP traffic: behind a router's MAC stand all the hosts it routes for.
A multicast or broadcast address has no place of its own (unless a multicast network is declared): such traffic belongs to the zone
of the side that is one device.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import NamedTuple

from dissectors import packed
from zones.model import EXTERNAL, UNKNOWN, Policy, Zone

# Not globally reachable (IANA special-purpose address registries, 2024); what lies between is public.
_LOCAL_V4 = (
    ("0.0.0.0", 8), ("10.0.0.0", 8), ("100.64.0.0", 10), ("127.0.0.0", 8), ("169.254.0.0", 16), ("172.16.0.0", 12), ("192.0.0.0", 24),
    ("192.0.2.0", 24), ("192.168.0.0", 16), ("198.18.0.0", 15), ("198.51.100.0", 24), ("203.0.113.0", 24), ("240.0.0.0", 4),
)  # fmt: skip


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


_MAPPED = bytes(10) + b"\xff\xff"
"""How an IPv4 address begins that is mapped into IPv6 (RFC 4291, 2.5.5.2)."""


def _packed(ip: str) -> bytes | None:
    """An IP address as the bytes of the wire, the IPv4 address where one is mapped into IPv6. None for what is no IP address."""
    found = packed(ip)
    if found is None or len(found) == 4:
        return found
    return None if len(found) != 16 else found[12:] if found.startswith(_MAPPED) else found


KNOWN = 8192
"""How many addresses are kept with where they stand by themselves; then all are looked for anew."""


def _range(text: str, prefix: int) -> range:
    """The addresses of a network, as numbers."""
    address = packed(text) or b""
    first = int.from_bytes(address, "big")
    return range(first, first + (1 << 8 * len(address) - prefix))


_LOCAL = tuple(_range(text, prefix) for text, prefix in _LOCAL_V4)
_GLOBAL_UNICAST_V6 = _range("2000::", 3)
"""All that IANA has given out as global unicast."""
_DOCUMENTATION_V6 = (_range("2001:db8::", 32), _range("3fff::", 20))
_GROUPS = {32: (_range("224.0.0.0", 4), _range("255.255.255.255", 32)), 128: (_range("ff00::", 8),)}
"""Multicast addresses and the limited broadcast, by how many bits an address has."""


def _public(bits: int, width: int) -> bool:
    if width == 32:
        return not any(bits in local for local in _LOCAL)
    return bits in _GLOBAL_UNICAST_V6 and not any(bits in range_ for range_ in _DOCUMENTATION_V6)


def _group(bits: int, width: int) -> bool:
    return any(bits in group for group in _GROUPS[width])


def _group_mac(mac: str) -> bool:
    return bool(int(mac[:2], 16) & 1)


class _Stretches:
    """The addresses of one family cut into stretches, each of which stands in one place."""

    __slots__ = ("_places", "_starts")

    def __init__(self, width: int, edges: Iterable[int], place_of: Callable[[int, int], Place]) -> None:
        starts = sorted(edge for edge in edges if edge < 1 << width)
        self._starts = [start.to_bytes(width // 8, "big") for start in starts]
        self._places = [place_of(start, width) for start in starts]

    def holding(self, address: bytes) -> Place:
        """The place of an address: one search among the starts, whatever the policy's size, and nothing to keep for it."""
        return self._places[bisect_right(self._starts, address) - 1]


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
        self._assets: dict[bytes, Place] = {}
        self._names: dict[str, Zone] = dict(zones)
        for name in policy.assets:
            self._add_asset(name)
        self.uses_macs, self.uses_vlans = bool(self._ip_macs), bool(self._vlans)
        self.by_ip_alone = not (self.uses_macs or self.uses_vlans)
        self._needy: dict[tuple[int, bool], Place] = {}
        self._v4, self._v6 = _Stretches(32, self._edges(32), self._by_network), _Stretches(128, self._edges(128), self._by_network)
        self._known: dict[str, Place] = {}

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
            address = _packed(ip)
            if address is not None:
                home = zone or self._by_network(int.from_bytes(address, "big"), 8 * len(address)).zone
                self._assets[address] = Place(home, name, "asset", f"{name} {ip}", asset.line)
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
        """By the longest prefix. Asked only for the first address of each stretch, and where assets stand."""
        group = _group(bits, width)
        for shift, table in self._orders[width, group]:
            found = table.get(bits >> shift)
            if found is not None:
                return found
        if group:
            return self.nowhere
        return self._external if _public(bits, width) else self._unknown

    def _edges(self, width: int) -> set[int]:
        """The addresses at which another place may begin."""
        known = _LOCAL if width == 32 else (_GLOBAL_UNICAST_V6, *_DOCUMENTATION_V6)
        networks = [network.addresses for zone in self.policy.zones.values() for network in zone.networks if network.width == width]
        return {0, *(edge for one in (*known, *_GROUPS[width], *networks) for edge in (one.start, one.stop))}

    def place_of(self, ip: str | None, mac: str | None, vlan: tuple[int, ...]) -> Place:
        """The place of a side: its IP address (None for traffic without), its MAC, the VLAN ids of the packet, outermost first."""
        place = None if ip is None else self.place_by_ip(ip)
        if place is None:
            return self._without_ip(mac, vlan)
        if self.by_ip_alone or place.by in ("asset", "group"):
            return place
        return self._by_layer_2(place, mac, vlan)

    def place_by_ip(self, ip: str) -> Place | None:
        """Where an address stands whatever its MAC and VLAN; None for what is no IP address."""
        known = self._known.get(ip)
        if known is None and (address := _packed(ip)) is not None:
            known = self._assets.get(address) or (self._v4 if len(address) == 4 else self._v6).holding(address)
            if len(self._known) >= KNOWN:
                self._known.clear()
            self._known[ip] = known
        return known

    def _by_layer_2(self, place: Place, mac: str | None, vlan: tuple[int, ...]) -> Place:
        """Where an address stands that would stand in `place` by itself."""
        listed = self._ip_macs.get(mac) if mac is not None else None
        if listed is not None:
            return self._needing(listed, vlan=False)
        if place.by == "network":
            return self._needing(place, vlan=False) if self.uses_macs else place
        return self._needing(self._by_vlan(vlan) or place, vlan=True)

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
