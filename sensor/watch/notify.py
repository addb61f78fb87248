"""Word to a service manager (sd_notify(3)): ready, still alive, ending.

The socket is connected before the watch gives up its rights; from then on only `write` is used on it, which stays allowed, for no socket
can be opened any more.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress


class Notify:
    """Says nothing where nobody asked ($NOTIFY_SOCKET)."""

    def __init__(self) -> None:
        self._socket = _connected(os.environ.get("NOTIFY_SOCKET", ""))
        limit = os.environ.get("WATCHDOG_USEC", "")
        self._every = int(limit) / 2_000_000 if limit.isdecimal() else None
        self._said = time.monotonic()

    def ready(self) -> None:
        """The interfaces are open."""
        self._say("READY=1")

    def alive(self) -> None:
        """To be called often; says so twice as often as it is asked for, and not at all where a batch takes too long."""
        now = time.monotonic()
        if self._every is not None and now - self._said >= self._every:
            self._said = now
            self._say("WATCHDOG=1")

    def ending(self) -> None:
        """What was received is analysed yet."""
        self._say("STOPPING=1")

    def _say(self, word: str) -> None:
        if self._socket is not None:
            with suppress(OSError):  # a manager that has gone hears nothing
                os.write(self._socket.fileno(), word.encode())


def _connected(place: str) -> socket.socket | None:
    """A socket to the manager; `@` stands for the zero that an abstract name begins with."""
    if not place.startswith(("/", "@")):
        return None
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        made.connect("\0" + place[1:] if place.startswith("@") else place)
    except OSError:
        made.close()
        return None
    return made
