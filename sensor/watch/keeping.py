"""Findings into the store as they come, so that whoever pulls the plug loses seconds and not days.

What is counted is read at full minutes of capture time, and only then (DESIGN.md, 2.1); that is when revisions are made. A finding that
will open then is told at once nevertheless, with what is known by now: as its first revision, which the minute tells anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from sensor.suppressions import Suppressed, kept

if TYPE_CHECKING:
    from pathlib import Path

    from dissectors import Batch
    from sensor.findings import Finding
    from sensor.pipeline import Pipeline
    from sensor.plan import Plan
    from sensor.result import Result
    from sensor.store import Store
    from sensor.suppressions import Suppression
    from sensor.watch.early import EarlyEngine

MAX_WAITING: Final = 10_000
"""Findings and revisions that wait for a store that takes nothing. The oldest give way; the run's end tells their newest state."""

Told = Callable[["Finding", bool], object]
"""Is given what is found: a finding, and whether it is new."""


class Keeper:
    """Tells what one run finds: to `told`, and to the store where there is one. `plan` is what it judges by.

    A store that fails takes nothing away from the analysis: what it did not take is offered again, and `trouble` says what is wrong.
    """

    def __init__(self, engine: EarlyEngine, store: Path | None, plan: Plan, told: Told, *, keep: bool = True) -> None:
        self._engine = engine
        self._told = told
        self._plan = plan
        self._path = store
        self._keep = keep
        self._store: Store | None = None
        self._facts = False
        self._opened: dict[str, Finding] = {}
        self._waiting: list[Finding] = []
        self._withdrawn: list[str] = []
        self._suppressions: Sequence[Suppression] = ()
        self.run: int | None = None
        """The run's number in the store, once it has one."""
        self.trouble: str | None = None
        self.newest: int = 0
        """How many findings were told."""

    def begin(self) -> None:
        """Adds the run to the store. Raises StoreError: what can't be kept from the beginning should be known then."""
        if self._keep:
            from sensor.store import Store

            self._store = Store.open(self._path)
            self.run = self._store.begin(self._plan)

    def took(self, pipeline: Pipeline, batch: Batch) -> None:
        """After each batch: what opened, and at a full minute and the end what was revised."""
        if batch.minute:
            self._minute(pipeline)
        else:
            self._openings(pipeline, batch.clock)
        if self._waiting or self._withdrawn:
            self._tell()

    def end(self, result: Result) -> None:
        """Ends the run in the store."""
        result.suppress(self._suppressions)
        self.close()
        if self._keep:
            result.keep(self._path, self.run)

    def close(self) -> None:
        """Closes the store."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def _openings(self, pipeline: Pipeline, now: int) -> None:
        for finding in pipeline.episodes.openings(now, self._engine.early()):
            if finding.id not in self._opened and not pipeline.episodes.told(finding.id):
                self._opened[finding.id] = finding
                self._new(pipeline.revisions.marked(finding))

    def _new(self, finding: Finding) -> None:
        self.newest += 1
        self._told(finding, True)
        self._waiting.append(finding)

    def _minute(self, pipeline: Pipeline) -> None:
        self._suppress(pipeline)
        for finding in pipeline.revisions.drain():
            if finding.revision == 1 and finding.id not in self._opened:
                self._new(finding)
            else:
                self._told(finding, False)
                self._waiting.append(finding)
        self._withdrawn += [known for known in self._opened if not pipeline.episodes.known(known)]
        self._opened.clear()
        del self._waiting[:-MAX_WAITING]

    def _suppress(self, pipeline: Pipeline) -> None:
        """What people suppressed meanwhile."""
        if self._store is not None:
            from sensor.store import StoreError

            try:
                self._suppressions = kept(self._store)
                pipeline.revisions.marked = Suppressed(self._suppressions).marked
            except StoreError as error:
                self.trouble = str(error)

    def _tell(self) -> None:
        if self._store is None or self.run is None:
            self._waiting.clear()
            self._withdrawn.clear()
            return
        from sensor.store import StoreError

        try:
            self._store.tell(self.run, newest(self._waiting), self._waiting, self._withdrawn)
        except StoreError as error:
            self.trouble = str(error)
            return
        self.trouble = None
        self._waiting.clear()
        self._withdrawn.clear()


def newest(revisions: Sequence[Finding]) -> list[Finding]:
    """The last revision of each finding."""
    return list({finding.id: finding for finding in revisions}.values())
