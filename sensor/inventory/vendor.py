"""To whom a MAC address is registered (IEEE MA-L, MA-M, MA-S), by the list that scapy ships.

The list takes 0.2 s to load, so the answers are kept in the user's cache folder and the list is only loaded for what is not in there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from sensor.places import cache_folder

MAX_KEPT: Final = 20_000
_FILE: Final = "vendors.json"
_MOST: Final = 4 * 1024 * 1024
_LOCAL: Final = frozenset("2367abefABEF")


class Vendors(Mapping[str, str]):
    """MAC address → vendor, for those that are registered. Prefixes are few where addresses are many, so only they are kept with names."""

    def __init__(self, macs: Collection[str], names: Mapping[str, str]) -> None:
        self._macs = macs
        self._names = names

    def __getitem__(self, mac: str) -> str:
        name = self._names.get(_prefix(mac)) if _universal(mac) else None
        if not name:
            raise KeyError(mac)
        return name

    def __iter__(self) -> Iterator[str]:
        return (mac for mac in self._macs if _universal(mac) and self._names.get(_prefix(mac)))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def vendors_of(macs: Iterable[str], folder: Path | None = None) -> Vendors:
    """The vendors of these MAC addresses. `folder` has the cache (default: the user's cache folder)."""
    asked = tuple(macs)
    prefixes = {_prefix(mac) for mac in asked if _universal(mac)}
    if not prefixes:
        return Vendors(asked, {})
    file = (folder or cache_folder()) / _FILE
    known = _read(file)
    missing = sorted(prefixes - known.keys())
    if missing:
        known |= _look_up(missing)
        _write(file, known)
    return Vendors(asked, known)


def _universal(mac: str) -> bool:
    """Whether it can be registered: not one that is administered locally (IEEE 802-2014, 8.4)."""
    return len(mac) == 17 and mac[1] not in _LOCAL


def _prefix(mac: str) -> str:
    """The longest part of it that is registered to anybody: 36 bits."""
    return mac[:13].upper()


def _look_up(prefixes: Iterable[str]) -> dict[str, str]:
    """By the longest registered prefix: 36, 28, then 24 bits. What is not registered is the empty text."""
    from scapy.libs.manuf import DATA

    by_prefix = {}
    for line in DATA.splitlines():
        parts = line.split(None, 2)
        if len(parts) >= 2:
            by_prefix[parts[0]] = parts[2].strip("#, \t") if len(parts) > 2 else parts[1]
    found = {}
    for prefix in prefixes:
        names = (f"{prefix}0/36", f"{prefix[:10]}0/28", prefix[:8])
        found[prefix] = next((by_prefix[name] for name in names if name in by_prefix), "")
    return found


def _read(file: Path) -> dict[str, str]:
    """Only plain text is taken from it, so whoever can write there can at most lie about vendors."""
    with suppress(OSError, ValueError):
        if file.stat().st_size <= _MOST:
            read = json.loads(file.read_text("utf-8"))
            if isinstance(read, dict):
                return {key: value for key, value in read.items() if isinstance(value, str)}
    return {}


def _write(file: Path, known: Mapping[str, str]) -> None:
    """Atomically; a cache that can't be written is done without."""
    kept = dict(list(known.items())[-MAX_KEPT:])
    new = file.with_name(f"{file.name}.{os.getpid()}")
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new.write_text(json.dumps(kept), "utf-8")
        new.replace(file)
