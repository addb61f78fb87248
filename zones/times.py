"""When a line of the policy holds: schedules in the policy's time zone, and the term of an exception.

Time is that of the request, on the capture clock. What is asked here is answered with the stretch in which the answer stays the same, so
that the gate asks again at its end and not before.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from zones.model import Conduit, Line, Policy, Schedule, Window

SECOND = 1_000_000_000
AHEAD = 8
"""Days that are looked ahead for the next change; a schedule that changes later is asked again then."""
DAY = 24 * 60
"""Minutes."""

NOT_NOW = "time"
EXPIRED = "expired_exception"


class Stretch(NamedTuple):
    """From `since` (inclusive) to `until` (exclusive), in ns, it holds, or it doesn't because of `failed`."""

    failed: str | None
    since: int
    until: int

    def within(self, other: Stretch) -> Stretch:
        """Both have to hold; where neither does, this one's reason is told."""
        return Stretch(self.failed or other.failed, max(self.since, other.since), min(self.until, other.until))


ALWAYS = Stretch(None, 0, 1 << 63)


class Times:
    """The schedules and terms of one policy."""

    def __init__(self, policy: Policy) -> None:
        self._schedules = policy.schedules
        self._zone = zone_named(policy.timezone)
        self._known: dict[str, Stretch] = {}

    def of(self, conduit: Conduit, line: Line, at: int) -> Stretch:
        """Whether this line holds at a time (ns), and for how long that stays so."""
        found = ALWAYS if conduit.term is None else _term(conduit.term.start, conduit.term.end, at)
        for names in line.schedules:
            found = found.within(self._any(names, at))
        return found

    def _any(self, names: tuple[str, ...], at: int) -> Stretch:
        """One of several schedules has to hold."""
        each = [self.schedule(name, at) for name in names]
        since, until = max(one.since for one in each), min(one.until for one in each)
        return Stretch(NOT_NOW if all(one.failed for one in each) else None, since, until)

    def schedule(self, name: str, at: int) -> Stretch:
        """Whether a schedule holds at a time. What was worked out last is kept, for times come in order."""
        known = self._known.get(name)
        if known is None or not known.since <= at < known.until:
            known = self._known[name] = stretch(self._schedules[name], self._zone, at)
        return known


def zone_named(name: str | None) -> tzinfo:
    """The time zone of this name; UTC without one. Raises ValueError where this machine doesn't know it."""
    if name is None:
        return UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        raise ValueError(f"this machine has no data of time zone {name}: install tzdata") from None


def is_timed(conduit: Conduit, line: Line) -> bool:
    """Whether this line doesn't hold always."""
    return conduit.term is not None or bool(line.schedules)


def _term(start: int, end: int, at: int) -> Stretch:
    if at < start:
        return Stretch(NOT_NOW, 0, start)
    return Stretch(None, start, end) if at < end else Stretch(EXPIRED, end, ALWAYS.until)


def stretch(schedule: Schedule, zone: tzinfo, at: int) -> Stretch:
    """The stretch around `at` in which a schedule holds throughout, or nowhere."""
    today = datetime.fromtimestamp(at // SECOND, zone).date()
    days = [today + timedelta(days=day) for day in range(-2, AHEAD + 1)]
    first, last = _instant(days[1], 0, zone, last=False), _instant(days[-1], 0, zone, last=False)
    spans = sorted(span for window in schedule.windows for span in _spans(window, days, zone, (first, last)))
    since, until, holds = first, last, False
    for begin, end in _joined(spans):
        if begin <= at < end:
            since, until, holds = begin, end, True
        elif end <= at:
            since = max(since, end)
        elif not holds:
            until = min(until, begin)
    return Stretch(None if holds else NOT_NOW, since, until)


def _spans(window: Window, days: list[date], zone: tzinfo, reach: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """When a window is open, within what it is limited to, and within `reach`."""
    limits = (window.since or 0, window.until or ALWAYS.until)
    for begin, end in _openings(window, days, zone) if window.days or window.hours else iter([limits]):
        begin, end = max(begin, limits[0], reach[0]), min(end, limits[1], reach[1])
        if begin < end:
            yield begin, end


def _openings(window: Window, days: list[date], zone: tzinfo) -> Iterator[tuple[int, int]]:
    """Where clocks are put forward, a time that isn't there is the one right after; where they are put back, a window begins at the first
    of two equal times and ends at the last. One over midnight belongs to the day on which it begins."""
    begin, end = window.hours or (0, DAY)
    over = end <= begin
    for day in days:
        if window.days and day.weekday() not in window.days:
            continue
        yield _instant(day, begin, zone, last=False), _instant(day + timedelta(days=over), end, zone, last=True)


def _instant(day: date, minute: int, zone: tzinfo, *, last: bool) -> int:
    """A time of a day, in ns; of two equal ones the first or the last."""
    day, minute = day + timedelta(days=minute // DAY), minute % DAY
    local = datetime.combine(day, time(minute // 60, minute % 60, fold=int(last)), zone)
    there = local.astimezone(UTC).astimezone(zone)
    if (there.hour, there.minute) != (local.hour, local.minute):  # put forward: not there
        local = local.replace(fold=0)
    return int(local.timestamp()) * SECOND


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order that overlap or touch, as one."""
    joined: list[tuple[int, int]] = []
    for begin, end in spans:
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((begin, end))
    return joined
