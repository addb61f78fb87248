"""What a policy says of one kind of operation between two places: the rungs of a ladder of clauses, from allowed to forbidden."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from dissectors import Clause, PointLine
from zones.model import ACCESSES, TRANSPORTS, Conduit, Line, PointRange, Policy
from zones.places import Place
from zones.times import ALWAYS, EXPIRED, NOT_NOW, Stretch, Times, is_timed
from zones.verdict import SKIPS_LEVELS, Coverage, Verdict, Violation, graver

HOUR = 3_600 * 1_000_000_000
"""A finding closes after an hour of quiet (DESIGN.md, 3); what comes back later is news again."""

GRAVITY = {access: rank for rank, access in enumerate(ACCESSES)}
OPENER, OPENER_UNSEEN = "initiator", "initiator_unseen"
OPENERS = ("client", "server", "unknown")
"""Who opened a connection, as clauses have it."""

STAGES = ("protocol", "port", "access", "function", "sub_function", "unit", OPENER, OPENER_UNSEEN, NOT_NOW, EXPIRED)
"""In which order a line is held against an operation; the first that fails is why the line doesn't allow it."""

PAIRS = 16_384
"""How many pairs of places are kept with the conduits between them; then all are looked for anew."""

_UNASKED = Stretch(None, 0, 0)
"""Holds at no time: it has to be worked out."""

CONNECT = "connect"
"""The function of a flow that no dissector claims; its code is 0, or the ethertype or IP protocol number where there are no ports."""

LIGHT = ("session", "report", "identify", "read")
_SAID = {
    "no_conduit": "no conduit joins them",
    "direction": "a conduit allows it only the other way",
    "internal": "the zone denies internal traffic",
    "protocol": "no conduit allows this protocol",
    "port": "not to this port",
    "unit": "not for this unit",
    "access": "not this access",
    "function": "not this function",
    "sub_function": "not this sub-function",
    "point": "not these points",
    "value": "outside the allowed values",
    "denied": "a conduit denies it",
    OPENER: "not over a connection that this side opened",
    OPENER_UNSEEN: "who opened the connection was not seen",
    NOT_NOW: "not at this time",
    EXPIRED: "the exception for it has expired",
    "values_unseen": "the values that decide were not seen",
    "points_unseen": "the points that decide were not seen",
    "places_unclear": "its address was used by too many MACs or VLANs",
}


class Operation(NamedTuple):
    """What of an operation a policy looks at, its two sides apart. `unit` and `port` are None where no line asks for them."""

    protocol: str
    access: str
    code: int
    name: str | None
    sub: tuple[int | None, int, str | None] | None
    unit: str | None
    port: int | None


class Rung(NamedTuple):
    """One step: what fits `clause` is allowed (`verdict` None) or gets the verdict. `line` is the policy's line that says so."""

    clause: Clause
    verdict: Verdict | None
    line: int


class Granted(NamedTuple):
    """A line of a conduit, and why it doesn't grant an operation (None: it does, as far as points and values allow)."""

    conduit: Conduit
    line: Line
    failed: str | None


class Case(NamedTuple):
    """What a verdict is about: the two sides, the operation, the conduit that comes closest (None: there is none), the policy's line."""

    client: Place
    server: Place
    operation: Operation
    conduit: Conduit | None
    line: int


class Now(NamedTuple):
    """When it is asked for (ns), and who opened the connection (one of OPENERS)."""

    at: int
    opener: str


