"""`fieldtap report`: the report on zones and conduits."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sensor.cli import options
from sensor.cli.exits import Exit
from sensor.cli.kept import opened, store_option

if TYPE_CHECKING:
    from sensor.reports.model import Report
    from sensor.result import Result

_FORMATS = ("html", "pdf", "csv", "xlsx", "json")
_TABLES = (
    "violations", "insufficient", "alerts", "skip_level", "matrix", "conduits", "lines", "zones", "strangers", "exceptions", "captures",
    "references", "summary", "changes",
)  # fmt: skip
_SEVERITIES = ("info", "low", "medium", "high", "critical")


@click.command(
    short_help="Report on zones and conduits.",
    epilog="\b\nExamples:\n"
    "  fieldtap report plant.pcapng --zones site.yml -o report.html\n"
    "  fieldtap report captures/ --zones site.yml -o report.xlsx\n"
    "  fieldtap report plant.pcapng --zones site.yml --format csv --table matrix\n"
    "  fieldtap report --since 2026-01-01 -o report.json\n\n"
    "Exit codes: 0 done, 1 violations at or above --fail-on, 2 wrong use or policy, 3 a capture could not be read (whole or in part), 4 the"
    " report could not be written.",
)
@click.argument("captures", metavar="[CAPTURE]...", nargs=-1, type=options.CAPTURE)
@click.option("--zones", type=options.FILE, metavar="FILE", help="The policy to judge the captures by.")
@click.option(
    "-o", "--output", type=options.WRITTEN, metavar="FILE", help="Where to; - is standard output.", show_default="standard output"
)
@click.option("--format", "form", type=click.Choice(_FORMATS), help="Its form.", show_default="by the ending of FILE, else html")
@click.option("--table", type=click.Choice(_TABLES), default="violations", show_default=True, help="Which table, for CSV.")
@click.option("--since", callback=options.time_of, metavar="TIME", help="From the store: what was seen from this time on (UTC).")
@click.option("--until", callback=options.time_of, metavar="TIME", help="From the store: what was seen before this time.")
@store_option
@click.option("--compare", type=options.FILE, metavar="JSON", help="An earlier report (its JSON): say what changed since.")
@click.option("--rules", multiple=True, type=options.PLACE, metavar="DIR", help="Rules of your own beside the catalog. May be repeated.")
@click.option("--fail-on", type=click.Choice(_SEVERITIES), help="Exit with 1 when there is a violation of this severity or above.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no closing line.")
def report(captures: tuple[str, ...], output: str | None, form: str | None, table: str, quiet: bool, **given: Any) -> int:
    """Write the report on zones and conduits: what was seen against what the policy allows, how well it was seen, and what follows.

    With a CAPTURE (a file, a folder, - for standard input) and --zones it judges what they hold. Without, it reports what the store holds,
    as the policies that were in force then judged it.
    """
    from sensor.reports.forms import TEXT, format_of

    where = None if output in (None, "-") else Path(output or "")
    chosen = form or (where and format_of(where)) or "html"
    if where is None and chosen not in TEXT and sys.stdout.isatty():
        raise click.UsageError(f"{chosen} is not for a terminal: name a file with -o report.{chosen}.")
    made, code = _judged(captures, quiet, **given) if captures else _kept(**given)
    made = _compared(made, given["compare"])
    _write(made, where, chosen, table)
    if not quiet and where is not None:
        click.echo(f"{where}: {made.statement.text}", err=True)
    return _graver(code, made, given["fail_on"])


def _judged(captures: tuple[str, ...], quiet: bool, *, zones: Path | None, rules: tuple[Path, ...], **given: Any) -> tuple[Report, Exit]:
    from sensor.cli.replay import ended, troubles, watched
    from sensor.pipeline import ReplayConfig, collector_at_rest, replay
    from sensor.reports.build import report_of

    if zones is None:
        raise click.UsageError("A report on captures needs the policy to judge by: --zones FILE.")
    if given["since"] is not None or given["until"] is not None:
        raise click.UsageError("--since and --until are for reports from the store: leave out the captures.")
    with collector_at_rest():
        with watched(quiet) as progress:
            result: Result = replay(ReplayConfig(captures=captures, zones=zones, rules=rules, keep=False, digest=True), progress)
        for line in troubles(result):
            click.echo(line, err=True)
        return report_of(result, _now()), ended(result, None)


def _kept(*, store: Path | None, since: int | None, until: int | None, zones: Path | None, **_: Any) -> tuple[Report, Exit]:
    from sensor.reports.kept import report_of

    if zones is not None:
        raise click.UsageError("--zones needs captures to judge; what the store holds was judged by the policies in force then.")
    if since is not None and until is not None and since >= until:
        raise click.UsageError("--since must be before --until.")
    with opened(store) as kept:
        found = report_of(kept, _now(), since, until)
    if found is None:
        how = "'fieldtap replay CAPTURE --zones FILE' makes some, 'fieldtap report CAPTURE --zones FILE' needs none."
        raise click.UsageError(f"The store holds nothing from that time that a policy judged: {how}")
    return found, Exit.DONE


def _now() -> str:
    import time

    from sensor.clock import SECOND, utc

    return utc(time.time_ns() // SECOND * SECOND)[:19] + "Z"


def _compared(made: Report, earlier: Path | None) -> Report:
    if earlier is None:
        return made
    from sensor.reports.changes import NoReport, compared

    try:
        document = json.loads(earlier.read_bytes())
        if not isinstance(document, dict):
            raise NoReport("it is no JSON object")
        return compared(made, document)
    except ValueError as error:
        raise click.UsageError(f"{earlier} can't be compared with: {error}") from error


def _write(made: Report, where: Path | None, form: str, table: str) -> None:
    from sensor.pipeline import OutputError
    from sensor.reports.forms import made as formed

    content = formed(made, form, **({"table": table} if form == "csv" else {}))
    if where is None:
        sys.stdout.buffer.write(content)
        return
    try:
        where.write_bytes(content)
    except OSError as error:
        raise OutputError(f"{where}: {error.strerror or error}") from error


def _graver(code: Exit, made: Report, fail_on: str | None) -> Exit:
    from sensor.findings import at_least
    from sensor.reports.standing import is_open

    found = fail_on is not None and any(
        at_least(verdict.severity, fail_on) for chapter in made.chapters for verdict in chapter.violations if is_open(verdict)
    )
    return Exit.FOUND if found and code is Exit.DONE else code
