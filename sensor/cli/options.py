"""Kinds of values that commands take."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

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

NO_STORE: Final = Path("none")
"""What `--store none` gives: nothing is kept. Compare by identity; `./none` is a file."""


class CaptureType(click.ParamType):
    """A file, a folder, or `-`."""

    name = "capture"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The path as it was given, which exists."""
        text = str(value)
        if text != "-" and not Path(text).exists():
            self.fail(f"{text}: there is no such file or folder.", param, ctx)
        return text

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Files."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type="file")]


class TimeType(click.ParamType):
    """A time, UTC unless it says otherwise; ns since 1970."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """From text in the form of ISO 8601."""
        if isinstance(value, int):
            return value
        from sensor.clock import nanoseconds

        try:
            return nanoseconds(str(value))
        except ValueError:
            self.fail(f"{value!r} is no time: write 2026-03-04T08:15:21 (UTC) or 2026-03-04T09:15:21+01:00.", param, ctx)


class StoreType(click.ParamType):
    """A file, or `none`."""

    name = "store"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path, or NO_STORE."""
        if isinstance(value, Path):
            return value
        return NO_STORE if value == "none" else Path(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Files."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type="file")]


CAPTURE: Final = CaptureType()
TIME: Final = TimeType()
STORE: Final = StoreType()
FILE: Final = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
PLACE: Final = click.Path(exists=True, readable=True, path_type=Path)
READ_STORE: Final = click.Path(dir_okay=False, path_type=Path)
