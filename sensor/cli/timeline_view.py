"""The timeline as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from sensor.cli.incident_view import overview
from sensor.cli.table import Column, Section, Table
from sensor.cli.words import clock, counted, number, span
from sensor.timeline.words import already, packet, values, what, who

if TYPE_CHECKING:
    from sensor.timeline.story import Timeline

MOST_ROWS: Final = 400
"""Rows of the table; JSON and the page have them all."""
MOST_CHANGES: Final = 40


def sections(timeline: Timeline) -> Iterator[Section]:
    """What was read, incidents, the events in order, values before and after, programs and files."""
    yield _head(timeline)
    if timeline.incidents:
        yield overview(timeline.incidents, timeline.name, f"Incidents: {len(timeline.incidents)}")
    yield _events(timeline)
    changes = [(event, change) for event in timeline.events if event["kind"] == "write" for change in event["changes"]]
    if any(change["before"] is not None for _, change in changes):
        yield _changes(timeline, [(event, change) for event, change in changes if change["before"] is not None])
    if timeline.transfers:
        yield _transfers(timeline)


def _head(timeline: Timeline) -> Section:
    captures = [capture for capture in timeline.result.engine["captures"] if capture["first"] is not None]
    lines = [f"{counted(len(captures), 'capture')} of {number(timeline.result.engine['packets']['read'])} packets"]
    if captures:
        first, last = min(one["first"] for one in captures), max(one["last"] for one in captures)
        lines = [f"{lines[0]}, {clock(first)} to {clock(last)} UTC ({span(first, last)})"]
    lines += [already(timeline, event) for event in timeline.events if "there_already" in event]
    if timeline.left_out:
        lines.append(f"Too many to tell: {', '.join(f'{number(count)} {name}' for name, count in timeline.left_out.items())} are left out")
    named = [f"{place}: {capture['path']}" for place, capture in enumerate(timeline.result.engine["captures"], start=1)]
    return Section("Read", lines=[*lines, *(named if len(named) <= 12 else [*named[:11], f"… and {len(named) - 11} more captures"])])


def _events(timeline: Timeline) -> Section:
    columns: tuple[Column, ...] = (
        Column("time (UTC)", keep=True), Column("kind", keep=True), Column("who"), Column("what"), Column("packet", keep=True, gives_way=2),
        Column("severity", keep=True, gives_way=1), Column("finding", keep=True, gives_way=3),
    )  # fmt: skip
    days = {event["time"][:10] for event in timeline.events}
    shown = [event for event in timeline.told() if "there_already" not in event]
    rows: list[tuple[str, ...]] = [
        (_clock(event["time"], days), event["kind"], who(timeline, event), _what(timeline, event), packet(event), event.get("severity", ""),
         event["id"][:8] if "id" in event else "") for event in shown[:MOST_ROWS]
    ]  # fmt: skip
    used = [place for place in range(len(columns)) if place < 4 or any(row[place] for row in rows)]
    columns, rows = tuple(columns[place] for place in used), [tuple(row[place] for place in used) for row in rows]
    notes = [f"… and {number(len(shown) - MOST_ROWS)} more: --only, --from and --to limit them; --json and --html have them all"]
    day = f" on {min(days)}" if len(days) == 1 else ""
    title = f"What happened{day}: {counted(len(shown), 'line')}"
    empty = [] if rows else ["Nothing that is told here."]
    return Section(title, lines=empty, table=Table(columns, rows) if rows else None, notes=notes if len(shown) > MOST_ROWS else [])


def _what(timeline: Timeline, event: Mapping[str, Any]) -> str:
    said = what(timeline, event)
    count = event.get("more", 0)
    more = f"; {count} more {'says' if count == 1 else 'say'} the same" if count else ""
    return f"{said}{', first seen' if event.get('first_seen') else ''}{more}"


def _clock(time: str, days: set[str]) -> str:
    """To the millisecond; the date is left out where all is of one day."""
    text = time[:23].replace("T", " ")
    return text[11:] if len(days) == 1 else text


def _changes(timeline: Timeline, changes: list[tuple[Any, Any]]) -> Section:
    columns = (
        Column("time (UTC)", keep=True), Column("who"), Column("point", keep=True), Column("before", "right"), Column("after", "right"),
        Column("times", "right", keep=True), Column("outcome", keep=True, gives_way=1),
    )  # fmt: skip
    rows = [
        (clock(event["time"]), who(timeline, event), one["point"], values(one["before"]), values(one.get("latest", one["after"])),
         number(one["count"]), ", ".join(one["outcomes"])) for event, one in changes
    ]  # fmt: skip
    more = [f"… and {number(len(rows) - MOST_CHANGES)} more"] if len(rows) > MOST_CHANGES else []
    return Section("Values before and after", table=Table(columns, rows[:MOST_CHANGES]), notes=more)


def _transfers(timeline: Timeline) -> Section:
    columns: tuple[Column, ...] = (
        Column("time (UTC)", keep=True, gives_way=2), Column("who"), Column("what", keep=True), Column("bytes", "right", keep=True),
        Column("state"), Column("SHA-256"), Column("file"),
    )  # fmt: skip
    rows: list[tuple[str, ...]] = []
    for one in (transfer.to_dict() for transfer in timeline.transfers):
        way = " → ".join(timeline.name(side) for side in (one["client"], one["server"]))
        name = f"{one['protocol']} {one['name']} {'into' if one['direction'] == 'into' else 'out of'} it"
        state = "complete" if one["complete"] else "; ".join(one["missing"])
        rows.append((clock(one["first"]), way, name, number(one["bytes"]), state, one["sha256"] or "", one["extracted"] or ""))
    if not any(row[-1] for row in rows):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return Section(f"Programs and files that passed: {len(rows)}", table=Table(columns, rows[:MOST_ROWS]))
