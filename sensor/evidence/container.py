"""Packs on disk: a folder, or a zip archive that is written in one way only, so that a changed byte anywhere in it shows."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Final

MOST_FILES: Final = 100_000
MOST_BYTES: Final = 4 * 1024 * 1024 * 1024
"""What a pack may hold at most when it is read."""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_PLAIN, _PRIVATE = 0o644, 0o600


class NoPackError(Exception):
    """It is no evidence pack, or can't be read. The text says why."""


def archived(files: Mapping[str, bytes], *, private: bool = False) -> bytes:
    """The zip archive of these files: stored, in this order, without times, the same bytes on every machine."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.create_system = 3
            entry.external_attr = (0o100000 | (_PRIVATE if private else _PLAIN)) << 16
            archive.writestr(entry, content)
    return out.getvalue()


def write(files: Mapping[str, bytes], target: Path, *, private: bool = False) -> None:
    """Writes a folder, or an archive where the name ends in .zip. What is there already is not written over (FileExistsError).
    `private`: nobody else may read it."""
    if target.suffix.lower() == ".zip":
        _put(target, archived(files, private=private), private=private)
        return
    target.mkdir(mode=0o700 if private else 0o755)
    for path, content in files.items():
        place = target.joinpath(*PurePosixPath(path).parts)
        place.parent.mkdir(mode=0o700 if private else 0o755, exist_ok=True)
        _put(place, content, private=private)


def _put(path: Path, content: bytes, *, private: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, _PRIVATE if private else _PLAIN), "wb") as file:
        file.write(content)


def read(source: Path) -> dict[str, bytes]:
    """The files of a folder or archive, by path. Raises NoPackError."""
    if source.is_dir():
        return _folder(source)
    try:
        with zipfile.ZipFile(source) as archive:
            return _archive(archive)
    except OSError as error:
        raise NoPackError(f"{source} can't be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, RuntimeError) as error:
        raise NoPackError(f"{source} is no whole zip archive: {error}") from error


def _archive(archive: zipfile.ZipFile) -> dict[str, bytes]:
    entries = archive.infolist()
    if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise NoPackError("the archive holds more than an evidence pack may")
    found: dict[str, bytes] = {}
    for entry in entries:
        if entry.filename in found:
            raise NoPackError(f"the archive holds {entry.filename} twice")
        try:
            found[entry.filename] = archive.read(entry)
        except (zipfile.BadZipFile, OSError) as error:
            raise NoPackError(f"{entry.filename} in the archive is damaged: {error}") from error
    return found


def _folder(source: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    total = 0
    for path in sorted(source.rglob("*")):
        if path.is_symlink():
            raise NoPackError(f"{path} is a link: a pack holds its own files only")
        if path.is_file():
            total += path.stat().st_size
            if len(found) >= MOST_FILES or total > MOST_BYTES:
                raise NoPackError("the folder holds more than an evidence pack may")
            found[path.relative_to(source).as_posix()] = path.read_bytes()
    return found
