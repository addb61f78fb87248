"""Where exports go: a file, or standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import click

output_option: Callable[[Any], Any] = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Where to; - is standard output.",
)


def write_text(output: Path | None, write: Callable[[TextIO], None], said: str) -> None:
    """Writes to a file and says so, or to standard output. Raises OutputError."""
    from sensor.pipeline import OutputError

    if output is None or str(output) == "-":
        write(sys.stdout)
        return
    try:
        with output.open("w", encoding="utf-8", newline="") as out:
            write(out)
    except OSError as error:
        raise OutputError(f"{output}: {error.strerror or error}") from error
    click.echo(f"{output}: {said}", err=True)


def write_bytes(output: Path, content: bytes, said: str) -> None:
    """Writes a file and says so. Raises OutputError."""
    from sensor.pipeline import OutputError

    try:
        output.write_bytes(content)
    except OSError as error:
        raise OutputError(f"{output}: {error.strerror or error}") from error
    click.echo(f"{output}: {said}", err=True)
