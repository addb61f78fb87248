"""`fieldtap incidents`: findings that are one story."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sensor.cli import options
from sensor.cli.kept import json_option, opened, store_option


@click.group(epilog="\b\nExample:\n  fieldtap incidents list")
def incidents() -> None:
    """Findings of one source that are one story: who came in, looked around, changed something, stopped it."""


@incidents.command("list", epilog="\b\nExample:\n  fieldtap incidents list --json")
@store_option
@json_option
@click.option("--since", callback=options.time_of, metavar="TIME", help="Only what happened from this time on (capture time, UTC).")
@click.option("--until", callback=options.time_of, metavar="TIME", help="Only what began before this time.")
def list_(store: Path | None, as_json: bool, since: int | None, until: int | None) -> None:
    """List the stories in the findings that the store keeps, over all runs, the gravest first. Suppressed findings are left out."""
    from sensor.cli import show
    from sensor.finding_listing import stories

    with opened(store) as kept:
        found = stories(kept, since=since, until=until)
    if as_json:
        show.document(found)
        return
    from sensor.cli.incident_view import overview

    show.sections([overview(found)])


@incidents.command("show", epilog="\b\nExample:\n  fieldtap incidents show e0d37cfa")
@click.argument("incident")
@store_option
@json_option
def show_(incident: str, store: Path | None, as_json: bool) -> None:
    """Show one INCIDENT, by its id or the beginning of it: its stages in their order, each with its findings."""
    from sensor.cli import show
    from sensor.finding_listing import stories

    with opened(store) as kept:
        told = [one for one in stories(kept) if incident.strip() and one["id"].startswith(incident.strip().lower())]
        if len(told) != 1:
            what = "more than one incident begins" if told else "the store keeps no incident that begins"
            raise click.UsageError(f"{what.capitalize()} with {incident!r}: 'fieldtap incidents list' shows them.")
        named = {known for stage in told[0]["stages"] for known in stage["findings"]}
        findings: dict[str, Any] = {known: found for known in named if (found := kept.finding(known)) is not None}
    if as_json:
        show.document({**told[0], "named": list(findings.values())})
        return
    from sensor.cli.incident_view import detail

    show.sections(detail(told[0], findings))
