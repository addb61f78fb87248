"""Kinds of values that commands take."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

UNREADABLE: Final[Mapping[str, str]] = {
    "capture_truncated": "the capture ends in the middle of a record",
    "capture_resync": "bytes that are no record were skipped, the first",
    "capture_garbage": "the rest is no record",
    "capture_corrupt": "the compressed data are damaged",
    "capture_read_error": "the system could not read on",
    "capture_bad_block": "a block that contradicts itself was left out, the first",
    "capture_changed": "the file changed while it was read",
}
"""Anomalies of a capture by which part of it could not be read (dissectors/src/capture/info.rs), in words."""

_SECONDS: Final[Mapping[str, int]] = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

_UNITS: Final[Mapping[str, int]] = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}

NO_STORE: Final = Path("none")
"""What `--store none` gives: nothing is kept. Compare by identity; `./none` is a file."""


def time_of(_: click.Context, param: click.Parameter, text: str | None) -> int | None:
    """A time in the form of ISO 8601, UTC unless it says otherwise, as ns since 1970."""
    from sensor.clock import nanoseconds

    try:
        return None if text is None else nanoseconds(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no time: write 2026-03-04T08:15:21 (UTC) or 2026-03-04T09:15:21+01:00.", param=param
        ) from None


def length_of(_: click.Context, param: click.Parameter, text: str | None) -> int | None:
    """A length of time (`90s`, `30m`, `8h`, `7d`) in ns."""
    from sensor.clock import SECOND

    if text is None:
        return None
    number, unit = text[:-1], _SECONDS.get(text[-1:])
    if unit is None or not (number.isascii() and number.isdecimal() and len(number) < 8) or int(number) == 0:
        raise click.BadParameter(f"{text!r} is no length of time: write 90s, 30m, 8h or 7d.", param=param)
    return int(number) * unit * SECOND


def size_of(_: click.Context, param: click.Parameter, text: str | None) -> int | None:
    """A number of bytes (`500M`, `10G`: decimal units)."""
    if text is None:
        return None
    number, unit = (text[:-1], _UNITS.get(text[-1:].upper())) if not text.isdecimal() else (text, 1)
    if unit is None or not (number.isascii() and number.isdecimal() and len(number) < 13) or int(number) == 0:
        raise click.BadParameter(f"{text!r} is no size: write 500M or 10G.", param=param)
    return int(number) * unit


def store_of(_: click.Context, __: click.Parameter, text: str | None) -> Path | None:
    """A path, or NO_STORE."""
    return None if text is None else NO_STORE if text == "none" else Path(text)


CAPTURE: Final = click.Path(exists=True, readable=True, allow_dash=True)
FILE: Final = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
FOLDER: Final = click.Path(exists=True, file_okay=False, writable=True, path_type=Path)
PLACE: Final = click.Path(exists=True, readable=True, path_type=Path)
WRITTEN: Final = click.Path(dir_okay=False, allow_dash=True)
READ_STORE: Final = click.Path(dir_okay=False, path_type=Path)
