"""Intervals against a plain model: any pauses, any losses, and the engine says what the model says."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensor.baseline.model import Baseline, Interval, interval_of
from tests.sensor.baseline.runs import judged, learned, news
from tests.sensor.baseline.traffic import MS, Talk, capture

PAUSES = st.lists(st.integers(2, 400), min_size=1, max_size=160)
STEADY = st.lists(st.integers(90, 110), min_size=25, max_size=60)
CHANGED = st.lists(st.sampled_from([20, 60, 95, 100, 104, 130, 300]), min_size=20, max_size=120)


def model_interval(pauses: Sequence[int]) -> Interval | None:
    """Median and median distance of the last hundred, the plain way."""
    last = list(pauses)[-100:]
    if len(last) < 20:
        return None
    half = (len(last) - 1) // 2
    middle = sorted(last)[half]
    spread = sorted(abs(pause - middle) for pause in last)[half]
    return Interval(middle, max(spread, middle // 20, MS), len(last))


def model_changes(pauses: Sequence[int], interval: Interval) -> int:
    """Occurrences from the twentieth outside on."""
    row = found = 0
    for pause in pauses:
        row = 0 if abs(pause - interval.median) <= 4 * interval.spread or pause < 0 else row + 1
        found += row >= 20
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PAUSES)
def test_what_is_learned(pauses: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        baseline = learned([capture(Path(folder) / "a.pcap", [Talk(every=pauses, times=len(pauses) + 1)])])
    (operation,) = baseline.operations.values()
    assert operation.count == len(pauses) + 1
    assert operation.interval == model_interval([pause * MS for pause in pauses])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEADY, CHANGED)
def test_what_is_a_change(steady: list[int], pauses: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        baseline = learned([capture(Path(folder) / "a.pcap", [Talk(every=steady, times=len(steady) + 1)])])
        (operation,) = baseline.operations.values()
        assert operation.interval is not None
        found = news(judged([capture(Path(folder) / "b.pcap", [Talk(every=pauses, times=len(pauses) + 1)])], baseline))
    expected = model_changes([pause * MS for pause in pauses], operation.interval)
    assert [(how, count) for how, count, _ in found] == ([("interval", expected)] if expected else [])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.integers(1, 198), max_size=150), st.booleans())
def test_loss_never_makes_a_change(lost: set[int], slow: bool) -> None:
    """Whatever exchanges of a steady poll a capture lacks."""
    every = 1_000 if slow else 100
    with tempfile.TemporaryDirectory() as folder:
        baseline = learned([capture(Path(folder) / "a.pcap", [Talk(every=every, times=100)])])
        lossy = Talk(every=every, times=200, without=sorted(lost))
        assert news(judged([capture(Path(folder) / "b.pcap", [lossy])], baseline)) == []


def test_the_limits_of_an_interval() -> None:
    assert interval_of([1_000 * MS] * 19) is None
    assert interval_of([1_000 * MS] * 20) == Interval(1_000 * MS, 50 * MS, 20)
    assert interval_of([4 * MS] * 20) == Interval(4 * MS, MS, 20)
    assert Interval(2 * MS, MS, 20).range == (0, 6 * MS)
    assert Baseline(name="x").left_out == 0
