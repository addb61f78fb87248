"""`fieldtap findings suppress|suppressions|unsuppress`: what people don't want to be told again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sensor.cli.kept import json_option, opened, store_option

if TYPE_CHECKING:
    from sensor.store import Store
    from sensor.suppressions import Suppression

_TERM = re.compile(r"(\d+)\s*([hdw])", re.IGNORECASE)
_HOURS = {"h": 1, "d": 24, "w": 168}


def end_of(_: click.Context, param: click.Parameter, text: str) -> int:
    """A time, or how long from now: `12h`, `30d`, `8w`. In ns."""
    import time

    from sensor.clock import HOUR, nanoseconds

    span = _TERM.fullmatch(text.strip())
    try:
        return time.time_ns() + int(span[1]) * _HOURS[span[2].lower()] * HOUR if span is not None else nanoseconds(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time: write 2027-03-31, 2027-03-31T08:15, or 12h, 30d, 8w.", param=param) from None


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds")


@click.command(
    epilog="\b\nExamples:\n"
    "  fieldtap findings suppress 3e0d32c5 --until 30d --by 'J. Smith' --why 'loading test, ticket 4711'\n"
    "  fieldtap findings suppress rule=modbus-write-outside-engineering-stations client=10.20.1.9 --until 8w --by JS --why 'new HMI'"
)
@click.argument("what", nargs=-1, required=True, metavar="FINDING|FILTER...")
@store_option
@click.option("--until", callback=end_of, required=True, metavar="TIME", help="When it ends (capture time): 2027-03-31, or 30d from now.")
@click.option("--by", "who", required=True, metavar="NAME", help="Who decided.")
@click.option("--why", required=True, metavar="TEXT", help="Why.")
def suppress(what: tuple[str, ...], store: Path | None, until: int, who: str, why: str) -> None:
    """Suppress a FINDING, or all that fit the FILTERs (as in 'findings list'), for a time and with a reason.

    It goes on being kept and counted, and says that it is suppressed; the summary says how many are. A finding that goes on after the end
    speaks again. What is said of the sensor's own health can't be suppressed.
    """
    from sensor.cli.words import counted
    from sensor.finding_listing import listing
    from sensor.suppressions import keep
    from sensor.terms import SelectionError

    with opened(store) as kept:
        terms = [_meant(kept, text) for text in what]
        try:
            number = keep(kept, terms, until, who, why, _now())
            found = [one for one in listing(kept, terms, suppressed=True).findings if _is_by(one, number)]
        except SelectionError as error:
            raise click.UsageError(str(error)) from error
    click.echo(f"Suppression {number}: {' '.join(terms)}, covers {counted(len(found), 'finding')} of the store", err=True)


def _is_by(finding: Any, number: int) -> bool:
    return bool((finding.get("suppressed") or {}).get("suppression") == number)


def _meant(kept: Store, text: str) -> str:
    """A finding's id becomes a filter: the whole id, so that it means no other one tomorrow."""
    from sensor.cli.findings import one

    return text if any(sign in text for sign in "=<>~") else f"id={one(kept, text)['id']}"


@click.command(epilog="\b\nExample:\n  fieldtap findings suppressions")
@store_option
@json_option
def suppressions(store: Path | None, as_json: bool) -> None:
    """List what is suppressed: what it covers, until when, by whom and why."""
    from sensor.cli import show
    from sensor.finding_listing import listing
    from sensor.suppressions import kept as held

    with opened(store) as kept:
        found, covered = held(kept), listing(kept, suppressed=True).findings
    counts = {one.number: sum(_is_by(finding, one.number) for finding in covered) for one in found}
    if as_json:
        show.document([{**one.to_dict(), "findings": counts[one.number]} for one in found])
        return
    show.sections([_section(found, counts)])


def _section(found: list[Suppression], counts: dict[int, int]) -> Any:
    import time

    from sensor.cli.table import Column, Section, Table
    from sensor.cli.words import clock, number
    from sensor.clock import utc

    columns = (
        Column("no.", "right", keep=True), Column("covers"), Column("findings", "right", keep=True), Column("until (UTC)", keep=True),
        Column("by", gives_way=1), Column("why"),
    )  # fmt: skip
    now = time.time_ns()
    rows = [
        (str(one.number), " ".join(one.terms), number(counts[one.number]), clock(utc(one.until)) + (" (over)" if one.until < now else ""),
         one.who, one.why) for one in found
    ]  # fmt: skip
    return Section("", lines=[] if rows else ["Nothing is suppressed."], table=Table(columns, rows) if rows else None)


@click.command(epilog="\b\nExample:\n  fieldtap findings unsuppress 1")
@click.argument("number", type=click.IntRange(1))
@store_option
def unsuppress(number: int, store: Path | None) -> None:
    """End suppression NUMBER now; it stays in the store."""
    from sensor.suppressions import lift

    with opened(store) as kept:
        if not lift(kept, number, _now()):
            raise click.UsageError(f"There is no suppression {number}: 'fieldtap findings suppressions' lists them.")
    click.echo(f"Suppression {number} is over.", err=True)
