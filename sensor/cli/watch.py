"""`fieldtap watch`: live interfaces in, findings out, until it is told to stop."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sensor.cli import options
from sensor.cli.replay import ended, show_result

if TYPE_CHECKING:
    from dissectors import Recording
    from sensor.watch.config import WatchConfig
    from sensor.watch.run import Turn

_SEVERITIES = ("info", "low", "medium", "high", "critical")
_FILES = 32
"""A record is kept in about so many files, so that the oldest part of it can go."""
_FILE_BYTES = (2**20, 256 * 2**20)


@click.command(
    short_help="Analyse live interfaces.",
    epilog="\b\nExamples:\n"
    "  fieldtap watch eth1 --zones site.yml\n"
    "  fieldtap watch eth1 eth2 --record record --record-size 200G\n"
    "  fieldtap watch eth1 --filter 'not port 22' --for 1h --json\n\n"
    "It ends with SIGINT (Ctrl-C) or SIGTERM, when what was received is analysed. Exit codes: 0 done, 1 findings at or above --fail-on,"
    " 2 wrong use, policy or rules, or an interface that can't be listened to, 4 an output failed.",
)
@click.argument("interfaces", metavar="IFACE...", nargs=-1, required=True)
@click.option("--zones", type=options.FILE, metavar="FILE", help="The policy to judge by. Without one nothing is a violation.")
@click.option("--rules", multiple=True, type=options.PLACE, metavar="DIR", help="Rules of your own beside the catalog. May be repeated.")
@click.option("--no-catalog", is_flag=True, help="Leave out the rules that come with Fieldtap.")
@click.option(
    "--store", type=options.WRITTEN, callback=options.store_of, metavar="FILE|none", help="Where findings are kept, as they come.",
    show_default="your own store",
)  # fmt: skip
@click.option("--filter", "expression", metavar="EXPR", help="Only packets that fit this capture filter, as they are on the wire.")
@click.option("--for", "length", callback=options.length_of, metavar="LENGTH", help="End after 90s, 30m, 8h …")
@click.option("--record", type=options.FOLDER, metavar="DIR", help="Keep what is captured there as well: pcapng within zstd.")
@click.option(
    "--record-size", callback=options.size_of, default="10G", metavar="SIZE", show_default=True, help="Of all files; the oldest go.",
)  # fmt: skip
@click.option("--record-age", callback=options.length_of, metavar="LENGTH", help="Files that were written so long ago go.")
@click.option("--ring-memory", callback=options.size_of, default="128M", metavar="SIZE", show_default=True, help="For frames that wait.")
@click.option("--snap-length", type=click.IntRange(64, 262_144), metavar="BYTES", help="Keep so much of a frame.", show_default="all")
@click.option("--no-promiscuous", is_flag=True, help="Only frames for this host, broadcast and multicast.")
@click.option("--hardware-time", is_flag=True, help="Time stamps of the network cards. Their clocks must be set to UTC.")
@click.option(
    "--alerts-per-hour", type=click.IntRange(0), default=100, metavar="N", show_default=True,
    help="Of one rule. What comes beyond is one finding with the exact counts; 0 is no bound.",
)  # fmt: skip
@click.option("--baseline", metavar="NAME", help="Judge by this baseline of the store as well ('fieldtap baseline learn').")
@click.option("--dissector", "dissectors", multiple=True, metavar="NAME", help="Switch on an installed Python dissector. May be repeated.")
@click.option("--user", metavar="NAME", help="Started as root: who to be once the interfaces are open. The store has to be this user's.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document at the end, on standard output.")
@click.option("--log-json", is_flag=True, help="Log lines on standard error are JSON.")
@click.option("--fail-on", type=click.Choice(_SEVERITIES), help="Exit with 1 when there is a finding of this severity or above.")
@click.option("-q", "--quiet", is_flag=True, help="No log lines and no summary; the exit code and errors remain.")
def watch(length: int | None, as_json: bool, log_json: bool, fail_on: str | None, quiet: bool, **given: Any) -> int:
    """Analyse what live interfaces bring, for as long as it takes: what is on the network, who does what to whom, is it allowed, is it an
    attack.

    An IFACE is a network interface that a mirror port or TAP feeds. Several are merged by time. Nothing is ever sent. Findings are in the
    store, and on standard error, as soon as they are known.
    """
    from sensor.cli.logged import Log
    from sensor.watch.run import Watch

    log = Log(sys.stderr, as_json=log_json, quiet=quiet)
    running = Watch(_config(**given), log.finding)
    running.listen()
    with stopped_by_signals(length) as turn:
        log.began(running)
        result = running.run(lambda watch, clock: log.turn(watch, clock) and turn(watch, clock))
        log.ended(running)
    show_result(result, quiet=quiet, as_json=as_json, lines_on_stdout=False)
    return ended(result, fail_on)


def _config(
    interfaces: tuple[str, ...], zones: Path | None, rules: tuple[Path, ...], no_catalog: bool, store: Path | None, expression: str | None,
    record: Path | None, record_size: int, record_age: int | None, ring_memory: int, snap_length: int | None, no_promiscuous: bool,
    hardware_time: bool, alerts_per_hour: int, baseline: str | None, dissectors: tuple[str, ...], user: str | None,
) -> WatchConfig:  # fmt: skip
    from sensor.watch.config import WatchConfig

    twice = [name for name in interfaces if interfaces.count(name) > 1]
    if twice:
        raise click.UsageError(f"{twice[0]} is named twice.")
    keep = store is not options.NO_STORE
    return WatchConfig(
        interfaces=interfaces, zones=zones, rules=rules, catalog=not no_catalog, store=store if keep else None, keep=keep,
        filter=expression, record=None if record is None else _recording(record, record_size, record_age), ring_bytes=ring_memory,
        snap_length=snap_length, promiscuous=not no_promiscuous, hardware_time=hardware_time, alerts_per_hour=alerts_per_hour,
        baseline=baseline, plugins=dissectors, user=user,
    )  # fmt: skip


def _recording(folder: Path, size: int, age: int | None) -> Recording:
    from dissectors import Recording
    from sensor.clock import SECOND

    least, most = _FILE_BYTES
    seconds = None if age is None else age // SECOND
    return Recording(
        folder=folder, total_bytes=size, total_seconds=seconds, file_bytes=min(max(size // _FILES, least), most),
        file_seconds=3_600 if seconds is None else max(1, min(3_600, seconds // _FILES)),
    )  # fmt: skip


@contextmanager
def stopped_by_signals(length: int | None) -> Iterator[Turn]:
    """Says no once SIGINT or SIGTERM came, or the time (ns) is over. A second SIGINT is the usual one."""
    from sensor.clock import SECOND

    until = None if length is None else time.monotonic() + length / SECOND
    stopped = False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def turn(*_: object) -> bool:
        return not stopped and (until is None or time.monotonic() < until)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield turn
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
