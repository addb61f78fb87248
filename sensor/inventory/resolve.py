"""From notes to assets: which addresses are one device, which MAC is a router's, which units stand behind an address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, overload

from sensor.inventory.address import is_device, is_mac, is_public, order
from sensor.inventory.asset import Asset, Attribute, Conversation, Evidence, Role
from sensor.inventory.collect import SAID_BY_OTHERS
from sensor.inventory.identity import VOUCHING, Bearer, bearer, is_routed, one_network
from sensor.inventory.vendor import vendors_of

if TYPE_CHECKING:
    from sensor.inventory.collect import Counted, Exchange, Inventory

FAMILY: Final[Mapping[str, str]] = {"umas": "modbus"}
"""Protocols whose units are another one's: UMAS is a Modbus function."""
OWN_UNITS: Final[Mapping[str, frozenset[str]]] = {"modbus": frozenset({"0", "255"})}
"""Units that mean the addressed device itself (Modbus Messaging on TCP/IP 1.0b, 4.4.1.2: 0xFF, and 0 accepted as well)."""

Kind = Literal["host", "unit", "router"]
Known = tuple[Literal["client", "server"], str, int | None]
"""A role: which side, protocol, the server's port."""
_Item = TypeVar("_Item")
_NONE: Final[Set[str]] = frozenset()
_NO_ROLES: Final[frozenset[Known]] = frozenset()
_NO_VLANS: Final[Set[int]] = frozenset()
_NO_UNIT: Final = (0, "")


class _Draft:
    """An asset while it is put together, and afterwards until somebody reads it: there are as many as addresses, so what most of them have
    alike (roles, no VLAN, no unit) is one object for all."""

    __slots__ = ("addresses", "first", "heard", "id", "kind", "last", "lifted", "parent", "place", "roles", "said", "units", "vlans")

    def __init__(self, identity: str, kind: Kind, parent: str | None = None) -> None:
        self.id = identity
        self.kind: Kind = kind
        self.parent = parent
        self.addresses: list[str] = []
        self.heard = False
        self.first: int | None = None
        self.last: int | None = None
        self.roles = _NO_ROLES
        self.vlans: Set[int] = _NO_VLANS
        self.units: Set[str] = _NONE
        self.said: list[Evidence] = []
        self.lifted: Sequence[Evidence] = ()
        self.place = 0

    def seen(self, first: int | None, last: int | None) -> None:
        """Widens first and last."""
        if first is not None and (self.first is None or first < self.first):
            self.first = first
        if last is not None and (self.last is None or last > self.last):
            self.last = last

    def say(self, evidence: Evidence) -> None:
        """Adds what was said of it."""
        self.said.append(evidence)
        self.seen(evidence.time, evidence.time)

    def act(self, role: Known) -> None:
        """Adds a role."""
        if role not in self.roles:
            self.roles = _with_role(self.roles, role)

    def mac(self) -> Evidence | None:
        """Its MAC, as it was last said."""
        for evidence in self.said[::-1]:
            if evidence.name == "mac":
                return evidence
        return None

    def asset(self, vendors: Mapping[str, str]) -> Asset:
        """As it leaves. `vendors` are known by MAC: of the network interface, not always of the device."""
        said: dict[str, list[Evidence]] = {}
        for evidence in (*self.said, *_registered(self.mac(), vendors), *self.lifted):
            said.setdefault(evidence.name, []).append(evidence)
        return Asset(
            id=self.id, kind=self.kind, parent=self.parent, addresses=_sorted(self.addresses, order), heard=self.heard,
            first=self.first, last=self.last, vlans=sorted(self.vlans), units=_sorted(self.units, _unit_order),
            roles=[_role(*role) for role in _sorted(self.roles, _role_order)],
            attributes={name: Attribute.of(name, _sorted(values, _moment)) for name, values in said.items()},
        )  # fmt: skip


