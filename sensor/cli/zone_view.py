"""What a policy says of an address, of two of them, and of a transaction between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Any

import click

from sensor.cli.table import Column, Section, Table
from zones.explanation import limits
from zones.supposed import Question, Side, Supposed, side_of, suppose

MAX_SHOWN = 4
"""Points of one change that are named."""

if TYPE_CHECKING:
    from zones import Policy
    from zones.decision import Decider
    from zones.difference import Change, Difference
    from zones.model import Line, Term
    from zones.places import Place


def explained(policy: Path, address: str, server: str | None, asked: Mapping[str, Any]) -> list[Section]:
    """The sections to show. Raises PolicyError; a usage error where the question can't be answered."""
    from zones import compile_policy
    from zones.decision import Decider

    made = compile_policy(str(policy))
    decider = Decider(made)
    client = _side(made, address)
    if server is None:
        if any(value not in (None, ()) for value in asked.values()):
            raise click.UsageError("What is done needs two addresses: who asks, and who is asked.")
        return [Section(address, lines=_standing(decider, client))]
    other = _side(made, server)
    if asked["protocol"] is None:
        if any(value not in (None, ()) for value in asked.values()):
            raise click.UsageError("--access, --function, --unit, --port, --point and --value need --protocol.")
        return [_pair(decider, client, other, f"{address} → {server}"), _pair(decider, other, client, f"{server} → {address}")]
    t: Any = _supposed(client, other, asked)
    title = f"{address} → {server}: {t.protocol} {t.function.name or t.function.code}, {t.access}"
    return [Section(title, lines=decider.explain_decision(t))]


def _side(policy: Policy, text: str) -> Side:
    try:
        return side_of(policy, text)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None


def _place(decider: Decider, side: Side) -> Place:
    return decider.places.place_of(side.ip, side.mac, ())


def _standing(decider: Decider, side: Side) -> list[str]:
    place = _place(decider, side)
    zone = place.zone
    level = "" if zone.level is None else f", level {zone.level:g}"
    line = f" ({decider.policy.file}:{place.line})" if place.line else ""
    inside = "everything is allowed inside" if zone.internal else "traffic inside is denied unless a conduit allows it"
    lines = [f'zone "{zone.name}"{level}, by {place.by}: {place.text}{line}', inside]
    for conduit in decider.policy.conduits:
        roles = [role for role, names in (("client", conduit.sources), ("server", conduit.targets)) if names & place.names]
        lines += [f'{" and ".join(roles)} of conduit "{conduit.id}" ({decider.policy.file}:{conduit.line})'] if roles else []
    return lines


def _pair(decider: Decider, client: Side, server: Side, title: str) -> Section:
    one, other = _place(decider, client), _place(decider, server)
    section = Section(title, lines=[f'zone "{one.zone.name}" to zone "{other.zone.name}"'])
    if one.zone.name == other.zone.name and one.zone.internal:
        denied = any(decider.judge.denials(one, other))
        section.lines += _granted(decider, one, other) if denied else []
        section.lines.append(f"allowed: everything {'else ' if denied else ''}is allowed inside a zone")
        return section
    section.lines += _granted(decider, one, other) or ["nothing is allowed: no conduit joins them in this direction"]
    return section


def _granted(decider: Decider, one: Place, other: Place) -> list[str]:
    lines = []
    for conduit, line in decider.judge.denials(one, other):
        lines.append(f'denied by "{conduit.id}" ({decider.policy.file}:{line.line}): {", ".join(_allowance(line))}')
    for conduit, line in decider.judge.lines(one, other):
        by = f'"{conduit.id}"' if conduit.term is None else f'exception "{conduit.id}", {_term(decider.policy, conduit.term)}'
        lines.append(f"allowed by {by} ({decider.policy.file}:{line.line}): {', '.join(_allowance(line))}")
    return lines


def _term(policy: Policy, term: Term) -> str:
    """From when to when, in the policy's time zone, and who answers for it."""
    from datetime import datetime

    from zones.times import SECOND, zone_named

    zone = zone_named(policy.timezone)
    begin, end = (datetime.fromtimestamp(time // SECOND, zone).strftime("%Y-%m-%d %H:%M") for time in (term.start, term.end))
    return f"{begin} to {end} ({term.ticket}, {term.owner})"


def _allowance(line: Line) -> Iterator[str]:
    yield line.protocol
    yield "any access but unasked reports" if line.access is None else " ".join(line.access)
    yield from limits(line)


def _supposed(client: Side, server: Side, asked: Mapping[str, Any]) -> Supposed:
    from zones.vocabulary import vocabulary

    at = time_ns() if asked["at"] is None else asked["at"]
    try:
        return suppose(client, server, Question(**{**asked, "at": at}), vocabulary())
    except ValueError as error:
        said = str(error)
        raise click.UsageError(f"{said[0].upper()}{said[1:]}.") from None


def compared(found: Difference, before: str, after: str) -> list[Section]:
    """What two policies decide differently."""
    sections = []
    if found.moved:
        rows = [(one.what, one.before, one.after) for one in found.moved]
        sections.append(Section(f"In another zone: {len(rows)}", table=Table([Column(head) for head in ("WHAT", "BEFORE", "AFTER")], rows)))
    if found.changes:
        changed = [_changed(change) for change in found.changes]
        columns = [Column(head) for head in ("FROM", "TO", "PROTOCOL", "ACCESS", "POINTS", "BEFORE", "AFTER", "LINES")]
        sections.append(Section(f"Decided differently: {len(changed)}", table=Table(columns, changed)))
    asked = f"{found.asked:,} questions were asked" + ("" if found.all_asked else "; there are more, which were not")
    same = "" if sections else f"{before} and {after} decide the same. "
    return [*sections, Section("", lines=[f"{same}{asked}."])]


def _changed(change: Change) -> tuple[str, ...]:
    rest = len(change.points) - MAX_SHOWN
    points = ", ".join(change.points[:MAX_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
    access = change.access if change.function in (None, "connect") else f"{change.access} ({change.function})"
    lines = f"{change.lines[0]} / {change.lines[1]}"
    return (change.source, change.target, change.protocol, access, points, change.before, change.after, lines)
