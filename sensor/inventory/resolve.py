"""From notes to assets: which addresses are one device, which MAC is a router's, which units stand behind an address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from sensor.inventory.address import is_device, is_mac, order, same_subnet
from sensor.inventory.asset import Asset, Attribute, Conversation, Evidence, Role
from sensor.inventory.vendor import vendors_of

if TYPE_CHECKING:
    from sensor.inventory.collect import Counted, Exchange, Inventory

FAMILY: Final[Mapping[str, str]] = {"umas": "modbus"}
"""Protocols whose units are another one's: UMAS is a Modbus function."""
OWN_UNITS: Final[Mapping[str, frozenset[str]]] = {"modbus": frozenset({"0", "255"})}
"""Units that mean the addressed device itself (Modbus Messaging on TCP/IP 1.0b, 4.4.1.2: 0xFF, and 0 accepted as well)."""
MAX_MERGED: Final = 4
"""A MAC that answers ARP for more addresses is more likely a router that does so for others (proxy ARP, RFC 1027)."""

Kind = Literal["host", "unit", "router"]
_Item = TypeVar("_Item")
_NONE: Final[Set[str]] = frozenset()
_NO_VLANS: Final[Set[int]] = frozenset()


class _Draft:
    """An asset while it is put together."""

    __slots__ = ("addresses", "first", "heard", "id", "kind", "last", "parent", "roles", "said", "units", "vlans")

    def __init__(self, identity: str, kind: Kind, parent: str | None = None) -> None:
        self.id = identity
        self.kind: Kind = kind
        self.parent = parent
        self.addresses: Set[str] = _NONE
        self.heard = False
        self.first: int | None = None
        self.last: int | None = None
        self.roles: set[tuple[Literal["client", "server"], str, int | None]] = set()
        self.vlans: Set[int] = _NO_VLANS
        self.units: Set[str] = _NONE
        self.said: dict[str, list[Evidence]] = {}

    def seen(self, first: int | None, last: int | None) -> None:
        """Widens first and last."""
        if first is not None:
            self.first = first if self.first is None else min(self.first, first)
        if last is not None:
            self.last = last if self.last is None else max(self.last, last)

    def say(self, name: str, evidence: Evidence) -> None:
        """Adds what was said of it."""
        self.said.setdefault(name, []).append(evidence)
        self.seen(evidence.time, evidence.time)

    def asset(self) -> Asset:
        """As it leaves."""
        said = {name: sorted(values, key=_moment) for name, values in self.said.items()}
        return Asset(
            id=self.id, kind=self.kind, parent=self.parent, addresses=_sorted(self.addresses, order), heard=self.heard,
            first=self.first, last=self.last, vlans=sorted(self.vlans), units=_sorted(self.units, _unit_order),
            roles=[_role(*role) for role in _sorted(self.roles, _role_order)],
            attributes={name: Attribute.of(name, values) for name, values in said.items()},
        )  # fmt: skip


def _sorted(items: Iterable[_Item], key: Callable[[_Item], Any]) -> list[_Item]:
    """Most hold one item, for which no key is worked out."""
    found = list(items)
    if len(found) > 1:
        found.sort(key=key)
    return found


def _role_order(role: tuple[str, str, int | None]) -> tuple[str, str, int]:
    return (role[0], role[1], -1 if role[2] is None else role[2])


@lru_cache(maxsize=4096)
def _role(role: Literal["client", "server"], protocol: str, port: int | None) -> Role:
    return Role(role=role, protocol=protocol, port=port)


def _moment(evidence: Evidence) -> tuple[int, int, int]:
    return (evidence.time, evidence.capture, evidence.packet)


def _unit_order(unit: str) -> tuple[int, str]:
    return (int(unit) if unit.isascii() and unit.isdigit() else 1 << 32, unit)


