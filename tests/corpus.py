"""Where the open captures of others are (they are never part of the project), and which of them a test takes.

The folder is that of the environment variable FIELDTAP_CORPUS, else `../shared/corpus` beside the project.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

PROJECT: Final = Path(__file__).resolve().parent.parent
SUFFIXES: Final = {".pcap", ".pcapng", ".cap", ".dmp", ".gz", ".zst", ".trc"}


def folder() -> Path | None:
    """The corpus, where it is installed."""
    place = Path(os.environ.get("FIELDTAP_CORPUS") or PROJECT.parent / "shared" / "corpus")
    return place if place.is_dir() else None


def captures(*protocols: str, most: int | None = None) -> list[Path]:
    """The captures of these protocols' folders (of all where none is named), `most` bytes long at most, in the order of their names."""
    place = folder()
    if place is None:
        return []
    found = (path for name in protocols or ("*",) for path in place.glob(f"{name}/*") if path.is_file() and not path.name.startswith("_"))
    return sorted(path for path in found if most is None or path.stat().st_size <= most)


def named(name: str) -> Path:
    """A capture by its name in the corpus; the test is skipped where there is none."""
    place = folder()
    if place is None or not (place / name).is_file():
        pytest.skip(f"{name} is not here (set FIELDTAP_CORPUS)")
    return place / name
