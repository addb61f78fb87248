"""The outcome of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from sensor.clock import nanoseconds
from sensor.findings import Finding, at_least
from sensor.inventory import silence
from sensor.revisions import Revision, Revisions
from sensor.suppressions import Suppressed

if TYPE_CHECKING:
    from dissectors import Tally
    from sensor.baseline.course import Course
    from sensor.incidents import Incident
    from sensor.inventory import Inventory
    from sensor.inventory.resolve import Assets
    from sensor.pipeline import Pipeline
    from sensor.plan import Plan
    from sensor.spool import Lines
    from sensor.suppressions import Suppression

_Entry = TypeVar("_Entry", covariant=True)
_NONE: Final[Mapping[str, Mapping[str, int]]] = {}


class Listed(Protocol[_Entry]):
    """What can be counted and walked through: a list, or one of the engine's, whose entries are made on the way."""

    def __len__(self) -> int: ...
    def __getitem__(self, place: int, /) -> _Entry: ...
    def __iter__(self) -> Iterator[_Entry]: ...


@dataclass(slots=True, kw_only=True)
class Result:
    """What a run found. Assets are concluded when they are asked for.

    `engine` is Engine.result(), `revisions` every revision of a finding in the order they came, `findings` the newest state of each.
    `interrupted`: it was told to stop before the captures' end. `store_error` says why nothing was kept, `left_out` how many operations
    the store had no room for. `lines` are the transactions that go into the outbox, `course` is the baseline's part, if there was one.
    """

    engine: Mapping[str, Any]
    inventory: Inventory
    findings: Sequence[Finding]
    revisions: Revisions
    conversations: Listed[Mapping[str, Any]]
    tallies: Listed[Tally]
    describe: Any
    plan: Plan
    clock: int
    interrupted: bool = False
    store_error: str | None = None
    stored: Path | None = None
    left_out: int = 0
    lines: Lines | None = None
    _stories: Sequence[Incident] | None = None
    course: Course | None = None

    @classmethod
    def of(cls, pipeline: Pipeline, plan: Plan, errors: Mapping[str, Mapping[str, int]] = _NONE) -> Result:
        """From a pipeline that has run. `errors` is what the cards of live interfaces did not deliver (sensor.watch.interfaces)."""
        engine = pipeline.engine.result()
        captures = [
            {**capture, "errors": errors[capture["path"]]} if capture["path"] in errors else capture
            for capture in engine.get("captures") or ()
        ]
        engine = {**engine, "captures": captures}
        conversations = pipeline.conversations
        ceilings = {**(engine.get("ceilings") or {}), **pipeline.ceilings}
        closing = pipeline.coverage.findings(_span(engine, pipeline.clock), conversations, ceilings, captures)
        closing += silence.findings(pipeline.inventory, captures, conversations)
        pipeline.revisions.extend(Revision.of(finding) for finding in closing)
        return cls(
            engine={**engine, "ceilings": ceilings}, inventory=pipeline.inventory, conversations=conversations, tallies=pipeline.tallies,
            findings=sorted([*pipeline.episodes.current(), *closing], key=lambda finding: finding.order),
            revisions=pipeline.revisions, describe=pipeline.engine.operation, plan=plan, clock=pipeline.clock,
            interrupted=pipeline.interrupted, course=pipeline.course,
        )  # fmt: skip

    @property
    def assets(self) -> Assets:
        """By address, units behind their device."""
        return self.inventory.assets()

    def at_or_above(self, severity: str) -> list[Finding]:
        """The findings of at least this severity that nobody suppressed."""
        return [finding for finding in self.findings if at_least(finding.statement.severity, severity) and finding.suppressed is None]

    def incidents(self) -> Sequence[Incident]:
        """The stories in its findings (sensor.incidents), the gravest first."""
        if self._stories is None:
            from sensor.incidents import incidents

            self._stories = incidents(self.findings)
        return self._stories

    def suppress(self, suppressions: Iterable[Suppression]) -> None:
        """Marks what people don't want to be told again; nothing is left out."""
        suppressed = Suppressed(suppressions)
        if suppressed:
            self.findings = [suppressed.marked(finding) for finding in self.findings]
            self.revisions.marked = suppressed.marked
            self._stories = None

    def keep(self, path: Path | None, run: int | None = None) -> None:
        """Writes the run into the store at `path` (None: the user's own), as the end of one that has begun there where its number is given.
        A failure is noted, not raised: the analysis stands."""
        from sensor.inventory.kept import MAX_OPERATIONS
        from sensor.store import BaselineError, Store, StoreError

        try:
            with Store.open(path) as store:
                store.write(self, run)
                self.stored = store.path
                self.left_out = max(0, len(self.tallies) - MAX_OPERATIONS)
        except (StoreError, BaselineError) as error:
            self.store_error = str(error)

    def to_dict(self) -> dict[str, Any]:
        """The document of `fieldtap replay --json`."""
        from sensor.outputs.json_result import document

        return document(self)


def _span(engine: Mapping[str, Any], clock: int) -> tuple[int, int]:
    """First and last capture time."""
    firsts = [nanoseconds(capture["first"]) for capture in engine.get("captures") or () if capture["first"] is not None]
    return (min(firsts, default=clock), clock)
