"""Episodes and revisions, from what a gate counts."""

from __future__ import annotations

import random

import pytest

from sensor.episodes import Episodes, Revisions
from sensor.findings import Statement, Subject, at_least, finding_id, subject_of
from tests.sensor.cases import ForbidsAll, happened, run, script
from tests.sensor.scripted import HOUR, MINUTE, SECOND, START, Crossing, ScriptedEngine, Tally, WindowTally, at
from tests.synthetic import Point

BAD = Statement(kind="violation", title="Not allowed", reason="no_conduit", severity="high", zones=("a", "b"))


def test_a_violation_is_counted_exactly_and_names_its_first_packets_and_the_last() -> None:
    pipeline = run(ScriptedEngine(script(*(happened(n * SECOND, n + 1) for n in range(30)))), ForbidsAll())
    (finding,) = pipeline.episodes.current()
    assert finding.count == 30
    assert finding.packets == [(1, n) for n in (*range(1, 11), 30)]
    document = finding.to_dict()
    assert document["first"] == "2023-11-14T22:14:00.000000000Z"
    assert document["client"] == {"ip": "10.0.0.1"}
    assert document["server"] == {"ip": "10.0.0.2", "port": 502}
    assert document["outcome"] == {"result": "accepted"}
    assert document["zones"] == {"from": "a", "to": "b"}
    assert document["revision"] == 1


def test_quiet_of_an_hour_closes_and_what_comes_back_is_a_new_finding() -> None:
    engine = ScriptedEngine(
        script(happened(0), happened(SECOND, 2), happened(HOUR + SECOND, 3), happened(HOUR + 2 * SECOND, 4), until=4 * HOUR)
    )
    pipeline = run(engine, ForbidsAll())
    first, second = pipeline.episodes.current()
    assert (first.count, second.count) == (2, 2)
    assert first.id != second.id
    assert (first.state, second.state) == ("closed", "closed")
    assert [(f.id == first.id, f.revision, f.state) for f in pipeline.revisions] == [
        (True, 1, "open"), (True, 2, "closed"), (False, 1, "open"), (False, 2, "closed"),
    ]  # fmt: skip


def test_just_under_an_hour_of_quiet_goes_on() -> None:
    pipeline = run(ScriptedEngine(script(happened(0), happened(HOUR - 1, 2))), ForbidsAll())
    (finding,) = pipeline.episodes.current()
    assert (finding.count, finding.state) == (2, "open")


def test_several_clauses_that_say_the_same_are_one_finding_with_the_gravest_severity() -> None:
    episodes = Episodes(lambda _: Subject(protocol="modbus"))
    episodes.watch(1, 7, BAD)
    episodes.watch(2, 7, Statement(kind="violation", title="Worse", reason="no_conduit", severity="critical", zones=("a", "b")))
    tallies = [
        Tally(1, 7, 2, at(0), at(5), {"rejected": 2}, {2: 2}, packets=(at(0), at(5, 2))),
        Tally(2, 7, 1, at(3), at(3), {"accepted": 1}, packets=(at(3, 3),)),
    ]
    (finding,) = advanced(episodes, START, tallies)  # type: ignore[arg-type]
    assert finding.count == 3
    assert finding.statement.severity == "critical"
    assert finding.outcome == {"result": "accepted"}
    assert finding.outcomes == {"accepted": 1, "rejected": 2}
    assert finding.packets == [(1, 1), (1, 3), (1, 2)]


def advanced(episodes: Episodes, now: int, tallies: list[Tally], windows: tuple[WindowTally, ...] | list[WindowTally] = ()) -> Revisions:
    return Revisions(episodes.advance(now, tallies, windows))  # type: ignore[arg-type]


def test_a_shared_rejection_code_is_named() -> None:
    pipeline = run(
        ScriptedEngine(script(happened(0, outcome="rejected", code=2), happened(1, 2, outcome="rejected", code=2))), ForbidsAll()
    )
    assert pipeline.episodes.current()[0].outcome == {"result": "rejected", "code": 2}


@pytest.mark.parametrize(
    ("second", "revised"),
    [
        ({"count": 3}, False),
        ({"count": 10}, True),
        ({"outcomes": {"accepted": 3}}, True),
        ({"points": (Point(text="coil:1", kind="coil", first=1, last=1, access="write"),)}, True),
    ],
)  # fmt: skip
def test_revisions_follow_outcome_points_and_the_power_of_ten(second: dict[str, object], revised: bool) -> None:
    episodes = Episodes(lambda _: Subject())
    episodes.watch(1, 1, BAD)
    base = {"clause": 1, "operation": 1, "count": 2, "first": at(0), "last": at(1), "outcomes": {"rejected": 2}, "rejections": {2: 2}}
    assert [f.revision for f in advanced(episodes, START + MINUTE, [Tally(**base)])] == [1]  # type: ignore[arg-type, list-item]
    later = advanced(episodes, START + 2 * MINUTE, [Tally(**{**base, "count": 3, **second})])  # type: ignore[arg-type, list-item]
    assert [f.revision for f in later] == ([2] if revised else [])
    assert episodes.current()[0].count == {"count": 3, **second}["count"]


