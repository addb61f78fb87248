"""What all judges together answer to the gate (DESIGN.md, 2.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dissectors import Clause

if TYPE_CHECKING:
    from dissectors import Expected

Lanes = Mapping[int, Sequence["Expected"]]
Asking = Sequence[tuple[int, Sequence[Any]]]
"""Lanes for Engine.expect: number, and clauses or the numbers of those it has."""

_ANYTHING: Final = Clause(anomalies=None, tally=False)


class Answer(NamedTuple):
    """What all judges together expect, the same object for all operations of which they expect the same.

    `lanes` as the gate holds them: one that expects everything and counts nothing is left out unless it is the only one. `native` is
    the same for Engine.expect; `said` has the entries with a consequence: lane, place of the lane, place in it, entry. `follows`: a
    consequence is followed. `numbered`: a clause counts, so its number has to be known when the answer changes. `joint`: the gate holds one
    clause for all lanes, so that what it delivers is asked anew. `given` keeps the judges' objects, whose identities are the key that the
    answer is found by.
    """

    lanes: Lanes
    native: Asking
    said: Sequence[tuple[int, int, int, Expected]]
    follows: bool
    numbered: bool
    joint: bool
    given: Sequence[Lanes]

    @classmethod
    def of(cls, answers: Sequence[Lanes]) -> Answer:
        """From the lanes of each judge."""
        given = {lane: entries for lanes in answers for lane, entries in lanes.items()}
        lanes = {lane: entries for lane, entries in given.items() if not _idle(entries)} or dict(tuple(given.items())[:1])
        said = tuple(
            (lane, place, index, entry)
            for place, (lane, entries) in enumerate(lanes.items())
            for index, entry in enumerate(entries)
            if entry.consequence is not None
        )
        joint = _joint(lanes)
        return cls(
            lanes=lanes,
            native=[(lane, [entry.clause for entry in entries]) for lane, entries in lanes.items()] if joint is None else [(0, [joint])],
            joint=joint is not None,
            said=said,
            follows=any(getattr(entry.consequence, "followed", False) for _, _, _, entry in said),
            numbered=any(_is_held(entry.clause) for entries in lanes.values() for entry in entries),
            given=answers,
        )


def _is_held(clause: Clause) -> bool:
    """Whether the gate keeps something of a clause that is lost when it is replaced."""
    return clause.tally or clause.learn or clause.fresh is not None or clause.regular is not None


def _idle(entries: Sequence[Expected]) -> bool:
    """Whether a lane expects everything, counts nothing and says nothing."""
    return len(entries) == 1 and entries[0].consequence is None and entries[0].clause == _ANYTHING


def _joint(lanes: Lanes) -> Clause | None:
    """One clause for several lanes that count nothing and differ in the outcomes that they expect: the usual operation, which the gate then
    judges at the price of a single clause. None where they aren't such lanes."""
    if len(lanes) < 2:
        return None
    common: Sequence[str] | None = None
    for entries in lanes.values():
        clause = entries[0].clause
        if len(entries) > 1 or entries[0].consequence is not None or clause.outcomes is None:
            return None
        if Clause(outcomes=clause.outcomes, anomalies=None, tally=False) != clause:
            return None
        outcomes = clause.outcomes
        common = [outcome for outcome in outcomes if common is None or outcome in common]
    return Clause(outcomes=tuple(common), anomalies=None, tally=False) if common else None