class Assets(Sequence[Asset]):
    """Assets in the order of their addresses, units behind their device; each is made when it is read."""

    def __init__(self, drafts: Sequence[_Draft], vendors: Mapping[str, str]) -> None:
        self._drafts = drafts
        self._vendors = vendors

    def heard(self) -> Assets:
        """Those that sent a packet."""
        return Assets([draft for draft in self._drafts if draft.heard], self._vendors)

    def without_lone_units(self) -> Assets:
        """Those but for units that are the only one of their device, which say what it says."""
        units = Counter(draft.parent for draft in self._drafts)
        return Assets([draft for draft in self._drafts if draft.parent is None or units[draft.parent] > 1], self._vendors)

    def __len__(self) -> int:
        return len(self._drafts)

    @overload
    def __getitem__(self, place: int) -> Asset: ...
    @overload
    def __getitem__(self, place: slice) -> Assets: ...
    def __getitem__(self, place: int | slice) -> Asset | Assets:
        held = self._drafts[place]
        return held.asset(self._vendors) if isinstance(held, _Draft) else Assets(held, self._vendors)

    def __iter__(self) -> Iterator[Asset]:
        return (draft.asset(self._vendors) for draft in self._drafts)


Talk = tuple[int, int, str, int]
"""Who talks to whom: places among the drafts, protocol, port (-1 without one)."""


class Conversations:
    """The edges of the graph, by client, server and protocol; each is made when it is read, of its exchanges."""

    def __init__(
        self, drafts: Sequence[_Draft], talks: Mapping[Talk, Sequence[Exchange]], counted: Mapping[Exchange, Counted | None]
    ) -> None:
        self._drafts = drafts
        self._talks = talks
        self._counted = counted

    def __len__(self) -> int:
        return len(self._talks)

    def __iter__(self) -> Iterator[Conversation]:
        for talk in sorted(self._talks):
            client, server = self._drafts[talk[0]].id, self._drafts[talk[1]].id
            yield _conversation(client, server, [(exchange, self._counted[exchange]) for exchange in self._talks[talk]])


def _sorted(items: Iterable[_Item], key: Callable[[_Item], Any]) -> list[_Item]:
    """Most hold one item, for which no key is worked out."""
    found = list(items)
    if len(found) > 1:
        found.sort(key=key)
    return found


@lru_cache(maxsize=4096)
def _with_role(roles: frozenset[Known], role: Known) -> frozenset[Known]:
    return roles | {role}


def _role_order(role: tuple[str, str, int | None]) -> tuple[str, str, int]:
    return (role[0], role[1], -1 if role[2] is None else role[2])


@lru_cache(maxsize=4096)
def _role(role: Literal["client", "server"], protocol: str, port: int | None) -> Role:
    return Role(role=role, protocol=protocol, port=port)


def _moment(evidence: Evidence) -> tuple[int, int, int]:
    return (evidence.time, evidence.capture, evidence.packet)


def _unit_order(unit: str) -> tuple[int, str]:
    return (int(unit) if unit.isascii() and unit.isdigit() else 1 << 32, unit)


def resolve(inventory: Inventory) -> tuple[Assets, Conversations]:
    """All assets and conversations of what the inventory has noted."""
    work = _Resolution(inventory)
    work.join_addresses()
    work.link_macs()
    work.add_traits()
    work.add_exchanges()
    work.lift_single_units()
    vendors, drafts = work.vendors(), work.ordered()
    return Assets(drafts, vendors), Conversations(drafts, work.talks(), inventory.exchanges)


