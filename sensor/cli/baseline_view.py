"""Baselines for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sensor.cli.table import Column, Section, Table
from sensor.cli.words import clock, counted, number
from sensor.clock import utc

if TYPE_CHECKING:
    from sensor.baseline.model import Baseline, Learned


def summed(said: Mapping[str, Any]) -> str:
    """`24 operations of 12 assets, from 2026-… to 2026-…`."""
    what = f"{counted(said['operations'], 'operation')} of {counted(said['assets'], 'asset')}"
    left = f"; {counted(said['left_out'], 'operation')} had no room and {'is' if said['left_out'] == 1 else 'are'} new again"
    return f"{what}, from {clock(said['first'])} to {clock(said['last'])}{left if said['left_out'] else ''}"


def shown(baseline: Baseline, operations: Sequence[Learned], log: Iterable[Mapping[str, Any]]) -> list[Section]:
    """A baseline: what was learned (`operations` are those to show), and what people did with it."""
    columns = (
        Column("protocol", keep=True), Column("client", keep=True), Column("server", keep=True), Column("unit", gives_way=3),
        Column("does", keep=True), Column("points"), Column("interval", gives_way=1), Column("count", "right", gives_way=2),
    )  # fmt: skip
    rows = [_row(learned) for learned in operations]
    over = sorted(baseline.over.items(), key=lambda item: (-item[1], item[0]))
    notes = [f"No room for {counted(count, 'operation')} of {client}: not learned, so they are new again." for client, count in over[:10]]
    if any(learned.coarse for learned in operations):
        notes.append("~ too many points to keep each: ranges cover more than was seen.")
    said = {
        "operations": len(baseline.operations), "assets": len(baseline.assets), "left_out": baseline.left_out,
        "first": utc(baseline.first), "last": utc(baseline.last),
    }  # fmt: skip
    head = Section(f"Baseline {baseline.name}", lines=[f"{summed(said)}; {number(baseline.packets)} packets."])
    listed = Section(f"Operations: {number(len(operations))}", table=Table(columns, rows) if rows else None, notes=notes)
    return [head, listed, *_done(log)]


def _row(learned: Learned) -> tuple[str, ...]:
    from sensor.baseline import words

    key = learned.key
    server = f"{key.server or 'several'}{'' if key.port is None else f':{key.port}'}"
    points = "any" if learned.points is None else words.points(learned.points, key.protocol) if learned.points else ""
    limits = words.limits(learned.points) if learned.points else "nothing"
    said = f"{'~' if learned.coarse and points else ''}{points}{'' if limits == 'nothing' else f' = {limits}'}"
    interval = "" if learned.interval is None else words.interval(learned.interval)
    count = number(learned.count) + (" +accepted" if learned.accepted and learned.count else "") if learned.count else "accepted"
    return (
        key.protocol,
        key.client or "several",
        server,
        key.unit or "",
        f"{key.access} {words.function_of(learned)}",
        said,
        interval,
        count,
    )


def _done(log: Iterable[Mapping[str, Any]]) -> list[Section]:
    rows = [
        (clock(entry["at"]), entry["action"], entry["who"], entry["why"], str(entry["what"].get("said", "")))
        for entry in log
        if entry["action"] != "learn"
    ]
    columns = (Column("when (UTC)", keep=True), Column("what", keep=True), Column("who", keep=True), Column("why"), Column("said"))
    return [Section(f"Accepted and reset: {len(rows)}", table=Table(columns, rows))] if rows else []


def document(baseline: Baseline, operations: Sequence[Learned], log: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "name": baseline.name, "first": utc(baseline.first), "last": utc(baseline.last), "packets": baseline.packets,
        "assets": sorted(baseline.assets), "left_out": baseline.over, "operations": [_entry(learned) for learned in operations],
        "log": list(log),
    }  # fmt: skip


def _entry(learned: Learned) -> dict[str, Any]:
    key = learned.key
    spans = None
    if learned.points is not None:
        spans = [
            {"point": span.text(key.protocol), "kind": span.kind, "access": span.access, "first": span.first, "last": span.last,
             "least": span.least, "greatest": span.greatest}
            for span in learned.points
        ]  # fmt: skip
    interval = learned.interval
    held = None if interval is None else {"median_ns": interval.median, "spread_ns": interval.spread, "of": interval.of}
    functions = {
        "function": None if key.function is None else {"code": key.function, "name": learned.function},
        "sub_function": None if key.sub_function is None else {"code": key.sub_function, "name": learned.sub_function},
    }
    times = {"first": utc(learned.first) if learned.count else None, "last": utc(learned.last) if learned.count else None}
    rest = {"count": learned.count, "coarse": learned.coarse, "merged": learned.merged, "accepted": learned.accepted}
    return {**key._asdict(), **functions, **rest, **times, "points": spans, "interval": held}


def learned(said: Mapping[str, Any], *, kept: bool) -> Section:
    """What was just learned."""
    lines = [f"Learned: {summed(said)}; {number(said['packets'])} packets."]
    if kept:
        lines.append(f"Next: fieldtap baseline show --name {said['name']}; fieldtap replay CAPTURE --baseline {said['name']}")
    return Section(f"Baseline {said['name']}", lines=lines)
