"""The course of a run: learning first, if at all, then judging. Learning ends at a full minute, as a new generation of the gate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sensor.baseline.judge import Judge
from sensor.baseline.learn import Lanes, Learner, Passing
from sensor.baseline.model import Baseline
from sensor.clock import utc

if TYPE_CHECKING:
    from pathlib import Path

    from dissectors import Batch, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """When learning is over: after so much capture time (ns) or so many packets, whichever comes first; both None: at the end. With
    `alone` nothing is judged: the run ends there."""

    time: int | None = None
    packets: int | None = None
    alone: bool = False


class Course:
    """The baseline's part of one run (sensor.pipeline.Judge). `baseline` None: one is learned, as `name`, until `until`."""

    def __init__(self, engine: Any, baseline: Baseline | None = None, *, name: str = "", until: Until | None = None) -> None:
        self._engine = engine
        self._until = until or Until()
        self._learner = None if baseline is not None else Learner(name)
        self.learned: Baseline | None = None
        """What this run has learned."""
        self.judged = baseline
        """What this run is judged by, from the start or since it was learned."""
        self._judge: Any = self._learner if baseline is None else Judge(baseline, engine)

    def lanes(self, t: Transaction, held: Lanes) -> Lanes:
        """The lane of whoever's turn it is."""
        lanes: Lanes = self._judge.lanes(t, held)
        return lanes

    def turns(self, now: int, batch: Batch) -> bool:
        """At a full minute, when everything was read: true when learning is over, so that every operation is to be asked again."""
        if self._learner is None or not self._is_over(now, batch):
            return False
        learned = self._learn(now, batch)
        if self._until.alone:
            self._judge = Passing()
            self._engine.stop()
        else:
            self.judged = learned
            self._judge = Judge(learned, self._engine)
        return True

    def end(self, now: int, batch: Batch) -> None:
        """At the end of the captures: what goes on being learned is learned."""
        if self._learner is not None:
            self._learn(now, batch)

    def _is_over(self, now: int, batch: Batch) -> bool:
        until = self._until
        enough = until.packets is not None and batch.packets >= until.packets
        return enough or (until.time is not None and now - batch.began >= until.time)

    def _learn(self, now: int, batch: Batch) -> Baseline:
        assert self._learner is not None
        self.learned = self._learner.learned(self._engine, (batch.began, now), batch.packets)
        self._learner = None
        return self.learned

    @property
    def summary(self) -> dict[str, Any]:
        """For the result: what this run has learned, and what it was judged by."""
        return {"learned": _summary(self.learned), "judged": _summary(self.judged)}

    @property
    def ceilings(self) -> dict[str, int]:
        """What had no room, by table."""
        over = sum(self._learner.over.values()) if self._learner is not None else 0 if self.learned is None else self.learned.left_out
        return {"baseline_operations": over} if over else {}


def planned(name: str | None, until: Until | None, store: Path | None) -> Callable[[Any], Course]:
    """What makes the course of a run for its engine: judging by the baseline `name` of the store, or with `until` learning one first, which
    is kept under that name if there is one. Raises BaselineError where there is no such baseline, or where one is there already."""
    baseline: Baseline | None = None
    if name is not None:
        from sensor.baseline.kept import load, vacant
        from sensor.store import Store

        with Store.open(store) as kept:
            if until is None:
                baseline = load(kept.connection, name)
            else:
                vacant(kept.connection, name)
    return lambda engine: Course(engine, baseline, name=name or "", until=until)


def _summary(baseline: Baseline | None) -> dict[str, Any] | None:
    if baseline is None:
        return None
    span = {"first": utc(baseline.first), "last": utc(baseline.last), "packets": baseline.packets}
    counts = {"operations": len(baseline.operations), "assets": len(baseline.assets), "left_out": baseline.left_out}
    return {"name": baseline.name, **span, **counts}