def test_a_replaced_clause_that_is_read_once_more_does_not_reopen() -> None:
    episodes = Episodes(lambda _: Subject())
    episodes.watch(1, 1, BAD)
    episodes.watch(2, 1, BAD)
    old = Tally(1, 1, 1, at(0), at(0), {"accepted": 1})
    advanced(episodes, START + MINUTE, [old])  # type: ignore[list-item]
    assert [f.state for f in advanced(episodes, START + HOUR, [])] == ["closed"]
    again = advanced(episodes, START + 3 * HOUR, [old, Tally(2, 1, 1, at(3 * HOUR - 1), at(3 * HOUR - 1), {"accepted": 1})])  # type: ignore[list-item]
    assert [(f.state, f.first - START) for f in again] == [("open", 3 * HOUR - 1)]
    assert [f.count for f in episodes.current()] == [1, 1]


def test_ids_depend_on_what_happened_alone() -> None:
    about = Subject(client={"ip": "10.0.0.1"}, protocol="modbus")
    one = finding_id(BAD, about, 5)
    assert one == finding_id(BAD, Subject(client={"ip": "10.0.0.1"}, protocol="modbus"), 5)
    assert len({one, finding_id(BAD, about, 6), finding_id(BAD, Subject(client={"ip": "10.0.0.2"}, protocol="modbus"), 5)}) == 3
    assert int(one, 16) >= 0
    assert len(one) == 16


@pytest.mark.parametrize("batch", [1, 2, 7, 1000])
def test_the_same_findings_with_any_batch(batch: int) -> None:
    order = random.Random(3)
    times = sorted(order.randrange(5 * HOUR) for _ in range(300))
    events = [
        happened(time, n, operation=order.randrange(1, 9), outcome=order.choice(["accepted", "rejected"])) for n, time in enumerate(times)
    ]
    whole = run(ScriptedEngine(script(*events)), ForbidsAll())
    cut = run(ScriptedEngine(script(*events), batch=batch), ForbidsAll())
    assert [f.to_dict() for f in cut.revisions] == [f.to_dict() for f in whole.revisions]
    assert sum(f.count for f in cut.episodes.current()) == 300


def test_a_sweep_over_many_operations_is_grouped_at_the_ceiling() -> None:
    episodes = Episodes(lambda number: Subject(unit=str(number)), max_episodes=3)
    for number in range(1, 11):
        episodes.watch(number, number, BAD)
    advanced(episodes, START, [Tally(n, n, 2, at(n), at(n), {"accepted": 2}) for n in range(1, 11)])  # type: ignore[misc]
    counts = [f.count for f in episodes.current()]
    assert counts == [2, 2, 2, 14]
    assert episodes.grouped == 7


def test_a_window_opens_at_its_crossing_and_counts_by_its_tally() -> None:
    episodes = Episodes(lambda _: Subject())
    scan = Statement(kind="alert", title="Scan", reason="20 or more", rule="r1")
    group = Subject(group={"client.ip": "10.0.0.1"})
    episodes.crossed(Crossing(window=3, count=20, first=at(0), last=at(SECOND, 20)), scan, group)  # type: ignore[arg-type]
    (opened,) = advanced(episodes, START + MINUTE, [], [WindowTally(3, 25, at(0), at(2 * SECOND, 25), (at(0), at(1, 2)))])  # type: ignore[list-item]
    assert (opened.count, opened.packets) == (25, [(1, 1), (1, 2), (1, 25)])
    assert [f.state for f in advanced(episodes, START + 2 * HOUR, [], [WindowTally(3, 25, at(0), at(2 * SECOND, 25))])] == ["closed"]  # type: ignore[list-item]
    episodes.crossed(Crossing(window=3, count=20, first=at(3 * HOUR), last=at(3 * HOUR + 1, 99)), scan, group)  # type: ignore[arg-type]
    (again,) = advanced(episodes, START + 4 * HOUR - MINUTE, [], [WindowTally(3, 47, at(0), at(3 * HOUR + 2, 120))])  # type: ignore[list-item]
    assert (again.count, again.first - START, again.revision) == (22, 3 * HOUR, 1)


def test_severities_and_subjects() -> None:
    assert at_least("high", "medium")
    assert not at_least("low", "medium")
    assert subject_of({"client": {"ip": "1.2.3.4", "port": None}, "server": "00:11:22:33:44:55", "port": 0}).server == {
        "mac": "00:11:22:33:44:55", "port": 0,
    }  # fmt: skip
