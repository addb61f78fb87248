"""What network cards say of their own errors: /proc/net/dev, which tells of the network namespace of whoever reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

_TABLE: Final = Path("/proc/self/net/dev")
_RECEIVED: Final = ("bytes", "packets", "errors", "dropped", "fifo", "frame", "compressed", "multicast")
_SENT_AT: Final = len(_RECEIVED) + 1
"""Where the packets sent stand in a line."""
TROUBLES: Final = ("errors", "dropped", "fifo", "frame")
"""Columns that count what did not arrive."""


class Errors:
    """Counts what an interface's card did not deliver since this was made."""

    def __init__(self, interfaces: Sequence[str]) -> None:
        self._interfaces = tuple(interfaces)
        self._before = received(self._interfaces)

    def since(self) -> Mapping[str, Mapping[str, int]]:
        """By interface and column, only what is not 0."""
        found = {}
        for name, now in received(self._interfaces).items():
            before = self._before.get(name, {})
            found[name] = {trouble: now[trouble] - before.get(trouble, 0) for trouble in TROUBLES if now[trouble] > before.get(trouble, 0)}
        return {name: counts for name, counts in found.items() if counts}


def received(interfaces: Sequence[str]) -> dict[str, dict[str, int]]:
    """The columns of what was received, by interface; one that is gone is left out."""
    return {name: dict(zip(_RECEIVED, numbers, strict=False)) for name, numbers in _lines().items() if name in interfaces}


def sent(interface: str) -> int:
    """How many packets the interface has sent."""
    numbers = _lines().get(interface, ())
    return numbers[_SENT_AT] if len(numbers) > _SENT_AT else 0


def _lines() -> dict[str, list[int]]:
    try:
        lines = _TABLE.read_text(encoding="ascii", errors="replace").splitlines()[2:]
    except OSError:
        return {}
    found = {}
    for line in lines:
        name, _, numbers = line.partition(":")
        found[name.strip()] = [int(number) for number in numbers.split()]
    return found