def resolve(inventory: Inventory) -> tuple[list[Asset], list[Conversation]]:
    """All assets and conversations of what the inventory has noted."""
    work = _Resolution(inventory)
    work.join_addresses()
    work.link_macs()
    work.add_traits()
    work.add_exchanges()
    work.name_vendors()
    work.lift_single_units()
    return work.assets(), work.conversations()


class _Resolution:
    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.drafts: dict[str, _Draft] = {}
        self.alias: dict[str, str] = {}

    def device(self, address: str) -> _Draft | None:
        """The draft that an address belongs to; None where it is no device's or there is no room."""
        identity = self.alias.get(address, address)
        draft = self.drafts.get(identity)
        if draft is None:
            if not is_device(address) or (address.endswith(".255") and address not in self.inventory.heard):
                return None
            draft = self.drafts[identity] = _Draft(identity, "host")
        if address not in draft.addresses:
            draft.addresses = draft.addresses | {address}
            draft.heard = draft.heard or address in self.inventory.heard
            draft.vlans = draft.vlans | self.inventory.vlans.get(address, _NO_VLANS)
        return draft

    def join_addresses(self) -> None:
        """Addresses of one device: the same MAC and the same narrow subnet, each said by ARP."""
        for mac, owners in self.inventory.owners.items():
            hosts = sorted((address for address in owners if not is_mac(address)), key=order)
            if len(hosts) == 1 or _one_device(hosts, owners):
                for address in (*hosts, mac):
                    self.alias[address] = hosts[0]

    def link_macs(self) -> None:
        """The MAC of a device, or of the router before it."""
        for mac, owners in self.inventory.owners.items():
            hosts = [address for address in owners if not is_mac(address)]
            if not hosts:
                self.device(mac)
            elif mac in self.alias:
                for address in hosts:
                    self._own(address, owners[address])
            else:
                self._route(mac, hosts, owners)

    def _own(self, address: str, evidence: Evidence) -> None:
        draft = self.device(address)
        if draft is not None:
            draft.say("mac", evidence)

    def _route(self, mac: str, hosts: Sequence[str], owners: Mapping[str, Evidence]) -> None:
        """Several addresses on one MAC: a router is suspected. If one of them alone answered ARP for itself, it is that one's."""
        own = [address for address in hosts if owners[address].protocol == "arp"]
        identity = own[0] if len(own) == 1 else mac
        self.alias[mac] = identity
        router = self.device(identity)
        if router is None:
            return
        router.kind = "router"
        router.heard = True
        if len(own) == 1:
            router.say("mac", owners[identity])
        else:
            router.say("mac", min(owners.values(), key=_moment))
        for address in hosts:
            behind = self.device(address) if address != identity else None
            if behind is not None:
                behind.say("router_mac", owners[address])

    def add_traits(self) -> None:
        """What devices and units said of themselves."""
        for (address, unit), traits in self.inventory.said.items():
            device = self.device(address)
            if device is None:
                continue
            for name, values in traits.items():
                for evidence in values:
                    self._behind(device, evidence.protocol, unit).say(name, evidence)
                    device.seen(evidence.time, evidence.time)
            device.heard = True

    def _behind(self, device: _Draft, protocol: str, unit: str | None) -> _Draft:
        """The unit behind a device, or the device where the unit means itself."""
        family = FAMILY.get(protocol, protocol)
        if unit is None or unit in OWN_UNITS.get(family, ()):
            return device
        identity = f"{device.id}/{family}:{unit}"
        draft = self.drafts.get(identity)
        if draft is None:
            draft = self.drafts[identity] = _Draft(identity, "unit", device.id)
            draft.addresses = device.addresses
            draft.heard = True
            device.units = device.units | {unit}
        return draft

    def add_exchanges(self) -> None:
        """Roles, and the units that answered."""
        room = self.inventory.room
        for exchange, counted in self.inventory.counted():
            client, server, port, protocol, unit, _ = exchange
            for address, role in ((client, "client"), (server, "server")):
                if address is None or (address not in self.alias and address not in self.drafts and not room(address)):
                    continue
                device = self.device(address)
                if device is None:
                    continue
                if role == "client" and counted.spoken > 0:
                    device.roles.add(("client", protocol, None))
                device.seen(counted.first, counted.last)
                if role == "server" and counted.answered > 0:
                    device.roles.add(("server", protocol, port))
                    device.heard = True
                    if unit is not None:
                        behind = self._behind(device, protocol, unit)
                        behind.roles.add(("server", protocol, port))
                        behind.seen(counted.first, counted.last)

    def name_vendors(self) -> None:
        """The vendor that a MAC is registered to: of the network interface, not always of the device."""
        owned = {draft.id: draft.said["mac"][-1] for draft in self.drafts.values() if "mac" in draft.said}
        names = vendors_of(str(evidence.value) for evidence in owned.values())
        for identity, evidence in owned.items():
            name = names.get(str(evidence.value))
            if name is not None:
                self.drafts[identity].say("vendor", _registered(name, evidence))

    def lift_single_units(self) -> None:
        """A device with one unit behind it is most likely that unit: it shows what the unit said, where it said nothing itself."""
        for draft in list(self.drafts.values()):
            if draft.kind != "unit" or draft.parent is None:
                continue
            parent = self.drafts[draft.parent]
            if len(parent.units) == 1:
                for name, values in draft.said.items():
                    parent.said.setdefault(name, []).extend(values)

    def assets(self) -> list[Asset]:
        """In the order of their addresses, units behind their device."""
        ordered = sorted(
            self.drafts.values(), key=lambda draft: (order(draft.parent or draft.id), draft.parent is not None, _unit_place(draft.id))
        )
        return [draft.asset() for draft in ordered]

    def conversations(self) -> list[Conversation]:
        """Exchanges between two assets, united over accesses and units."""
        united: dict[tuple[str, str, str, int | None], list[tuple[Exchange, Counted]]] = {}
        for exchange, counted in self.inventory.counted():
            client, server = (self.alias.get(side, side) if side is not None else None for side in exchange[:2])
            if client is not None and server is not None and client in self.drafts and server in self.drafts:
                united.setdefault((client, server, exchange[3], exchange[2]), []).append((exchange, counted))
        ordered = sorted(united, key=lambda key: (order(key[0]), order(key[1]), key[2], -1 if key[3] is None else key[3]))
        return [_conversation(key, united[key]) for key in ordered]


