"""`fieldtap evidence slice`: the packets of a finding, as a capture of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sensor.cli import options
from sensor.cli.exits import Exit
from sensor.cli.kept import opened, store_option

if TYPE_CHECKING:
    from sensor.evidence.slices import Slice
    from sensor.store import Store


@click.command(
    "slice",
    short_help="Cut the packets of findings.",
    epilog="\b\nExamples:\n"
    "  fieldtap evidence slice 3e0d32c5 -o slices\n"
    "  fieldtap evidence slice rule=modbus-unit-sweep access=write -o slices --zones site.yml",
)
@click.argument("what", nargs=-1, required=True, metavar="FINDING|FILTER...")
@store_option
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), required=True, metavar="FOLDER", help="Where to.")
@click.option("--zones", type=options.FILE, metavar="FILE", help="The policy to prove slices by.", show_default="the run's own")
@click.option("--rules", multiple=True, type=options.PLACE, metavar="DIR", help="Rules of your own beside the catalog. May be repeated.")
@click.option("--capture", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE", help="Where the capture is now.")
@click.option("--raw-evidence", is_flag=True, help="Leave passwords and other secrets in; the files are readable by you alone.")
def slice_(
    what: tuple[str, ...], store: Path | None, output: Path, zones: Path | None, rules: tuple[Path, ...], capture: Path | None,
    raw_evidence: bool,
) -> int:  # fmt: skip
    """Cut the packets of FINDINGs (ids, or all that fit the FILTERs of 'findings list') into a pcapng each: the handshake, what decides,
    context before and after, each packet with a comment. Every slice is replayed before it is written, and it is said when the finding
    doesn't come again. Known secrets are masked at equal length.
    """
    from sensor.cli.explain import Missing
    from sensor.evidence.frames import UnreadableError

    whole = True
    output.mkdir(parents=True, exist_ok=True)
    with opened(store) as kept:
        meant = _meant(kept, what)
        if not meant:
            click.echo("No finding fits: 'fieldtap findings list' shows all.", err=True)
        for finding in meant:
            try:
                whole &= _cut(kept, finding, output, (zones, rules, capture), raw=raw_evidence)
            except (Missing, UnreadableError) as error:
                click.echo(f"{finding['id'][:8]}: {error}", err=True)
                whole = False
    return Exit.DONE if whole else Exit.CAPTURE


def _meant(kept: Store, what: Sequence[str]) -> list[Mapping[str, Any]]:
    """Findings by id, and those that fit all filters."""
    from sensor.cli.findings import one
    from sensor.finding_listing import listing
    from sensor.terms import SelectionError

    filters = [text for text in what if any(sign in text for sign in "=<>~")]
    found = [one(kept, text) for text in what if text not in filters]
    try:
        return [*found, *(listing(kept, filters, suppressed=True).findings if filters else ())]
    except SelectionError as error:
        raise click.UsageError(str(error)) from error


def _cut(
    kept: Store, finding: Mapping[str, Any], output: Path, given: tuple[Path | None, tuple[Path, ...], Path | None], *, raw: bool
) -> bool:  # fmt: skip
    from sensor.cli.explain import paths_of
    from sensor.evidence.kept import cut, file_of, plan_of

    zones, rules, moved = given
    paths = paths_of(kept.captures(finding["run"]), moved)
    with plan_of(kept, kept.in_force(finding["run"]), zones, rules) as plan:
        made = cut(finding, paths, plan, raw=raw)
    if not made.frames:
        click.echo(f"{finding['id'][:8]}: no slice: {made.why}", err=True)
        return finding["kind"] not in ("alert", "violation")
    path = output / f"{finding['id']}.pcapng"
    _write(path, file_of(finding, made, paths), private=raw)
    click.echo(f"{path}: {_said(made, finding)}", err=True)
    return made.same


def _said(made: Slice, finding: Mapping[str, Any]) -> str:
    from sensor.cli.words import counted

    hidden = f", {counted(made.masked, 'byte')} of secrets masked" if made.masked else ""
    if made.same:
        proof = f"makes the finding again ({made.occurrences:,} of {counted(finding['count'], 'occurrence')})"
    else:
        proof = (
            f"shows {made.occurrences:,} of its occurrences under another id" if made.occurrences else f"doesn't make it again: {made.why}"
        )
    return f"{counted(len(made.places), 'packet')}, {proof}{hidden}"


def _write(path: Path, content: bytes, *, private: bool) -> None:
    import os

    from sensor.pipeline import OutputError

    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600 if private else 0o644), "wb") as out:
            if private:
                os.fchmod(out.fileno(), 0o600)
            out.write(content)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}") from error
