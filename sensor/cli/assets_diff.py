"""`fieldtap assets diff`: what is new, gone or another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sensor.cli.kept import json_option, store_option
from sensor.cli.known import selected

if TYPE_CHECKING:
    from sensor.inventory.changes import Change
    from sensor.inventory.known import Known


@click.command(
    epilog="\b\nExamples:\n  fieldtap assets diff 2026-11-01 2026-11-30\n  fieldtap assets diff before.sqlite after.sqlite --json"
)
@click.argument("old")
@click.argument("new")
@store_option
@json_option
def diff(old: str, new: str, store: Path | None, as_json: bool) -> None:
    """What changed from OLD to NEW: two stores (files), or two times of one store (UTC, the dates of captures).

    New assets, those that are gone (not seen after OLD), and attributes that have another value, with the packets that say so.
    """
    from sensor.cli import show
    from sensor.inventory.changes import changes

    times = _time(old), _time(new)
    if (times[0] is None) != (times[1] is None):
        raise click.UsageError("Compare two stores or two times, not one of each.")
    if times[0] is not None and times[1] is not None:
        if times[0] >= times[1]:
            raise click.UsageError(f"{old} is not before {new}.")
        from sensor.clock import utc

        states = selected(store, (), until=times[0]), selected(store, (), until=times[1])
        found = changes(states[0].assets, states[1].assets, since=utc(times[0]))
    else:
        states = selected(_file(old), ()), selected(_file(new), ())
        found = changes(states[0].assets, states[1].assets)
    if as_json:
        show.document([change.to_dict() for change in found])
        return
    _show(found, states)


def _time(text: str) -> int | None:
    """A time in ns, None where it is a file."""
    from sensor.clock import nanoseconds

    if Path(text).exists():
        return None
    try:
        return nanoseconds(text)
    except ValueError:
        return None


def _file(text: str) -> Path:
    if not Path(text).is_file():
        raise click.UsageError(f"{text} is neither a store nor a time (2026-11-30 or 2026-11-30T08:15:00).")
    return Path(text)


def _show(found: list[Change], states: tuple[Known, Known]) -> None:
    from sensor.cli import show
    from sensor.cli.table import Column, Section, Table

    captures = {**states[0].captures, **states[1].captures}
    if not found:
        show.sections([Section("", lines=["Nothing changed."])])
        return
    columns = (Column("what", keep=True), Column("asset", keep=True), Column("attribute"), Column("from"), Column("to"), Column("packets"))
    rows = [
        (
            change.kind, change.asset, change.attribute or "", _text(change.old), _text(change.new),
            ", ".join(_packet(packet, captures) for packet in change.packets),
        )
        for change in found
    ]  # fmt: skip
    kinds = [f"{sum(change.kind == kind for change in found)} {kind}" for kind in ("new", "gone", "changed")]
    show.sections([Section(", ".join(kinds), table=Table(columns, rows))])


def _text(value: Any) -> str:
    if value is None:
        return ""
    return " ".join(map(str, value)) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)


def _packet(packet: Mapping[str, Any], captures: Mapping[str, str]) -> str:
    if packet["packet"] is None:
        return f"last seen {str(packet['time'])[:19]}"
    return f"{packet['packet']} of {Path(captures.get(str(packet['capture']), str(packet['capture']))).name}"
