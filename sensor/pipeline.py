"""The one loop: batches of facts in, assets and findings out (DESIGN.md, 2).

    fact → inventory → zones → rules → finding

Per new operation this costs microseconds that are measured (tests/bench); nothing here runs per packet, and nothing here counts.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sensor.answers import Answer, Asking, Lanes
from sensor.clock import MINUTE
from sensor.coverage import Coverage
from sensor.episodes import ALERTS_PER_HOUR, Episodes
from sensor.findings import subject_of, subject_of_group
from sensor.inventory import Inventory
from sensor.result import Listed, Result
from sensor.revisions import Revisions

if TYPE_CHECKING:
    from typing import Protocol

    from dissectors import Batch, Crossing, Engine, Tally, Transaction, WindowTally
    from sensor.baseline.course import Course, Until
    from sensor.plan import Plan
    from sensor.spool import Lines, Transactions
    from sensor.suppressions import Suppression

    class Judge(Protocol):
        """Whoever answers the gate: zones.decision.Decider, the judge of rules."""

        def lanes(self, t: Transaction, held: Lanes) -> Lanes:
            """The complete ordered list of each of its lanes. `held` is what the lanes hold now, empty for a new operation."""

    class Listener(Judge, Protocol):
        """A judge that listens to what is delivered as well: sensor.timeline.chronicle."""

        def heard(self, t: Transaction) -> None:
            """Called once for each delivered transaction."""

    class Group(Protocol):
        """What a window counts: the consequence, and the fields of its group with their values."""

        @property
        def alert(self) -> Any: ...
        @property
        def fields(self) -> Mapping[str, Any]: ...

    class Watcher(Judge, Protocol):
        """A judge that counts in windows as well, or follows: rules.judge.Judge."""

        def crossed(self, crossing: Crossing) -> Group:
            """What a crossed window means, and of which group."""

        def follow(self, t: Transaction, lanes: Lanes) -> Sequence[Any]:
            """The consequences of a delivered occurrence that no clause counts."""

        def before(self, alert: Any) -> Sequence[Any]:
            """The packets of earlier steps, where the occurrence that `follow` just looked at completed a sequence."""

    class Keeper(Protocol):
        """Whoever keeps what is found while it is found: sensor.watch.keeping."""

        def took(self, pipeline: Pipeline, batch: Batch) -> None:
            """Called when a batch has been worked off, and what was counted has been read where it was a full minute."""

    class EngineLike(Protocol):
        """What the loop needs of dissectors.Engine."""

        def advance(self) -> Batch | None: ...
        def expect(self, operation: int, lanes: Sequence[tuple[int, Sequence[Any]]]) -> list[list[int]]: ...
        def tallies(self) -> list[Tally]: ...
        def ask_again(self) -> None: ...
        def operations(self) -> Listed[Tally]: ...
        def operation(self, number: int) -> dict[str, Any]: ...
        def window_tallies(self) -> list[WindowTally]: ...
        def conversations(self) -> Listed[Mapping[str, Any]]: ...
        def result(self) -> dict[str, Any]: ...
        def progress(self) -> tuple[int, int, int]: ...
        def stop(self) -> None: ...


Progress = Callable[[int, int, int, int], object]
"""Is given bytes read, bytes in all (0 where unknown), packets read, capture time in ns; where it gives False the run ends with what was
read so far."""

_NOTHING: Final[Lanes] = {}
_NO_CLAUSES: Final[Mapping[int, int]] = {}
MAX_ANSWERS: Final = 4_096
"""Answers that are found again by the judges' objects."""
_MANY_OBJECTS: Final = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayConfig:
    """What to replay and how.

    `captures`: files, folders, or `-` for standard input. `zones`: a policy file, None judges no traffic. `rules`: folders of rules beside
    the catalog (`catalog` switches the shipped ones). `store`: the store's file, None for the user's own; `keep` False writes none.
    `alerts_per_hour`: of one rule; what comes beyond is one finding with the exact counts (0: no bound).
    `start` and `end`: capture time in ns, inclusive and exclusive. `digest`: work out the captures' SHA-256, which takes longer than
    analysing them. `outbox`: which transactions wait for outputs: none, unexpected (those that findings show) or all. `baseline`: the
    name of the one in the store to judge by; with `learn` one is learned first, kept under that name where there is one, and judged by
    from then on. The rest goes to dissectors.Engine as it is.
    """

    captures: Sequence[str | Path]
    zones: Path | None = None
    rules: Sequence[Path] = ()
    catalog: bool = True
    store: Path | None = None
    keep: bool = True
    transactions: str | None = None
    threads: int = 0
    filter: str | None = None
    start: int | None = None
    end: int | None = None
    batch_packets: int = 65_536
    plugins: Sequence[Any] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    cache: bool = True
    digest: bool = False
    outbox: Transactions = "none"
    alerts_per_hour: int = ALERTS_PER_HOUR
    baseline: str | None = None
    learn: Until | None = None


