"""Outputs that are files of lines: rotated by size, and exact after a crash.

What was written up to the last settled batch is remembered with it (which file, how long); whatever a crash left beyond that is cut off and
written again, so a line is there once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

from sensor.outbox import Item
from sensor.shipping.output import Attempt

MOST: Final = 2_000
MOST_BYTES: Final = 8 << 20


class Form(Protocol):
    """How items look as lines."""

    def head(self) -> bytes:
        """What a new file begins with."""

    def line(self, item: Item) -> bytes:
        """With its end; empty where this form has nothing to say of it."""


class Lines:
    """A file of lines; full ones are renamed to NAME.1, NAME.2 and so on, `keep` of them at most."""

    def __init__(
        self, name: str, classes: Sequence[str], path: Path, form: Form, *, rotate_bytes: int = 100 << 20, keep: int = 5
    ) -> None:  # fmt: skip
        self.name = name
        self.classes = classes
        self.most = MOST
        self.most_bytes = MOST_BYTES
        self._path = path
        self._form = form
        self._rotate = rotate_bytes
        self._keep = keep
        self._file: Any = None

    def resume(self, place: str | None) -> None:
        """Cuts off what a crash left beyond the last settled batch."""
        known = {} if place is None else json.loads(place)
        size = known.get("size")
        if size is None or not self._path.exists():
            return
        held = self._path.stat()
        if held.st_ino == known["file"]:
            if held.st_size > size:
                os.truncate(self._path, size)
        elif _numbered(self._path, 1).exists() and _numbered(self._path, 1).stat().st_ino == known["file"]:
            os.truncate(self._path, 0)  # rotated by us, and not settled since

    def deliver(self, items: Sequence[Item], doubtful: bool) -> Attempt:  # noqa: ARG002
        """Writes a batch and has the system put it on the disk. What can't be a line is refused, a full disk is tried again."""
        lines: list[bytes] = []
        refused: dict[int, str] = {}
        for place, item in enumerate(items):
            try:
                lines.append(self._form.line(item))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                refused[place] = f"no line can be made of it: {type(error).__name__}: {error}"
        try:
            self._write(b"".join(lines))
        except OSError as error:
            left = [place for place in range(len(items)) if place not in refused]
            return Attempt(left=left, refused=refused, trouble=f"{self.name}: {error.strerror or error}")
        return Attempt(refused=refused)

    def _write(self, text: bytes) -> None:
        if not text:
            return
        file = self._opened()
        before = os.fstat(file.fileno()).st_size
        try:
            if before == 0:
                file.write(self._form.head())
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            self._file = None
            with suppress(OSError):
                os.truncate(self._path, before)
            raise

    def _opened(self) -> Any:
        """The file; a new one where the old one is full, or somebody else moved it away."""
        if self._file is not None and not self._same():
            self._file.close()
            self._file = None
        if self._path.exists() and self._path.stat().st_size >= self._rotate:
            if self._file is not None:
                self._file.close()
                self._file = None
            self._turn()
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640), "ab", buffering=0)
        return self._file

    def _same(self) -> bool:
        return self._path.exists() and self._path.stat().st_ino == os.fstat(self._file.fileno()).st_ino

    def _turn(self) -> None:
        if self._keep == 0:
            self._path.unlink()
            return
        for number in range(self._keep - 1, 0, -1):
            if _numbered(self._path, number).exists():
                _numbered(self._path, number).replace(_numbered(self._path, number + 1))
        self._path.replace(_numbered(self._path, 1))

    def place(self) -> str | None:
        """Which file, and how long it is."""
        if not self._path.exists():
            return None
        held = self._path.stat()
        return json.dumps({"file": held.st_ino, "size": held.st_size})

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
