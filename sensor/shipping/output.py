"""What an output is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sensor.outbox import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What became of a batch, by place in it: `left` is to be tried again, `refused` (with the reason) never; the rest was delivered.

    `trouble` says what is wrong where something is left; `doubtful`: what is left may have arrived.
    """

    left: Sequence[int] = ()
    refused: Mapping[int, str] = field(default_factory=dict)
    trouble: str | None = None
    doubtful: bool = False


class Output(Protocol):
    """Where items go. `name` tells outputs of one store apart."""

    name: str
    classes: Sequence[str]
    most: int
    most_bytes: int

    def resume(self, place: str | None) -> None:
        """Goes on where the last settled batch of this output ended."""

    def deliver(self, items: Sequence[Item], doubtful: bool) -> Attempt:
        """Tries a batch of one class once. `doubtful`: it may have been sent before."""

    def place(self) -> str | None:
        """Where it is now, to go on from."""

    def close(self) -> None:
        """Lets go of files and connections."""
