"""Votes, rules of inference, and what they conclude of synthetic observations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from sensor.inventory.infer import by_topic, concluded, shipped
from sensor.inventory.names import TOPICS
from sensor.inventory.ruleset import RulesetError, load
from sensor.inventory.votes import SURE_ENOUGH, Vote, counted
from tests.sensor.inventory.made import asset, attribute, edge, said

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "inference.yml").read_text())["cases"]


def built(case: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The asset of a case, and its edges."""
    sides: dict[str, list[str]] = {"server": [], "client": []}
    edges = []
    for side, names in sides.items():
        for written in case.get(side, ()):
            written, _, code = written.partition("!")
            name, _, peers = written.partition("*")
            protocol, _, access = name.partition(":")
            names.append(protocol)
            for number in range(int(peers or 1)):
                pair = (f"10.9.0.{number}", "10.0.0.2") if side == "server" else ("10.0.0.2", f"10.9.0.{number}")
                edges.append(edge(*pair, protocol, accesses={access or "read": 4}, rejections={code: 2} if code else {}))
    told = {name: attribute(said(value, protocol=case.get("from", "s7comm"))) for name, value in case.get("said", {}).items()}
    if "oui" in case:
        looked_up = said(case["oui"], protocol="arp", field="arp.src.hw_mac (OUI)", confidence=0.5)
        own = case.get("said", {}).get("vendor")
        told["vendor"] = attribute(looked_up) if own is None else attribute(looked_up, said(own))
    if case.get("kind") == "router":
        told["mac"] = attribute(said("00:1b:1b:00:00:01", protocol="arp", field="arp.sender"))
    units = [str(number) for number in range(case.get("units", 0))]
    made = asset(server=sides["server"], client=sides["client"], attributes=told, kind=case.get("kind", "host"), units=units)
    return [made], edges


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.get("name", case.get("oui", "said")))
def test_what_is_concluded(case: Mapping[str, Any]) -> None:
    assets, edges = built(case)
    found = concluded(assets, edges)["10.0.0.2"]
    values = {topic: conclusion.value for topic, conclusion in found.items()}
    said_votes = "\n".join(f"{topic}: {c.confidence:.2f} {[(v.rule, v.value, v.weight) for v in c.votes]}" for topic, c in found.items())
    assert {topic: values.get(topic) for topic in case["expect"]} == case["expect"], said_votes
    for conclusion in found.values():
        assert (conclusion.value is not None) is (conclusion.confidence >= SURE_ENOUGH), "no ties among these cases"
        for vote in conclusion.votes:
            assert vote.grounds or vote.topic == "level" or vote.rule == "gateway.units", "a vote names its evidence"
            assert all(ground["packet"] is not None and ground["field"] for ground in vote.grounds)


def test_every_rule_is_reached_by_a_case() -> None:
    fired = {vote.rule for case in CASES for conclusion in concluded(*built(case))["10.0.0.2"].values() for vote in conclusion.votes}
    rules = {rule.id for rules in shipped().values() for rule in rules}
    assert rules - fired == set(), "add a case to cases/inference.yml for each new rule"


def vote(value: str, weight: float, cause: str = "a", rule: str = "r") -> Vote:
    return Vote(topic="role", value=value, weight=weight, rule=rule, cause=cause, why="")


def test_votes_of_one_cause_do_not_add_up() -> None:
    assert counted("role", [vote("plc", 0.4), vote("plc", 0.3)]).confidence == pytest.approx(0.4)
    both = counted("role", [vote("plc", 0.4), vote("plc", 0.3, "b")])
    assert both.confidence == pytest.approx(0.58)
    assert both.value == "plc"


def test_a_rival_takes_away_and_a_tie_is_left_open() -> None:
    won = counted("role", [vote("plc", 0.9), vote("hmi", 0.4, "b")])
    assert (won.value, won.confidence) == ("plc", pytest.approx(0.72))
    assert [one.value for one in won.votes] == ["plc", "hmi"]
    assert counted("role", [vote("plc", 0.9), vote("hmi", 0.9, "b")]).value is None
    assert counted("role", []).value is None


def test_all_mistakes_are_said_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "wrong.yml").write_text(
        "rules:\n"
        "  - id: Bad Id\n"
        "    says: {role: plcc}\n"
        "    weight: 2\n"
        "    why: x\n"
        "    when: {server: {protokol: modbus}}\n"
        "  - id: ok\n"
        "    says: {vendor: '\\1'}\n"
        "    weight: 0.5\n"
        "    why: x\n"
        "    when: {attribute: {name: vendor, matches: '('}}\n"
        "  - {id: later, says: {vendor: A}, weight: 0.5, why: x, when: {concluded: {role: [plc]}}}\n"
        "  - {id: empty, says: {level: 7}, weight: 0.5, why: x, when: {}}\n"
        "  - {says: {os: A}, weight: 0.5, why: x, when: {kind: ghost}, if: x}\n"
        "  - {id: twice, says: {os: A}, weight: 0.5, why: x, when: {kind: host}}\n"
        "  - {id: twice, says: {os: A}, weight: 0.5, why: x, when: {kind: host}}\n"
    )
    with pytest.raises(RulesetError) as caught:
        load(tmp_path)
    text = "\n".join(caught.value.problems)
    for expected in (
        'wrong.yml:2: "Bad Id" is not an id', 'wrong.yml:3: role "plcc" is not one of', "wrong.yml:4:",
        'wrong.yml:6: "protokol" is not a key',
        'wrong.yml:6: rules[1] when server lacks "protocol"', 'wrong.yml:11: "(" is no regular expression',
        "wrong.yml:8: a group is used", "wrong.yml:12: concluded names a topic that is counted before vendor",
        'wrong.yml:13: level "7" is not one of', "wrong.yml:13: rules[4] when is empty", 'wrong.yml:14: rules[5] lacks "id"',
        'wrong.yml:14: "if" is not a key', 'wrong.yml:16: rule "twice" stands twice (first at wrong.yml:15)',
    ):  # fmt: skip
        assert expected in text, text


def test_a_value_may_take_groups(tmp_path: Path) -> None:
    (tmp_path / "one.yml").write_text(
        r"rules: [{id: v, says: {os: 'Linux \1'}, weight: 0.9, why: x,"
        r" when: {attribute: {name: description, matches: 'Linux \S+ ([0-9.]+)'}}}]"
    )
    found = concluded([asset(attributes={"description": "Linux plc7 4.14.98 armv7l"})], [], by_topic(load(tmp_path)))
    assert found["10.0.0.2"]["os"].value == "Linux 4.14.98"


def test_a_level_is_as_sure_as_the_role_it_rests_on() -> None:
    found = concluded([asset(server=["s7comm"])], [])["10.0.0.2"]
    assert found["level"].confidence == pytest.approx(0.95 * found["role"].confidence)
    assert list(found) == [topic for topic in TOPICS if topic in found]


def test_of_a_unit_only_its_own_edges_count() -> None:
    device, unit = asset("10.0.0.2", units=["1", "2"]), asset("10.0.0.2/dnp3:1", server=["dnp3"], parent="10.0.0.2", kind="unit")
    edges = [edge("10.0.0.1", "10.0.0.2", "dnp3", units=["1"])]
    found = concluded([device, unit], edges)
    assert found["10.0.0.2/dnp3:1"]["role"].votes[0].grounds[0]["packet"] == 3
    assert concluded([unit], [edge("10.0.0.1", "10.0.0.2", "dnp3", units=["9"])])["10.0.0.2/dnp3:1"]["role"].votes[0].grounds == []
