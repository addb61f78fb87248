"""The gate in a few lines, for one operation and one lane: enough to hold a policy's answers against a sequence of transactions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dissectors import Clause, Expected
from zones.decision import Decider
from zones.fitting import fits
from zones.rates import Rates


class Gate:
    """Holds what the decider answered and counts as the engine does (DESIGN.md, 2.1)."""

    def __init__(self, decider: Decider) -> None:
        decider.rates = Rates(self._window)
        self.decider = decider
        self.windows: list[tuple[int, int, list[int]]] = []
        self.crossed: list[int] = []
        self.above: set[int] = set()
        self.lanes: dict[tuple[Any, ...], Sequence[Expected]] = {}
        self.counts: dict[int, int] = {}
        self.last: dict[int, int] = {}
        self.kept: list[Expected] = []

    def take(self, t: Any) -> tuple[Expected, bool]:
        """The entry that this occurrence is counted in, and whether it was delivered first."""
        sides = (t.client.ip or t.client.mac, t.server.ip or t.server.mac, t.server.port)
        key = (*sides, t.protocol, t.unit, t.function, t.sub_function, t.access, *sorted((t.detail or {}).items()))
        lane = self.lanes.get(key, ())
        found = self._find(lane, t)
        delivered = found is None or found.clause.deliver
        if delivered:
            lane = self.decider.lanes(t, {0: lane} if lane else {})[0]
            self.lanes[key] = lane
            self.kept.extend(lane)
            found = self._find(lane, t)
        assert found is not None, "after the answer the occurrence fits no clause"
        assert not found.clause.deliver, "after the answer the occurrence is still wanted"
        self.crossed = [number for number, _ in found.clause.windows if self._crosses(number, t.completed)]
        if found.clause.tally:
            self.counts[id(found)] = self.counts.get(id(found), 0) + 1
            self.last[id(found)] = t.time
        return found, delivered

    def _window(self, mode: str, span: int, threshold: int) -> int:
        assert mode == "event_count"
        self.windows.append((span, threshold, []))
        return len(self.windows)

    def _crosses(self, number: int, time: int) -> bool:
        """Counts an occurrence in a window; whether it comes to its threshold from below."""
        span, threshold, held = self.windows[number - 1]
        held.append(time)
        full = sum(time - one <= span for one in held) >= threshold
        was = number in self.above
        (self.above.add if full else self.above.discard)(number)
        return full and not was

    def count(self, entry: Expected) -> int:
        """How many occurrences were tallied for this entry."""
        return self.counts.get(id(entry), 0)

    def _find(self, lane: Sequence[Expected], t: Any) -> Expected | None:
        return next((entry for entry in lane if self._fits(entry, t)), None)

    def _fits(self, entry: Expected, t: Any) -> bool:
        clause = entry.clause
        if clause.anomalies is not None and tuple(t.anomalies) not in clause.anomalies:
            return False
        if not (clause.after or 0) <= t.time < (clause.until or 1 << 63):
            return False
        if clause.fresh is not None and t.time - self.last.get(id(entry), t.time) >= clause.fresh:
            return False
        return _l2_fits(clause, t) and fits(clause, t)


def _l2_fits(clause: Clause, t: Any) -> bool:
    if clause.l2 is None:
        return True
    seen = (t.client.mac, t.server.mac, t.vlan)
    return any(all(want is None or want == is_ for want, is_ in zip(one, seen, strict=True)) for one in clause.l2)