class _Resolution:
    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.drafts: dict[str, _Draft] = {}
        self.alias: dict[str, str] = {}
        self.bearers: dict[str, Bearer] = {}
        self.homes: dict[str, _Draft] = {}
        """Addresses that were asked for, and the drafts that they belong to."""

    def device(self, address: str) -> _Draft | None:
        """The draft that an address belongs to; None where it is no device's or there is no room."""
        return self.homes.get(address) or self._home(address)

    def _home(self, address: str) -> _Draft | None:
        """The same for an address that is asked for the first time."""
        identity = self.alias.get(address, address)
        draft = self.drafts.get(identity)
        heard = self.inventory.heard(address)
        if draft is None:
            if not is_device(address) or (address.endswith(".255") and not heard):
                return None
            draft = self.drafts[identity] = _Draft(identity, "host")
        self.homes[address] = draft
        draft.addresses.append(address)
        draft.heard = draft.heard or heard
        vlans = self.inventory.vlans.get(address)
        if vlans:
            draft.vlans = draft.vlans | vlans
        return draft

    def join_addresses(self) -> None:
        """Addresses of one device are one asset, named by the least of them; its hardware address leads to it."""
        alias = self.alias
        for mac, owners in self.inventory.owners.items():
            if isinstance(owners, tuple):
                own: Sequence[str] = () if is_mac(owners[0]) else (owners[0],)
            else:
                judged = self.bearers[mac] = bearer(mac, owners, self.inventory.talking, self._is_routed)
                own = judged.own
            if own:
                root = alias.get(own[0], own[0])
                alias[mac] = root
                for address in own:
                    if address != root:
                        alias[address] = root

    def _is_routed(self, address: str) -> bool:
        """Whether all that was seen of an address had passed a router."""
        return is_routed(self.inventory.said.get((address, None), {}).get("tcp_stack", ()))

    def link_macs(self) -> None:
        """The MAC of a device, or of the router before it."""
        for mac, owners in self.inventory.owners.items():
            if isinstance(owners, tuple):
                address, said = owners
                if is_mac(address):
                    self._alone(mac, said if address == mac else None)
                else:
                    self._own(address, self._before(address, said))
                continue
            judged = self.bearers[mac]
            if judged.router:
                self._route(mac, judged, owners)
            elif not judged.own and not judged.behind:
                self._alone(mac, owners.get(mac))
            else:
                name = "router_mac" if judged.own else "mac" if one_network(judged.behind) else "shared_mac"
                for address in judged.behind:
                    said = self._before(address, owners[address])
                    self._own(address, said._replace(name=name) if said.name == "mac" else said)
            for address in judged.own:
                self._own(address, owners[address])
                if len(judged.own) > 1:
                    self._own(address, owners[address]._replace(name="ip", value=address))

    def _alone(self, mac: str, said: Evidence | None) -> None:
        """A device without IP; `said` where a frame of its own shows the hardware address, and not another device alone that names it."""
        if said is None:
            self.device(mac)
        else:
            self._own(mac, said)

    def _before(self, address: str, said: Evidence) -> Evidence:
        """An address of the Internet that speaks with another subnet came through a router, even where nothing else came through it."""
        routed = said.protocol not in VOUCHING and address in self.inventory.talking() and is_public(address)
        return said._replace(name="router_mac") if routed else said

    def _own(self, address: str, evidence: Evidence) -> None:
        draft = self.device(address)
        if draft is not None:
            draft.say(evidence)

    def _route(self, mac: str, judged: Bearer, owners: Mapping[str, Evidence]) -> None:
        """Packets of others carry its MAC: a router, known by its own address where it has one, else by the MAC."""
        router = self.device(judged.own[0] if judged.own else mac)
        if router is None:
            return
        router.kind = "router"
        router.heard = True
        if not judged.own:
            router.say(min(owners.values(), key=_moment))
        for address in judged.behind:
            behind = self.device(address)
            if behind is not None:
                behind.say(owners[address]._replace(name="router_mac"))

    def add_traits(self) -> None:
        """What devices and units said of themselves."""
        for (address, unit), traits in self.inventory.said.items():
            device = self.device(address)
            if device is None:
                continue
            for values in traits.values():
                for evidence in values:
                    self._behind(device, evidence.protocol, unit).say(evidence)
                    device.seen(evidence.time, evidence.time)
            device.heard = device.heard or any(said.field not in SAID_BY_OTHERS for values in traits.values() for said in values)

    def _behind(self, device: _Draft, protocol: str, unit: str | None) -> _Draft:
        """The unit behind a device, or the device where the unit means itself."""
        family = FAMILY.get(protocol, protocol)
        if unit is None or unit in OWN_UNITS.get(family, ()):
            return device
        identity = f"{device.id}/{family}:{unit}"
        draft = self.drafts.get(identity)
        if draft is None:
            draft = self.drafts[identity] = _Draft(identity, "unit", device.id)
            draft.addresses = list(device.addresses)
            draft.heard = True
            device.units = device.units | {unit}
        return draft

    def add_exchanges(self) -> None:
        """Roles, and the units that answered."""
        for exchange, counted in self.inventory.counted():
            client, server, port, protocol, unit, _ = exchange
            asks, answers = self._admitted(client, client), self._admitted(server, client)
            if asks is not None:
                if counted.spoken > 0:
                    asks.act(("client", protocol, None))
                asks.seen(counted.first, counted.last)
            if answers is not None:
                answers.seen(counted.first, counted.last)
                if counted.answered > 0:
                    self._answered(answers, ("server", protocol, port), unit, counted)

    def _admitted(self, address: str | None, asker: str | None) -> _Draft | None:
        """The device of an address that is talked of, where there is room for it."""
        if address is None:
            return None
        known = self.homes.get(address)
        if known is not None:
            return known
        if address in self.alias or address in self.drafts or self.inventory.room(address, asker):
            return self._home(address)
        return None

    def _answered(self, device: _Draft, role: Known, unit: str | None, counted: Counted) -> None:
        device.act(role)
        device.heard = True
        if unit is not None:
            behind = self._behind(device, role[1], unit)
            behind.act(role)
            behind.seen(counted.first, counted.last)

    def lift_single_units(self) -> None:
        """A device with one unit behind it is most likely that unit: it shows what the unit said, where it said nothing itself."""
        for draft in self.drafts.values():
            if draft.kind == "unit" and draft.parent is not None and draft.said:
                parent = self.drafts[draft.parent]
                if len(parent.units) == 1:
                    parent.lifted = (*parent.lifted, *draft.said)

    def ordered(self) -> Sequence[_Draft]:
        """In the order of their addresses, units behind their device."""
        drafts = sorted(self.drafts.values(), key=_place)
        for place, draft in enumerate(drafts):
            draft.place = place
        return drafts

    def vendors(self) -> Mapping[str, str]:
        """To whom MACs are registered."""
        return vendors_of(str(said.value) for draft in self.drafts.values() if (said := draft.mac()) is not None)

    def talks(self) -> Mapping[Talk, Sequence[Exchange]]:
        """Exchanges between two assets, united over accesses and units."""
        drafts, alias = self.drafts, self.alias
        talks: dict[Talk, list[Exchange]] = {}
        for exchange in self.inventory.exchanges:
            client, server, port, protocol, _, _ = exchange
            asks, answers = (drafts.get(alias.get(side, side)) if side is not None else None for side in (client, server))
            if asks is not None and answers is not None:
                talks.setdefault((asks.place, answers.place, protocol, -1 if port is None else port), []).append(exchange)
        return talks


