"""`fieldtap zones whatif`: which verdicts another policy changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sensor.cli.exits import Exit
from sensor.cli.table import Column, Section, Table
from sensor.cli.words import counted, number

if TYPE_CHECKING:
    from zones.model import Policy
    from zones.whatif import Outlook, Turn

MOST_ROWS = 50
"""Rows of the table; how many more there are is said."""


def compared(policy: Path, captures: tuple[str, ...], before: Path | None, store: Path | None, *, as_json: bool) -> int:
    """Judges, shows, and gives the exit code."""
    from sensor.cli import show
    from zones import compile_policy

    if captures and store is not None:
        raise click.UsageError("Give captures, or --store to judge what was kept.")
    if captures and before is None:
        raise click.UsageError("Captures are judged by two policies: --before says by which they were.")
    made, earlier = compile_policy(str(policy)), None if before is None else compile_policy(str(before))
    code = Exit.DONE
    if captures and before is not None:
        found, code = _of_captures(captures, before, policy)
    else:
        found = _of_store(store, made, earlier)
    if as_json:
        known = {"policy": {"file": made.file, "sha256": made.sha256}}
        show.document(known | {"before": earlier and {"file": earlier.file, "sha256": earlier.sha256}} | found.to_dict())
    else:
        show.sections(list(_sections(found, made)))
    return code if code != Exit.DONE else Exit.FOUND if found.turns else Exit.DONE


def _of_captures(captures: tuple[str, ...], before: Path, after: Path) -> tuple[Outlook, Exit]:
    from sensor.cli.zone_learn import replayed, said
    from sensor.whatif import of_captures

    if "-" in captures:
        raise click.UsageError("Standard input can't be read twice: give a file.")
    one = replayed(captures, before)
    code = said(one)
    return of_captures(one, replayed(captures, after)), code


def _of_store(store: Path | None, policy: Policy, before: Policy | None) -> Outlook:
    from sensor.cli.kept import opened
    from sensor.whatif import joined_with, of_kept

    with opened(store) as held:
        return of_kept(held, joined_with(store, policy), before and joined_with(store, before))


def _sections(found: Outlook, policy: Policy) -> Iterator[Section]:
    judged = f"{counted(found.operations, 'operation')} with {counted(found.occurrences, 'occurrence')} were judged."
    notes = [f"Note: {note}." for note in found.notes]
    if not found.turns:
        yield Section("", lines=[f"No verdict changes. {judged}", *notes])
        return
    changes = Table(
        [Column("CHANGE"), Column("OPERATIONS", "right"), Column("OCCURRENCES", "right")],
        [(kind, number(one), number(times)) for kind, (one, times) in found.totals.items()],
    )
    yield Section(f"Verdicts that change: {sum(one for one, _ in found.totals.values()):,}", table=changes)
    heads = [Column("COUNT", "right"), Column("WHO", keep=True), Column("DOES WHAT"), Column("BEFORE"), Column("AFTER"), Column("LINES")]
    names = _names(policy)
    rows = [_row(turn, names) for turn in found.turns[:MOST_ROWS]]
    rest = len(found.turns) - len(rows)
    more = [f"{rest:,} more; all of them: --json"] if rest > 0 else []
    yield Section("What changes", table=Table(heads, rows), notes=[*more, "", judged, *notes])


def _names(policy: Policy) -> dict[str, str]:
    """Assets by their addresses."""
    return {address: asset.name for asset in policy.assets.values() for address in (*asset.ips, *asset.macs)}


def _row(turn: Turn, names: dict[str, str]) -> tuple[str, ...]:
    what = turn.what
    function = what.name or ("" if what.code is None else str(what.code))
    unit = "" if what.unit is None else f", unit {what.unit}"
    done = " ".join(part for part in (what.protocol, what.access, function if function != "connect" else "") if part)
    lines = " / ".join("–" if line is None else str(line) for line in turn.lines)
    who = f"{names.get(what.client, what.client)} → {names.get(what.server, what.server)}"
    return (number(turn.times), who, done + unit, turn.before, turn.after, lines)
