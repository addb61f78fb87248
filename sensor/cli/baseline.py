"""`fieldtap baseline`: what was, learned from traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sensor.cli import options
from sensor.cli.kept import json_option, opened, store_option

_NAME = "baseline"
_name = click.option("--name", default=_NAME, metavar="NAME", show_default=True, help="Which baseline of the store.")
_by = click.option("--by", "who", required=True, metavar="NAME", help="Who decided.")
_why = click.option("--why", required=True, metavar="TEXT", help="Why.")


@click.group(epilog="\b\nExample:\n  fieldtap baseline learn plant.pcapng")
def baseline() -> None:
    """Baselines: what was, learned from traffic, so that what is new can be told.

    A policy says what may be, a baseline what was: operations with their points, values and intervals, assets and services. 'fieldtap
    replay --baseline NAME' tells what is new, and how.
    """


@baseline.command(
    epilog="\b\nExamples:\n  fieldtap baseline learn plant.pcapng\n  fieldtap baseline learn plant.pcapng --name day --for 8h"
)
@click.argument("captures", metavar="CAPTURE...", nargs=-1, required=True, type=options.CAPTURE)
@_name
@click.option("--for", "time", callback=options.length_of, metavar="LENGTH", help="Learn from so much of them: 90s, 30m, 8h, 7d …")
@click.option("--packets", type=click.IntRange(1), metavar="N", help="Learn from so many packets.")
@click.option("--filter", "expression", metavar="EXPR", help="Only packets that fit this capture filter.")
@click.option("--store", type=options.READ_STORE, metavar="FILE", help="Where it is kept.", show_default="your own store")
def learn(
    captures: tuple[str, ...], name: str, time: int | None, packets: int | None, expression: str | None, store: Path | None
) -> int:  # fmt: skip
    """Learn a baseline from CAPTUREs and keep it in the store. Learning ends at a full minute."""
    from sensor.baseline.course import Until
    from sensor.cli import show
    from sensor.cli.baseline_view import learned
    from sensor.cli.replay import ended, troubles, watched
    from sensor.pipeline import ReplayConfig
    from sensor.pipeline import replay as run

    until = Until(time=time, packets=packets, alone=True)
    config = ReplayConfig(captures=captures, catalog=False, store=store, filter=expression, baseline=name, learn=until)
    with watched(quiet=False) as progress:
        result = run(config, progress)
    assert result.course is not None
    show.sections([learned(result.course.summary["learned"], kept=result.store_error is None)])
    for line in troubles(result):
        click.echo(line, err=True)
    return ended(result, None)


@baseline.command("show", epilog="\b\nExample:\n  fieldtap baseline show --client 10.20.2.20")
@_name
@store_option
@json_option
@click.option("--client", metavar="ADDRESS", help="Only what this address asks.")
@click.option("--server", metavar="ADDRESS", help="Only what this address is asked.")
@click.option("--protocol", metavar="NAME", help="Only this protocol.")
def show_(name: str, store: Path | None, as_json: bool, **equal: str | None) -> None:
    """Show a baseline: its operations with points, limits of values and intervals, and what was accepted, by whom and why."""
    from sensor.baseline.kept import load, log
    from sensor.cli import baseline_view, show

    with opened(store) as kept:
        held, done = load(kept.connection, name), list(log(kept.connection, name))
    operations = [one for one in held.operations.values() if _wanted(one.key, equal)]
    if as_json:
        show.document(baseline_view.document(held, operations, done))
        return
    show.sections(baseline_view.shown(held, operations, done))


def _wanted(key: Any, equal: dict[str, str | None]) -> bool:
    return all(value is None or getattr(key, name) == value for name, value in equal.items())


@baseline.command(epilog="\b\nExample:\n  fieldtap baseline accept 74097026 --by 'J. Smith' --why 'new historian, ticket 4712'")
@click.argument("findings", metavar="FINDING...", nargs=-1, required=True)
@store_option
@_by
@_why
def accept(findings: tuple[str, ...], store: Path | None, who: str, why: str) -> None:
    """Take what a FINDING found new into its baseline, and note who decided so and why. It is not told again."""
    from sensor.baseline.kept import accept as accepted
    from sensor.cli.findings import one

    with opened(store) as kept:
        found = [one(kept, finding) for finding in findings]
        with kept.transaction() as connection:
            said = [accepted(connection, finding, who, why) for finding in found]
    for finding, line in zip(found, said, strict=True):
        click.echo(f"{finding['id']}: accepted by {who}: {line}", err=True)


@baseline.command(epilog="\b\nExample:\n  fieldtap baseline reset --name day --by 'J. Smith' --why 'line 2 was rebuilt'")
@_name
@store_option
@_by
@_why
def reset(name: str, store: Path | None, who: str, why: str) -> None:
    """Take a baseline away, so that it can be learned anew. What was learned, accepted and reset stays in the log, with who and why."""
    from sensor.baseline.kept import reset as taken

    with opened(store) as kept, kept.transaction() as connection:
        count = taken(connection, name, who, why)
    click.echo(f"{name}: {count:,} operations taken away by {who}", err=True)
