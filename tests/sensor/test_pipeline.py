"""The loop: who is asked, what the engine is told, and what is read when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sensor.clock import utc
from sensor.findings import Statement
from tests.sensor.cases import RESULT, ForbidsAll, happened, result_of, run, script
from tests.sensor.scripted import (
    HOUR,
    MINUTE,
    SECOND,
    START,
    Anomaly,
    Clause,
    Crossing,
    Expected,
    Observation,
    ScriptedEngine,
    WindowTally,
    at,
    talk,
)

ALERT = Statement(kind="alert", title="Write", reason="write", severity="high", rule="r1")


class Allows:
    """Expects everything of every operation."""

    def lanes(self, t: Any, held: Mapping[int, Any]) -> Mapping[int, Any]:  # noqa: ARG002
        return held or {0: [Expected(clause=Clause(name="any"))]}


@dataclass
class Outcomes:
    """A lane that learns outcomes one by one, like rules do."""

    lane: int = 2

    def lanes(self, t: Any, held: Mapping[int, Any]) -> Mapping[int, Any]:
        mine = held.get(self.lane, [])
        known = {outcome for entry in mine for outcome in entry.clause.outcomes}
        if t.outcome.result in known:
            return {self.lane: mine}
        said = ALERT if t.outcome.result == "rejected" else None
        return {self.lane: [*mine, Expected(clause=Clause(name=t.outcome.result, outcomes=(t.outcome.result,)), consequence=said)]}


def test_what_is_expected_is_never_asked_again() -> None:
    engine = ScriptedEngine(script(*(happened(n * SECOND, n) for n in range(100))))
    pipeline = run(engine, Allows())
    assert len(engine.asked) == 1
    assert pipeline.episodes.current() == []


def test_without_judges_every_operation_is_expected_and_still_in_the_inventory() -> None:
    engine = ScriptedEngine(script(happened(0), happened(1), happened(2, operation=2, unit="9")))
    pipeline = run(engine)
    assert engine.asked == [(1, []), (2, [])]
    assert [c.transactions for c in pipeline.inventory.conversations()] == [3]


def test_a_known_clause_keeps_its_number_and_other_lanes_stay_as_they_are() -> None:
    engine = ScriptedEngine(
        script(happened(0), happened(1, outcome="rejected", code=1), happened(2, outcome="rejected", code=1), happened(3))
    )
    pipeline = run(engine, Allows(), Outcomes())
    assert len(engine.asked) == 2
    (_, ((_, policy), (_, rule))) = engine.asked[1]
    assert policy == [1]
    assert rule[0] == 2
    assert rule[1].name == "rejected"
    (finding,) = pipeline.episodes.current()
    assert (finding.statement.rule, finding.count) == ("r1", 2)


def test_a_lane_that_did_not_ask_is_left_alone() -> None:
    forbids = ForbidsAll(fresh=None)
    engine = ScriptedEngine(script(happened(0), happened(1, outcome="rejected", code=1)))
    run(engine, forbids, Outcomes())
    assert [lane[0] for _, lane in engine.asked[1][1]] == [1, 2]


def test_an_unchanged_answer_is_not_given_again() -> None:
    class Delivers:
        held: Any = None

        def lanes(self, t: Any, held: Mapping[int, Any]) -> Mapping[int, Any]:  # noqa: ARG002
            return held or {4: [Expected(clause=Clause(deliver=True))]}

    engine = ScriptedEngine(script(*(happened(n, n) for n in range(5))))
    run(engine, Delivers())
    assert len(engine.asked) == 1


@dataclass
class Follows:
    """A watcher that follows writes and knows one window."""

    crossings: list[int] = field(default_factory=list)

    def lanes(self, t: Any, held: Mapping[int, Any]) -> Mapping[int, Any]:  # noqa: ARG002
        return held or {1: [Expected(clause=Clause(deliver=True), consequence=Followed())]}

    def follow(self, t: Any, lanes: Mapping[int, Any]) -> list[Any]:  # noqa: ARG002
        return [ALERT] if t.outcome.result == "rejected" else []

    def before(self, alert: Any) -> list[Any]:  # noqa: ARG002
        return []

    def crossed(self, crossing: Any) -> Any:
        self.crossings.append(crossing.window)
        return GroupOf(ALERT, {"client.ip": "10.0.0.1", "protocol": "modbus"})


@dataclass
class GroupOf:
    alert: Any
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Followed:
    followed: bool = True


def test_what_rules_follow_is_counted_by_operation_and_by_episode() -> None:
    events = [
        happened(0),
        *(happened(n * SECOND, n, outcome="rejected", code=n % 2 + 1) for n in range(1, 21)),
        happened(3 * HOUR, 90, outcome="rejected", code=1),
    ]
    pipeline = run(ScriptedEngine(script(*events)), watcher=Follows())
    first, second = pipeline.episodes.current()
    assert (first.count, first.state, first.outcomes) == (20, "closed", {"rejected": 20})
    assert first.packets == [(1, n) for n in (*range(1, 11), 20)]
    assert (second.count, second.state, second.outcome) == (1, "open", {"result": "rejected", "code": 1})


def test_a_crossing_becomes_a_finding_of_its_group() -> None:
    engine = ScriptedEngine([(0, Crossing(window=5, count=10, first=at(0), last=at(9, 10))), (2 * MINUTE, None)])
    engine.windows = [WindowTally(5, 12, at(0), at(11, 12))]
    (finding,) = run(engine, watcher=Follows()).episodes.current()
    document = finding.to_dict()
    assert (document["count"], document["client"], document["protocol"]) == (12, {"ip": "10.0.0.1"}, "modbus")
    assert document["group"] == {"client.ip": "10.0.0.1", "protocol": "modbus"}


def test_progress_is_told_after_each_batch() -> None:
    told: list[tuple[int, ...]] = []
    from sensor.pipeline import Pipeline

    Pipeline(ScriptedEngine([(0, None), (3 * MINUTE, None)]), []).run(lambda *now: told.append(now))  # type: ignore[arg-type]
    assert told == [(1, 2, 3, START + n * MINUTE) for n in (1, 2, 3, 3)]


def test_unreadable_traffic_is_one_coverage_finding_a_kind() -> None:
    anomalies = [(n, Anomaly(name="length", source=f"10.0.0.{n}", destination="10.0.1.1", moment=at(n, n))) for n in range(1, 30)]
    result = result_of(ScriptedEngine(anomalies, RESULT))
    (finding,) = result.findings
    document = finding.to_dict()
    assert (document["kind"], document["severity"], document["count"], len(document["packets"])) == ("coverage", "low", 29, 10)
    assert document["detail"]["examples"][0]["needed"] == 2


def test_what_was_read_and_is_irregular_is_not_called_unreadable() -> None:
    anomaly = Anomaly(name="late_response", source="10.0.0.1", destination="10.0.1.1", moment=at(1, 1), layer=None)
    (finding,) = result_of(ScriptedEngine([(1, anomaly)], RESULT)).findings
    document = finding.to_dict()
    assert (document["reason"], document["severity"]) == ("irregular:modbus:late_response", "info")
    assert document["title"] == "Irregular modbus traffic: late_response"


def test_missing_directions_loss_and_ceilings_are_said_once() -> None:
    engine = ScriptedEngine(script(happened(0)), {**RESULT, "ceilings": {"flows": 12, "operations": 0}})
    engine.talks = [talk(f"10.0.1.{n}", sent=(10, 0), payload=(300, 0), half_seen=1) for n in range(40)]
    engine.talks += [
        talk("10.0.2.1", sent=(10, 9), payload=(300, 90_000), gap=2000),
        talk("10.0.2.2", sent=(10, 9), payload=(300, 900_000), gap=2000),
        talk("10.0.2.3", sent=(10, 0)),
    ]
    found = {finding.statement.reason: finding for finding in result_of(engine).findings}
    assert sorted(found) == ["ceiling:flows", "loss", "one_way"]
    assert (found["one_way"].count, len(found["one_way"].to_dict()["detail"]["examples"])) == (40, 10)
    assert found["one_way"].to_dict()["detail"]["examples"][0]["seen"] == "client"
    assert found["loss"].count == 1
    assert (found["ceiling:flows"].statement.kind, found["ceiling:flows"].count) == ("health", 12)


def test_a_direction_that_was_seen_and_then_no_more_is_told_with_since_when() -> None:
    engine = ScriptedEngine(script(happened(0)), RESULT)
    end, minute = START + 10 * MINUTE, MINUTE
    lasts = {"1": (end, end - 2 * minute), "2": (end, end - minute + 1), "3": (end - 5 * minute, end)}
    for n, (client, server) in lasts.items():
        engine.talks.append({**talk(f"10.0.2.{n}", sent=(99, 9), gap=13), "last_from_client": client, "last_from_server": server})
    quiet = {**talk("10.0.2.4", sent=(99, 9)), "last_from_client": end, "last_from_server": START}
    engine.talks.append(quiet)
    (found,) = [finding for finding in result_of(engine).findings if finding.statement.reason == "vanished"]
    (example,) = found.to_dict()["detail"]["examples"]
    assert (example["server"], example["no_longer_seen"], example["since"]) == ("10.0.2.1", "server", utc(end - 2 * minute))
    assert (found.first, found.last, found.count) == (end - 2 * minute, end, 1)


def test_clean_traffic_gives_no_finding() -> None:
    engine = ScriptedEngine(
        [(0, Observation(address="10.0.0.1", attribute="mac", value="00:80:f4:00:00:01", moment=at(0))), *script(happened(1), happened(2))],
        RESULT,
    )
    assert result_of(engine, Allows()).findings == []
