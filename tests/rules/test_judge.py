"""How rules answer the gate: no lane without need, exact counts, windows, episodes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from rules.judge import Judge
from rules.matcher import matches
from tests.rules.gate import Gate
from tests.rules.write import EVIDENCE, compiled, rule
from tests.synthetic import Code, Outcome, Party, Point, Transaction, point, transaction

SECOND = 1_000_000_000
HOUR = 3600 * SECOND


def no_windows(_mode: str, _span: int, _threshold: int) -> int:
    raise AssertionError("no window is needed")


def at(seconds: float, **fields: Any) -> Transaction:
    """A transaction at a time."""
    time = int(seconds * SECOND)
    return transaction(fields | {"time": time, "completed": time})


def test_no_lane_where_no_rule_can_match(tmp_path: Path) -> None:
    plan = compiled(tmp_path, rule({"x": {"protocol": "modbus", "access": "write", "client.ip": "10.0.0.9"}, "condition": "x"}))
    judge = Judge(plan, no_windows)
    assert judge.lanes(transaction({"access": "read"}), {}) == {}  # type: ignore[arg-type]
    assert judge.lanes(transaction({"access": "write"}), {}) == {}  # type: ignore[arg-type]
    assert list(judge.lanes(transaction({"access": "write", "client": {"ip": "10.0.0.9"}}), {})) == [1]  # type: ignore[arg-type]


def test_a_rule_that_matches_every_read_costs_counts(tmp_path: Path) -> None:
    plan = compiled(tmp_path, rule({"x": {"access": "read"}, "condition": "x"}))
    gate = Gate(plan).run([at(second) for second in range(1000)])
    assert gate.delivered == 1
    assert gate.counts["rule-0"] == 1000
    assert gate.episodes["rule-0"] == 1


def test_after_an_hour_of_quiet_a_new_episode(tmp_path: Path) -> None:
    detection = {"x": {"access": "read"}, "y": {"points.last|gte": 100}, "condition": "x and not y"}
    plan = compiled(tmp_path, rule(detection))
    times = [0, 10, 20, 20 + 3600, 20 + 3601, 20 + 3601 + 7200]
    gate = Gate(plan).run([at(time, points=[{"point": "coil:1"}]) for time in times])
    assert gate.counts["rule-0"] == len(times)
    assert gate.episodes["rule-0"] == 3
    assert gate.delivered == 3


def test_a_lane_that_did_not_ask_keeps_its_clauses(tmp_path: Path) -> None:
    plan = compiled(tmp_path, rule({"x": {"access": "read"}, "condition": "x"}), rule({"x": {"client.port": 1}, "condition": "x"}, 2))
    judge = Judge(plan, no_windows)
    t = transaction({})
    held = judge.lanes(t, {})  # type: ignore[arg-type]
    again = judge.lanes(transaction({"lanes": 0b10}), held)  # type: ignore[arg-type]
    assert again[1] is held[1]
    stale = judge.lanes(transaction({"lanes": 0b01}), held)  # type: ignore[arg-type]
    assert stale[1][0] is not held[1][0]
    assert stale[1][0] == held[1][0]


def test_positions_count_the_lanes_of_others_too(tmp_path: Path) -> None:
    plan = compiled(tmp_path, rule({"x": {"access": "read"}, "condition": "x"}))
    judge = Judge(plan, no_windows)
    lanes = judge.lanes(transaction({}), {})  # type: ignore[arg-type]
    held = {0: (), **lanes}
    assert judge.lanes(transaction({"lanes": 0b01}), held)[1] is lanes[1]  # type: ignore[arg-type]
    assert judge.lanes(transaction({"lanes": 0b10}), held)[1] is not lanes[1]  # type: ignore[arg-type]


def test_what_is_not_asked_of_an_occurrence_does_not_tell_operations_apart(tmp_path: Path) -> None:
    plan = compiled(tmp_path, rule({"x": {"anomalies": "invalid_length"}, "condition": "x"}))
    judge = Judge(plan, no_windows)
    one, other = ({"client": {"mac": f"00:80:f4:00:00:{last}"}, "vlan": [int(last)]} for last in ("01", "02"))
    assert judge.lanes(transaction(one), {}) is judge.lanes(transaction(other), {})  # type: ignore[arg-type]


def test_too_many_signatures_are_followed(tmp_path: Path) -> None:
    plan = compiled(tmp_path, rule({"x": {"outcome.code|gte": 0}, "condition": "x"}))
    gate = Gate(plan).run([at(n, outcome={"result": "rejected", "code": n}) for n in range(500)] * 2)
    assert gate.counts["rule-0"] == 1000
    assert max(len(entries) for lanes in gate.held.values() for entries in lanes.values()) <= 66


def test_an_undeclared_placeholder_makes_a_rule_inactive(tmp_path: Path) -> None:
    unknown = rule({"x": {"client.ip|expand": "%historians%"}, "condition": "x"})
    plan = compiled(tmp_path, unknown, rule({"x": {"access": "read"}, "condition": "x"}, 2))
    assert [(inactive.title, inactive.placeholder) for inactive in plan.inactive] == [("Rule 1", "historians")]
    assert [active.title for active in plan.rules] == ["Rule 2"]
    assert len(compiled(tmp_path, unknown, placeholders={"historians": []}).rules) == 2


def test_a_rule_that_can_do_without_a_placeholder_is_active_for_everybody(tmp_path: Path) -> None:
    but_historians = {"x": {"access": "read"}, "y": {"client.ip|expand": "%historians%"}, "condition": "x and not y"}
    one = rule(but_historians, fieldtap=EVIDENCE | {"optional": ["historians"]})
    reads = [at(1, client={"ip": "10.0.0.1"}), at(2, client={"ip": "10.0.0.2"})]
    for declared, alerts in ((None, 2), ({"historians": []}, 2), ({"historians": ["10.0.0.1"]}, 1)):
        plan = compiled(tmp_path, one, placeholders=declared)
        assert not plan.inactive
        assert Gate(plan).run(reads).counts["rule-0"] == alerts


def test_points_with_names_or_texts_are_followed(tmp_path: Path) -> None:
    plan = compiled(tmp_path, rule({"x": {"points.last|gte": 1000, "points.values|gt": 5}, "condition": "x"}))
    named = Point(text="ns=2;s=a", kind="node", first=0, last=0, access="read", name="ns=2;s=a", values=[9])
    worded = Point(text="coil:1000", kind="coil", first=1000, last=1000, access="read", values=["on"])
    gate = Gate(plan).run([Transaction(points=(named,)), Transaction(points=(worded,), unit="2")] * 3)
    assert not gate.counts


def correlation(mode: str, condition: dict[str, Any], group: list[str], **more: Any) -> list[dict[str, Any]]:
    """A correlation over writes, and its base."""
    section = {"type": mode, "rules": ["base"], "timespan": "1m", "group-by": group, "condition": condition} | more
    base = rule({"x": {"access": "write"}, "condition": "x"}, 8, name="base", title="Base")
    return [rule(None, 9, name="many", correlation=section), base]


def test_event_count_counts_over_operations(tmp_path: Path) -> None:
    plan = compiled(tmp_path, correlation("event_count", {"gte": 4}, ["client.ip"]))
    assert [active.name for active in plan.rules] == ["many"]
    writes = [at(second, access="write", unit=str(second % 2)) for second in range(4)]
    others = [at(second, access="write", client={"ip": f"10.0.1.{second}"}) for second in range(4)]
    gate = Gate(plan).run(others + writes)
    assert gate.crossings == [("many", {"client.ip": "10.0.0.1"})]
    assert not gate.counts


def test_occurrences_far_apart_do_not_cross(tmp_path: Path) -> None:
    plan = compiled(tmp_path, correlation("event_count", {"gt": 1}, ["client.ip"]))
    assert not Gate(plan).run([at(0, access="write"), at(61, access="write")]).crossings
    assert Gate(plan).run([at(0, access="write"), at(60, access="write")]).crossings


def test_value_count_counts_distinct_values(tmp_path: Path) -> None:
    plan = compiled(tmp_path, correlation("value_count", {"field": "unit", "gte": 3}, ["client.ip", "server.ip"]))
    same = [at(second, access="write", unit="7") for second in range(10)]
    assert not Gate(plan).run(same).crossings
    sweep = [at(10 + unit, access="write", unit=str(unit)) for unit in range(3)]
    assert Gate(plan).run(same + sweep).crossings == [("many", {"client.ip": "10.0.0.1", "server.ip": "10.0.0.2"})]


def test_value_count_of_points_and_outcomes(tmp_path: Path) -> None:
    plan = compiled(tmp_path, correlation("value_count", {"field": "points.address", "gte": 10}, ["client.ip"]))
    writes = [at(n, access="write", points=[{"point": f"coil:{n}-{n + 1}"}]) for n in range(9)]
    assert not Gate(plan).run(writes[:8]).crossings
    assert Gate(plan).run(writes).crossings
    plan = compiled(tmp_path, correlation("value_count", {"field": "outcome.code", "gte": 3}, []))
    codes = [at(n, access="write", outcome={"result": "rejected", "code": n}) for n in range(3)]
    assert not Gate(plan).run(codes[:2] * 5).crossings
    assert Gate(plan).run(codes).crossings == [("many", {})]


def test_generate_lets_the_counted_rule_alert(tmp_path: Path) -> None:
    plan = compiled(tmp_path, correlation("event_count", {"gte": 2}, ["client.ip"], generate=True))
    assert sorted(active.name for active in plan.rules) == ["base", "many"]
    gate = Gate(plan).run([at(0, access="write"), at(1, access="write")])
    assert gate.counts["base"] == 2
    assert len(gate.crossings) == 1


def test_a_correlation_waits_for_its_base_rules_placeholder(tmp_path: Path) -> None:
    documents = correlation("event_count", {"gte": 2}, ["client.ip"])
    documents[1]["detection"]["x"]["client.ip|expand"] = "%hmis%"
    plan = compiled(tmp_path, documents)
    assert not plan.rules
    assert [inactive.placeholder for inactive in plan.inactive] == ["hmis"]


def test_windows_have_a_ceiling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rules.windows.MAX_WINDOWS", 3)
    plan = compiled(tmp_path, correlation("event_count", {"gte": 2}, ["client.ip"]))
    gate = Gate(plan).run([at(n, access="write", client={"ip": f"10.0.0.{n}"}) for n in range(5)])
    assert len(gate.windows) == 3
    assert gate.judge.windows.refused == 2


ATOMS: list[dict[str, Any]] = [
    {"access": "write"},
    {"client.ip|cidr": "10.0.0.0/31"},
    {"unit": ["1", "2"]},
    {"outcome.result": ["rejected", "unanswered"]},
    {"outcome.code": 2},
    {"anomalies|startswith": "invalid"},
    {"vlan": 5},
    {"client.port|lt": 1024},
    {"points.kind": "coil", "points.first|lte": 9, "points.last|gte": 5},
    {"points.first|lt": 5},
    {"points.last|gt": 9},
    {"points.values|gte": 3},
    {"points.access": "write"},
    {"points.first": 7},
    {"points.kind|startswith": "h", "points.values|lt": 1, "points.last|gte": 8},
]


def some_transaction(chance: random.Random, second: int) -> Transaction:
    """Any transaction."""
    points = []
    for _ in range(chance.randrange(3)):
        first = chance.randrange(12)
        last = first + chance.randrange(4)
        values = None if chance.random() < 0.3 else [chance.randrange(5) for _ in range(first, last + 1)]
        kind = chance.choice(["coil", "holding_register"])
        points.append(point(f"{kind}:{first}-{last}", chance.choice(["read", "write"]), values))
    result = chance.choice(["accepted", "accepted", "rejected", "unanswered"])
    return Transaction(
        time=second * SECOND,
        completed=second * SECOND,
        client=Party(ip=f"10.0.0.{chance.randrange(4)}", port=chance.choice([500, 50000])),
        unit=chance.choice(["1", "2", "3", None]),
        access=chance.choice(["read", "write"]),
        function=Code(code=chance.choice([3, 16])),
        vlan=chance.choice([(), (5,), (7, 5)]),
        outcome=Outcome(result=result, code=chance.choice([1, 2]) if result == "rejected" else None),
        anomalies=chance.choice([(), (), ("invalid_length",), ("invalid_value", "invalid_length"), ("late",)]),
        points=tuple(points),
    )


def some_condition(chance: random.Random, depth: int = 0) -> str:
    """Any condition over the atoms' searches."""
    if depth > 2 or chance.random() < 0.3:
        return f"s{chance.randrange(len(ATOMS))}"
    if chance.random() < 0.25:
        return f"not ({some_condition(chance, depth + 1)})"
    return f"({some_condition(chance, depth + 1)} {chance.choice(['and', 'or'])} {some_condition(chance, depth + 1)})"


@pytest.mark.parametrize("seed", range(60))
def test_clauses_count_exactly_what_the_matcher_finds(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    condition = some_condition(chance)
    searches = {f"s{n}": atom for n, atom in enumerate(ATOMS) if f"s{n} " in f"{condition} ".replace(")", " )")}
    plan = compiled(tmp_path, rule({**searches, "condition": condition}))
    transactions = [some_transaction(chance, chance.randrange(3) * 4000 + n) for n in range(300)]
    transactions.sort(key=lambda t: t.time)
    expected = sum(matches(plan.rules[0], t) for t in transactions)  # type: ignore[arg-type]
    gate = Gate(plan).run(transactions)
    assert gate.counts["rule-0"] == expected, condition
