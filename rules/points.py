"""Conditions on points as ranges of a clause.

A rule asks whether one of the points has something; a clause fits when every point lies in its ranges. So a rule's negation becomes ranges:
no point has it exactly when all of them are covered. What ranges cannot say exactly is not translated, and the rule is followed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rules.expression import Expr, Has, Not, Some, Test, passes
from rules.fields import ACCESSES

if TYPE_CHECKING:
    from dissectors import PointLine

TOP = 2**64 - 1
"""Greatest address."""

MAX_SPANS = 64
"""Ranges of one clause; a condition that needs more is followed."""


@dataclass(frozen=True, slots=True)
class Span:
    """Points from `first` to `last` of a kind and an access (None: of any), with values from `minimum` to `maximum` (None: any)."""

    kind: str | None = None
    access: str | None = None
    first: int = 0
    last: int = TOP
    minimum: float | None = None
    maximum: float | None = None

    @property
    def limited(self) -> bool:
        """Values matter."""
        return self.minimum is not None or self.maximum is not None


Spans = tuple[Span, ...]

MAX_REMEMBERED = 1_024
"""Conditions whose ranges are remembered."""

MAX_SEARCHES = 6
"""Searches on points in one rule that are translated: each doubles the clauses. A rule with more is followed."""


@lru_cache(maxsize=MAX_REMEMBERED)
def uncovered(some: Some, kinds: tuple[str, ...]) -> Spans | None:
    """The ranges that cover a point exactly when it has not all that `some` asks; None where no ranges do.

    `kinds` are all kinds of points that the protocol has. Remembered: a rule asks the same of each operation that it concerns.
    """
    spans: list[Span] = []
    for item in some.items:
        part = _without(item, kinds)
        if part is None:
            return None
        spans.extend(part)
    return exact(spans)


def sayable(searches: Sequence[Some], kinds: tuple[str, ...]) -> bool:
    """Ranges can say whether points have what these searches ask, in any combination of them."""
    if len(searches) > MAX_SEARCHES:
        return False
    combined: list[Spans] = []
    for some in searches:
        free = uncovered(some, kinds)
        if free is None:
            return False
        further = [intersection(within, free) for within in combined]
        if None in further:
            return False
        combined += [free, *(spans for spans in further if spans is not None)]
    return True


@lru_cache(maxsize=MAX_REMEMBERED)
def intersection(a: Spans, b: Spans) -> Spans | None:
    """What is covered by both; None where ranges cannot say it exactly."""
    return exact([both for one in a for other in b if (both := _both(one, other)) is not None])


def exact(spans: Iterable[Span]) -> Spans | None:
    """The same without what others contain, if each point that they cover together is covered by one of them alone, else None."""
    kept: list[Span] = []
    for span in dict.fromkeys(spans):
        if not any(_contains(other, span) for other in kept):
            kept = [other for other in kept if not _contains(span, other)]
            kept.append(span)
    if len(kept) > MAX_SPANS:
        return None
    for index, one in enumerate(kept):
        if any(_touch(one, other) for other in kept[index + 1 :]):
            return None
    return tuple(kept)


@lru_cache(maxsize=MAX_REMEMBERED)
def lines(spans: Spans) -> tuple[PointLine, ...]:
    """As a clause has them. Values that were not seen pass limits: no rule can say of them that it matched."""
    from dissectors import PointLine

    return tuple(
        PointLine(
            access=span.access,
            kind=span.kind,
            first=span.first,
            last=span.last,
            minimum=span.minimum,
            maximum=span.maximum,
            lenient=span.limited,
        )
        for span in spans
    )


def plain(point: Any) -> bool:
    """Ranges speak of this point: it has addresses rather than a name, and numbers as values."""
    return point.name is None and all(isinstance(value, (int, float)) for value in point.values or ())


def covered(points: Sequence[Any], clause_lines: Sequence[PointLine] | None) -> bool:
    """Whether each point lies in one of a clause's ranges, as the gate decides it."""
    return clause_lines is None or all(any(_lies_in(point, line) for line in clause_lines) for point in points)


