"""From what the engine counted to findings: episodes and their revisions (DESIGN.md, section 3).

The gate counts, clause by clause; nothing is counted here. A finding sums the clauses that say the same thing of the same operation
within an hour of one another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from sensor.budget import Budget
from sensor.clock import HOUR, utc
from sensor.findings import OUTCOMES, Finding, Statement, Subject, at_least, finding_id, statement_of
from sensor.followed import FollowTally
from sensor.revisions import Revision
from sensor.revisions import Revisions as Revisions

if TYPE_CHECKING:
    from collections.abc import Callable

    from dissectors import Crossing, Tally, Transaction, WindowTally

MAX_EPISODES: Final = 50_000
"""Above this, what says the same of different operations becomes one finding, so that a sweep can't fill the memory."""
FIRST_PACKETS: Final = 10
"""A finding names its first packets and the last."""
MAX_POINTS: Final = 256
ALERTS_PER_HOUR: Final = 100
"""Alerts of one rule in an hour of capture time; what comes beyond is one finding of kind `health`, with the exact counts."""

Key = tuple[object, ...]
_FIRST_THEN_CLAUSE: Final = itemgetter(0, 1)


@dataclass(slots=True, eq=False)
class Episode:
    """One finding while it lives: the tallies it sums, and what its last revision showed. `first`, `last` and `due` are ns. `merged` counts
    the alerts that it stands for, where it is what goes beyond the alert budget."""

    key: Key
    statement: Statement
    subject: Subject
    first: int
    id: str = ""
    last: int = 0
    due: int = 0
    base: int = 0
    closed: bool = False
    number: int = 0
    revised: int = 0
    shown: Sequence[Tally] = ()
    glance: Key = ()
    endings: Key | None = None
    behind: bool = False
    newest_revision: Revision | None = None
    window: WindowTally | _Crossed | None = None
    merged: int | None = None
    tallies: dict[int, Tally] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.id = finding_id(self.statement, self.subject, self.first)
        self.last = self.first
        self.due = self.first + HOUR

    def add(self, statement: Statement, tally: Tally) -> None:
        """Takes the newest state of a clause; the gravest statement speaks for the finding."""
        clause, last = tally.clause, tally.last
        self.tallies[clause] = tally
        self.counts[clause] = tally.count
        if last is not None and last.time > self.last:
            self.last = last.time
        if self.merged is None and statement is not self.statement and statement.severity != self.statement.severity:
            self.statement = statement if at_least(statement.severity, self.statement.severity) else self.statement

    def revise(self, now: int) -> Revision | None:
        """The next revision where one is due: opening, closing, another severity, outcome, points or power of ten of the count."""
        glance, tallies = self._glance(), tuple(self.tallies.values())
        if self.number > 0 and glance == self.glance and _endings(tallies) == self._shown_endings():
            self.behind = True
            return None
        self.glance, self.shown = glance, tallies
        self.endings = None if all(hasattr(tally, "points_mark") for tally in tallies) else _endings(tallies)
        self.number += 1
        self.revised = now
        self.newest_revision = self._revision()
        self.behind = False
        return self.newest_revision

    def _glance(self) -> Key:
        """What makes most revisions due, and costs least to compare."""
        if self.merged is not None:
            return (self.closed, self.statement.severity, len(str(sum(self.counts.values()))), len(str(self.merged)))
        if self.window is not None:
            return (self.closed, self.statement.severity, len(str(self.window.count - self.base)))
        marks = [_points_mark(tally) for tally in self.tallies.values()]
        return (self.closed, self.statement.severity, len(str(sum(self.counts.values()))), *marks)

    def _shown_endings(self) -> Key:
        """Those of the last revision: worked out when they are asked for, since the engine's tallies stay what they were."""
        if self.endings is None:
            self.endings = _endings(self.shown)
        return self.endings

    def newest(self) -> Finding | None:
        """The finding with the newest counts, which alone are no reason for a revision."""
        if self.behind:
            self.newest_revision = self._revision()
            self.behind = False
        return self.newest_revision.finding() if self.newest_revision is not None else None

    def preview(self, now: int) -> Finding:
        """The first revision as it would be now. What was due before stays due."""
        before = self.number, self.revised
        self.number, self.revised = 1, now
        made = self._revision().finding()
        self.number, self.revised = before
        return made

    def _revision(self) -> Revision:
        """This moment's revision. The engine's tallies stay what they were when they were read."""
        tallies, window = tuple(self.tallies.values()), self.window
        state: Any = "closed" if self.closed else "open"
        said = (self.number, state, self.statement, self.subject, self.revised, self.last, self.base)
        known, first = self.id, self.first
        merged = {} if self.merged is None else {"alerts": self.merged}

        def make() -> Finding:
            revision, state, statement, subject, revised, last, base = said
            draft = _window_sum(window, base, first) if window is not None else _clause_sum(tallies)
            detail = {**merged, **(draft.pop("detail", None) or {})} or None
            return Finding(
                id=known, revision=revision, state=state, statement=statement, subject=subject, revised=revised, first=first, last=last,
                detail=detail, **draft,
            )  # fmt: skip

        revision = Revision((first, known), make)
        if window is not None or not all(hasattr(tally, "points_mark") for tally in tallies):
            revision.finding()  # what is not the engine's goes on counting
        return revision