def _place(draft: _Draft) -> tuple[bytes, bool, tuple[int, str]]:
    if draft.parent is None:
        return (order(draft.id), False, _NO_UNIT)
    return (order(draft.parent), True, _unit_place(draft.id))


def _unit_place(identity: str) -> tuple[int, str]:
    return _unit_order(identity.rpartition(":")[2]) if "/" in identity else _NO_UNIT


def _registered(mac: Evidence | None, vendors: Mapping[str, str]) -> Iterator[Evidence]:
    """The vendor of a device's MAC, where it is registered."""
    name = None if mac is None else vendors.get(str(mac.value))
    if mac is not None and name is not None:
        yield mac._replace(name="vendor", value=name, confidence=0.5, field=f"{mac.field} (OUI)")


def _conversation(client: str, server: str, parts: Sequence[tuple[Exchange, Counted | None]]) -> Conversation:
    _, _, port, protocol, _, _ = parts[0][0]
    accesses: dict[str, int] = {}
    rejected = 0
    units: set[str] = set()
    firsts: list[int] = []
    lasts: list[int] = []
    for (_, _, _, _, unit, access), counted in parts:
        if unit is not None:
            units.add(unit)
        accesses.setdefault(access, 0)
        if counted is None:
            continue
        accesses[access] += counted.count
        rejected += counted.rejected
        if counted.first is not None and counted.last is not None:
            firsts.append(counted.first)
            lasts.append(counted.last)
    return Conversation(
        client=client, server=server, protocol=protocol, port=port, units=_sorted(units, _unit_order),
        transactions=sum(accesses.values()), rejected=rejected, accesses=accesses,
        first=min(firsts, default=None), last=max(lasts, default=None),
    )  # fmt: skip
