"""The policy's answer to the gate: which clauses an operation's occurrences are held against, and what each of them means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from dissectors import Clause, Expected
from zones.fitting import fits
from zones.judge import Judge, Rung
from zones.model import Policy, Zone
from zones.places import Place, Places
from zones.rates import Group, NewWindow, Rates
from zones.stages import Operation
from zones.vocabulary import USERS

if TYPE_CHECKING:
    from dissectors import Crossing, Transaction

LANE = 0
"""The policy's lane in an operation's expectation."""

CACHE = 65_536
"""How many answers are kept; then all are worked out anew."""

MAX_PLACES = 32
"""How many combinations of MACs and VLANs of one operation are judged apart; further ones are insufficient evidence."""

VARIANTS = 1024
"""How many combinations of MACs and VLANs of one plan are kept; then all are made anew."""

NOBODY = (None, None)
"""A user and a security mode that were not seen, or that nobody asks for."""

L2 = tuple[tuple[str | None, str | None, tuple[int, ...] | None], ...]
Lanes = Mapping[int, Sequence[Expected]]


class Plan(NamedTuple):
    """What is known of one kind of operation between two places: its rungs; the whole answer where it is simply allowed; the rungs'
    clauses by MACs and VLAN; what is answered to a first occurrence, by the rung that it stands on; and the answers to those that are
    allowed, by rung, MACs and VLAN. `counting`: what it allows counts in windows, which are a client's and server's own."""

    rungs: tuple[Rung, ...]
    simple: Lanes | None
    variants: dict[L2 | None, tuple[Clause, ...]]
    first: dict[int, Sequence[Expected]]
    opening: dict[tuple[int, L2 | None], Lanes]
    counting: bool

    def counted(self, rates: Rates, t: Transaction) -> Plan:
        """The same for the client and server of this occurrence."""
        own = [rung._replace(clause=rung.clause._replace(windows=rates.windows(rung.limits, t))) for rung in self.rungs]
        return Plan(tuple(own), None, {}, {}, {}, counting=False)

    def clauses(self, l2: L2 | None) -> tuple[Clause, ...]:
        """The rungs' clauses for these MACs and VLAN."""
        found = self.variants.get(l2)
        if found is None:
            if len(self.variants) >= VARIANTS:
                self.variants.clear()
                self.opening.clear()
            found = tuple(rung.clause if l2 is None else _at(rung.clause, l2) for rung in self.rungs)
            self.variants[l2] = found
        return found


