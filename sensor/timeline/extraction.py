"""Programs and files that passed, as files: for their owner alone, under names that no device can choose."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sensor.timeline.contents import Transfer

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST: Final = 60


def extract(transfers: Sequence[Transfer], folder: Path) -> list[Path]:
    """Writes what passed into `folder` (made where it is missing, mode 0700), each with mode 0600; incomplete ones say so in their name.

    A file that is there already and holds the same is left alone. Raises FileExistsError where it holds something else, OSError where it
    can't be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    made = []
    try:
        for number, transfer in enumerate(transfers, start=1):
            if transfer.content:
                name = file_name(number, transfer)
                _write(place, name, bytes(transfer.content), folder)
                transfer.extracted = str(folder / name)
                made.append(folder / name)
    finally:
        os.close(place)
    return made


def file_name(number: int, transfer: Transfer) -> str:
    """`003-s7comm-10.10.0.11-into-FC1.incomplete.bin`: what the device said is cut to letters, digits, dot, dash and underscore."""
    parts = (transfer.protocol, transfer.server, transfer.direction, transfer.name.rpartition("/")[2] or transfer.name)
    said = "-".join(_UNSAFE.sub("_", part).strip("._")[:_LONGEST] for part in parts)
    return f"{number:03d}-{said}{'.incomplete' if transfer.missing else ''}.bin"


def _write(place: int, name: str, content: bytes, folder: Path) -> None:
    try:
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=place)
    except FileExistsError:
        with os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place), "rb") as there:
            if hashlib.file_digest(there, "sha256").digest() == hashlib.sha256(content).digest():
                return
        raise FileExistsError(f"{folder / name} is there already, and holds something else: give another folder to --extract") from None
    with os.fdopen(file, "wb") as out:
        out.write(content)