class ConfigurationError(ValueError):
    """The engine can't be set up so: a filter, limit or dissector that isn't one."""


class OutputError(Exception):
    """Transactions can't be written where they should be."""


class Pipeline:
    """One run of an engine: `run` takes its batches until there are no more."""

    def __init__(
        self, engine: EngineLike, judges: Sequence[Judge], watcher: Watcher | None = None, *, alerts_per_hour: int = ALERTS_PER_HOUR,
        listener: Listener | None = None, course: Course | None = None, keeper: Keeper | None = None,
    ) -> None:  # fmt: skip
        self.engine = engine
        self.inventory = Inventory()
        self.episodes = Episodes(lambda number: subject_of(engine.operation(number)), alerts_per_hour=alerts_per_hour)
        self.coverage = Coverage()
        self.revisions = Revisions()
        self.clock = 0
        self.interrupted = False
        self.tallies: Listed[Tally] = ()
        self.conversations: Listed[Mapping[str, Any]] = ()
        self.course = course
        self._judges = [judge for judge in (*judges, watcher, course) if judge is not None]
        self._keeper = keeper
        self._watcher = watcher
        self._heard = None if listener is None else listener.heard
        if listener is not None:
            self._judges.append(listener)
        self._counting: Sequence[Any] = [judge for judge in judges if hasattr(judge, "owns")]
        self._noted = 0
        self._held: list[Answer | None] = []
        self._clauses: dict[int, Sequence[Sequence[int]]] = {}
        self._answers: dict[tuple[int, ...], Answer] = {}
        self._takers: Mapping[str, Callable[[Any], None]] = {
            "transaction": self._transaction, "observation": self.inventory.observe, "crossing": self._crossing,
            "anomaly": self.coverage.anomaly,
        }  # fmt: skip

    def run(self, progress: Progress | None = None) -> None:
        """Takes every batch; `progress` is called after each."""
        engine, takers = self.engine, self._takers
        while (batch := engine.advance()) is not None:
            for fact in batch:
                takers[fact.kind](fact)
            self.clock = batch.clock
            if batch.minute or batch.end:
                self._read(batch.clock if batch.end else batch.clock - batch.clock % MINUTE)
                if self.course is not None:
                    self._go_on(self.course, batch)
            if self._keeper is not None:
                self._keeper.took(self, batch)
            if progress is not None and progress(*engine.progress(), batch.clock) is False and not self.interrupted:
                self.interrupted = not batch.end
                engine.stop()
        self._finish()

    def _transaction(self, t: Transaction) -> None:
        number, known = t.operation, self._held
        held = known[number] if number < len(known) else None
        answer = self._new(t) if held is None else self._again(t, held)
        if answer.follows and self._watcher is not None:
            for consequence in self._watcher.follow(t, answer.lanes):
                self.episodes.follow(t, consequence, self._watcher.before(consequence))
        if self._heard is not None:
            self._heard(t)

    def _crossing(self, crossing: Crossing) -> None:
        owner = next((judge for judge in self._counting if judge.owns(crossing.window)), self._watcher)
        if owner is not None:
            group = owner.crossed(crossing)
            self.episodes.crossed(crossing, group.alert, subject_of_group(group.fields))

    def _new(self, t: Transaction) -> Answer:
        """An operation's first occurrence: who is it, and what does each judge expect of it?"""
        if t.operation > self._noted:
            self.inventory.operation(t)
            self._noted = t.operation
        return self._asked(t)

    def _asked(self, t: Transaction) -> Answer:
        """The judges' answer to an occurrence as if it were the first, told to the gate."""
        answers = [judge.lanes(t, _NOTHING) for judge in self._judges]
        key = tuple(map(id, answers))
        answer = self._answers.get(key)
        if answer is None:
            if len(self._answers) >= MAX_ANSWERS:
                self._answers.clear()
            answer = self._answers[key] = Answer.of(answers)
        self._tell(t.operation, answer, answer.native, {})
        return answer

    def _again(self, t: Transaction, held: Answer) -> Answer:
        """A later occurrence that some lane did not expect. Only lanes that asked are answered."""
        if held.joint:
            return self._asked(t)
        before = held.lanes
        asked = {lane for place, lane in enumerate(before) if t.lanes >> place & 1}
        lanes = dict(before)
        for judge in self._judges:
            for lane, entries in judge.lanes(t, before).items():
                if lane in asked or lane not in before:
                    lanes[lane] = entries
        answer = Answer.of([lanes])
        if answer.lanes.keys() == before.keys() and all(answer.lanes[lane] is entries for lane, entries in before.items()):
            return held
        number = t.operation
        known: dict[int, dict[int, int]] = {}
        for (lane, entries), numbers in zip(before.items(), self._clauses.get(number, ()), strict=False):
            known[lane] = {id(entry): clause for entry, clause in zip(entries, numbers, strict=True)}
        asking = [(lane, [known.get(lane, {}).get(id(entry), entry.clause) for entry in entries]) for lane, entries in answer.lanes.items()]
        self._tell(number, answer, asking, known)
        return answer

    def _tell(self, number: int, answer: Answer, asking: Asking, kept: Mapping[int, Mapping[int, int]]) -> None:
        """Answers the gate; what is said of clauses that aren't `kept` (by lane and entry) is watched from now on."""
        clauses = self.engine.expect(number, asking)
        known = self._held
        if number >= len(known):
            known.extend([None] * (number + 1 - len(known)))
        known[number] = answer
        if answer.numbered:
            self._clauses[number] = clauses
        else:
            self._clauses.pop(number, None)
        for lane, place, index, entry in answer.said:
            if id(entry) not in kept.get(lane, _NO_CLAUSES):
                self.episodes.watch(clauses[place][index], number, entry.consequence)

    def _read(self, now: int) -> None:
        """What was counted, at a full minute or at the end."""
        if gc.get_count()[0] > _MANY_OBJECTS:
            gc.collect()
        self.revisions.extend(self.episodes.advance(now, self.engine.tallies(), self.engine.window_tallies()))

    def _go_on(self, course: Course, batch: Batch) -> None:
        """Where learning a baseline is over, a new generation begins: every operation is asked again."""
        if batch.end:
            course.end(batch.clock, batch)
        elif course.turns(batch.clock - batch.clock % MINUTE, batch):
            self.engine.ask_again()
            self.episodes.ask_again()
            self._held.clear()
            self._clauses.clear()
            self._answers.clear()

    def _finish(self) -> None:
        self._held.clear()
        self._clauses.clear()
        self.tallies = self.engine.operations()
        self.conversations = self.engine.conversations()
        self.inventory.count(self.tallies, self.conversations)

    @property
    def ceilings(self) -> Mapping[str, int]:
        """Ceilings on this side of the gate that were reached, by table."""
        windows = getattr(self._watcher, "windows", None)
        rates = sum(judge.rates.refused for judge in self._counting)
        own = {"findings": self.episodes.grouped, "rule_windows": getattr(windows, "refused", 0), "rate_windows": rates}
        own["rule_sequences"] = getattr(getattr(self._watcher, "sequences", None), "forgotten", 0)
        learning = {} if self.course is None else self.course.ceilings
        return {**self.inventory.ceilings, **learning, **{table: count for table, count in own.items() if count}}


