"""Votes for what an asset is, and how they are counted.

A vote says a value with a weight from 0 to 1 and names what it rests on. Votes for the same value that share no cause support each
other; a rival value takes away. What stays below `SURE_ENOUGH` is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

SURE_ENOUGH: Final = 0.5
"""From this confidence on a conclusion is given; below it the votes are listed and the value stays unknown."""
MAX_GROUNDS: Final = 3
"""Pieces of evidence that a vote names."""

Value = str | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One vote. `grounds` are what it rests on, each with capture, packet, time, protocol and field."""

    topic: str
    value: Value
    weight: float
    rule: str
    cause: str
    why: str
    grounds: Sequence[Mapping[str, Any]] = ()

    def to_dict(self) -> dict[str, Any]:
        """As it stands in documents."""
        grounds = [dict(ground) for ground in self.grounds]
        return {"value": self.value, "weight": round(self.weight, 3), "rule": self.rule, "why": self.why, "evidence": grounds}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What the votes on one topic come to; `value` is None where they leave it open."""

    topic: str
    value: Value | None
    confidence: float
    votes: Sequence[Vote]

    def to_dict(self) -> dict[str, Any]:
        """Value, confidence and all votes, the heaviest first."""
        return {"value": self.value, "confidence": round(self.confidence, 3), "votes": [vote.to_dict() for vote in self.votes]}


def counted(topic: str, votes: Iterable[Vote]) -> Conclusion:
    """Counts the votes on a topic: of each cause the heaviest vote for a value, 1 − Π(1 − weight) over causes, less half of the share
    that the strongest rival has."""
    ordered = sorted(votes, key=lambda vote: (-vote.weight, str(vote.value), vote.rule))
    causes: dict[Value, dict[str, float]] = {}
    for vote in ordered:
        causes.setdefault(vote.value, {}).setdefault(vote.cause, vote.weight)
    support = sorted(((_united(weights.values()), value) for value, weights in causes.items()), key=lambda one: (-one[0], str(one[1])))
    if not support:
        return Conclusion(topic=topic, value=None, confidence=0.0, votes=())
    best, value = support[0]
    rival = support[1][0] if len(support) > 1 else 0.0
    confidence = best * (1 - rival / 2)
    known = confidence >= SURE_ENOUGH and best > rival
    return Conclusion(topic=topic, value=value if known else None, confidence=confidence, votes=ordered)


def _united(weights: Iterable[float]) -> float:
    rest = 1.0
    for weight in weights:
        rest *= 1 - weight
    return 1 - rest
