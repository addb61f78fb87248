"""Conduits and exceptions of a policy, beside what was seen of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sensor.clock import utc
from sensor.reports import statement
from sensor.reports.coverage import Coverage
from sensor.reports.model import AllowLine, ConduitLine, ExceptionLine, Verdict
from zones.explanation import accesses, limits
from zones.times import EXPIRED

if TYPE_CHECKING:
    from sensor.reports.traffic import Traffic
    from zones.model import Conduit, Line, Policy

DENIED = "denied"


def conduit_lines(policy: Policy, traffic: Traffic, violations: Sequence[Verdict], insufficient: Sequence[Verdict]) -> list[ConduitLine]:
    """All conduits in the order of the policy; exceptions stand apart."""
    bad, unsure = (_by_conduit(verdicts) for verdicts in (violations, insufficient))
    denied = Counter[tuple[str | None, int]]()
    for verdict in violations:
        if verdict.reason == DENIED:
            denied[verdict.conduit, verdict.line] += verdict.count
    conduits = [conduit for conduit in policy.conduits if conduit.term is None]
    return [_conduit(conduit, traffic, (bad[conduit.id], unsure[conduit.id]), denied) for conduit in conduits]


def _by_conduit(verdicts: Sequence[Verdict]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for verdict in verdicts:
        if verdict.conduit is not None:
            counts[verdict.conduit] += verdict.count
    return counts


def _conduit(conduit: Conduit, traffic: Traffic, counts: tuple[int, int], denied: Counter[tuple[str | None, int]]) -> ConduitLine:
    violations, insufficient = counts
    denials = [AllowLine(line=line.line, says=says(line), seen=denied[conduit.id, line.line]) for line in conduit.deny]
    lines = [
        AllowLine(line=line.line, says=says(line), seen=traffic.grants.get((conduit.id, place), 0))
        for place, line in enumerate(conduit.allow)
    ]
    return ConduitLine(
        id=conduit.id, sources=sorted(conduit.sources), targets=sorted(conduit.targets), severity=conduit.severity,
        references=list(conduit.references), description=conduit.description, skip_level=conduit.skip_level, line=conduit.line,
        lines=lines, denials=denials, seen=traffic.uses.get(conduit.id, 0), violations=violations, insufficient=insufficient,
        coverage=traffic.conduits.get(conduit.id, Coverage()), result=statement.UNSAID.result,
    )  # fmt: skip


def says(line: Line) -> str:
    """What a line allows, as people read it: `modbus write from hmi, points holding_register:100-119, values 0 to 500`."""
    return ", ".join(_parts(line))


def _parts(line: Line) -> Iterator[str]:
    narrowed = [f" {word} {', '.join(sorted(names))}" for word, names in (("from", line.sources), ("to", line.targets)) if names]
    yield f"{f'{line.protocol} {accesses(line)}'.rstrip()}{''.join(narrowed)}"
    yield from limits(line)


def exceptions(policy: Policy, traffic: Traffic, violations: Sequence[Verdict]) -> list[ExceptionLine]:
    """The policy's exceptions, which are conduits with a term (zones.model.Term). `uses` counts occurrences that they may grant, those
    after their end included; one that was used after its end is a violation of its own."""
    late = _by_conduit([verdict for verdict in violations if verdict.reason == EXPIRED])
    made = []
    for conduit in policy.conduits:
        term = conduit.term
        if term is not None:
            uses = traffic.uses.get(conduit.id, 0)
            state = "used after its end" if late[conduit.id] else "used" if uses else "never used"
            made.append(ExceptionLine(
                id=conduit.id, owner=term.owner, ticket=term.ticket, start=utc(term.start), end=utc(term.end), state=state, uses=uses,
                line=conduit.line,
            ))  # fmt: skip
    return made
