"""`fieldtap explain`: from a finding to its packets, with tshark as a second opinion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from sensor.cli import options
from sensor.cli.exits import Exit
from sensor.cli.kept import json_option, opened, store_option
from sensor.cli.table import Section


class Missing(Exception):
    """A capture or a tool that is needed isn't there, or isn't what it was. The text says what to do."""


@click.command(epilog="\b\nExample:\n  fieldtap explain 3e0d32c5")
@click.argument("finding")
@store_option
@json_option
@click.option("--packets", "most", type=click.IntRange(1, 50), default=3, show_default=True, help="How many of its packets are opened.")
@click.option("--rules", multiple=True, type=options.PLACE, metavar="DIR", help="Rules of your own beside the catalog. May be repeated.")
@click.option("--result", type=options.FILE, metavar="FILE", help="Read it from this result ('replay --json') instead of the store.")
@click.option("--capture", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE", help="Where the capture is now.")
def explain(
    finding: str, store: Path | None, as_json: bool, most: int, rules: tuple[Path, ...], result: Path | None, capture: Path | None
) -> int:  # fmt: skip
    """Explain a FINDING (its id, or the beginning of it): what it says; which part of the rule or of the policy matched what; its packets
    as we read them beside what tshark reads, and where the two differ."""
    from sensor.cli import show
    from sensor.cli.explain_view import opened_packets, why
    from sensor.cli.finding_view import detail
    from sensor.cli.findings import one
    from sensor.evidence.frames import UnreadableError
    from sensor.explanation import explanation
    from sensor.finding_listing import decided
    from sensor.store import Store

    with _source(store, result) as kept:
        found = one(kept, finding)
        if isinstance(kept, Store):
            (found,) = decided(kept, [found])
        captures, revisions = kept.captures(found["run"]), kept.revisions(found["id"])
        if not as_json:
            show.sections([detail(found, captures, revisions)])
        told, packets = None, None
        try:
            told = explanation(kept, found, paths_of(captures, capture), rules) if found["packets"] else None
            if told is not None and not as_json:
                show.sections([Section(""), *why(found, told)])
            packets = list(_packets(found, captures, most, capture))
        except (Missing, UnreadableError) as error:
            click.echo(f"\n{error}", err=True)
    said = [] if packets is None else opened_packets(packets, found, told)
    if as_json:
        show.document({**found, "explanation": None if told is None else told.to_dict(), "decoded": packets})
    elif packets is not None:
        show.sections([Section(""), *said])
    return Exit.CAPTURE if packets is None else Exit.DONE


@contextmanager
def _source(store: Path | None, result: Path | None) -> Iterator[Any]:
    """The store, or a result's JSON."""
    if result is None:
        with opened(store) as kept:
            yield kept
        return
    from sensor.result_file import NoResultError, ResultFile

    try:
        yield ResultFile(result)
    except NoResultError as error:
        raise click.UsageError(str(error)) from error


def _packets(found: Mapping[str, Any], captures: Sequence[Mapping[str, Any]], most: int, moved: Path | None) -> Iterator[dict[str, Any]]:
    """The first packets of a finding, decoded."""
    from sensor.cli.second_opinion import decode

    wanted: dict[int, list[int]] = {}
    for packet in found["packets"][:most]:
        wanted.setdefault(packet["capture"], []).append(packet["packet"])
    by_number = {capture["number"]: capture for capture in captures}
    if moved is not None and len(wanted) > 1:
        raise Missing("Its packets lie in several captures, so --capture can't say where they are: put them back to their places.")
    for number, packets in wanted.items():
        known = by_number.get(number)
        if known is None:
            raise Missing(f"The store doesn't know capture {number} of this run.")
        path = _unchanged(known, moved)
        for packet in decode(path, packets):
            yield {"capture": str(path), "capture_number": number, **packet}


def paths_of(captures: Sequence[Mapping[str, Any]], moved: Path | None) -> list[Path]:
    """The captures of a run by number, where they still are what was analysed. Raises Missing."""
    if moved is not None and len(captures) > 1:
        raise Missing("Its run read several captures, so --capture can't say where they are: put them back to their places.")
    return [_unchanged(known, moved) for known in sorted(captures, key=lambda one: one["number"])]


def _unchanged(known: Mapping[str, Any], moved: Path | None) -> Path:
    """The capture's path, where it still is what was analysed."""
    if known["path"] == "-" and moved is None:
        raise Missing("This capture came from standard input: say where it is now with --capture FILE.")
    path = moved or Path(known["path"])
    if not path.exists():
        raise Missing(f"{path} is not there any more: say where it is now with --capture FILE.")
    if known["sha256"] is None:
        if path.stat().st_size < known["bytes"]:
            raise Missing(f"{path} is not the capture that was analysed: it had {known['bytes']:,} bytes, now {path.stat().st_size:,}.")
        return path
    import hashlib

    with path.open("rb") as file:
        now = hashlib.file_digest(file, "sha256").hexdigest()
    if now != known["sha256"]:
        raise Missing(f"{path} is not the capture that was analysed: its SHA-256 was {known['sha256'][:16]}…, now {now[:16]}….")
    return path
