"""`fieldtap doctor`: what this machine can and can't do."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click

from sensor.cli import options
from sensor.cli.exits import Exit
from sensor.cli.kept import json_option


class Check(NamedTuple):
    """One thing looked at: is it well, what was found, what it is for, how to mend it where it isn't; `needed` when nothing works
    without."""

    name: str
    well: bool
    found: str
    use: str
    mend: str = ""
    needed: bool = False


@click.command(epilog="\b\nExamples:\n  fieldtap doctor\n  fieldtap doctor --interface eth1")
@click.option("--store", type=options.READ_STORE, metavar="FILE", help="The store to look at.", show_default="your own store")
@click.option("--interface", "interfaces", multiple=True, metavar="IFACE", help="A mirror port to look at. May be repeated.")
@json_option
def doctor(store: Path | None, interfaces: tuple[str, ...], as_json: bool) -> int:
    """Say what this machine can and can't do, and how to mend each thing. Exits with 2 where Fieldtap can't work at all."""
    from sensor.cli import show
    from sensor.cli.table import Column, Section, Table

    checks = [*_checks(store), *_live(interfaces)]
    failed = any(check.needed and not check.well for check in checks)
    if as_json:
        show.document([check._asdict() for check in checks])
        return Exit.USAGE if failed else Exit.DONE
    columns = (Column("state", keep=True), Column("what", keep=True), Column("found"), Column("for", gives_way=1))
    rows = [("ok" if check.well else "missing", check.name, check.found, check.use) for check in checks]
    notes = [f"{check.name}: {check.mend}" for check in checks if not check.well]
    show.sections([Section("", table=Table(columns, rows)), *([Section("To mend", lines=notes)] if notes else [])])
    return Exit.USAGE if failed else Exit.DONE


def _checks(store: Path | None) -> Iterator[Check]:
    from sensor.places import cache_folder, default_store

    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("Python", sys.version_info >= (3, 11), version, "everything", "install Python 3.11 or newer", needed=True)
    yield _engine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    note = "reading runs on one core, analysis on the other" if cores > 1 else "one core: reading and analysis take turns"
    yield Check("cores", True, f"{cores}: {note}", "speed")
    yield _tried("libpcap", _libpcap, "replay --filter", "apt-get install libpcap0.8 (or your system's libpcap)")
    yield _tried("tshark", _tshark, "explain", "apt-get install tshark (or Wireshark from wireshark.org)")
    yield _tried("OUI names", _vendors, "vendors of MAC addresses", "install scapy again: pip install --force-reinstall scapy")
    yield _writable("store", default_store() if store is None else store, "what is found, for `findings`, `assets`, `explain`")
    yield _writable("cache", cache_folder() / "plan", "a start in a fifth of the time")


def _live(interfaces: tuple[str, ...]) -> Iterator[Check]:
    from sensor.watch import mirror

    may = mirror.may_listen()
    yield Check("live capture", may.well, may.found, "watch", may.mend)
    for name in interfaces:
        for said in mirror.interface(name):
            yield Check(f"interface {name}", said.well, said.found, "a mirror port that never speaks", said.mend)


def _engine() -> Check:
    mend = "install Fieldtap again: its native module is missing or made for another system"
    try:
        from dissectors import __version__, protocols
    except ImportError as error:
        return Check("native engine", False, str(error), "everything", mend, needed=True)
    return Check("native engine", True, f"{__version__}, {len(protocols())} protocols", "everything", needed=True)


def _tried(name: str, look: Callable[[], str], use: str, mend: str) -> Check:
    try:
        return Check(name, True, look(), use)
    except (OSError, ValueError, ImportError) as error:
        return Check(name, False, str(error).partition("\n")[0], use, mend)


def _libpcap() -> str:
    from dissectors import compile_filter

    return f"compiles filters for {len(compile_filter('tcp port 502'))} link types"


def _tshark() -> str:
    import shutil
    import subprocess

    path = shutil.which("tshark")
    if path is None:
        raise OSError("not found in PATH")
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=20).stdout
    return (said.splitlines() or [path])[0]


def _vendors() -> str:
    from scapy.libs.manuf import DATA

    return f"{DATA.count(chr(10)):,} registered prefixes"


def _writable(name: str, path: Path, use: str) -> Check:
    """The folder may still have to be made: what counts is the nearest one that is there."""
    place = path if path.exists() else next(parent for parent in path.parents if parent.exists())
    well = os.access(place, os.W_OK)
    if name == "store" and path.exists() and well:
        return _store(path, use)
    shown = path if name == "store" else path.parent
    found = f"{shown} ({'can be written' if well else f'{place} can not be written'})"
    return Check(name, well, found, use, f"give yourself the right to write to {place}, or name another place (--store, XDG_CACHE_HOME)")


def _store(path: Path, use: str) -> Check:
    from sensor.store import Store, StoreError

    try:
        with Store.open(path) as kept:
            return Check("store", True, f"{path} ({len(kept.runs())} runs)", use)
    except StoreError as error:
        return Check("store", False, str(error), use, str(error).rpartition("; ")[2])
