"""Why a transaction is allowed or not, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from zones.judge import Now
from zones.model import INDUSTRIAL, Conduit, Line
from zones.places import Place
from zones.stages import Operation, denies
from zones.verdict import Coverage, Verdict

if TYPE_CHECKING:
    from dissectors import Transaction
    from zones.decision import Decider


def explain(decider: Decider, t: Transaction) -> list[str]:
    """One line for each step of the decision."""
    client, server, operation, rung = decider.judged(t)
    said = [_side("client", t.client.ip or t.client.mac, client), _side("server", t.server.ip or t.server.mac, server)]
    if client.zone.name == server.zone.name and client.zone.internal:
        if rung.verdict is not None:
            denials = [_denial(line, operation) for _, line in decider.judge.denials(client, server)]
            return [*said, *denials, _end(decider.policy.file, rung.verdict, rung.line)]
        return [*said, f'allowed: within zone "{client.zone.name}" everything is allowed']
    said.extend(_conduits(decider, client, server, (operation, decider.moment(t)), t.initiator or "unknown"))
    counted = ", ".join(f"at most {limit.rate.text} (line {limit.rate.line})" for limit in rung.limits)
    return [*said, _end(decider.policy.file, rung.verdict, rung.line) + (f"; {counted}" if counted else "")]


def _side(role: str, address: str | None, place: Place) -> str:
    where = f" (line {place.line})" if place.line else ""
    level = "" if place.zone.level is None else f", level {place.zone.level:g}"
    return f'{role} {address or "not known"}: zone "{place.zone.name}"{level}, by {place.by}: {place.text}{where}'


def _conduits(decider: Decider, client: Place, server: Place, asked: tuple[Operation, int], opener: str) -> Iterator[str]:
    none = True
    for conduit in decider.judge.joining(client, server):
        none = False
        yield f"{_called(conduit)} (line {conduit.line}) joins them"
    if none:
        inside = client.zone.name == server.zone.name
        yield "the zone denies internal traffic and no conduit allows it" if inside else "no conduit joins them"
    operation, at = asked
    yield from (_denial(line, operation) for _, line in decider.judge.denials(client, server))
    for conduit, line in decider.judge.lines(client, server):
        failed = decider.judge.failing(conduit, line, operation, Now(at, opener))
        yield f"line {line.line} {_line(line)}: " + (f"does not fit ({failed})" if failed else _condition(line))


def _denial(line: Line, operation: Operation) -> str:
    return f"line {line.line} denies {_line(line)}: " + (_condition(line) if denies(line, operation) else "does not concern this")


def _called(conduit: Conduit) -> str:
    term = conduit.term
    return f'conduit "{conduit.id}"' if term is None else f'exception "{conduit.id}" ({term.ticket}, {term.owner})'


def accesses(line: Line) -> str:
    """The accesses of a line in words; nothing for a protocol that is judged by its connections."""
    if line.access is not None:
        return " ".join(line.access)
    return "all but reports" if line.protocol in INDUSTRIAL or line.known_ports else ""


def _line(line: Line) -> str:
    access = accesses(line)
    return f"({line.protocol}: {access})" if access else f"({line.protocol})"


def limits(line: Line) -> Iterator[str]:
    """What narrows a line beside its protocol, its access and its sides, as people read it: `points coil:0-7`, `values 0 to 500`."""
    if line.functions is not None:
        yield f"functions {' '.join(sorted(map(str, line.functions)))}"
    if line.sub_functions is not None:
        yield f"sub-functions {' '.join(sorted(map(str, line.sub_functions)))}"
    if line.units is not None:
        yield f"units {' '.join(unit if isinstance(unit, str) else f'{unit[0]}-{unit[1]}' for unit in line.units)}"
    if line.ports is not None:
        yield f"ports {' '.join(str(one) if one == other else f'{one}-{other}' for one, other in line.ports)}"
    if line.points is not None:
        yield f"points {' '.join(point.text for point in line.points)}"
    if line.valued:
        yield values(line)
    if line.initiator is not None:
        yield f"over connections that the {line.initiator} opened"
    if line.users is not None:
        yield f"for the user {' or '.join(sorted(line.users))}"
    if line.security_modes is not None:
        yield f"secured by {' or '.join(sorted(line.security_modes))}"
    for rate in line.rates:
        yield f"at most {rate.text}"
    for names in line.schedules:
        yield f"only {' or '.join(names)}"


def values(line: Line) -> str:
    """Between which values: `values 0 to 500`, `values … to 500`."""
    least, most = ("…" if limit is None else f"{limit:.15g}" for limit in (line.minimum, line.maximum))
    return f"values {least} to {most}"


def _condition(line: Line) -> str:
    limits = [] if line.points is None else ["points " + ", ".join(point.text for point in line.points)]
    limits += [values(line)] if line.valued else []
    limits += [f"at most {rate.text}" for rate in line.rates]
    return "fits" if not limits else "fits with " + ", ".join(limits)


def _end(file: str, verdict: Verdict | None, line: int) -> str:
    if verdict is None:
        return f"allowed by {file}:{line}"
    if isinstance(verdict, Coverage):
        return f"insufficient evidence ({verdict.reason}), {file}:{verdict.line}: {verdict.title}"
    skips = f"; it passes by level {', '.join(f'{level:g}' for level in verdict.skips)}" if verdict.skips else ""
    return f"violation ({', '.join(verdict.reasons)}), severity {verdict.severity}, {file}:{verdict.line}: {verdict.title}{skips}"