class Judge:
    """Judges operations by one policy."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.times = Times(policy)
        self.is_timed = any(is_timed(conduit, line) for conduit in policy.conduits for line in (*conduit.allow, *conduit.deny))
        self._joining: dict[tuple[frozenset[str], frozenset[str]], tuple[Conduit, ...]] = {}
        self._stretches: dict[tuple[str | None, ...], Stretch | None] = {}

    def lines(self, client: Place, server: Place) -> Iterator[tuple[Conduit, Line]]:
        """The lines of all conduits from one place to the other."""
        for conduit in self.joining(client, server):
            for line in conduit.allow:
                if _within(line.sources, client) and _within(line.targets, server):
                    yield conduit, line

    def joining(self, client: Place, server: Place) -> tuple[Conduit, ...]:
        """The conduits from one place to the other."""
        one, other = key = (client.names, server.names)
        found = self._joining.get(key)
        if found is None:
            if len(self._joining) >= PAIRS:
                self._joining.clear()
            found = tuple(conduit for conduit in self.policy.conduits if conduit.sources & one and conduit.targets & other)
            self._joining[key] = found
        return found

    def stretch(self, client: Place, server: Place, at: int) -> Stretch | None:
        """How long what is decided at a time (ns) between two places holds; None where time doesn't matter. What was worked out last is
        kept, for times come in order."""
        key = client.zone.name, client.asset, server.zone.name, server.asset
        known = self._stretches.get(key, _UNASKED)
        if known is None or known.since <= at < known.until:
            return known
        if len(self._stretches) >= PAIRS:
            self._stretches.clear()
        known = self._stretches[key] = self._stretch(client, server, at)
        return known

    def _stretch(self, client: Place, server: Place, at: int) -> Stretch | None:
        lines = (*self.lines(client, server), *self.denials(client, server))
        timed = [self.times.of(conduit, line, at) for conduit, line in lines if is_timed(conduit, line)]
        if not timed:
            return None
        return Stretch(None, max(one.since for one in timed), min(one.until for one in timed))

    def failing(self, conduit: Conduit, line: Line, operation: Operation, now: Now) -> str | None:
        """The first stage at which a line doesn't fit an operation at a time, over a connection that this side opened; None where it fits
        them all."""
        failed = failure(line, operation)
        if failed is None and line.initiator is not None and line.initiator != now.opener:
            failed = OPENER_UNSEEN if now.opener == "unknown" else OPENER
        return failed or self.times.of(conduit, line, now.at).failed

    def rungs(self, client: Place, server: Place, operation: Operation, at: int = 0) -> tuple[Rung, ...]:
        """The ladder: the first rung whose clause fits an occurrence says what it is. Some rung fits whatever comes; where time matters,
        whatever comes in the stretch around `at` (ns)."""
        if any(line.initiator is not None for _, line in self.lines(client, server)):
            each = [(opener, self._denying(client, server, operation, Now(at, opener))) for opener in OPENERS]
            rungs = tuple(one._replace(clause=one.clause._replace(opened_by=(opener,))) for opener, part in each for one in part)
        else:
            rungs = self._denying(client, server, operation, Now(at, "client"))
        stretch = self.stretch(client, server, at) if self.is_timed else None
        if stretch is None:
            return rungs
        after, until = stretch.since or None, stretch.until if stretch.until < ALWAYS.until else None
        return tuple(rung._replace(clause=rung.clause._replace(after=after, until=until)) for rung in rungs)

    def denials(self, client: Place, server: Place) -> Iterator[tuple[Conduit, Line]]:
        """The lines that deny, of all conduits from one place to the other."""
        for conduit in self.joining(client, server):
            for line in conduit.deny:
                if _within(line.sources, client) and _within(line.targets, server):
                    yield conduit, line

    def _denying(self, client: Place, server: Place, operation: Operation, now: Now) -> tuple[Rung, ...]:
        """What is denied stands before all that is allowed."""
        rungs: list[Rung] = []
        for conduit, line in self.denials(client, server):
            if not denies(line, operation) or self.times.of(conduit, line, now.at).failed:
                continue
            case = Case(client, server, operation, conduit, line.line)
            if line.points is None:
                return (self._violation(_counted(), "denied", case),)
            touched = tuple(_narrowed(PointLine(), point) for point in line.points)
            rungs.append(self._violation(_counted()._replace(touches=touched), "denied", case))
            rungs.append(self._coverage(_counted(())._replace(outcomes=("unknown",)), "points_unseen", case))
        return (*rungs, *self._rungs(client, server, operation, now))

    def _rungs(self, client: Place, server: Place, operation: Operation, now: Now) -> tuple[Rung, ...]:
        zone = client.zone
        if zone.name == server.zone.name and zone.internal:
            return (Rung(_allowing(), None, zone.line),)
        held = [Granted(conduit, line, self.failing(conduit, line, operation, now)) for conduit, line in self.lines(client, server)]
        granting = [one for one in held if one.failed is None]
        if not granting:
            reason, case = self._refusal(client, server, operation, held)
            return (self._refused(_counted(), reason, case),)
        if operation.access in LIGHT:
            free = next((one for one in granting if operation.access == "session" or not one.line.limited), None)
            if free is not None:
                return (Rung(_allowing(), None, free.line.line),)
        return self._ladder(client, server, operation, held)

    def _refusal(self, client: Place, server: Place, operation: Operation, held: list[Granted]) -> tuple[str, Case]:
        """Why nothing allows it, and the conduit and line that come closest."""
        if held:
            closest = max(held, key=lambda one: STAGES.index(one.failed or "protocol"))
            return closest.failed or "protocol", Case(client, server, operation, closest.conduit, closest.line.line)
        joining = next((conduit for conduit in self.joining(client, server) if conduit.allow), None)
        if joining is not None:
            return "access", Case(client, server, operation, joining, joining.line)
        if client.zone.name == server.zone.name:
            return "internal", Case(client, server, operation, None, client.zone.line or self.policy.line)
        backwards = any(failure(line, operation) is None for _, line in self.lines(server, client))
        return ("direction" if backwards else "no_conduit"), Case(client, server, operation, None, self.policy.line)

    def _ladder(self, client: Place, server: Place, operation: Operation, held: list[Granted]) -> tuple[Rung, ...]:
        """Where points or values decide: each point by its own access, the lines united."""
        able = [one for one in held if one.failed is None or (one.failed == "access" and _narrow_failure(one.line, operation) is None)]
        free = {access for one in able if not one.line.limited for access in _accesses(one.line)}
        granting = next(one for one in held if one.failed is None)
        limiting = next((one for one in held if one.failed is None and one.line.limited), granting)
        possible = [access for access in ACCESSES if GRAVITY["read"] <= GRAVITY[access] <= GRAVITY[operation.access]]
        if free.issuperset({*possible, operation.access}):
            return (Rung(_allowing(), None, granting.line.line),)
        case = Case(client, server, operation, limiting.conduit, limiting.line.line)
        late = [one for one in held if one.failed in (NOT_NOW, EXPIRED, OPENER, OPENER_UNSEEN)]
        return tuple(self._steps(able, late, operation.access in free, case))

    def _steps(self, able: list[Granted], late: list[Granted], free: bool, case: Case) -> Iterator[Rung]:
        """`free`: the operation's own access needs no points to be seen. `late` are lines that would fit at another time, or
        over a connection that another opened."""
        at, access = case.line, case.operation.access
        if not free:
            yield Rung(_allowing((), ("rejected",)), None, at)
            yield self._coverage(_counted(()), "points_unseen", case)
        strict = _point_lines(able, access)
        yield Rung(_allowing(strict), None, at)
        if any(one.line.valued for one in able):
            lenient = _point_lines(able, access, lenient=True)
            yield Rung(_allowing(lenient, ("rejected",)), None, at)
            yield self._coverage(_counted(lenient), "values_unseen", case)
        for one in sorted(late, key=lambda one: -STAGES.index(one.failed or NOT_NOW)):
            case_of = case._replace(conduit=one.conduit, line=one.line.line)
            yield self._refused(_counted(_point_lines([*able, one], access)), one.failed or NOT_NOW, case_of)
        if any(one.line.valued for one in able):
            yield self._violation(_counted(_point_lines(able, access, valued=False))._replace(limits=True), "value", case)
        granted = {line.access for line in strict}
        yield self._violation(_counted(tuple(PointLine(access=one) for one in ACCESSES if one in granted)), "point", case)
        yield self._violation(_counted(), "access", case)

    def _refused(self, clause: Clause, reason: str, case: Case) -> Rung:
        return self._coverage(clause, reason, case) if reason == OPENER_UNSEEN else self._violation(clause, reason, case)

    def _violation(self, clause: Clause, reason: str, case: Case) -> Rung:
        skips = self.policy.passed_levels(case.client.zone, case.server.zone)
        severity = case.conduit.severity if case.conduit else self.policy.severity
        return Rung(clause, self._verdict(Violation, reason, graver(severity) if skips else severity, case), case.line)

    def _coverage(self, clause: Clause, reason: str, case: Case) -> Rung:
        return Rung(clause, self._verdict(Coverage, reason, "low", case), case.line)

    def unclear(self, client: Place, server: Place, operation: Operation) -> Rung:
        """The rung for an address that is used by too many MACs or VLANs to follow them."""
        return self._coverage(_counted(), "places_unclear", Case(client, server, operation, None, self.policy.line))

    def _verdict(self, kind: type[Violation] | type[Coverage], reason: str, severity: str, case: Case) -> Verdict:
        client, server, operation, conduit, line = case
        skips = self.policy.passed_levels(client.zone, server.zone) if kind is Violation else ()
        begin = "" if kind is Violation else "Insufficient evidence: "
        why = f"{_SAID[reason]}{_term(conduit, reason)}"
        return kind(
            reason=reason, reasons=(reason, SKIPS_LEVELS) if skips else (reason,), severity=severity,
            title=f"{begin}{operation.protocol} {operation.access} from {client.called} to {server.called}: {why}",
            conduit=conduit.id if conduit else None, references=conduit.references if conduit else (),
            file=self.policy.file, sha256=self.policy.sha256, line=line, from_zone=client.zone.name, to_zone=server.zone.name,
            from_asset=client.asset, to_asset=server.asset, levels=(client.zone.level, server.zone.level), skips=skips,
        )  # fmt: skip


def _term(conduit: Conduit | None, reason: str) -> str:
    """Which exception has expired."""
    term = conduit.term if conduit is not None and reason == EXPIRED else None
    return f" ({conduit.id}, {term.ticket}, {term.owner})" if conduit is not None and term is not None else ""


def _counted(points: tuple[PointLine, ...] | None = None) -> Clause:
    """Counted, and delivered again when it comes back after an hour of quiet."""
    return Clause(points=points, anomalies=None, fresh=HOUR)


def _allowing(points: tuple[PointLine, ...] | None = None, outcomes: tuple[str, ...] | None = None) -> Clause:
    """Whatever is allowed is of no further interest to policy: not counted here, anomalies or not."""
    return Clause(points=points, outcomes=outcomes, anomalies=None, tally=False)


def _within(names: frozenset[str] | None, place: Place) -> bool:
    return names is None or bool(names & place.names)


def _accesses(line: Line) -> tuple[str, ...]:
    """The accesses that a line grants to points."""
    if line.access is not None:
        return line.access
    return tuple(access for access in ACCESSES if access != "report")


def denies(line: Line, operation: Operation) -> bool:
    """Whether a line that denies means this operation; a session only where it says so, and not for what no session has."""
    if operation.access == "session":
        if "session" not in _accesses(line) or line.units is not None or line.points is not None:
            return False
        return failure(line, operation) is None and _function_failure(line, operation) is None
    return failure(line, operation) is None


def failure(line: Line, operation: Operation) -> str | None:
    """The first stage at which a line doesn't fit an operation; None where it fits them all (points and values apart)."""
    session = operation.access == "session"
    if not _speaks(line, operation):
        return "protocol"
    if line.ports is not None and not _between(operation.port, line.ports):
        return "port"
    if session:
        return None
    if operation.access not in _accesses(line):
        return "access"
    return _narrow_failure(line, operation)


