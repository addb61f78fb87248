"""The inventory while a run goes on: it notes, and draws its conclusions when it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import TYPE_CHECKING, Any, Final

from sensor.inventory.address import group_mac, is_device, same_subnet
from sensor.inventory.asset import MAX_HISTORY, Evidence

if TYPE_CHECKING:
    import networkx

    from dissectors import Observation, Tally, Transaction
    from dissectors._native import Moment
    from sensor.inventory.resolve import Assets, Conversations
    from sensor.result import Listed

MAX_HOSTS: Final = 131_072
"""Addresses that are held; further ones are counted. A sweep over random addresses stops here."""
MAX_EXCHANGES: Final = 1_048_576
"""Who talks to whom in which protocol, with which access; further ones are counted."""
MAX_ASKED: Final = 8_192
"""Exchanges of one client, so that one that sweeps leaves room for the others."""
MAX_CANDIDATES: Final = 4_096
"""Addresses that were only asked for and never heard, in all; they may not exist."""
MAX_CANDIDATES_OF: Final = 256
"""Those that one client asked for."""
MAX_TRAITS: Final = 64
"""Attributes of one address or unit."""

CONFIDENCE: Final[Mapping[tuple[str, str], float]] = {
    ("arp", "mac"): 0.9, ("ndp", "mac"): 0.9, ("dhcp", "mac"): 0.9, ("profinet_dcp", "mac"): 0.9, ("lldp", "mac"): 0.8, ("cdp", "mac"): 0.8,
    ("ethernet", "mac"): 0.6, ("arp", "ip"): 0.9, ("dns", "dns_name"): 0.7,
}  # fmt: skip
"""How sure a value is, by who says it; what is not named here the device says of itself."""
ANY_PACKET: Final = "ethernet.source"
"""The field of a hardware address that was seen on any packet, which may have been routed."""
SAID_BY_OTHERS: Final = frozenset({
    "dns.answer.a", "dns.answer.aaaa", "dns.answer.ptr", "dhcp.option.router", "dhcp.option.dns_server", "dhcp.option.ntp_server",
    "dhcp.your_address",
})  # fmt: skip
"""Fields that speak of an address which need not exist: nobody is heard by them."""
SAID_BY_DEVICE: Final = 0.95
"""A device that answers who it is."""

OFTEN: Final = 20
"""From so many occurrences on, whether something is regular can be said."""

Exchange = tuple[str | None, str | None, int | None, str, str | None, str]
"""Client, server, server port, protocol, unit, access."""


Owners = tuple[str, Evidence] | dict[str, Evidence]
"""The address that a MAC was seen with, and what said so; a dictionary for those that were seen with several, which few are."""


class Counted:
    """What the engine counted for an exchange."""

    __slots__ = ("answered", "count", "first", "last", "rejected", "spoken", "steady")

    def __init__(self) -> None:
        self.count = 0
        self.answered = 0
        self.rejected = 0
        self.spoken = 0
        self.first: int | None = None
        self.last: int | None = None
        self.steady: tuple[int, Moment] | None = None
        """The longest pause of what happened often, in ns, and the last occurrence."""

    def add(self, tally: Tally, protocol: str, understood: bool) -> None:
        """Sums an operation's own tally. Of a connection in which nothing was understood only that it came about says something: a refused
        one shows no service, and what tried it need not speak the protocol that the port is named after."""
        self.count += tally.count
        outcomes = tally.outcomes
        accepted, rejected = outcomes.get("accepted", 0), outcomes.get("rejected", 0)
        self.rejected += rejected
        self.spoken += tally.count if understood else accepted
        self.answered += accepted + (rejected if understood else 0)
        if protocol == "modbus" and rejected:
            self.answered -= sum(tally.rejections.get(code, 0) for code in _NO_DEVICE)
        if tally.first is not None:
            self.first = tally.first.time if self.first is None else min(self.first, tally.first.time)
        if tally.last is not None:
            self.last = tally.last.time if self.last is None else max(self.last, tally.last.time)
            if tally.count >= OFTEN and tally.interval is not None:
                self._steadied(tally.interval[1], tally.last)

    def _steadied(self, longest: int, last: Moment) -> None:
        if self.steady is None or last.time > self.steady[1].time:
            self.steady = (max(longest, 0 if self.steady is None else self.steady[0]), last)


_NO_DEVICE: Final = (0x04, 0x0A, 0x0B)
"""Modbus exceptions by which a gateway may say that nothing is behind it (Modbus Application Protocol 1.1b3, section 7; many gateways
say 0x04 where it has 0x0B): a unit that gives no other answer need not exist."""


class Inventory:
    """Assets from what was observed and who did what to whom."""

    def __init__(self, max_hosts: int = MAX_HOSTS, max_exchanges: int = MAX_EXCHANGES) -> None:
        self.said: dict[tuple[str, str | None], dict[str, list[Evidence]]] = {}
        self.owners: dict[str, Owners] = {}
        self.exchanges: dict[Exchange, Counted | None] = {}
        self.vlans: dict[str, set[int]] = {}
        self._numbers: dict[int, Exchange] = {}
        self._max = max_hosts
        self._most = max_exchanges
        self._asked: dict[str | None, int] = {}
        self._candidates: dict[str | None, int] = {}
        self._talking: Set[str] | None = None
        self._mentioned: set[str] = set()
        self._hosts: dict[str, bool] = {}
        """Addresses that are held, and whether they were heard."""
        self._elsewhere: set[str] = set()
        """Others that were heard, while there is room for them."""
        self._over: dict[str, int] = {}
        self._resolved: tuple[Assets, Conversations] | None = None

    def operation(self, t: Transaction) -> None:
        """Notes a new operation: who, whom, over what. Called once per operation, so it only notes."""
        client, server = t.client, t.server
        if client.ip is None and client.mac is not None:
            self._framed(client.mac, t)
        exchange = (client.ip or client.mac, server.ip or server.mac, server.port, t.protocol, t.unit, t.access)
        if exchange not in self.exchanges:
            asked = self._asked.get(exchange[0], 0)
            if len(self.exchanges) >= self._most or asked >= MAX_ASKED:
                self._over["inventory_exchanges"] = self._over.get("inventory_exchanges", 0) + 1
                return
            self._asked[exchange[0]] = asked + 1
            self.exchanges[exchange] = None
            vlan = t.vlan
            if vlan:
                for address in exchange[:2]:
                    if isinstance(address, str):
                        self.vlans.setdefault(address, set()).update(vlan)
        self._numbers[t.operation] = exchange

    def _framed(self, mac: str, t: Transaction) -> None:
        """Who speaks without an address of IP is known by the hardware address that its frames come from."""
        moment = t.request or t.response
        if moment is None or mac in self.owners or not is_device(mac) or not self._admitted(mac):
            return
        confidence = CONFIDENCE["arp", "mac"]
        self._owner(mac, mac, Evidence("mac", mac, confidence, "ethernet", ANY_PACKET, moment.capture, moment.packet, moment.time))

    def observe(self, seen: Observation) -> None:
        """Notes an attribute of an address or of a unit behind it, with the packet and field that said so."""
        address = seen.address
        if not (self._told_of(address) if seen.field in SAID_BY_OTHERS else self._admitted(address)):
            return
        moment, name, value = seen.moment, seen.attribute, seen.value
        protocol = "ethernet" if seen.field == ANY_PACKET else seen.protocol
        confidence = CONFIDENCE.get((protocol, name), SAID_BY_DEVICE if name != "mac" else 0.6)
        evidence = Evidence(name, value, confidence, protocol, seen.field, moment.capture, moment.packet, moment.time)
        if name == "mac":
            if not group_mac(str(value)):
                self._hosts[address] = self._hosts[address] or seen.field not in SAID_BY_OTHERS
                self._owner(str(value), address, evidence)
            return
        traits = self.said.setdefault((address, seen.unit), {})
        if name not in traits and len(traits) >= MAX_TRAITS:
            self._over["inventory_traits"] = self._over.get("inventory_traits", 0) + 1
            return
        values = traits.setdefault(name, [])
        values.append(evidence)
        del values[: -MAX_HISTORY - 1]

    def count(self, tallies: Listed[Tally], conversations: Iterable[Mapping[str, Any]] = ()) -> None:
        """Takes the engine's own tallies of all operations (Engine.operations) and its conversations, instead of those taken before."""
        from dissectors import protocols

        understood = protocols()
        self._resolved = self._talking = None
        self._candidates.clear()
        exchanges = self.exchanges
        for exchange in exchanges:
            exchanges[exchange] = None
        for tally in self._noted(tallies):
            noted = self._numbers.get(tally.operation)
            if noted is not None:
                counted = exchanges[noted]
                if counted is None:
                    counted = exchanges[noted] = Counted()
                counted.add(tally, noted[3], noted[3] in understood)
        for conversation in conversations:
            self._hear(conversation)

    def _noted(self, tallies: Listed[Tally]) -> Iterator[Tally]:
        """Those of noted operations, where some are not: the engine has them in the order of their numbers, from 1."""
        if len(tallies) <= len(self._numbers):
            return iter(tallies)
        return (tallies[number - 1] for number in self._numbers)

    def talking(self) -> Set[str]:
        """Addresses that spoke with a device of another subnet, or were spoken to by one: between those of one subnet nobody routes."""
        if self._talking is None:
            devices = ((client, server) for client, server, *_ in self.exchanges if client and server and is_device(server))
            abroad = (pair for pair in devices if not pair[1].endswith(".255") and not same_subnet(*pair))
            self._talking = {address for pair in abroad for address in pair}
        return self._talking

    def counted(self) -> Iterator[tuple[Exchange, Counted]]:
        """Exchanges with their counts, in the order of their first occurrence."""
        nothing = Counted()
        for exchange, counted in self.exchanges.items():
            yield exchange, counted or nothing

    def assets(self) -> Assets:
        """All assets by address, units behind their device. Concluded anew after each `count`."""
        return self._conclusion()[0]

    def conversations(self) -> Conversations:
        """The edges of the graph, by client, server and protocol."""
        return self._conclusion()[1]

    def graph(self) -> networkx.MultiDiGraph[str]:
        """Nodes are assets, edges conversations from client to server with their counts."""
        from sensor.inventory.graph import graph_of

        return graph_of((asset.to_dict() for asset in self.assets()), (one.to_dict() for one in self.conversations()))

    @property
    def ceilings(self) -> Mapping[str, int]:
        """What did not fit, by table."""
        return dict(self._over)

    def _conclusion(self) -> tuple[Assets, Conversations]:
        if self._resolved is None:
            from sensor.inventory.resolve import resolve

            self._resolved = resolve(self)
        return self._resolved

    def heard(self, address: str) -> bool:
        """Whether this address sent a packet."""
        return self._hosts.get(address, False) or address in self._elsewhere

    def room(self, address: str, asker: str | None) -> bool:
        """Whether an address that was only talked of may become an asset. Of those that were never heard each client has so many."""
        if address in self._hosts or address in self._elsewhere or not is_device(address):
            return self._admitted(address)
        asked = self._candidates.get(asker, 0)
        if asked >= MAX_CANDIDATES_OF or sum(self._candidates.values()) >= MAX_CANDIDATES:
            self._over["inventory_candidates"] = self._over.get("inventory_candidates", 0) + 1
            return False
        self._candidates[asker] = asked + 1
        return self._admitted(address)

    def _admitted(self, address: str) -> bool:
        if address in self._hosts:
            return True
        if not is_device(address):
            return False
        if len(self._hosts) >= self._max:
            self._over["inventory_hosts"] = self._over.get("inventory_hosts", 0) + 1
            return False
        self._hosts[address] = address in self._elsewhere
        return True

    def _told_of(self, address: str) -> bool:
        """Admits an address that others speak of, so many at most: a list of names is no network."""
        if address in self._hosts:
            return True
        if len(self._mentioned) >= MAX_CANDIDATES and address not in self._mentioned:
            self._over["inventory_candidates"] = self._over.get("inventory_candidates", 0) + 1
            return False
        self._mentioned.add(address)
        return self._admitted(address)

    def _owner(self, mac: str, address: str, evidence: Evidence) -> None:
        """ARP says more about who owns a MAC than a packet that may have been routed."""
        owners = self.owners.get(mac)
        if owners is None:
            self.owners[mac] = (address, evidence)
            return
        if isinstance(owners, tuple):
            owners = self.owners[mac] = dict((owners,))
        held = owners.get(address)
        if held is None or evidence.confidence > held.confidence:
            owners[address] = evidence

    def _hear(self, conversation: Mapping[str, Any]) -> None:
        """Whoever sent a packet exists. Where there is no room for more hosts, only those that there are are asked for."""
        hosts, room = self._hosts, len(self._hosts) < self._max
        for side in ("client", "server"):
            address = conversation[side]
            if (room or address in hosts) and conversation[f"from_{side}"]["packets"] and is_device(address):
                if address in hosts:
                    hosts[address] = True
                else:
                    self._elsewhere.add(address)