class Decider:
    """Decides by one policy. Pure: the same transaction (and what its lane holds) gives the same answer. `new_window` is Engine.window;
    without it rates are not counted."""

    def __init__(self, policy: Policy, new_window: NewWindow | None = None) -> None:
        self.policy = policy
        self.places = Places(policy)
        self.judge = Judge(policy)
        self.rates = Rates(new_window)
        self._plans: dict[tuple[object, ...], Plan] = {}
        lines = [line for conduit in policy.conduits for line in (*conduit.allow, *conduit.deny)]
        self._units = any(line.units is not None for line in lines)
        self._ports = any(line.ports is not None for line in lines)
        self._users = any(line.users is not None or line.security_modes is not None for line in lines)
        self._plain = not (self.judge.is_timed or self._units or self._ports or self._users)

    def zone_of(self, ip: str | None, mac: str | None = None, vlan: tuple[int, ...] = ()) -> Zone:
        """The zone of an address (`ip` None for traffic without IP), by the most specific declaration (see zones.places)."""
        return self.places.place_of(ip, mac, vlan).zone

    def sides(self, t: Transaction) -> tuple[Place, Place]:
        """Where client and server stand. Group traffic belongs to the zone of the side that is one device."""
        client, server, places = t.client, t.server, self.places
        if places.by_ip_alone and client.ip is not None and server.ip is not None:
            one = places.place_by_ip(client.ip) or places.place_of(client.ip, None, ())
            other = places.place_by_ip(server.ip) or places.place_of(server.ip, None, ())
        else:
            vlan = t.vlan
            one = places.place_of(client.ip, client.mac, vlan)
            other = places.place_of(server.ip, server.mac, vlan)
        if other.by == "group":
            other = other._replace(zone=one.zone)
        elif one.by == "group":
            one = one._replace(zone=other.zone)
        return one, other

    def lanes(self, t: Transaction, held: Mapping[int, Sequence[Expected]]) -> Lanes:
        """The policy's lane for the operation of `t`, a delivered occurrence; `held` is what the operation's lanes hold now.

        The list has every allowed rung, and of the others those that were met: an occurrence of a rung not met yet is delivered, so that
        each violation is seen once before it is counted.
        """
        mine = held.get(LANE)
        if mine and not t.lanes & 1:
            return {LANE: mine}
        client, server = self.sides(t)
        plan = self._plan(t, client, server)
        l2 = None if self.places.by_ip_alone else _l2(t, client, server)
        if plan.simple is not None and l2 is None:
            return plan.simple
        if plan.counting:
            plan = plan.counted(self.rates, t)
        elif not mine:
            return _open(t, plan, l2)
        if l2 is not None and mine and _crowded(mine, l2):
            return {LANE: self._crowd(t, mine, client, server)}
        return {LANE: _climb(t, plan, mine or (), l2)}

    def owns(self, window: int) -> bool:
        """Whether this window counts for a rate of the policy."""
        return self.rates.owns(window)

    def crossed(self, crossing: Crossing) -> Group:
        """What it means that a window crossed its threshold. KeyError for a window that is not the policy's."""
        return self.rates.group(crossing.window)

    def _plan(self, t: Transaction, client: Place, server: Place) -> Plan:
        access, sub = t.access, t.sub_function
        key: tuple[object, ...] = (client.zone.name, client.asset, server.zone.name, server.asset, t.protocol, access, t.function.code)
        at = 0
        if sub is not None or access == "session" or not self._plain:
            at = _moment(t) if self.judge.is_timed else 0
            key += (
                self.judge.stretch(client, server, at) if at else None,
                None if sub is None else (sub.group, sub.code),
                t.unit if self._units else None, t.server.port if self._ports or access == "session" else None,
                self._asker(t) if self._users else None,
            )  # fmt: skip
        plan = self._plans.get(key)
        return self._planned(key, t, (client, server), at) if plan is None else plan

    def _planned(self, key: tuple[object, ...], t: Transaction, sides: tuple[Place, Place], at: int) -> Plan:
        """Made once for all that the key says."""
        if len(self._plans) >= CACHE:
            self._plans.clear()
        rungs = self.judge.rungs(*sides, self._operation(t), at)
        counting = any(rung.limits for rung in rungs)
        simple = rungs[0].verdict is None and len(rungs) == 1 and not counting
        plan = self._plans[key] = Plan(rungs, {LANE: (Expected(clause=rungs[0].clause),)} if simple else None, {}, {}, {}, counting)
        return plan

    def _asker(self, t: Transaction) -> tuple[str | None, str | None]:
        """For which user it is asked (empty: nobody), and how the channel is secured; None for what was not seen."""
        if t.protocol not in USERS:
            return NOBODY
        detail = t.detail or {}
        mode = detail.get("security_mode")
        seen = detail.get("user_type") not in (None, "unknown")
        return detail.get("user") or "" if seen else None, None if mode == "unknown" else mode

    def _operation(self, t: Transaction) -> Operation:
        """What is judged, as far as the policy asks for it."""
        function, sub, access = t.function, t.sub_function, t.access
        return Operation(
            t.protocol, access, function.code, function.name, None if sub is None else (sub.group, sub.code, sub.name),
            t.unit if self._units else None, t.server.port if self._ports or access == "session" else None,
            *(self._asker(t) if self._users else NOBODY),
        )  # fmt: skip

    def judged(self, t: Transaction) -> tuple[Place, Place, Operation, Rung]:
        """Where both sides stand, what is judged, and the rung that this one occurrence stands on."""
        client, server = self.sides(t)
        plan = self._plan(t, client, server)
        return client, server, self._operation(t), plan.rungs[_standing(plan.rungs, t)]

    def moment(self, t: Transaction) -> int:
        """The time that decides, ns; 0 where the policy has no times."""
        return _moment(t) if self.judge.is_timed else 0

    def explain_decision(self, t: Transaction) -> list[str]:
        """Why this transaction is allowed or not, in lines for people: each side's zone, the conduits looked at, the verdict."""
        from zones.explanation import explain

        return explain(self, t)

    def _crowd(self, t: Transaction, mine: Sequence[Expected], client: Place, server: Place) -> Sequence[Expected]:
        """Too many MACs or VLANs for one operation: what comes from further ones is counted as insufficient evidence."""
        rung = self.judge.unclear(client, server, self._operation(t))
        kept = [one for one in mine if one.clause.l2 is not None]
        return (*kept, Expected(clause=rung.clause, consequence=rung.verdict))


