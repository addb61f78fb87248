"""Schedules: what is worked out for a stretch of time is what the clock on the wall says at each of its moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zones.model import Schedule, Window
from zones.times import SECOND, stretch, zone_named

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = 60 * SECOND
TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda when: int(when.replace(tzinfo=UTC).timestamp()) * SECOND)
HOURS = st.tuples(st.integers(0, 23 * 60 + 59), st.integers(1, 24 * 60)).filter(lambda hours: hours[0] != hours[1] % (24 * 60))
WINDOWS = st.builds(Window, st.lists(st.integers(0, 6), max_size=3, unique=True).map(tuple), st.none() | HOURS)


def _is_open(window: Window, at: int) -> bool:
    """By the clock on the wall, away from the hours in which clocks are set."""
    local = datetime.fromtimestamp(at // SECOND, BERLIN)
    minute = local.hour * 60 + local.minute
    begin, end = window.hours or (0, 24 * 60)
    yesterday = (local.weekday() - 1) % 7
    today_counts = not window.days or local.weekday() in window.days
    if end > begin:
        return today_counts and begin <= minute < end
    return (today_counts and minute >= begin) or ((not window.days or yesterday in window.days) and minute < end)


def _clocks_are_set(at: int) -> bool:
    around = [datetime.fromtimestamp(at // SECOND, BERLIN) + timedelta(days=days) for days in (-1, 0, 1)]
    return len({moment.utcoffset() for moment in around}) > 1


@settings(deadline=None, max_examples=300)
@given(st.lists(WINDOWS, min_size=1, max_size=3).map(tuple), TIMES, st.floats(0, 1))
def test_a_stretch_says_what_the_clock_says(windows: tuple[Window, ...], at: int, part: float) -> None:
    found = stretch(Schedule("s", windows), BERLIN, at)
    assert found.since <= at < found.until
    for moment in (at, found.since, found.until - MINUTE, found.since + int((found.until - found.since) * part)):
        if not _clocks_are_set(moment) and found.since <= moment < found.until:
            assert (found.failed is None) == any(_is_open(window, moment) for window in windows), datetime.fromtimestamp(
                moment // SECOND, BERLIN
            )


@settings(deadline=None, max_examples=100)
@given(st.lists(WINDOWS, min_size=1, max_size=2).map(tuple), TIMES)
def test_stretches_join_without_a_hole(windows: tuple[Window, ...], at: int) -> None:
    schedule = Schedule("s", windows)
    first = stretch(schedule, BERLIN, at)
    following = stretch(schedule, BERLIN, first.until)
    assert following.since <= first.until < following.until
    assert stretch(schedule, BERLIN, first.until - 1).failed == first.failed


def test_a_time_zone_that_this_machine_does_not_know_is_said() -> None:
    with pytest.raises(ValueError, match="no data of time zone Mars/Olympus"):
        zone_named("Mars/Olympus")
