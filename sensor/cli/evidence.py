"""`fieldtap evidence`: packs that others can check."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sensor.cli import options
from sensor.cli.evidence_slice import slice_
from sensor.cli.exits import Exit

if TYPE_CHECKING:
    from sensor.evidence.pack import Packed
    from sensor.evidence.verify import Outcome
    from sensor.result import Result


@click.group(epilog="\b\nExample:\n  fieldtap evidence pack plant.pcapng --zones site.yml -o pack.zip")
def evidence() -> None:
    """Evidence that others can check without trusting you: policy, verdicts, packets of each violation and alert, digests, a signature."""


evidence.add_command(slice_)


@evidence.command(
    short_help="Make an evidence pack.",
    epilog="\b\nExamples:\n"
    "  fieldtap evidence pack plant.pcapng --zones site.yml -o pack.zip\n\n"
    "\b\nA key to sign with:\n  openssl genpkey -algorithm ed25519 -out key.pem\n  openssl pkey -in key.pem -pubout -out public.pem",
)
@click.argument("captures", metavar="CAPTURE...", nargs=-1, required=True, type=options.CAPTURE)
@click.option("--zones", type=options.FILE, required=True, metavar="FILE", help="The policy to judge by.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FOLDER|FILE.zip", help="Where to; it must not exist."
)
@click.option("--sign", type=options.FILE, metavar="KEY", help="Sign with this Ed25519 private key (PEM).")
@click.option("--raw-evidence", is_flag=True, help="Leave passwords and other secrets in the slices; the pack is readable by you alone.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no closing lines.")
def pack(captures: tuple[str, ...], zones: Path, output: Path, sign: Path | None, raw_evidence: bool, quiet: bool) -> int:
    """Judge captures by a policy and pack the evidence: policy, digests, report, verdicts, the packets of each violation and alert."""
    from sensor.cli.replay import ended, troubles, watched
    from sensor.evidence.container import write
    from sensor.evidence.pack import MANIFEST, SIGNATURE, packed
    from sensor.evidence.signing import private_key, signature
    from sensor.pipeline import OutputError, ReplayConfig, collector_at_rest, replay

    if output.exists():
        raise click.UsageError(f"{output} is there already: a pack is never written over.")
    key = private_key(sign, os.environb.get(b"FIELDTAP_KEY_PASSPHRASE")) if sign is not None else None
    with collector_at_rest():
        with watched(quiet) as progress:
            result: Result = replay(ReplayConfig(captures=captures, zones=zones, keep=False, digest=True), progress)
        for line in troubles(result):
            click.echo(line, err=True)
        made = packed(result, raw=raw_evidence)
        signed = {} if key is None else {SIGNATURE: signature(made.files[MANIFEST], key)}
        try:
            write({**made.files, **signed}, output, private=raw_evidence)
        except OSError as error:
            raise OutputError(f"{output}: {error.strerror or error}") from error
        if not quiet:
            _told(made, output, signed=key is not None, raw=raw_evidence)
        return ended(result, None)


def _told(made: Packed, output: Path, *, signed: bool, raw: bool) -> None:
    from sensor.cli.words import counted

    again = sum(one.occurrences is not None for one in made.slices)
    click.echo(f"{output}: {len(made.files):,} files, digest {made.digest}", err=True)
    kinds = " and ".join(counted(sum(one.kind == kind for one in made.slices), kind) for kind in ("violation", "alert"))
    click.echo(f"{kinds}: {again:,} of {len(made.slices):,} were made again from their slice alone.", err=True)
    hidden = sum(one.masked for one in made.slices)
    secrets = "Secrets were left in." if raw else f"{hidden:,} bytes of secrets are masked; manifest.json says what is not."
    click.echo(secrets, err=True)
    if not signed:
        click.echo("It is not signed: --sign KEY lets others check who made it.", err=True)


@evidence.command(short_help="Check an evidence pack.", epilog="\b\nExample:\n  fieldtap evidence verify pack.zip")
@click.argument("pack", type=click.Path(exists=True, path_type=Path))
@click.option("--key", type=options.FILE, metavar="PUB", help="The public key (PEM) of whom the pack should come from.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")
def verify(pack: Path, key: Path | None, as_json: bool) -> int:
    """Check a PACK (a folder or .zip): whether anything in it was changed, and with --key whether it comes from whom it should.

    Exits with 1 where it doesn't hold, and says which file.
    """
    from sensor.evidence.signing import public_key
    from sensor.evidence.verify import verified

    outcome = verified(pack, public_key(key) if key is not None else None)
    if as_json:
        from dataclasses import asdict

        from sensor.cli import show

        show.document({**asdict(outcome), "wrong": [wrong._asdict() for wrong in outcome.wrong], "sound": outcome.sound})
    else:
        _judged(outcome)
    return Exit.DONE if outcome.sound else Exit.FOUND


def _judged(outcome: Outcome) -> None:
    from sensor.cli.plain import printable

    for wrong in outcome.wrong:
        click.echo(printable(f"{wrong.path}: {wrong.what}"))
    if not outcome.sound:
        click.echo("This pack does NOT hold.")
        return
    click.echo(f"Whole: {outcome.files:,} files are as they were packed, digest {outcome.digest}.")
    click.echo(f"{outcome.reproduced:,} of {outcome.slices:,} violations and alerts were made again from their slice when it was packed.")
    if outcome.origin:
        click.echo(f"Origin: signed by the key that you gave ({outcome.signer}).")
    elif outcome.signed:
        click.echo(f"Signed by {outcome.signer}. Without --key this proves that the pack is whole, not who made it.")
    else:
        click.echo("Not signed: this proves that the pack is whole as far as its own digests say, not who made it.")