def _narrow_failure(line: Line, operation: Operation) -> str | None:
    """What fails of a line whose protocol, port and access fit."""
    failed = _function_failure(line, operation)
    if failed is None and line.units is not None and not _unit(line.units, operation.unit):
        return "unit"
    return failed


def _function_failure(line: Line, operation: Operation) -> str | None:
    if line.functions is not None and operation.code not in line.functions and operation.name not in line.functions:
        return "function"
    if line.sub_functions is not None and not _sub_function(line.sub_functions, operation.sub):
        return "sub_function"
    return None


def _speaks(line: Line, operation: Operation) -> bool:
    """The protocol itself; for sessions also the one that carries it, and a connection that nobody dissected to one of its ports."""
    if operation.protocol == line.protocol:
        return True
    if operation.access != "session":
        return False
    if operation.protocol == line.carrier:
        return True
    if operation.name != CONNECT:
        return False
    if operation.port is None:
        return line.protocol == f"0x{operation.code:04x}"
    if operation.code != 0 or (operation.protocol in TRANSPORTS and line.protocol in TRANSPORTS):
        return False
    return operation.port in line.known_ports if line.ports is None else _between(operation.port, line.ports)


def _between(number: int | None, ranges: tuple[tuple[int, int], ...]) -> bool:
    return number is not None and any(first <= number <= last for first, last in ranges)