def _lies_in(point: Any, line: PointLine) -> bool:
    if line.kind not in (None, point.kind) or line.access not in (None, point.access):
        return False
    if point.name is not None and (line.first, line.last) != (0, TOP):
        return False
    if point.first < line.first or point.last > line.last:
        return False
    low = -math.inf if line.minimum is None else line.minimum
    high = math.inf if line.maximum is None else line.maximum
    return all(low <= value <= high for value in point.values or () if isinstance(value, (int, float)))


def _without(item: Expr, kinds: tuple[str, ...]) -> list[Span] | None:
    """The ranges of the points that do not have one thing."""
    match item:
        case Has(field="points.kind"):
            return [Span(kind=kind) for kind in kinds if not _named(item, kind)]
        case Not(part=Has(field="points.kind") as asked):
            return [Span(kind=kind) for kind in kinds if _named(asked, kind)]
        case Has(field="points.access"):
            return [Span(access=access) for access in ACCESSES if not _named(item, access)]
        case Not(part=Has(field="points.access") as asked):
            return [Span(access=access) for access in ACCESSES if _named(asked, access)]
        case Has(field="points.first", tests=(test,)):
            return _from_first(test)
        case Has(field="points.last", tests=(test,)):
            return _to_last(test)
        case Has(field="points.values", tests=(test,)):
            return _limited(test)
    return None


def _named(item: Has, name: str) -> bool:
    results = [passes(test, name) for test in item.tests]
    return not results or (all(results) if item.every else any(results))


def _from_first(test: Test) -> list[Span] | None:
    """Not below a number."""
    match test.op:
        case "lt":
            first = math.ceil(test.value)
        case "lte":
            first = math.floor(test.value) + 1
        case _:
            return None
    return [Span(first=max(first, 0))] if first <= TOP else []


def _to_last(test: Test) -> list[Span] | None:
    """Not above a number."""
    match test.op:
        case "gt":
            last = math.floor(test.value)
        case "gte":
            last = math.ceil(test.value) - 1
        case _:
            return None
    return [Span(last=min(last, TOP))] if last >= 0 else []


def _limited(test: Test) -> list[Span] | None:
    """No value beyond a number."""
    match test.op:
        case "gt":
            return [Span(maximum=float(test.value))]
        case "gte":
            return [Span(maximum=math.nextafter(float(test.value), -math.inf))]
        case "lt":
            return [Span(minimum=float(test.value))]
        case "lte":
            return [Span(minimum=math.nextafter(float(test.value), math.inf))]
    return None


def _both(a: Span, b: Span) -> Span | None:
    if None not in (a.kind, b.kind) and a.kind != b.kind:
        return None
    if None not in (a.access, b.access) and a.access != b.access:
        return None
    first, last = max(a.first, b.first), min(a.last, b.last)
    if first > last:
        return None
    lows = [low for low in (a.minimum, b.minimum) if low is not None]
    highs = [high for high in (a.maximum, b.maximum) if high is not None]
    return Span(a.kind or b.kind, a.access or b.access, first, last, max(lows, default=None), min(highs, default=None))


def _contains(a: Span, b: Span) -> bool:
    """Every point in b is in a."""
    return (
        a.kind in (None, b.kind)
        and a.access in (None, b.access)
        and a.first <= b.first
        and a.last >= b.last
        and (a.minimum is None or (b.minimum is not None and a.minimum <= b.minimum))
        and (a.maximum is None or (b.maximum is not None and a.maximum >= b.maximum))
    )


def _touch(a: Span, b: Span) -> bool:
    """A range of points could lie in both together and in neither alone."""
    if None not in (a.kind, b.kind) and a.kind != b.kind:
        return False
    if None not in (a.access, b.access) and a.access != b.access:
        return False
    if a.first > b.last + 1 or b.first > a.last + 1:
        return False
    inside = (a.first <= b.first and a.last >= b.last, b.first <= a.first and b.last >= a.last)
    if not a.limited and not b.limited:
        return not any(inside)
    return not ((inside[0] and not a.limited) or (inside[1] and not b.limited))