def _points_mark(tally: Tally) -> object:
    """What differs when the points do."""
    mark = getattr(tally, "points_mark", None)
    return mark if mark is not None else tuple((point.text, point.access) for point in tally.points)


def _endings(tallies: Iterable[Tally]) -> Key:
    """Which outcomes there were, and what is said of them."""
    outcomes: dict[Any, int] = {}
    rejections: dict[int, int] = {}
    for tally in tallies:
        found = tally.outcomes
        outcomes.update(found)
        if "rejected" in found:
            rejections.update(tally.rejections)
    return (tuple(sorted(outcomes)), str(_gravest(outcomes, rejections)))


def _clause_sum(tallies: Iterable[Tally]) -> dict[str, Any]:
    """Count, outcomes, points, packets, and the least and greatest value where they were kept, of several clauses."""
    total = 0
    outcomes: dict[str, int] = {}
    rejections: dict[int, int] = {}
    points: dict[tuple[str, str], Mapping[str, Any]] = {}
    packets: set[tuple[int, int, int]] = set()
    values: tuple[float, float] | None = None
    for tally in tallies:
        total += tally.count
        kept = getattr(tally, "values", None)
        if kept is not None:
            values = kept if values is None else (min(values[0], kept[0]), max(values[1], kept[1]))
        for name, number in tally.outcomes.items():
            outcomes[name] = outcomes.get(name, 0) + number
        for code, number in tally.rejections.items():
            rejections[code] = rejections.get(code, 0) + number
        for point in tally.points:
            points.setdefault((point.text, point.access), _point(point))
        packets.update((moment.time, moment.capture, moment.packet) for moment in tally.packets)
    return {
        "count": total,
        "outcome": _gravest(outcomes, rejections),
        "outcomes": {name: outcomes[name] for name in OUTCOMES if outcomes.get(name)},
        "points": [points[key] for key in sorted(points)][:MAX_POINTS],
        "packets": _evidence(packets),
        "detail": None if values is None else {"values": {"least": values[0], "greatest": values[1]}},
    }


def _window_sum(tally: Any, base: int, first: int) -> dict[str, Any]:
    """What a window counted since it was crossed. `base` is what it had counted in earlier episodes."""
    packets = {
        (m.time, m.capture, m.packet)
        for m in (*getattr(tally, "packets", ()), tally.first, tally.last)
        if m is not None and m.time >= first
    }
    return {"count": tally.count - base, "outcome": None, "outcomes": None, "points": [], "packets": _evidence(packets)}


