"""Takes batches out of the outbox and settles them: nothing is lost, and nothing is sent twice without looking first."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from sensor import outbox
from sensor.outbox import Item
from sensor.shipping.output import Attempt, Output
from sensor.store import atomic

if TYPE_CHECKING:
    import sqlite3

FIRST_WAIT: Final = 0.5
LONGEST_WAIT: Final = 60.0
BUSY_MS: Final = 120_000
"""A run that is being kept may hold the store so long."""
Say = Callable[[str], object]


class GivenUpError(Exception):
    """Trouble lasted longer than was asked for; everything is kept."""


class Pump:
    """Delivers what waits for one output. `patience`: seconds of trouble until it gives up (None: never); `stop` ends it between tries."""

    def __init__(
        self, connection: sqlite3.Connection, output: Output, *, say: Say, stop: threading.Event | None = None,
        patience: float | None = None, longest_wait: float = LONGEST_WAIT,
    ) -> None:  # fmt: skip
        self._connection = connection
        self._output = output
        self._say = say
        self._stop = stop or threading.Event()
        self._patience = patience
        self._longest = longest_wait
        self._trouble: str | None = None
        self.delivered = 0
        self.refused = 0
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = FAST")  # SQLite as Debian builds it writes zeros over every row that was delivered
        with atomic(connection):
            outbox.register(connection, output.name, output.classes)
        output.resume(_place(connection, output.name))

    def drain(self) -> int:
        """Delivers until nothing waits, graver classes first, and gives how many were settled. Raises GivenUpError."""
        settled = 0
        while not self._stop.is_set():
            items, doubtful = self._next()
            if not items:
                break
            if not self._batch(items, doubtful):
                break
            settled += len(items)
        return settled

    def _next(self) -> tuple[list[Item], bool]:
        name, most = self._output.name, self._output.most
        for of in self._output.classes:
            items, doubtful = outbox.next_batch(self._connection, name, of, most, self._output.most_bytes)
            if items:
                return items, doubtful
        letters = outbox.again(self._connection, name, most)
        return [item for item in letters if item.of == letters[0].of], True

    def _batch(self, items: Sequence[Item], doubtful: bool) -> bool:
        """One batch until it is settled; False where it was told to stop before."""
        letters = items[0].letter is not None
        if not letters:
            with atomic(self._connection):
                outbox.mark_sending(self._connection, self._output.name, items)
        refused = self._until_settled(items, doubtful)
        if refused is None:
            return False
        with atomic(self._connection):
            if letters:
                outbox.settle_again(self._connection, self._output.name, items, refused)
            else:
                outbox.settle(self._connection, self._output.name, items, refused, self._output.place())
            outbox.purge(self._connection)
        self.delivered += len(items) - len(refused)
        self.refused += len(refused)
        return True

    def _until_settled(self, items: Sequence[Item], doubtful: bool) -> dict[int, str] | None:
        left, refused, tries, began = list(range(len(items))), dict[int, str](), 0, time.monotonic()
        while left:
            attempt = self._output.deliver([items[place] for place in left], doubtful)
            refused.update({left[place]: reason for place, reason in attempt.refused.items()})
            progress = len(attempt.left) < len(left)
            left, doubtful = [left[place] for place in attempt.left], attempt.doubtful
            self._tell(attempt)
            if progress:
                tries, began = 0, time.monotonic()
            if left and not self._wait(tries, began):
                return None
            tries += 1
        return refused

    def _tell(self, attempt: Attempt) -> None:
        """Says what is wrong once, and that it is over."""
        if attempt.trouble != self._trouble:
            self._say(
                attempt.trouble + "; everything is kept and tried again" if attempt.trouble else f"{self._output.name}: delivering again"
            )
            self._trouble = attempt.trouble

    def _wait(self, tries: int, began: float) -> bool:
        """Full jitter: anything up to a bound that doubles."""
        if self._patience is not None and time.monotonic() - began >= self._patience:
            raise GivenUpError(f"{self._trouble}; gave up after {self._patience:.0f} s, everything is kept")
        bound = min(self._longest, FIRST_WAIT * 2 ** min(tries, 16))
        if self._patience is not None:
            bound = min(bound, max(0.05, self._patience / 4))
        return not self._stop.wait(random.uniform(0, bound))


def _place(connection: sqlite3.Connection, name: str) -> str | None:
    """The newest: places only grow, and an output that has one has one file."""
    row = connection.execute(
        "SELECT place FROM outputs WHERE name = ? AND place IS NOT NULL ORDER BY length(place) DESC, place DESC", (name,)
    ).fetchone()
    return None if row is None else str(row[0])