def replay(config: ReplayConfig, progress: Progress | None = None, listener: Listener | None = None) -> Result:
    """Replays captures against a policy and rules, and keeps the outcome in the store. `listener` hears what is delivered, with contents.

    Raises dissectors.CaptureError where a capture can't be opened, OSError where policy or rules can't, zones.PolicyError and
    rules.RuleErrors with all that is wrong with them, ConfigurationError and OutputError. A store that fails does not: the result says so
    (`store_error`), and what goes wrong after the start stands in its engine's `errors`.
    """
    from sensor.plan import load

    plan = load(config.zones, config.rules, catalog=config.catalog, cache=config.cache, declared=declared(config.store, keep=config.keep))
    course = _course(config)
    with _spooled(config) as lines:
        engine = _opened(config, None if lines is None else lines.path, contents=listener is not None)
        with collector_at_rest():
            result = analyse(
                engine, plan, progress, alerts_per_hour=config.alerts_per_hour, listener=listener,
                course=None if course is None else course(engine),
            )  # fmt: skip
            result.lines = lines
            result.suppress(_suppressions(config))
            if config.keep:
                result.keep(config.store)
    return result


def _course(config: ReplayConfig) -> Callable[[Engine], Course] | None:
    """The baseline's part of this run, if there is one. Raises BaselineError where the store can't give what was asked for."""
    if config.baseline is None and config.learn is None:
        return None
    from sensor.baseline.course import planned

    return planned(config.baseline, config.learn, config.store)


