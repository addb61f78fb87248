"""Who talked to whom, placed: operations and ledgers by the policy's zones and conduits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from sensor.inventory.address import is_mac
from sensor.reports.coverage import Coverage, of_conversation
from zones.decision import Decider
from zones.stages import Operation, failure

if TYPE_CHECKING:
    from dissectors import Tally
    from sensor.result import Result
    from zones.model import Line, Policy, Zone
    from zones.places import Place

RESOLUTION = ("arp",)
"""What only finds out MAC addresses: it isn't judged, and has no part in coverage."""

Sides = tuple[str, str]


class _Side(NamedTuple):
    ip: str | None
    mac: str | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What Decider.sides looks at of a transaction."""

    client: _Side
    server: _Side
    vlan: tuple[int, ...]


@dataclass(slots=True)
class Between:
    """What was seen between two zones."""

    zones: tuple[Zone, Zone]
    seen: int = 0
    accesses: dict[str, int] = field(default_factory=dict)
    coverage: Coverage = field(default_factory=Coverage)


@dataclass(slots=True)
class Traffic:
    """All of a run by the zones of its policy. `grants` counts occurrences by conduit and the place of its line, `uses` by conduit (an
    occurrence that two lines may grant is one), `conduits` sums ledgers by conduit,
    `merged` are occurrences whose sides are not known any more because a ceiling was reached."""

    between: dict[Sides, Between] = field(default_factory=dict)
    grants: dict[tuple[str, int], int] = field(default_factory=dict)
    uses: dict[str, int] = field(default_factory=dict)
    conduits: dict[str, Coverage] = field(default_factory=dict)
    whole: Coverage = field(default_factory=Coverage)
    merged: int = 0


class Placing:
    """Where addresses stand, by the policy alone; MACs and VLANs, where it asks for them, are the inventory's (without a result: none)."""

    def __init__(self, policy: Policy, result: Result | None) -> None:
        self.decider = Decider(policy)
        self._traits: dict[str, tuple[str | None, tuple[int, ...]]] = {}
        if result is not None and not self.decider.places.by_ip_alone:
            for asset in result.assets:
                mac = next((one for one in asset.addresses if is_mac(one)), None) or asset.value("mac")
                for address in asset.addresses:
                    self._traits.setdefault(address, (mac, tuple(asset.vlans)))
        self._known: dict[Sides, tuple[Place, Place]] = {}

    def sides(self, client: str, server: str) -> tuple[Place, Place]:
        """Where two addresses stand, as the policy sees traffic between them."""
        found = self._known.get((client, server))
        if found is None:
            found = self._known[client, server] = self.decider.sides(self._seen(client, server))
        return found

    def zone(self, address: str) -> Zone:
        """Where one address stands."""
        return self.sides(address, address)[0].zone

    def _seen(self, client: str, server: str) -> Any:
        (one, vlan), (other, _) = self._trait(client), self._trait(server)
        return _Seen(one, other, vlan)

    def _trait(self, address: str) -> tuple[_Side, tuple[int, ...]]:
        mac, vlan = self._traits.get(address, (None, ()))
        return (_Side(None, address) if is_mac(address) else _Side(address, mac)), vlan


def traffic_of(result: Result, placing: Placing) -> Traffic:
    """Everything that a run saw, placed."""
    from dissectors import protocols

    made = Traffic()
    for tally in result.tallies:
        who = result.describe(tally.operation)
        if who.get("protocol") not in RESOLUTION:
            _add_operation(made, who, tally, placing)
    understood = {name for name, entry in protocols().items() if entry["functions"]}
    for talk in result.conversations:
        if talk["protocol"] not in RESOLUTION:
            _add_ledger(made, of_conversation(talk, understood), placing.sides(talk["client"], talk["server"]), placing)
    return made


def _add_operation(made: Traffic, who: Mapping[str, Any], tally: Tally, placing: Placing) -> None:
    client, server, count = who.get("client"), who.get("server"), tally.count
    if client is None or server is None:
        made.merged += count
        return
    one, other = placing.sides(client, server)
    cell = _cell(made, one, other)
    cell.seen += count
    access = who.get("access") or "session"
    cell.accesses[access] = cell.accesses.get(access, 0) + count
    if who.get("function") is None:
        return
    operation = _operation(who, access)
    used: dict[str, int] = {}
    for conduit, line in placing.decider.judge.lines(one, other):
        if failure(line, operation) is None and _touches(line, tally, access):
            key = (conduit.id, conduit.allow.index(line))
            made.grants[key] = made.grants.get(key, 0) + count
            used[conduit.id] = count
    for name in used:
        made.uses[name] = made.uses.get(name, 0) + count


def _touches(line: Line, tally: Tally, access: str) -> bool:
    """Whether a line that is limited to points has any of those that were met; sessions have none, and what wasn't seen may be."""
    points = tally.points
    if line.points is None or access == "session" or not points:
        return True
    return any(
        one.kind == other.kind
        and one.block == other.block
        and one.name == other.name
        and one.first <= other.last
        and other.first <= one.last
        for one in points
        for other in line.points
    )


def _operation(who: Mapping[str, Any], access: str) -> Operation:
    function, sub = who["function"], who.get("sub_function")
    detail = None if sub is None else (sub.group, sub.code, sub.name)
    return Operation(who["protocol"], access, function.code, function.name, detail, who.get("unit"), who.get("port"))


def _cell(made: Traffic, one: Place, other: Place) -> Between:
    key = (one.zone.name, other.zone.name)
    found = made.between.get(key)
    if found is None:
        found = made.between[key] = Between((one.zone, other.zone))
    return found


def _add_ledger(made: Traffic, ledger: Coverage, sides: tuple[Place, Place], placing: Placing) -> None:
    one, other = sides
    cell = _cell(made, one, other)
    cell.coverage += ledger
    made.whole += ledger
    for conduit in placing.decider.judge.joining(one, other):
        made.conduits[conduit.id] = made.conduits.get(conduit.id, Coverage()) + ledger
