"""Which verdicts change with another policy: what was done, as it was judged and as it would be, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from zones.expectations import said_of
from zones.judge import Judge
from zones.learn import Placing
from zones.past import Done, standing
from zones.vocabulary import Vocabulary

ALLOWED = "allowed"
REASON = "another reason"
UNSEEN = ("insufficient values_unseen", "insufficient user_unseen", "insufficient security_mode_unseen", "insufficient initiator_unseen")
"""What is said where something decides that isn't kept of an operation."""


class What(NamedTuple):
    """Who did what to whom; what doesn't apply, or isn't told apart, is None."""

    client: str
    server: str
    protocol: str
    access: str | None
    unit: str | None = None
    code: int | None = None
    name: str | None = None
    port: int | None = None
    sub: tuple[int | None, int] | None = None


class Decided(NamedTuple):
    """How often something was decided, and the policy's line that says so (None: not known)."""

    times: int
    line: int | None


Decisions = Mapping[str, Decided]
"""By what is said (`allowed`, `violation point`)."""


class Turn(NamedTuple):
    """A verdict that changes: what, how often, from what to what, and the lines that say so."""

    what: What
    times: int
    before: str
    after: str
    lines: tuple[int | None, int | None]

    @property
    def kind(self) -> str:
        """`allowed → violation`; `another reason` where nothing else changes."""
        before, after = self.before.partition(" ")[0], self.after.partition(" ")[0]
        return REASON if before == after else f"{before} → {after}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        what = self.what._asdict() | {"function": None if self.what.code is None else {"code": self.what.code, "name": self.what.name}}
        kept = {key: what[key] for key in ("client", "server", "port", "protocol", "unit", "function", "access")}
        sub = self.what.sub
        kept["sub_function"] = None if sub is None else {"group": sub[0], "code": sub[1]}
        lines = {"before": self.lines[0], "after": self.lines[1]}
        return kept | {"count": self.times, "before": self.before, "after": self.after, "kind": self.kind, "lines": lines}


@dataclass(frozen=True, slots=True)
class Outlook:
    """All of it: the turns, the gravest first; how many operations and occurrences were judged; what this can't say."""

    turns: tuple[Turn, ...]
    operations: int
    occurrences: int
    notes: tuple[str, ...]

    @property
    def totals(self) -> dict[str, tuple[int, int]]:
        """Operations and occurrences by kind of change."""
        made: dict[str, tuple[int, int]] = {}
        for kind in dict.fromkeys(turn.kind for turn in self.turns):
            same = [turn for turn in self.turns if turn.kind == kind]
            made[kind] = (len({turn.what for turn in same}), sum(turn.times for turn in same))
        return made

    def to_dict(self) -> dict[str, Any]:
        """Plain values: `changes`, `totals` by kind, `operations`, `occurrences`, `notes`."""
        totals = {kind: {"operations": one, "occurrences": times} for kind, (one, times) in self.totals.items()}
        return {
            "operations": self.operations, "occurrences": self.occurrences, "totals": totals,
            "changes": [turn.to_dict() for turn in self.turns], "notes": list(self.notes),
        }  # fmt: skip


def what_of(done: Done) -> What:
    """Of an operation."""
    sub = None if done.sub is None else done.sub[:2]
    return What(done.client, done.server, done.protocol, done.access, done.unit, done.code, done.name, done.port, sub)


def decided(judge: Judge, place: Placing, done: Done, words: Vocabulary) -> Decisions:
    """What a policy says of an operation as it was counted: one thing of all its occurrences."""
    rung = standing(judge, place(done.client, done.server), done, words)
    return {said_of(rung.verdict): Decided(done.times, rung.verdict.line if rung.verdict is not None else rung.line)}


def outlook(pairs: Iterable[tuple[What, Decisions, Decisions]], notes: Iterable[str]) -> Outlook:
    """Puts together what was and what would be decided."""
    turns: list[Turn] = []
    operations = occurrences = 0
    for what, before, after in pairs:
        if what.code is not None:  # a rate counts what other operations are
            operations += 1
            occurrences += sum(one.times for one in before.values())
        turns.extend(_turns(what, before, after))
    return Outlook(tuple(sorted(turns, key=_gravity)), operations, occurrences, tuple(notes))


def _turns(what: What, before: Decisions, after: Decisions) -> Iterator[Turn]:
    """What became of the occurrences that are decided otherwise: as many as are lost on one side are won on the other."""
    lost = {said: one.times - _times(after, said) for said, one in before.items() if one.times > _times(after, said)}
    won = {said: one.times - _times(before, said) for said, one in after.items() if one.times > _times(before, said)}
    for said in sorted(lost):
        for became in sorted(won):
            times = min(lost[said], won[became])
            if times:
                lost[said] -= times
                won[became] -= times
                yield Turn(what, times, said, became, (before[said].line, after[became].line))


def _times(decisions: Decisions, said: str) -> int:
    return decisions[said].times if said in decisions else 0


_ORDER = ("allowed → violation", "insufficient → violation", "allowed → insufficient", "violation → insufficient")


def _gravity(turn: Turn) -> tuple[Any, ...]:
    """What becomes a violation first, then what is known no more, what becomes allowed, other reasons; the most frequent first."""
    place = _ORDER.index(turn.kind) if turn.kind in _ORDER else len(_ORDER) + (turn.kind == REASON)
    return (place, turn.kind, -turn.times, tuple("" if part is None else str(part) for part in turn.what), turn.before, turn.after)
