"""`fieldtap replay`: captures in, findings out."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sensor.cli import options
from sensor.cli.exits import Exit

if TYPE_CHECKING:
    from sensor.baseline.course import Until
    from sensor.pipeline import Progress, ReplayConfig
    from sensor.result import Result
    from sensor.spool import Transactions

PATIENCE = 60
"""Seconds of trouble after which --elastic leaves the rest to 'fieldtap ship'."""
_QUIET_SECONDS = 0.4
"""A run that is over sooner shows no progress bar."""
_kept: list[Result] = []
"""The last result, so that it isn't taken apart piece by piece before the process ends (sensor.cli.main)."""
_SEVERITIES = ("info", "low", "medium", "high", "critical")


@click.command(
    short_help="Analyse captures.",
    epilog="\b\nExamples:\n"
    "  fieldtap replay plant.pcapng --zones site.yml\n"
    "  fieldtap replay captures/ --transactions plant.jsonl --store none\n"
    "  fieldtap replay plant.pcapng --json --fail-on high\n\n"
    "Exit codes: 0 done, 1 findings at or above --fail-on, 2 wrong use, policy or rules, 3 a capture could not be read (whole or in"
    " part), 4 an output failed.",
)
@click.argument("captures", metavar="CAPTURE...", nargs=-1, required=True, type=options.CAPTURE)
@click.option("--zones", type=options.FILE, metavar="FILE", help="The policy to judge by. Without one nothing is a violation.")
@click.option("--rules", multiple=True, type=options.PLACE, metavar="DIR", help="Rules of your own beside the catalog. May be repeated.")
@click.option("--no-catalog", is_flag=True, help="Leave out the rules that come with Fieldtap.")
@click.option("--transactions", type=options.WRITTEN, metavar="FILE", help="Write each transaction as a JSON line; - is standard output.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document, and nothing else, on standard output.")
@click.option(
    "--store",
    type=options.WRITTEN,
    callback=options.store_of,
    metavar="FILE|none",
    help="Where the result is kept.",
    show_default="your own store",
)
@click.option("--filter", "expression", metavar="EXPR", help="Only packets that fit this capture filter, e.g. 'host 10.20.1.11'.")
@click.option("--from", "start", callback=options.time_of, metavar="TIME", help="Only packets from this time on (UTC, 2026-03-04T08:15).")
@click.option("--to", "end", callback=options.time_of, metavar="TIME", help="Only packets before this time.")
@click.option(
    "--alerts-per-hour", type=click.IntRange(0), default=100, metavar="N", show_default=True,
    help="Of one rule, in capture time. What comes beyond is one finding with the exact counts; 0 is no bound.",
)  # fmt: skip
@click.option("--threads", type=click.IntRange(0, 2), default=0, help="1 or 2; 0 chooses. The result is the same.", show_default=True)
@click.option("--baseline", metavar="NAME", help="Judge by this baseline of the store as well ('fieldtap baseline learn').")
@click.option("--learn-for", "learn_time", callback=options.length_of, metavar="LENGTH", help="Learn a baseline first, for 90s, 30m, 8h …")
@click.option("--learn-packets", type=click.IntRange(1), metavar="N", help="Learn a baseline first, from so many packets.")
@click.option("--dissector", "dissectors", multiple=True, metavar="NAME", help="Switch on an installed Python dissector. May be repeated.")
@click.option("--digest/--no-digest", default=None, help="Work out the captures' SHA-256.", show_default="with --json")
@click.option("--elastic", is_flag=True, help="Ship to Elasticsearch when the run is kept ('fieldtap ship' in a process of its own).")
@click.option("--config", type=options.FILE, metavar="FILE", help="The configuration for --elastic.", show_default="fieldtap.toml")
@click.option("--fail-on", type=click.Choice(_SEVERITIES), help="Exit with 1 when there is a finding of this severity or above.")
@click.option("-q", "--quiet", is_flag=True, help="No summary and no progress; the exit code and errors remain.")
def replay(quiet: bool, as_json: bool, fail_on: str | None, elastic: bool, config: Path | None, **given: Any) -> int:
    """Analyse captures: what is on the network, who does what to whom, is it allowed, is it an attack.

    A CAPTURE is a pcap or pcapng file (also gzip or zstd), a folder of them, or - for standard input. Several are merged by time.
    """
    from sensor.pipeline import collector_at_rest
    from sensor.pipeline import replay as run

    wanted = _config(as_json, **given)
    if elastic:
        wanted = replace(wanted, outbox=_shipped(wanted, config))
    with collector_at_rest():
        with watched(quiet) as progress:
            result = run(wanted, progress)
        _kept[:] = [result]
        show_result(result, quiet=quiet, as_json=as_json, lines_on_stdout=wanted.transactions == "-")
        code = ended(result, fail_on)
    if elastic and result.store_error is None:
        shipped = _ship(wanted, config)
        return shipped if code in (Exit.DONE, Exit.FOUND) and shipped != Exit.DONE else code
    return code


