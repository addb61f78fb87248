"""`fieldtap findings`: what was found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sensor.cli import options
from sensor.cli.findings_suppressed import suppress, suppressions, unsuppress
from sensor.cli.kept import json_option, opened, store_option
from sensor.cli.written import output_option

if TYPE_CHECKING:
    from sensor.finding_listing import Listing
    from sensor.result_file import ResultFile
    from sensor.store import Store

_KINDS = ("alert", "violation", "coverage", "health")
_DISPOSITIONS = ("open", "accepted", "fixed")
_SEVERITIES = ("info", "low", "medium", "high", "critical")
_FORMATS = ("csv", "json", "jsonl")
_FILTERS = (
    "\b\nFilters, of which all have to hold (a comma separates values of which one is enough):\n"
    "  severity>=high  kind=alert  rule=s7comm-plc-stop  client=10.20.0.0/16  server=plc-1  address=10.20.1.7\n"
    "  protocol=modbus  access=write,mode  point~holding  technique=T0858  title~restart  reason!=no_conduit\n"
    "  from=office  to=cell  disposition=open  evidence_class=A  confidence>=0.9  count>100\n\n"
)


@click.group(epilog="\b\nExample:\n  fieldtap findings list --severity high")
def findings() -> None:
    """What was found: violations of the policy, alerts, what was not seen, and the sensor's own health."""


findings.add_command(suppress)
findings.add_command(suppressions)
findings.add_command(unsuppress)


@findings.command(
    "list",
    epilog=f"{_FILTERS}\b\nExamples:\n  fieldtap findings list --kind alert --severity medium --json\n"
    "  fieldtap findings list 'severity>=high' access=write,mode --since 2026-11-24",
)
@click.argument("filters", nargs=-1)
@store_option
@json_option
@click.option("--kind", type=click.Choice(_KINDS), help="Only this kind.")
@click.option("--severity", type=click.Choice(_SEVERITIES), help="Only this severity and above.")
@click.option("--client", metavar="ADDRESS", help="Only where this address asked.")
@click.option("--server", metavar="ADDRESS", help="Only where this address was asked.")
@click.option("--protocol", metavar="NAME", help="Only this protocol.")
@click.option("--rule", metavar="ID", help="Only alerts of this rule (its id or name).")
@click.option("--conduit", metavar="ID", help="Only violations of this conduit.")
@click.option("--since", callback=options.time_of, metavar="TIME", help="Only what happened from this time on (capture time, UTC).")
@click.option("--until", callback=options.time_of, metavar="TIME", help="Only what began before this time.")
@click.option("--suppressed", is_flag=True, help="Those that are suppressed as well.")
def list_(
    filters: tuple[str, ...], store: Path | None, as_json: bool, since: int | None, until: int | None, suppressed: bool, **named: str | None
) -> None:  # fmt: skip
    """List the findings that the store keeps, each on a line of its own, the gravest first. FILTERS limit them."""
    from sensor.cli import show

    found = _listed(store, filters, named, since=since, until=until, suppressed=suppressed)
    if as_json:
        show.document(found.findings)
        return
    from sensor.cli.finding_view import overview

    show.sections([overview(found.findings, _hidden(found))])


def _hidden(found: Listing) -> list[str]:
    from sensor.cli.words import counted

    if not found.suppressed:
        return []
    hidden = f"{counted(found.suppressed, 'more finding is', 'more findings are')} suppressed"
    return [f"{hidden} ({counted(found.occurrences, 'occurrence')}): --suppressed shows them, 'fieldtap findings suppressions' why."]


def _listed(
    store: Path | None, filters: tuple[str, ...], named: Mapping[str, str | None], *, since: int | None, until: int | None, suppressed: bool
) -> Listing:  # fmt: skip
    """What the options and filters select."""
    from sensor.finding_listing import listing
    from sensor.terms import SelectionError

    said = [f"{name}{'>=' if name == 'severity' else '='}{value}" for name, value in named.items() if value is not None]
    with opened(store) as kept:
        try:
            return listing(kept, [*said, *filters], since=since, until=until, suppressed=suppressed)
        except SelectionError as error:
            raise click.UsageError(str(error)) from error


@findings.command(
    "export", epilog=f"{_FILTERS}\b\nExample:\n  fieldtap findings export 'severity>=medium' --format csv --output findings.csv"
)
@click.argument("filters", nargs=-1)
@store_option
@click.option("--format", "form", type=click.Choice(_FORMATS), default="jsonl", show_default=True, help="CSV is safe in spreadsheets.")
@output_option
@click.option("--since", callback=options.time_of, metavar="TIME", help="Only what happened from this time on (capture time, UTC).")
@click.option("--until", callback=options.time_of, metavar="TIME", help="Only what began before this time.")
def export(
    filters: tuple[str, ...], store: Path | None, form: str, output: Path | None, since: int | None, until: int | None
) -> None:  # fmt: skip
    """Export findings, suppressed ones included (they say so): CSV, one JSON document, or a JSON line for each. FILTERS limit them."""
    from sensor.cli.words import counted
    from sensor.cli.written import write_text
    from sensor.outputs.findings import WRITERS

    found = _listed(store, filters, {}, since=since, until=until, suppressed=True).findings
    write_text(output, lambda out: WRITERS[form](found, out), counted(len(found), "finding"))


@findings.command(
    "ack", epilog="\b\nExample:\n  fieldtap findings ack 3e0d32c5 --as accepted --by 'J. Smith' --why 'loading test, ticket 4711'"
)
@click.argument("finding")
@store_option
@click.option("--as", "state", type=click.Choice(_DISPOSITIONS), required=True, help="What was decided of it.")
@click.option("--by", "who", required=True, metavar="NAME", help="Who decided.")
@click.option("--why", required=True, metavar="TEXT", help="Why.")
def ack(finding: str, store: Path | None, state: str, who: str, why: str) -> None:
    """Note what was decided of a FINDING, by whom and why. It stands in reports from the store; the finding itself stays as it is."""
    from datetime import UTC, datetime

    from sensor.reports.kept import dispose

    with opened(store) as kept:
        found = one(kept, finding)
        dispose(kept, found["id"], state, who, why, datetime.now(UTC).isoformat(timespec="seconds"))
    click.echo(f"{found['id']}: {state} by {who}", err=True)


@findings.command("show", epilog="\b\nExample:\n  fieldtap findings show 3e0d32c5")
@click.argument("finding")
@store_option
@json_option
def show_(finding: str, store: Path | None, as_json: bool) -> None:
    """Show one FINDING, by its id or the beginning of it."""
    from sensor.cli import show
    from sensor.finding_listing import decided

    with opened(store) as kept:
        (found,) = decided(kept, [one(kept, finding)])
        captures = kept.captures(found["run"])
        revisions = kept.revisions(found["id"])
    if as_json:
        show.document({**found, "revisions": revisions})
        return
    from sensor.cli.finding_view import detail

    show.sections([detail(found, captures, revisions)])


def one(kept: Store | ResultFile, prefix: str) -> Mapping[str, Any]:
    """The finding whose id begins so. A usage error where there is none, or more than one."""
    try:
        found = kept.finding(prefix.strip())
    except LookupError as error:
        raise click.UsageError(f"{str(error).capitalize()}: give more of its id ('fieldtap findings list' shows them).") from error
    if found is None or not prefix.strip():
        raise click.UsageError(f"The store keeps no finding {prefix}: 'fieldtap findings list' shows all.")
    return found
