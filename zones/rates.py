"""Rates: where what a line allows is counted, for each client and server, and what it means that there was more (DESIGN.md, 2.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from zones.verdict import Verdict

if TYPE_CHECKING:
    from dissectors import Transaction
    from zones.judge import Limit

MAX_WINDOWS = 65_536
"""Rates of one run, each for one client and server. What comes beyond is not counted, and how often that was is (`Rates.refused`)."""

NewWindow = Callable[[str, int, int], int]
"""Engine.window: (mode, span in ns, threshold) → the window's number."""

Counted = tuple[tuple[int, None], ...]
"""What a clause is told of windows."""


class Group(NamedTuple):
    """What a window counts: the violation that its crossing is, and for whom (fields of a transaction with their values)."""

    alert: Verdict
    fields: Mapping[str, Any]


class Rates:
    """The windows of one run, made when a client and server are first met. Without `new_window` nothing is counted (explanations)."""

    def __init__(self, new_window: NewWindow | None) -> None:
        self._new = new_window
        self._numbers: dict[tuple[int, int, str, str], int] = {}
        self._groups: dict[int, Group] = {}
        self.refused = 0

    def windows(self, limits: Sequence[Limit], t: Transaction) -> Counted:
        """The windows that an occurrence like this one counts in. A window is crossed by one more than is allowed."""
        if self._new is None:
            return ()
        return tuple((number, None) for limit in limits if (number := self._window(limit, t)))

    def _window(self, limit: Limit, t: Transaction) -> int:
        rate, verdict = limit.rate, limit.verdict
        key = (rate.line, rate.span, t.client.ip or t.client.mac or "", t.server.ip or t.server.mac or "")
        number = self._numbers.get(key)
        if number is None:
            if self._new is None or len(self._numbers) >= MAX_WINDOWS:
                self.refused += 1
                return 0
            number = self._numbers[key] = self._new("event_count", rate.span, rate.most + 1)
            fields = {**_who("client", t.client), **_who("server", t.server), "protocol": limit.protocol}
            self._groups[number] = Group(verdict, fields if limit.access is None else {**fields, "access": limit.access})
        return number

    def owns(self, window: int) -> bool:
        """Whether this window was made here."""
        return window in self._groups

    def group(self, window: int) -> Group:
        """What this window counts. KeyError for one that was not made here."""
        return self._groups[window]


def _who(side: str, party: Any) -> dict[str, Any]:
    return {f"{side}.ip": party.ip} if party.ip is not None else {f"{side}.mac": party.mac}