def _shipped(wanted: ReplayConfig, config: Path | None) -> Transactions:
    """Which transactions go to the cluster."""
    from sensor.cli.configured import cluster

    if not wanted.keep:
        raise click.UsageError("--elastic ships what the store holds: it can't go with --store none.")
    transactions = cluster(config)[1].transactions
    if transactions != "none" and wanted.transactions == "-":
        raise click.UsageError("--transactions - and transactions for Elasticsearch can't go together: give --transactions a file.")
    return transactions


def _ship(wanted: ReplayConfig, config: Path | None) -> Exit:
    """`fieldtap ship --once`, which knows the network and no packets."""
    import subprocess

    store = [] if wanted.store is None else ["--store", str(wanted.store)]
    named = [] if config is None else ["--config", str(config)]
    limits = ["--once", "--only", "elasticsearch", "--patience", str(PATIENCE), "--quiet"]
    done = subprocess.run([sys.executable, "-m", "sensor.cli", "ship", *limits, *store, *named], check=False)
    return Exit.DONE if done.returncode == 0 else Exit.OUTPUT


def _config(
    as_json: bool, captures: tuple[str, ...], zones: Path | None, rules: tuple[Path, ...], no_catalog: bool, transactions: str | None,
    store: Path | None, expression: str | None, start: int | None, end: int | None, threads: int, dissectors: tuple[str, ...],
    digest: bool | None, alerts_per_hour: int,
    baseline: str | None, learn_time: int | None, learn_packets: int | None,
) -> ReplayConfig:  # fmt: skip
    from sensor.pipeline import ReplayConfig

    if as_json and transactions == "-":
        raise click.UsageError("--json and --transactions - both want standard output: give --transactions a file.")
    if captures.count("-") > 1:
        raise click.UsageError("- (standard input) can be read only once.")
    if start is not None and end is not None and start >= end:
        raise click.UsageError("--from must be before --to.")
    if baseline is not None and store is options.NO_STORE:
        raise click.UsageError("--baseline names one in a store: leave out --store none.")
    return ReplayConfig(
        captures=captures, zones=zones, rules=rules, catalog=not no_catalog, store=None if store is options.NO_STORE else store,
        keep=store is not options.NO_STORE, transactions=transactions, threads=threads, filter=expression, start=start, end=end,
        plugins=dissectors, digest=as_json if digest is None else digest, alerts_per_hour=alerts_per_hour, baseline=baseline,
        learn=_until(learn_time, learn_packets),
    )  # fmt: skip


def _until(time: int | None, packets: int | None) -> Until | None:
    if time is None and packets is None:
        return None
    from sensor.baseline.course import Until

    return Until(time=time, packets=packets)


@contextmanager
def watched(quiet: bool) -> Iterator[Progress]:
    """Progress on a terminal; the first Ctrl-C ends the run with what was read, the second ends the process."""
    stopped = False
    bar: Any = None
    began = time.monotonic()
    wanted = sys.stderr.isatty() and not quiet

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def progress(done: int, total: int, packets: int, _: int) -> bool:
        nonlocal bar
        if wanted and bar is None and time.monotonic() - began > _QUIET_SECONDS:
            from sensor.cli.console import Bar

            bar = Bar(sys.stderr)
        if bar is not None:
            bar(done, total, packets)
        return not stopped

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield progress
    finally:
        signal.signal(signal.SIGINT, before)
        if bar is not None:
            bar.close()


def show_result(result: Result, *, quiet: bool, as_json: bool, lines_on_stdout: bool) -> None:
    """The summary, or the document, and what went wrong."""
    from sensor.cli import show

    if as_json:
        show.document(result.to_dict())
    elif not quiet:
        from sensor.cli.summary import summary

        show.sections(summary(result), err=lines_on_stdout)
    for line in troubles(result):
        click.echo(line, err=True)


def troubles(result: Result) -> Iterator[str]:
    """What went wrong on the way, for standard error."""
    from sensor.cli.plain import printable

    for error in result.engine.get("errors") or ():
        if not error["message"].startswith("-: Broken pipe"):  # `| head`: whoever reads knows
            yield printable(error["message"])
    for capture in result.engine.get("captures") or ():
        cut = [name for name in capture["anomalies"] if name in options.UNREADABLE]
        for name in cut:
            at = capture["anomaly_offsets"].get(name)
            yield printable(f"{capture['path']}: {options.UNREADABLE[name]} at byte {at}; what could be read was analysed")
    for path, reason in result.engine.get("skipped") or ():
        yield printable(f"{path}: left out: {reason}")
    if result.interrupted:
        packets = result.engine["packets"]["read"]
        yield f"Stopped: the first {packets:,} packets were analysed."
    if result.store_error is not None:
        yield printable(result.store_error)


def ended(result: Result, fail_on: str | None) -> Exit:
    """The gravest of what happened: a bug, a stop, an output, a capture, findings."""
    kinds = {error["kind"] for error in result.engine.get("errors") or ()}
    if "bug" in kinds:
        return Exit.BUG
    if result.interrupted:
        return Exit.INTERRUPTED
    if "output" in kinds or result.store_error is not None:
        return Exit.OUTPUT
    cut = any(name in options.UNREADABLE for capture in result.engine.get("captures") or () for name in capture["anomalies"])
    if "capture" in kinds or cut:
        return Exit.CAPTURE
    return Exit.FOUND if fail_on is not None and result.at_or_above(fail_on) else Exit.DONE
