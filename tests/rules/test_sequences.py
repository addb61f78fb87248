"""Correlations of several rules within a span: in any order, in theirs, by groups and aliases; bounded, and followed at a price that is
known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rules.sequences import Sequences
from tests.rules.gate import Gate
from tests.rules.test_judge import at
from tests.rules.write import compiled, rule
from tests.synthetic import Transaction

STEPS = {"look": {"access": "identify"}, "take": {"access": "program"}, "halt": {"access": "mode"}}


def documents(kind: str = "temporal_ordered", steps: str = "look take halt", **more: Any) -> list[dict[str, Any]]:
    """A sequence over steps, and its steps."""
    names = steps.split()
    section = {"type": kind, "rules": names, "timespan": "1m", "group-by": ["client.ip"]} | more
    bases = [rule({"x": dict(STEPS[name]), "condition": "x"}, 10 + number, name=name) for number, name in enumerate(names)]
    return [rule(None, 9, name="story", correlation=section), *bases]


def told(folder: Path, *transactions: Transaction, **more: Any) -> int:
    """How often the story is told."""
    return Gate(compiled(folder, documents(**more))).run(transactions).counts["story"]


def look(second: float, **fields: Any) -> Transaction:
    return at(second, access="identify", function={"code": 43}, **fields)


def take(second: float, **fields: Any) -> Transaction:
    return at(second, access="program", function={"code": 90}, **fields)


def halt(second: float, **fields: Any) -> Transaction:
    return at(second, access="mode", function={"code": 8}, **fields)


def test_in_their_order_within_the_span(tmp_path: Path) -> None:
    assert told(tmp_path, look(0), take(10), halt(60)) == 1
    assert told(tmp_path, look(0), take(10), halt(61)) == 0
    assert told(tmp_path, take(0), look(10), halt(20)) == 0
    assert told(tmp_path, look(0), take(1), take(2), look(3), take(4), halt(5)) == 1


def test_who_begins_anew_has_the_whole_span(tmp_path: Path) -> None:
    assert told(tmp_path, look(0), take(10), look(50), take(55), halt(100)) == 1
    assert told(tmp_path, look(0), take(10), look(50), halt(100)) == 0


def test_each_completion_begins_anew(tmp_path: Path) -> None:
    assert told(tmp_path, look(0), take(1), halt(2), halt(3), halt(4)) == 1
    assert told(tmp_path, *(step(10 * n + m) for n in range(3) for m, step in enumerate((look, take, halt)))) == 3


def test_in_any_order(tmp_path: Path) -> None:
    assert told(tmp_path, halt(0), take(10), look(59), kind="temporal") == 1
    assert told(tmp_path, halt(0), take(10), look(61), kind="temporal") == 0
    assert told(tmp_path, halt(0), look(10), kind="temporal", condition={"gte": 2}) == 1


def test_groups_are_apart(tmp_path: Path) -> None:
    other = {"client": {"ip": "10.0.0.9"}}
    assert told(tmp_path, look(0), take(1, **other), halt(2)) == 0
    assert told(tmp_path, look(0), look(0, **other), take(1, **other), halt(2, **other), take(3), halt(4)) == 2


def test_aliases_join_different_fields(tmp_path: Path) -> None:
    aliases = {"host": {"look": "server.ip", "halt": "client.ip"}}
    lured = [look(0, server={"ip": "10.0.0.5", "port": 502}), halt(5, client={"ip": "10.0.0.5"})]
    assert told(tmp_path, *lured, steps="look halt", aliases=aliases, **{"group-by": ["host"]}) == 1
    assert told(tmp_path, lured[0], halt(5), steps="look halt", aliases=aliases, **{"group-by": ["host"]}) == 0


def test_aliases_of_a_count(tmp_path: Path) -> None:
    aliases = {"host": {"look": "server.ip", "halt": "client.ip"}}
    more = {"aliases": aliases, "group-by": ["host"], "condition": {"gte": 3}}
    plan = compiled(tmp_path, documents("event_count", "look halt", **more))
    seen = [look(0, server={"ip": "10.0.0.5"}), look(1, server={"ip": "10.0.0.5"}), halt(2, client={"ip": "10.0.0.5"})]
    assert Gate(plan).run(seen).crossings == [("story", {"host": "10.0.0.5"})]
    assert not Gate(plan).run([look(0), look(1), halt(2)]).crossings


def test_only_what_a_step_asks_for_is_delivered(tmp_path: Path) -> None:
    gate = Gate(compiled(tmp_path, documents())).run([at(n, access="read") for n in range(500)])
    assert gate.delivered == 1
    gate = Gate(compiled(tmp_path, documents())).run([look(n) for n in range(100)])
    assert gate.delivered == 100, "what a sequence waits for is followed: each occurrence costs a delivery"


def test_an_exception_takes_an_occurrence_out_of_the_story(tmp_path: Path) -> None:
    override = {"override": "story", "exceptions": [{"access": "program", "client.ip": "10.0.0.1"}], "why": "as agreed"}
    plan = compiled(tmp_path, [*documents(), override])
    assert not Gate(plan).run([look(0), take(1), halt(2)]).counts


def test_a_placeholder_of_a_step_makes_it_wait(tmp_path: Path) -> None:
    made = documents()
    made[1]["detection"]["x"]["client.ip|expand"] = "%strangers%"
    assert [one.placeholder for one in compiled(tmp_path, made).inactive] == ["strangers"]
    plan = compiled(tmp_path, made, placeholders={"strangers": ["10.0.0.1"]})
    assert Gate(plan).run([look(0), take(1), halt(2)]).counts["story"] == 1


def test_groups_have_a_ceiling_and_the_quietest_goes(tmp_path: Path) -> None:
    gate = Gate(compiled(tmp_path, documents(steps="look halt")))
    gate.judge._follower.sequences = Sequences(limit=3)
    clients = [{"client": {"ip": f"10.0.0.{last}"}} for last in range(1, 5)]
    gate.run([look(n, **client) for n, client in enumerate(clients)])
    assert gate.judge.sequences.forgotten == 1
    gate.run([halt(10, **clients[0]), halt(11, **clients[3])])
    assert gate.counts["story"] == 1


def test_the_packets_of_the_steps_before_are_evidence(tmp_path: Path) -> None:
    gate = Gate(compiled(tmp_path, documents()))
    steps = [look(1, request={"capture": 1, "packet": 11, "time": 1}), take(2, request={"capture": 1, "packet": 22, "time": 2})]
    gate.run([*steps, halt(3)])
    alert = list(gate.held.values())[-1][1][0].consequence
    assert list(gate.judge.before(alert)) == [step.request for step in steps]


@pytest.mark.parametrize("spread", [1, 7, 1000])
def test_the_order_of_facts_is_all_that_counts(spread: int, tmp_path: Path) -> None:
    """Whatever lies between, from whomever."""
    others = [at(n / spread, access="read", unit=str(n % 50)) for n in range(spread)]
    whole = sorted([look(0), take(0.3), halt(0.9), *others], key=lambda t: t.time)
    assert told(tmp_path, *whole) == 1


def test_steps_of_one_class_are_told_apart_by_their_operation(tmp_path: Path) -> None:
    first, second = ({"x": {"access": "program", "server.ip": f"10.0.0.{last}"}, "condition": "x"} for last in (2, 3))
    section = {"type": "temporal_ordered", "rules": ["a", "b"], "timespan": "1m", "group-by": ["client.ip"]}
    made = [rule(None, 9, name="story", correlation=section), rule(first, 10, name="a"), rule(second, 11, name="b")]
    plan = compiled(tmp_path, made)
    loads = [take(n, server={"ip": f"10.0.0.{last}"}) for n, last in enumerate((2, 2, 3))]
    assert Gate(plan).run(loads).counts["story"] == 1
    assert Gate(plan).run([take(5, server={"ip": "10.0.0.3"}), take(6, server={"ip": "10.0.0.2"})]).counts["story"] == 0
