"""Chapters of several runs under one policy, put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import TypeVar

from sensor.findings import SEVERITIES
from sensor.reports.coverage import Coverage
from sensor.reports.model import Alert, AllowLine, Capture, Chapter, ConduitLine, ExceptionLine, Pair, Stranger, Verdict, ZoneLine
from sensor.reports.statement import stated

_Part = TypeVar("_Part")
_Found = TypeVar("_Found", Verdict, Alert)


def merged(chapters: Sequence[Chapter]) -> Chapter:
    """One chapter from those of several runs, oldest first. Captures are numbered through."""
    if len(chapters) == 1:
        return chapters[0]
    shifted, captures = _numbered(chapters)
    last = chapters[-1]
    return stated(replace(
        last, captures=captures, first=min((one.first for one in chapters if one.first), default=None),
        last=max((one.last for one in chapters if one.last), default=None), complete=all(one.complete for one in chapters),
        zones=_united((one.zones for one in chapters), lambda zone: zone.name, _zone),
        matrix=_united((one.matrix for one in chapters), lambda pair: (pair.source, pair.target), _pair),
        conduits=_united((one.conduits for one in chapters), lambda line: line.id, _conduit),
        strangers=_united((one.strangers for one in chapters), lambda one: one.id, _stranger),
        exceptions=_united((one.exceptions for one in chapters), lambda one: one.id, _exception),
        violations=_newest(one.violations for one in shifted), insufficient=_newest(one.insufficient for one in shifted),
        alert_list=_newest(one.alert_list for one in shifted),
        coverage=reduce(Coverage.__add__, (one.coverage for one in chapters)), packets=_sums(one.packets for one in chapters),
        ceilings=_sums(one.ceilings for one in chapters), alerts=_sums(one.alerts for one in chapters),
    ))  # fmt: skip


def _numbered(chapters: Sequence[Chapter]) -> tuple[list[Chapter], list[Capture]]:
    shifted: list[Chapter] = []
    captures: list[Capture] = []
    for chapter in chapters:
        begin = len(captures)
        captures += [replace(capture, number=begin + capture.number) for capture in chapter.captures]
        shifted.append(replace(
            chapter, violations=[_moved(one, begin) for one in chapter.violations],
            insufficient=[_moved(one, begin) for one in chapter.insufficient],
            alert_list=[_moved(one, begin) for one in chapter.alert_list],
        ))  # fmt: skip
    return shifted, captures


def _moved(one: _Found, begin: int) -> _Found:
    return replace(one, packets=[(begin + capture, packet) for capture, packet in one.packets])


def _united(
    groups: Iterable[Sequence[_Part]], key: Callable[[_Part], object], join: Callable[[_Part, _Part], _Part]
) -> list[_Part]:  # fmt: skip
    found: dict[object, _Part] = {}
    for group in groups:
        for part in group:
            known = found.get(key(part))
            found[key(part)] = part if known is None else join(known, part)
    return list(found.values())


def _zone(one: ZoneLine, other: ZoneLine) -> ZoneLine:
    return replace(other, assets=max(one.assets, other.assets))


def _pair(one: Pair, other: Pair) -> Pair:
    return replace(
        other, seen=one.seen + other.seen, allowed=one.allowed + other.allowed, violations=one.violations + other.violations,
        insufficient=one.insufficient + other.insufficient, accesses=_sums((one.accesses, other.accesses)),
        coverage=one.coverage + other.coverage,
    )  # fmt: skip


def _conduit(one: ConduitLine, other: ConduitLine) -> ConduitLine:
    return replace(
        other, seen=one.seen + other.seen, violations=one.violations + other.violations, insufficient=one.insufficient + other.insufficient,
        coverage=one.coverage + other.coverage, lines=_united((one.lines, other.lines), _place, _line),
        denials=_united((one.denials, other.denials), _place, _line),
    )  # fmt: skip


def _place(line: AllowLine) -> tuple[int, str]:
    """Several may stand on one line of the policy's file."""
    return line.line, line.says


def _line(one: AllowLine, other: AllowLine) -> AllowLine:
    return replace(other, seen=one.seen + other.seen)


def _stranger(one: Stranger, other: Stranger) -> Stranger:
    first, last = ([time for time in times if time] for times in ((one.first, other.first), (one.last, other.last)))
    acts = [*dict.fromkeys((*one.acts_as, *other.acts_as))]
    return replace(other, first=min(first, default=None), last=max(last, default=None), acts_as=acts, vendor=other.vendor or one.vendor)


def _exception(one: ExceptionLine, other: ExceptionLine) -> ExceptionLine:
    states = ("used after its end", "used", "never used")
    return replace(other, uses=one.uses + other.uses, state=min(one.state, other.state, key=states.index))


def _newest(groups: Iterable[Sequence[_Found]]) -> list[_Found]:
    """By id, the newest; the gravest first."""
    found = {one.id: one for group in groups for one in group}
    return sorted(found.values(), key=lambda one: (-SEVERITIES.index(one.severity), one.first, one.id))


def _sums(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(total)
