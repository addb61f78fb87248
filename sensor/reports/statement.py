"""What may be stated, and what may not: a report refuses to say that there were no violations where it didn't see well enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from sensor.reports.coverage import MOST_DROPPED, MOST_UNREADABLE, share
from sensor.reports.model import INSIDE, NONE_SEEN, NOT_SEEN, NOT_STATED, VIOLATIONS, Chapter, ConduitLine, Pair, Statement
from sensor.reports.standing import decided

UNSAID: Final = Statement(result=NOT_STATED, text="")


def stated(chapter: Chapter) -> Chapter:
    """The chapter with what can be stated of it, of each pair of zones and of each conduit."""
    whole = list(_whole(chapter))
    matrix = [_pair(pair, whole) for pair in chapter.matrix]
    lines = [_conduit(line, whole) for line in chapter.conduits]
    chapter = replace(chapter, matrix=matrix, conduits=lines)
    return replace(chapter, statement=_statement(chapter, whole))


def _whole(chapter: Chapter) -> Iterator[str]:
    """What keeps the absence of violations from being stated anywhere."""
    packets = chapter.packets
    if not packets["read"]:
        yield "no packet was read"
    if not chapter.complete:
        yield "the run was stopped before the captures' end"
    for capture in chapter.captures:
        for what in capture.lacking:
            yield f"{capture.path}: {what}"
    dropped = _part(packets["dropped"], packets["dropped"] + packets["read"])
    if dropped > MOST_DROPPED:
        yield f"the capturing host lost {share(dropped)} of the packets (at most {MOST_DROPPED * 100:g} %)"
    unreadable = _part(packets["unreadable"], packets["read"])
    if unreadable > MOST_UNREADABLE:
        yield f"{share(unreadable)} of the packets could not be read (at most {MOST_UNREADABLE * 100:g} %)"
    for table, count in chapter.ceilings.items():
        if count:
            yield f"a ceiling of the sensor was reached ({table.replace('_', ' ')}, {count:,} times)"


def _part(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _pair(pair: Pair, whole: list[str]) -> Pair:
    if pair.violations:
        return replace(pair, result=VIOLATIONS, because=_more(pair, whole))
    if not pair.seen and not pair.coverage.flows:
        return replace(pair, result=NOT_SEEN, because=("no traffic was seen",))
    if pair.inside:
        return replace(pair, result=INSIDE, because=())
    because = _more(pair, whole)
    return replace(pair, result=NOT_STATED if because else NONE_SEEN, because=because)


def _conduit(line: ConduitLine, whole: list[str]) -> ConduitLine:
    if line.violations:
        return replace(line, result=VIOLATIONS, because=_more(line, whole))
    if not line.coverage.flows:
        return replace(line, result=NOT_SEEN, because=("no traffic was seen between its sides",))
    because = _more(line, whole)
    return replace(line, result=NOT_STATED if because else NONE_SEEN, because=because)


def _more(part: Pair | ConduitLine, whole: list[str]) -> list[str]:
    """Why there may be more violations than those that were seen."""
    return [*_undecided(part.insufficient), *part.coverage.lacking(), *whole]


def _undecided(count: int) -> Iterator[str]:
    if count:
        yield f"of {count:,} {'occurrence' if count == 1 else 'occurrences'} what decides was not seen"


def _statement(chapter: Chapter, whole: list[str]) -> Statement:
    because = list(whole)
    for pair in chapter.matrix:
        if pair.result in (NOT_STATED, VIOLATIONS):
            because += [f"{pair.source} to {pair.target}: {what}" for what in pair.because if what not in whole]
    if not any(pair.coverage.flows for pair in chapter.matrix) and not whole:
        because.append("no traffic was seen")
    if chapter.violations:
        return Statement(result=VIOLATIONS, text=_violations(chapter), because=because)
    if because:
        text = "This report does not state that there were no violations: what was seen is below its thresholds."
        return Statement(result=NOT_STATED, text=text, because=because)
    return Statement(result=NONE_SEEN, text=_none_seen(chapter))


def _none_seen(chapter: Chapter) -> str:
    """What that is worth: nothing inside a zone that allows everything can be a violation, and of strangers the policy knows nothing."""
    if any(pair.result == NONE_SEEN for pair in chapter.matrix):
        text = "No violation of the policy was seen, and every zone pair with traffic was seen at or above the thresholds of this report."
    else:
        text = "No violation of the policy was seen: all traffic stayed inside zones in which it allows everything."
    count = len(chapter.strangers)
    standing = f" {count:,} {'asset that was heard stands' if count == 1 else 'assets that were heard stand'} in no zone of the policy."
    return text + (standing if count else "")


def _violations(chapter: Chapter) -> str:
    found = chapter.violations
    count = sum(verdict.count for verdict in found)
    pairs = {(verdict.source, verdict.target) for verdict in found}
    skipping = len(chapter.skipping)
    part = "All of them" if skipping == len(found) else f"{skipping:,} of these kinds"
    skips = f" {part} pass by a level." if skipping else ""
    kinds = f"{len(found):,} kinds of operation violate" if len(found) > 1 else "One kind of operation violates"
    times = "once" if count == 1 else f"{count:,} times"
    known = decided(found)
    already = f" Decided already: {known}." if known else ""
    return f"{kinds} the policy, {times} in all, between {len(pairs)} {'pair' if len(pairs) == 1 else 'pairs'} of zones.{skips}{already}"