def _evidence(packets: set[tuple[int, int, int]]) -> list[tuple[int, int]]:
    ordered = [(capture, packet) for _, capture, packet in sorted(packets)]
    return ordered if len(ordered) <= FIRST_PACKETS + 1 else [*ordered[:FIRST_PACKETS], ordered[-1]]


def _point(point: Any) -> Mapping[str, Any]:
    named = {"block": point.block, "name": point.name}
    return {
        "point": point.text, "kind": point.kind, **{key: value for key, value in named.items() if value is not None},
        "first": point.first, "last": point.last, "access": point.access,
    }  # fmt: skip


def _gravest(outcomes: Mapping[str, int], rejections: Mapping[int, int]) -> Mapping[str, Any] | None:
    result = next((name for name in OUTCOMES if outcomes.get(name)), None)
    if result is None:
        return None
    return {"result": result, "code": next(iter(rejections))} if result == "rejected" and len(rejections) == 1 else {"result": result}


class Episodes:
    """All episodes of a run. `watch` and `crossed` take what judges say, `advance` what the engine counted.

    `describe` gives the subject of an operation (Engine.operation) and is asked once a finding.
    """

    def __init__(
        self, describe: Callable[[int], Subject], max_episodes: int = MAX_EPISODES, alerts_per_hour: int = ALERTS_PER_HOUR
    ) -> None:
        self._describe = describe
        self._max = max_episodes
        self._budget = Budget(alerts_per_hour)
        self._watched: dict[int, tuple[int, Any]] = {}
        self._statements: dict[int, tuple[Any, Statement]] = {}
        self._of_clause: dict[int, Episode] = {}
        self._of_window: dict[int, Episode] = {}
        self._counted: dict[int, int] = {}
        self._open: dict[Key, Episode] = {}
        self._all: dict[str, Episode] = {}
        self._due: list[tuple[int, int, Episode]] = []
        self._turn = count()
        self._changed: dict[str, Episode] = {}
        self._followed: dict[tuple[int, tuple[str, ...]], FollowTally] = {}
        self._moved: dict[int, FollowTally] = {}
        self._follows = 0
        self._bases: dict[tuple[str, int], int] = {}
        self.grouped = 0
        """How many episodes would have been findings of their own below the ceiling."""

    def watch(self, clause: int, operation: int, consequence: Any) -> None:
        """Occurrences of this clause of this operation have this consequence. What a rule follows (`followed`) is counted by `follow`."""
        if getattr(consequence, "followed", False):
            return
        self._watched[clause] = (operation, consequence)

    def crossed(self, crossing: Crossing, consequence: Any, subject: Subject) -> None:
        """A window crossed its threshold: a finding of its group opens, or goes on within an hour of its last."""
        statement = self._statement(consequence)
        episode = self._of_window.get(crossing.window)
        if episode is None or episode.closed or crossing.first.time - episode.last >= HOUR:
            episode = self._beyond(statement, crossing.first.time)
            if episode is None:
                episode = self._opened((*statement.identity, crossing.window), statement, subject, crossing.first.time)
                episode.base = self._counted.get(crossing.window, 0)
            self._of_window[crossing.window] = episode
        if episode.merged is not None:
            self._merge_window(episode, _Crossed(crossing, self._counted.get(crossing.window, 0)), crossing.window)
        elif episode.window is None:
            episode.window = _Crossed(crossing, episode.base)
        episode.last = max(episode.last, crossing.last.time)
        self._changed[episode.id] = episode

    def ask_again(self) -> None:
        """A new generation: windows count from nothing, so what they cross from now on is told apart."""
        self._of_window.clear()
        self._counted.clear()

    def follow(self, t: Transaction, consequence: Any, before: Sequence[Any] = ()) -> None:
        """An occurrence that no clause counts has this consequence; `before` are the packets of what led to it."""
        moment = t.request or t.response
        key = (t.operation, self._statement(consequence).identity)
        tally = self._followed.get(key)
        if moment is None:
            return
        if tally is None or (tally.last is not None and moment.time - tally.last.time >= HOUR):
            self._follows += 1
            tally = self._followed[key] = FollowTally(-self._follows, t.operation)
            self._watched[tally.clause] = (t.operation, consequence)
        tally.add(t, before)
        self._moved[tally.clause] = tally

    def advance(self, now: int, tallies: Iterable[Tally], windows: Iterable[WindowTally] = ()) -> list[Revision]:
        """Takes the counts as they are at `now` (capture time, ns) and gives the revisions that are due, in a stable order."""
        both: list[Any] = [*tallies, *self._moved.values()]
        self._moved.clear()
        watched = self._watched
        counted = [(first.time, tally.clause, tally) for tally in both if tally.clause in watched and (first := tally.first) is not None]
        for first, clause, tally in sorted(counted, key=_FIRST_THEN_CLAUSE):
            if tally.count:
                self._count(tally, clause, first)
        for window in windows:
            self._count_window(window)
        self._close(now)
        revised = [revision for episode in self._changed.values() if (revision := episode.revise(now)) is not None]
        self._changed.clear()
        return sorted(revised, key=lambda revision: revision.order)

    def openings(self, now: int, tallies: Iterable[Tally]) -> Iterator[Finding]:
        """Findings that will open when what is counted is read at the full minute, told now. `tallies` are those that changed since; they
        are to be given to `advance` as well, for here nothing is taken."""
        both: list[Any] = [*tallies, *self._moved.values()]
        for tally in sorted(both, key=lambda tally: int(tally.clause)):
            if tally.clause not in self._watched or tally.clause in self._of_clause or not tally.count or tally.first is None:
                continue
            operation, consequence = self._watched[tally.clause]
            statement, first = self._statement(consequence), tally.first.time
            known = self._open.get((*statement.identity, operation))
            goes_on = known is not None and first - known.last < HOUR
            if not goes_on and len(self._all) < self._max and self._budget.has_room(statement, first):
                episode = Episode((), statement, self._describe(operation), first)
                episode.add(statement, tally)
                yield episode.preview(now)
        yield from (episode.preview(now) for episode in self._changed.values() if episode.number == 0)

    def known(self, finding: str) -> bool:
        """Whether there is a finding of this id."""
        return finding in self._all

    def told(self, finding: str) -> bool:
        """Whether there is a finding of this id that has had a revision."""
        return finding in self._all and self._all[finding].number > 0

    def current(self) -> list[Finding]:
        """The newest state of every finding, in the order of first time."""
        return sorted((found for e in self._all.values() if (found := e.newest()) is not None), key=lambda finding: finding.order)

    def _count(self, tally: Tally, clause: int, first: int) -> None:
        operation, consequence = self._watched[clause]
        statement = self._statement(consequence)
        episode = self._of_clause.get(clause)
        if episode is None:
            episode = self._of_clause[clause] = self._episode(operation, statement, first)
        elif episode.counts[clause] == tally.count:
            return  # a clause that was replaced is read once more
        elif episode.closed:
            self._reopen(episode)
        episode.add(statement, tally)
        self._changed[episode.id] = episode

    def _count_window(self, tally: WindowTally) -> None:
        self._counted[tally.window] = tally.count
        episode = self._of_window.get(tally.window)
        if episode is None or tally.count <= episode.base or tally.last is None or tally.last.time < episode.first:
            return
        if episode.merged is not None:
            self._merge_window(episode, tally, tally.window)
            return
        episode.window = tally
        episode.last = max(episode.last, tally.last.time)
        self._changed[episode.id] = episode

    def _episode(self, operation: int, statement: Statement, first: int) -> Episode:
        """The open episode that this belongs to, or a new one."""
        key: Key = (*statement.identity, operation)
        episode = self._open.get(key)
        if episode is None and len(self._all) >= self._max:
            key = statement.identity
            self.grouped += 1
            episode = self._open.get(key)
        if episode is not None and first - episode.last < HOUR:
            return episode
        beyond = self._beyond(statement, first)
        if beyond is not None:
            return beyond
        grouped = len(key) == len(statement.identity)
        return self._opened(key, statement, Subject(group={"operations": "several"}) if grouped else self._describe(operation), first)

    def _beyond(self, statement: Statement, first: int) -> Episode | None:
        """Where a rule has had its alerts of this hour: the episode that counts what comes beyond, which takes one more."""
        said = self._budget.beyond(statement, first)
        if said is None:
            return None
        key: Key = (*said.identity, first // HOUR)
        episode = self._open.get(key)
        if episode is None:
            episode = self._opened(key, said, Subject(group={"hour": utc(first - first % HOUR)}), first)
            episode.merged = episode.merged or 0
        if at_least(said.severity, episode.statement.severity):
            episode.statement = said
        episode.merged = (episode.merged or 0) + 1
        self._changed[episode.id] = episode
        return episode

    def _merge_window(self, episode: Episode, tally: Any, window: int) -> None:
        """A window's counts among those of clauses: windows are told from clauses by their sign."""
        base = self._bases.setdefault((episode.id, window), tally.base if isinstance(tally, _Crossed) else 0)
        clause = -2 * window - 1 - (1 << 40)
        episode.add(episode.statement, _OfWindow(clause, tally, base, episode.first))  # type: ignore[arg-type]
        self._changed[episode.id] = episode

    def _opened(self, key: Key, statement: Statement, subject: Subject, first: int) -> Episode:
        earlier = self._open.get(key)
        if earlier is not None:
            self._shut(earlier)
        episode = Episode(key, statement, subject, first)
        known = self._all.setdefault(episode.id, episode)
        if known is not episode:
            self._reopen(known)
            return known
        self._open[key] = episode
        heappush(self._due, (episode.due, next(self._turn), episode))
        return episode

    def _shut(self, episode: Episode) -> None:
        episode.closed = True
        if self._open.get(episode.key) is episode:
            del self._open[episode.key]
        self._changed[episode.id] = episode

    def _reopen(self, episode: Episode) -> None:
        """A clause that goes on counting after an hour of quiet (one without `fresh`): its counts can't be told apart, so neither can the
        episodes."""
        episode.closed = False
        self._open.setdefault(episode.key, episode)
        heappush(self._due, (episode.due, next(self._turn), episode))

    def _close(self, now: int) -> None:
        while self._due and self._due[0][0] <= now:
            _, _, episode = heappop(self._due)
            if episode.closed:
                continue
            episode.due = episode.last + HOUR
            if episode.due <= now:
                self._shut(episode)
            else:
                heappush(self._due, (episode.due, next(self._turn), episode))

    def _statement(self, consequence: Any) -> Statement:
        """Judges share one consequence among many clauses; it is held here so that its identity stays its own."""
        known = self._statements.get(id(consequence))
        if known is None:
            known = self._statements[id(consequence)] = (consequence, statement_of(consequence))
        return known[1]


class _Crossed:
    """A crossing shaped like a window's tally, until the engine's own is read."""

    __slots__ = ("base", "count", "first", "last", "packets")

    def __init__(self, crossing: Crossing, base: int) -> None:
        self.base = base
        self.count = crossing.count + base
        self.first = crossing.first
        self.last = crossing.last
        self.packets: tuple[Any, ...] = ()


class _OfWindow:
    """A window's tally, or its crossing, shaped like a clause's."""

    outcomes: Mapping[str, int] = {}
    rejections: Mapping[int, int] = {}
    points: tuple[Any, ...] = ()

    __slots__ = ("clause", "count", "first", "last", "packets")

    def __init__(self, clause: int, tally: Any, base: int, since: int) -> None:
        self.clause = clause
        self.count = tally.count - base
        self.first, self.last = tally.first, tally.last
        self.packets = [m for m in (*tally.packets, tally.first, tally.last) if m is not None and m.time >= since]