def _unit_place(identity: str) -> tuple[int, str]:
    return _unit_order(identity.rpartition(":")[2]) if "/" in identity else (0, "")


def _one_device(hosts: Sequence[str], owners: Mapping[str, Evidence]) -> bool:
    if not 1 < len(hosts) <= MAX_MERGED:
        return False
    return all(owners[address].protocol == "arp" and same_subnet(address, hosts[0]) for address in hosts)


def _registered(name: str, mac: Evidence) -> Evidence:
    return Evidence(
        value=name, confidence=0.5, protocol=mac.protocol, field=f"{mac.field} (OUI)",
        capture=mac.capture, packet=mac.packet, time=mac.time,
    )  # fmt: skip


def _conversation(key: tuple[str, str, str, int | None], parts: Iterable[tuple[Exchange, Counted]]) -> Conversation:
    client, server, protocol, port = key
    accesses: dict[str, int] = {}
    rejected = 0
    units: set[str] = set()
    firsts: list[int] = []
    lasts: list[int] = []
    for exchange, counted in parts:
        unit, access = exchange[4], exchange[5]
        accesses[access] = accesses.get(access, 0) + counted.count
        rejected += counted.rejected
        if unit is not None:
            units.add(unit)
        if counted.first is not None and counted.last is not None:
            firsts.append(counted.first)
            lasts.append(counted.last)
    return Conversation(
        client=client, server=server, protocol=protocol, port=port, units=_sorted(units, _unit_order),
        transactions=sum(accesses.values()), rejected=rejected, accesses=accesses,
        first=min(firsts, default=None), last=max(lasts, default=None),
    )  # fmt: skip
