"""Chooses how sections look: in colour on a terminal, plain elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

import click

from sensor.cli.table import Section


def is_rich(stream: TextIO) -> bool:
    """A terminal that can do more than text. NO_COLOR (no-color.org) asks for plain text."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def sections(found: Iterable[Section], *, err: bool = False) -> None:
    """Shows sections on standard output, or on standard error."""
    stream = sys.stderr if err else sys.stdout
    if is_rich(stream):
        from sensor.cli.console import show

        show(found, stream)
        return
    from sensor.cli.plain import text

    click.echo(text(found), nl=False, err=err)


def document(value: Any) -> None:
    """One JSON document on standard output: indented for people, on one line for programs."""
    import json

    click.echo(json.dumps(value, indent=2 if sys.stdout.isatty() else None, ensure_ascii=True, default=str))
