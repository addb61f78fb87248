"""`fieldtap outbox`: what waits for outputs, and what they refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sensor.cli.kept import json_option, opened, store_option

if TYPE_CHECKING:
    from sensor.outbox import Count


@click.group(epilog="\b\nExample:\n  fieldtap outbox list")
def outbox() -> None:
    """What waits for Elasticsearch and other outputs, and what they refused."""


@outbox.command("list", epilog="\b\nExamples:\n  fieldtap outbox list\n  fieldtap outbox list --json")
@click.option("--letters", type=click.IntRange(0), default=20, show_default=True, metavar="N", help="Show so many dead letters.")
@store_option
@json_option
def listed(letters: int, store: Path | None, as_json: bool) -> None:
    """The counters of each output and class, and the newest dead letters.

    produced = delivered + waiting + dead + dropped, always; dropped is what the limits or people took away.
    """
    from sensor import outbox as held
    from sensor.cli import show

    with opened(store) as kept:
        counts = held.counts(kept.connection)
        refused = held.dead_letters(kept.connection, most=letters)
    if as_json:
        names = ("output", "of", "produced", "delivered", "waiting", "dead", "dropped")
        rows = [{("class" if name == "of" else name): getattr(count, name) for name in names} for count in counts]
        show.document({"outputs": rows, "dead_letters": refused})
        return
    from sensor.cli.table import Column, Section, Table

    columns = [Column("output", keep=True), Column("class", keep=True)]
    columns += [Column(name, "right") for name in ("produced", "delivered", "waiting", "dead", "dropped")]
    sections = [Section("Outbox", table=Table(columns, [_row(count) for count in counts]))] if counts else []
    if not counts:
        sections = [Section("", lines=["The outbox is empty."])]
    if refused:
        heads = (Column("number", "right", keep=True), Column("output"), Column("class"), Column("id"), Column("reason", keep=True))
        found = [
            (str(one["number"]), one["output"], one["class"], one["id"], one["reason"] + (" (waits again)" if one["again"] else ""))
            for one in refused
        ]
        sections.append(Section("Dead letters", table=Table(heads, found)))
    show.sections(sections)


def _row(count: Count) -> tuple[str, ...]:
    numbers = (count.produced, count.delivered, count.waiting, count.dead, count.dropped)
    return (count.output or "(none yet)", count.of, *(f"{number:,}" for number in numbers))


@outbox.command(epilog="\b\nExample:\n  fieldtap outbox retry --all")
@click.argument("numbers", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
@store_option
def retry(numbers: tuple[int, ...], everything: bool, store: Path | None) -> None:
    """Let dead letters wait again, for example when the mapping was mended; 'fieldtap ship' sends them."""
    from sensor import outbox as held

    with opened(store) as kept:
        count = held.retry(kept.connection, _chosen(numbers, everything))
    click.echo(f"{count:,} dead letters wait again.", err=True)


@outbox.command(epilog="\b\nExamples:\n  fieldtap outbox drop --all\n  fieldtap outbox drop --output jsonl:old.jsonl")
@click.argument("numbers", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
@click.option("--output", metavar="NAME", help="An output that is no more: nothing waits for it from now on.")
@store_option
def drop(numbers: tuple[int, ...], everything: bool, output: str | None, store: Path | None) -> None:
    """Give up dead letters (they are counted as dropped), or an output that is no more."""
    from sensor import outbox as held
    from sensor.store import atomic

    with opened(store) as kept, atomic(kept.connection):
        if output is not None:
            classes = held.forget(kept.connection, output)
            click.echo(f"{output} is forgotten." if classes else f"There is no output {output}.", err=True)
            return
        count = held.drop(kept.connection, _chosen(numbers, everything))
    click.echo(f"{count:,} dead letters dropped.", err=True)


def _chosen(numbers: tuple[int, ...], everything: bool) -> tuple[int, ...] | None:
    if bool(numbers) == everything:
        raise click.UsageError("Name dead letters by their numbers ('fieldtap outbox list'), or give --all.")
    return None if everything else numbers