def _unit(units: tuple[str | tuple[int, int], ...], unit: str | None) -> bool:
    if unit is None:
        return False
    number = int(unit) if unit.isascii() and unit.isdigit() else None
    return any(unit == one if isinstance(one, str) else number is not None and one[0] <= number <= one[1] for one in units)


def _sub_function(wanted: frozenset[int | str], sub: tuple[int | None, int, str | None] | None) -> bool:
    if sub is None:
        return False
    group, code, name = sub
    return code in wanted or name in wanted or f"{group}/{code}" in wanted


def _narrowed(limits: PointLine, point: PointRange) -> PointLine:
    if point.name is not None:
        return replace(limits, kind=point.kind, block=point.block, name=point.name)
    return replace(limits, kind=point.kind, block=point.block, first=point.first, last=point.last)


def _point_lines(able: list[Granted], gravest: str, *, lenient: bool = False, valued: bool = True) -> tuple[PointLine, ...]:
    """The lines' points, each with the accesses of its line; with `valued` false without their limits."""
    made: dict[PointLine, None] = {}
    for _, line, _ in able:
        low, high = (line.minimum, line.maximum) if valued else (None, None)
        soft = lenient and line.valued
        for access in _accesses(line):
            if GRAVITY[access] > GRAVITY[gravest]:
                continue
            limits = PointLine(access=access, minimum=low, maximum=high, lenient=soft)
            if line.points is None:
                made[limits] = None
            for point in line.points or ():
                made[_narrowed(limits, point)] = None
    return tuple(made)