def _moment(t: Transaction) -> int:
    """When the gate lets it count: its request, else its response, else its completion, ns."""
    seen = t.request or t.response
    return t.completed if seen is None else seen.time


def _standing(rungs: Sequence[Rung], t: Transaction) -> int:
    for index, rung in enumerate(rungs):
        if fits(rung.clause, t):
            return index
    raise AssertionError("some rung fits whatever comes (Judge.rungs)")


def _open(t: Transaction, plan: Plan, l2: L2 | None) -> Lanes:
    """The lane of an operation's first occurrence. What counts nothing is the same for all operations of the plan; a verdict's entry
    is an operation's own."""
    rungs = plan.rungs
    now = 0 if len(rungs) == 1 else _standing(rungs, t)
    kept = plan.opening.get((now, l2))
    if kept is not None:
        return kept
    first = plan.first.get(now)
    if first is None:
        first = plan.first[now] = _climb(t, plan, (), None)
    if rungs[now].verdict is not None:
        return {LANE: tuple(one if one.consequence is None and l2 is None else _own(one, l2) for one in first)}
    made = {LANE: first if l2 is None else tuple(_own(one, l2) for one in first)}
    if len(plan.opening) >= VARIANTS:
        plan.opening.clear()
    plan.opening[now, l2] = made
    return made


def _own(entry: Expected, l2: L2 | None) -> Expected:
    """The same entry apart, for these MACs and VLAN."""
    return Expected(entry.clause if l2 is None else _at(entry.clause, l2), entry.consequence)


_L2 = Clause._fields.index("l2")


def _at(clause: Clause, l2: L2) -> Clause:
    """The clause for these MACs and VLAN: what `_replace` would make in thrice the time."""
    return Clause._make((*clause[:_L2], l2, *clause[_L2 + 1 :]))


def _climb(t: Transaction, plan: Plan, held: Sequence[Expected], l2: L2 | None) -> Sequence[Expected]:
    """The lane after this occurrence. A rung that was met already and yet delivered has been quiet for an hour: it begins anew."""
    old = {one.clause: one for one in held if one.clause.l2 == l2}
    others = [one for one in held if one.clause.l2 not in (l2, None)]
    rest = [one for one in held if one.clause.l2 is None and l2 is not None]  # fits any MAC and VLAN, so it stands last
    rungs, clauses = plan.rungs, plan.clauses(l2)
    now = _standing(rungs, t)
    if rungs[now].verdict is None and clauses[now] in old:  # the gate holds that clause and yet delivered: it saw less than was read here
        now = next((index for index in range(now, len(rungs)) if rungs[index].verdict is not None), now)
    met = [rung.verdict is None or clause in old or index == now for index, (rung, clause) in enumerate(zip(rungs, clauses, strict=True))]
    last = max(index for index, is_met in enumerate(met) if is_met)
    lane = [_entry(rungs[index], clauses[index], old, (met[index], index == now)) for index in range(last + 1)]
    return (*others, *lane, *rest)


def _entry(rung: Rung, clause: Clause, old: Mapping[Clause, Expected], state: tuple[bool, bool]) -> Expected:
    """A rung's entry; `state` says whether it was met, and whether it is met now. One that wasn't yet only delivers."""
    met, now = state
    if not met:
        clause = clause._replace(deliver=True, tally=False, fresh=None)
    kept = old.get(clause)
    if kept is None or (now and rung.verdict is not None):
        return Expected(clause=clause, consequence=rung.verdict if met else None)
    return kept


def _l2(t: Transaction, client: Place, server: Place) -> L2 | None:
    """The MACs and VLANs that this answer holds for; None where it holds for any."""
    if not (client.needs_mac or server.needs_mac or client.needs_vlan or server.needs_vlan):
        return None
    vlan = t.vlan if client.needs_vlan or server.needs_vlan else None
    return ((t.client.mac if client.needs_mac else None, t.server.mac if server.needs_mac else None, vlan),)


def _crowded(held: Sequence[Expected], l2: L2) -> bool:
    known = {one.clause.l2 for one in held}
    return l2 not in known and len(known) >= MAX_PLACES
