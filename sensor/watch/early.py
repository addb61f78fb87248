"""An engine whose counts can be read before the minute is full, without changing what is read then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dissectors import Engine

if TYPE_CHECKING:
    from dissectors import Tally


class EarlyEngine(Engine):
    """`tallies` gives what changed since its last call, as ever; `early` may be called in between."""

    __slots__ = ("_read",)

    def __init__(self, **wanted: Any) -> None:
        super().__init__(**wanted)
        self._read: dict[int, Tally] = {}

    def early(self) -> list[Tally]:
        """Clauses whose tally changed since the last call of either."""
        newer = super().tallies()
        self._read |= {tally.clause: tally for tally in newer}
        return newer

    def tallies(self) -> list[Tally]:
        """Clauses whose tally changed since the last call of `tallies`, in their newest state."""
        self.early()
        read = list(self._read.values())
        self._read.clear()
        return read
