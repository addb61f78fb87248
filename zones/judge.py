"""What a policy says of one kind of operation between two places: the rungs of a ladder of clauses, from allowed to forbidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from dissectors import Clause, PointLine
from zones.model import ACCESSES, Conduit, Line, PointRange, Policy, Rate
from zones.places import Place
from zones.stages import (
    LATE,
    OPENER,
    OPENER_UNSEEN,
    RATE,
    SECURITY,
    SECURITY_UNSEEN,
    STAGES,
    UNSEEN,
    USER,
    USER_UNSEEN,
    Operation,
    accesses_of,
    counts,
    denies,
    failure,
    narrow_failure,
    user_failure,
)
from zones.times import ALWAYS, EXPIRED, NOT_NOW, Stretch, Times, is_timed
from zones.verdict import SKIPS_LEVELS, Coverage, Verdict, Violation, graver

GRAVITY = {access: rank for rank, access in enumerate(ACCESSES)}

HOUR = 3_600 * 1_000_000_000
"""A finding closes after an hour of quiet (DESIGN.md, 3); what comes back later is news again."""

OPENERS = ("client", "server", "unknown")
"""Who opened a connection, as clauses have it."""

PAIRS = 16_384
"""How many pairs of places are kept with the conduits between them; then all are looked for anew."""

_UNASKED = Stretch(None, 0, 0)
"""Holds at no time: it has to be worked out."""

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
    SECURITY: "not over a channel that is secured like this",
    SECURITY_UNSEEN: "how the channel is secured was not seen",
    USER: "not for this user",
    USER_UNSEEN: "for which user it was asked was not seen",
    NOT_NOW: "not at this time",
    EXPIRED: "the exception for it has expired",
    "values_unseen": "the values that decide were not seen",
    "points_unseen": "the points that decide were not seen",
    "places_unclear": "its address was used by too many MACs or VLANs",
}


class Limit(NamedTuple):
    """A rate that occurrences count towards, and what it means that there are more. `protocol` and `access` are what it counts, the
    latter where that is one."""

    rate: Rate
    verdict: Verdict
    protocol: str
    access: str | None


class Rung(NamedTuple):
    """One step: what fits `clause` is allowed (`verdict` None) or gets the verdict. `line` is the policy's line that says so; what is
    allowed counts towards `limits`."""

    clause: Clause
    verdict: Verdict | None
    line: int
    limits: tuple[Limit, ...] = ()


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


class Union(NamedTuple):
    """Lines that together allow something, what that counts towards, and the accesses that they grant to all points and values."""

    lines: list[Granted]
    line: int
    limits: tuple[Limit, ...]
    free: set[str]


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
        failed = failure(line, operation) or user_failure(line, operation)
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
            session = operation.access == "session"
            free = [one for one in granting if session or not one.line.limited]
            best = next((one for one in free if not counts(one.line, operation)), granting[0] if session else None)
            if best is not None:
                return (Rung(_allowing(), None, best.line.line, self._limits([best], (client, server, operation))),)
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
        """Where points or values decide: each point by its own access, the lines united. What the lines without a rate allow counts
        nowhere; what only those with one allow counts for the first that does, or for all where it takes several."""
        able = [one for one in held if one.failed is None or (one.failed == "access" and narrow_failure(one.line, operation) is None)]
        granting = next(one for one in held if one.failed is None)
        limiting = next((one for one in held if one.failed is None and one.line.limited), granting)
        case = Case(client, server, operation, limiting.conduit, limiting.line.line)
        late = [one for one in held if one.failed in LATE]
        rungs: list[Rung] = []
        possible = {access for access in ACCESSES if GRAVITY["read"] <= GRAVITY[access] <= GRAVITY[operation.access]}
        for rung, union in self._steps(self._unions(able, case), able, late, case):
            rungs.append(rung)
            if union is not None and union.free >= {*possible, operation.access}:
                rungs[-1] = Rung(_allowing(), None, union.line, union.limits)
                break
        return tuple(rungs)

    def _unions(self, able: list[Granted], case: Case) -> list[Union]:
        """The lines that count nowhere; they with each one that does; all."""
        counting = [one for one in able if counts(one.line, case.operation)]
        calm = [one for one in able if not counts(one.line, case.operation)]
        parts = [calm, *([one, *calm] for one in counting), *([able] if len(counting) > 1 else [])]
        about = (case.client, case.server, case.operation)
        made = []
        for part in parts:
            granting = next((one for one in part if one.failed is None), None)
            if granting is not None:
                made.append(Union(part, granting.line.line, self._limits(part, about), _free(part)))
        return made

    def _steps(
        self, unions: list[Union], able: list[Granted], late: list[Granted], case: Case
    ) -> Iterator[tuple[Rung, Union | None]]:  # fmt: skip
        """The rungs, each with the union whose points it allows. `late` are lines that would fit at another time, for another user, or over
        a connection that another opened."""
        at, access = case.line, case.operation.access
        opening = next((union for union in unions if access in union.free), None)
        if opening is None:
            yield Rung(_allowing((), ("rejected",)), None, at), None
            yield self._coverage(_counted(()), "points_unseen", case), None
        elif opening is not unions[0]:
            yield Rung(_allowing(()), None, at, opening.limits), None
        for union in unions:
            yield Rung(_allowing(_point_lines(union.lines, access)), None, union.line if union.limits else at, union.limits), union
        if any(one.line.valued for one in able):
            for union in unions:
                yield Rung(_allowing(_point_lines(union.lines, access, lenient=True), ("rejected",)), None, at, union.limits), None
            yield self._coverage(_counted(_point_lines(able, access, lenient=True)), "values_unseen", case), None
        for one in sorted(late, key=lambda one: -STAGES.index(one.failed or NOT_NOW)):
            case_of = case._replace(conduit=one.conduit, line=one.line.line)
            yield self._refused(_counted(_point_lines([*able, one], access)), one.failed or NOT_NOW, case_of), None
        for rung in self._forbidden(able, case):
            yield rung, None

    def _forbidden(self, able: list[Granted], case: Case) -> Iterator[Rung]:
        """What no line allows: why not."""
        access = case.operation.access
        if any(one.line.valued for one in able):
            yield self._violation(_counted(_point_lines(able, access, valued=False))._replace(limits=True), "value", case)
        granted = {line.access for line in _point_lines(able, access)}
        yield self._violation(_counted(tuple(PointLine(access=one) for one in ACCESSES if one in granted)), "point", case)
        yield self._violation(_counted(), "access", case)

    def _limits(self, lines: Iterable[Granted], about: tuple[Place, Place, Operation]) -> tuple[Limit, ...]:
        """What an operation counts towards where these lines allow it."""
        client, server, operation = about
        made = []
        for conduit, line, _ in lines:
            if counts(line, operation):
                done = operation._replace(protocol=line.protocol, access=" ".join(line.access) if line.access else "requests")
                cases = ((rate, Case(client, server, done, conduit, rate.line)) for rate in line.rates)
                one = line.access[0] if line.access and len(line.access) == 1 else None
                made += [Limit(rate, self._too_many(rate, case), line.protocol, one) for rate, case in cases]
        return tuple(made)

    def _too_many(self, rate: Rate, case: Case) -> Verdict:
        """The violation of a rate."""
        skips = self.policy.passed_levels(case.client.zone, case.server.zone)
        severity = case.conduit.severity if case.conduit else self.policy.severity
        return self._verdict(Violation, RATE, graver(severity) if skips else severity, case, f"more than {rate.text}")

    def _refused(self, clause: Clause, reason: str, case: Case) -> Rung:
        return self._coverage(clause, reason, case) if reason in UNSEEN else self._violation(clause, reason, case)

    def _violation(self, clause: Clause, reason: str, case: Case) -> Rung:
        skips = self.policy.passed_levels(case.client.zone, case.server.zone)
        severity = case.conduit.severity if case.conduit else self.policy.severity
        return Rung(clause, self._verdict(Violation, reason, graver(severity) if skips else severity, case), case.line)

    def _coverage(self, clause: Clause, reason: str, case: Case) -> Rung:
        return Rung(clause, self._verdict(Coverage, reason, "low", case), case.line)

    def unclear(self, client: Place, server: Place, operation: Operation) -> Rung:
        """The rung for an address that is used by too many MACs or VLANs to follow them."""
        return self._coverage(_counted(), "places_unclear", Case(client, server, operation, None, self.policy.line))

    def _verdict(
        self, kind: type[Violation] | type[Coverage], reason: str, severity: str, case: Case, said: str | None = None
    ) -> Verdict:  # fmt: skip
        client, server, operation, conduit, line = case
        skips = self.policy.passed_levels(client.zone, server.zone) if kind is Violation else ()
        begin = "" if kind is Violation else "Insufficient evidence: "
        why = f"{said or _SAID[reason]}{_term(conduit, reason)}"
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


def _free(lines: Iterable[Granted]) -> set[str]:
    """The accesses that they grant whatever the points and values."""
    return {access for one in lines if not one.line.limited for access in accesses_of(one.line)}


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
        for access in accesses_of(line):
            if GRAVITY[access] > GRAVITY[gravest]:
                continue
            limits = PointLine(access=access, minimum=low, maximum=high, lenient=soft)
            if line.points is None:
                made[limits] = None
            for point in line.points or ():
                made[_narrowed(limits, point)] = None
    return tuple(made)
