"""`fieldtap timeline`: what happened, in the order of time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sensor.cli import options

if TYPE_CHECKING:
    from sensor.timeline.story import Timeline

_KINDS = ("host", "contact", "write", "mode", "program", "configure", "transfer", "finding", "incident")


@click.command(
    short_help="What happened, in order.",
    epilog="\b\nExamples:\n"
    "  fieldtap timeline plant.pcapng --zones site.yml\n"
    "  fieldtap timeline captures/ --html timeline.html --extract blocks\n"
    "  fieldtap timeline plant.pcapng --only write,mode,transfer --from 2026-03-04T08:15 --json",
)
@click.argument("captures", metavar="CAPTURE...", nargs=-1, required=True, type=options.CAPTURE)
@click.option("--zones", type=options.FILE, metavar="FILE", help="The policy to judge by.")
@click.option("--rules", multiple=True, type=options.PLACE, metavar="DIR", help="Rules of your own beside the catalog. May be repeated.")
@click.option("--no-catalog", is_flag=True, help="Leave out the rules that come with Fieldtap.")
@click.option(
    "--only", "kinds", metavar="KINDS", callback=lambda ctx, param, text: _kinds(ctx, param, text), help=f"Of {', '.join(_KINDS)}."
)
@click.option(
    "--extract", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="Write programs and files that passed into this folder, for you alone: they may hold secrets.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the timeline as one JSON document on standard output.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it as one page that needs no network.")
@click.option("--store", type=options.WRITTEN, callback=options.store_of, metavar="FILE|none", help="Where findings are kept.",
              show_default="your own store")  # fmt: skip
@click.option("--filter", "expression", metavar="EXPR", help="Only packets that fit this capture filter, e.g. 'host 10.20.1.11'.")
@click.option("--from", "start", callback=options.time_of, metavar="TIME", help="Only packets from this time on (UTC, 2026-03-04T08:15).")
@click.option("--to", "end", callback=options.time_of, metavar="TIME", help="Only packets before this time.")
@click.option("-q", "--quiet", is_flag=True, help="No table and no progress.")
def timeline(as_json: bool, html: Path | None, extract: Path | None, kinds: frozenset[str], quiet: bool, **given: Any) -> int:
    """Tell what happened in captures: who came, who spoke to whom, first writes with the values before and after, modes, programs and files
    that passed with their SHA-256, findings and incidents, in the order of time.

    A CAPTURE is a pcap or pcapng file (also gzip or zstd), a folder of them, or - for standard input. Several are merged by time.
    """
    from sensor.cli import show
    from sensor.cli.replay import ended, troubles, watched
    from sensor.pipeline import collector_at_rest, replay
    from sensor.timeline.chronicle import Chronicle
    from sensor.timeline.story import timeline as told

    chronicle = Chronicle(hold=extract is not None)
    with collector_at_rest():
        with watched(quiet) as progress:
            result = replay(_config(**given), progress, chronicle)
        made = told(result, chronicle).only(kinds)
        for line in troubles(result):
            click.echo(line, err=True)
        if extract is not None:
            _extracted(made, extract)
        if html is not None:
            _page(made, html)
        if as_json:
            show.document(made.to_dict())
        elif not quiet:
            from sensor.cli.timeline_view import sections

            show.sections(sections(made))
        return ended(result, None)


def _kinds(_: click.Context, param: click.Parameter, text: str | None) -> frozenset[str]:
    kinds = frozenset(kind.strip().lower() for kind in (text or ",".join(_KINDS)).split(",") if kind.strip())
    wrong = sorted(kinds - set(_KINDS))
    if wrong or not kinds:
        raise click.BadParameter(f"{', '.join(wrong) or 'nothing'} is no kind of event: {', '.join(_KINDS)}.", param=param)
    return kinds


def _config(
    captures: tuple[str, ...], zones: Path | None, rules: tuple[Path, ...], no_catalog: bool, store: Path | None, expression: str | None,
    start: int | None, end: int | None,
) -> Any:  # fmt: skip
    from sensor.pipeline import ReplayConfig

    if start is not None and end is not None and start >= end:
        raise click.UsageError("--from must be before --to.")
    return ReplayConfig(
        captures=captures, zones=zones, rules=rules, catalog=not no_catalog, store=None if store is options.NO_STORE else store,
        keep=store is not options.NO_STORE, filter=expression, start=start, end=end, digest=True,
    )  # fmt: skip


def _extracted(made: Timeline, folder: Path) -> None:
    from sensor.cli.plain import printable
    from sensor.cli.words import counted
    from sensor.pipeline import OutputError
    from sensor.timeline.extraction import extract

    try:
        files = extract(made.transfers, folder)
    except OSError as error:
        raise OutputError(f"{folder}: {error.strerror or error}") from error
    made.refresh()
    click.echo(printable(f"{folder}: {counted(len(files), 'file')} for you alone; they may hold secrets"), err=True)


def _page(made: Timeline, path: Path) -> None:
    from sensor.cli.words import counted
    from sensor.cli.written import write_bytes
    from sensor.timeline.html import render

    write_bytes(path, render(made), counted(len(made.events), "event"))
