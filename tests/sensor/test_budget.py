"""The alert budget: what comes beyond is one finding with exact counts."""

from __future__ import annotations

import pytest

from sensor.episodes import Episodes
from sensor.findings import Statement, Subject
from tests.sensor.scripted import HOUR, MINUTE, SECOND, START, Crossing, Tally, WindowTally, at

ALERT = Statement(kind="alert", title="Scan", reason="scan", severity="medium", rule="r1")
GRAVE = Statement(kind="alert", title="Scan", reason="scan", severity="critical", rule="r1")
OTHER = Statement(kind="alert", title="Other", reason="other", severity="high", rule="r2")
BAD = Statement(kind="violation", title="Not allowed", reason="no_conduit", severity="high", zones=("a", "b"))


def episodes(most: int) -> Episodes:
    return Episodes(lambda number: Subject(protocol="modbus", unit=str(number)), alerts_per_hour=most)


def tally(n: int, count: int = 1, time: int = 0) -> Tally:
    return Tally(n, n, count, at(time + n), at(time + n + count), {"accepted": count}, packets=(at(time + n, n),))


def test_what_comes_beyond_is_one_finding_of_kind_health_with_exact_counts() -> None:
    held = episodes(3)
    for n in range(1, 11):
        held.watch(n, n, ALERT)
    held.advance(START + MINUTE, [tally(n, n) for n in range(1, 11)])  # type: ignore[misc]
    alerts = [one for one in held.current() if one.statement.kind == "alert"]
    (beyond,) = [one for one in held.current() if one.statement.kind == "health"]
    assert [one.count for one in alerts] == [1, 2, 3]
    assert (beyond.count, beyond.detail, beyond.statement.rule) == (sum(range(4, 11)), {"alerts": 7}, "r1")
    assert beyond.packets == [(1, n) for n in range(4, 11)]
    assert sum(one.count for one in held.current()) == sum(range(1, 11))


def test_counts_go_on_and_the_gravest_severity_speaks() -> None:
    held = episodes(1)
    for n, said in ((1, ALERT), (2, ALERT), (3, GRAVE)):
        held.watch(n, n, said)
    held.advance(START + MINUTE, [tally(1), tally(2), tally(3)])  # type: ignore[list-item]
    revised = held.advance(START + 2 * MINUTE, [tally(2, 50)])  # type: ignore[list-item]
    (beyond,) = [one for one in held.current() if one.statement.kind == "health"]
    assert (beyond.count, beyond.statement.severity, beyond.statement.kind) == (51, "critical", "health")
    assert [one.finding().id for one in revised] == [beyond.id]


def test_each_rule_and_each_hour_has_its_own_and_violations_have_none() -> None:
    held = episodes(1)
    for n, said in ((1, ALERT), (2, OTHER), (3, BAD), (4, BAD), (5, ALERT)):
        held.watch(n, n, said)
    held.advance(START + MINUTE, [tally(1), tally(2), tally(3), tally(4)])  # type: ignore[list-item]
    held.advance(START + HOUR + 50 * MINUTE, [tally(5, time=HOUR + 40 * MINUTE)])  # type: ignore[list-item]
    assert [one.statement.kind for one in held.current()] == ["alert", "alert", "violation", "violation", "alert"]


@pytest.mark.parametrize("most", [0, 100])
def test_no_bound_and_a_wide_one(most: int) -> None:
    held = episodes(most)
    for n in range(1, 60):
        held.watch(n, n, ALERT)
    held.advance(START + MINUTE, [tally(n) for n in range(1, 60)])  # type: ignore[misc]
    assert len(held.current()) == 59


def test_windows_that_cross_beyond_the_budget_are_counted_together() -> None:
    held = episodes(1)
    for window in (1, 2, 3):
        crossing = Crossing(window=window, count=5, first=at(window), last=at(SECOND + window, window))
        held.crossed(crossing, ALERT, Subject(group={"client.ip": str(window)}))  # type: ignore[arg-type]
    windows = [WindowTally(window=window, count=5 + window, first=at(window), last=at(2 * SECOND, window)) for window in (1, 2, 3)]
    held.advance(START + MINUTE, [], windows)  # type: ignore[arg-type]
    alert, beyond = held.current()
    assert (alert.count, beyond.count, beyond.detail) == (6, 7 + 8, {"alerts": 2})