@contextmanager
def _spooled(config: ReplayConfig) -> Iterator[Lines | None]:
    """Where the engine writes transactions for the outbox: the file that was asked for, else one of our own that goes when all is kept."""
    if config.outbox == "none" or not config.keep:
        yield None
        return
    from sensor.places import default_store
    from sensor.spool import Lines, spool

    if config.transactions is not None:
        yield Lines(Path(config.transactions), config.outbox)
        return
    with spool(default_store() if config.store is None else config.store) as path:
        yield Lines(path, config.outbox)


def declared(store: Path | None, *, keep: bool) -> Sequence[Any]:
    """What people declared of assets in the store that a run goes to (None: the user's own)."""
    from sensor.places import default_store

    place = default_store() if store is None else store
    if not keep or not place.exists():
        return ()
    from sensor.inventory.trusted import kept_declarations

    return kept_declarations(place)


def _suppressions(config: ReplayConfig) -> Sequence[Suppression]:
    """What people suppressed, by the store that this run goes to."""
    from sensor.places import default_store
    from sensor.suppressions import of_store

    return of_store(default_store() if config.store is None else config.store) if config.keep else ()


def _opened(config: ReplayConfig, lines: Path | None, *, contents: bool = False) -> Engine:
    """The engine with its captures open. `lines`: where transactions go for the outbox."""
    from dissectors import Engine

    try:
        engine = Engine(
            follow=False, threads=config.threads, filter=config.filter, start=config.start, end=config.end,
            transactions=config.transactions if lines is None else str(lines), batch_packets=config.batch_packets,
            plugins=config.plugins, limits=config.limits, digest=config.digest, contents=contents,
        )  # fmt: skip
    except (ValueError, LookupError) as error:
        raise ConfigurationError(str(error)) from error
    try:
        engine.open([str(path) for path in config.captures])
    except OSError as error:
        raise OutputError(f"{config.transactions}: {error.strerror or error}") from error
    return engine


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Nothing here makes cycles, and looking for them in what a run holds takes a third of its time. Should a site's dissector make some,
    they are collected at a full minute."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()
            gc.enable()


def analyse(
    engine: Any, plan: Plan, progress: Progress | None = None, *, alerts_per_hour: int = ALERTS_PER_HOUR,
    listener: Listener | None = None, course: Course | None = None,
) -> Result:  # fmt: skip
    """The same for an engine that is open already; nothing is stored."""
    judges, watcher = plan.judges(engine)
    pipeline = Pipeline(engine, judges, watcher, alerts_per_hour=alerts_per_hour, listener=listener, course=course)
    pipeline.run(progress)
    return Result.of(pipeline, plan)
