"""What a site changes of rules: by file, the later wins by id, and the plan says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from rules.loader import check, compile_rules
from rules.plan import Plan
from tests.rules.gate import Gate
from tests.rules.registry import REGISTRY
from tests.rules.write import rule
from tests.synthetic import transaction

READS = {"x": {"access": "read"}, "condition": "x"}
WRITES = {"x": {"access": "write"}, "condition": "x"}


def plan(folder: Path, *layers: list[dict[str, Any]], placeholders: Any = None) -> Plan:
    """The plan of several folders, each later one a site's."""
    paths = []
    for number, documents in enumerate(layers):
        path = folder / f"layer-{number}"
        path.mkdir()
        (path / "rules.yml").write_text(yaml.safe_dump_all(documents, sort_keys=False))
        paths.append(path)
    return compile_rules(paths, REGISTRY, placeholders)


def override(target: str, **said: Any) -> dict[str, Any]:
    return {"override": target, **said, "why": "as agreed"}


def test_a_later_rule_with_the_same_id_stands(tmp_path: Path) -> None:
    made = plan(tmp_path, [rule(READS, name="one")], [rule(WRITES, name="one", title="Mine")])
    assert [one.title for one in made.rules] == ["Mine"]
    gate = Gate(made).run([transaction({"access": access}) for access in ("read", "write")])
    assert gate.counts["one"] == 1
    (change,) = made.changes
    assert change.what.startswith("replaced")
    assert change.file.endswith("layer-1/rules.yml")
    assert change.line == 1


def test_the_same_id_twice_in_one_place_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(yaml.safe_dump_all([rule(READS), rule(WRITES)]))
    assert any("is already that of" in str(problem) for problem in check([tmp_path], REGISTRY))


def test_the_name_of_another_rule_is_a_mistake_in_any_place(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.yml").write_text(yaml.safe_dump(rule(READS, number, name="one")))
    assert any("name one is already" in str(p) for p in check([tmp_path / "1.yml", tmp_path / "2.yml"], REGISTRY))


def test_disabled_by_name_or_id_and_the_later_word_counts(tmp_path: Path) -> None:
    rules = [rule(READS, 1, name="one"), rule(READS, 2, name="two"), rule(READS, 3, name="three")]
    site = [override("ONE", disable=True), override(rules[1]["id"], disable=True), override("three", disable=True)]
    made = plan(tmp_path, rules, site, [override("three", disable=False)])
    assert [one.name for one in made.rules] == ["three"]
    assert [(change.rule, change.what) for change in made.changes] == [(one["id"], "disabled: as agreed") for one in rules[:2]]


def test_another_level(tmp_path: Path) -> None:
    made = plan(tmp_path, [rule(READS, name="one")], [override("one", level="low"), override("one", level="critical")])
    assert made.rules[0].alert.severity == "critical"
    assert [change.what for change in made.changes] == ["level high became low: as agreed", "level low became critical: as agreed"]


@pytest.mark.parametrize(("placeholders", "count"), [(None, 2), ({"scanners": ["10.0.0.2"]}, 1)])
def test_exceptions_add_up(placeholders: Any, count: int, tmp_path: Path) -> None:
    site = [override("one", exceptions=[{"client.ip": "10.0.0.1"}]), override("one", exceptions=[{"client.ip|expand": "%scanners%"}])]
    made = plan(tmp_path, [rule(READS, name="one")], site, placeholders=placeholders)
    assert not made.inactive
    reads = [transaction({"client": {"ip": f"10.0.0.{last}"}}) for last in (1, 2, 3)]
    assert Gate(made).run(reads).counts["one"] == count


def test_exceptions_of_a_correlation_are_not_counted(tmp_path: Path) -> None:
    section = {"type": "event_count", "rules": ["base"], "timespan": "1m", "group-by": ["server.ip"], "condition": {"gte": 2}}
    rules = [rule(READS, 1, name="base"), rule(None, 2, name="many", correlation=section)]
    made = plan(tmp_path, rules, [override("many", exceptions=[{"client.ip": "10.0.0.1"}])])
    assert not Gate(made).run([transaction({}) for _ in range(5)]).crossings
    assert Gate(made).run([transaction({"client": {"ip": "10.0.0.9"}}) for _ in range(5)]).crossings


WRONG = [
    (override("none", disable=True), 1, 'no rule has the name or id "none"; did you mean "one"?'),
    ({"override": "one", "disable": True}, 1, "why is missing"),
    (override("one"), 1, "says nothing"),
    (override("one", disable="yes"), 2, "disable is true or false"),
    (override("one", level="severe"), 2, "level must be one of"),
    (override("one", exceptions=[]), 2, "exceptions is a list of searches"),
    (override("one", exceptions=[{"client.pi": "10.0.0.1"}]), 3, 'field "client.pi" does not exist'),
    (override("one", exceptions=[{"client.ip": "10.0.0"}]), 3, "is no possible value"),
    (override("one", severity="low", disable=True), 2, '"severity" is not known here'),
    (override("many", exceptions=[{"client.port": 5}]), 2, "a counted rule asks for client.port"),
]


@pytest.mark.parametrize(("said", "line", "what"), WRONG, ids=[case[2] for case in WRONG])
def test_mistakes(said: dict[str, Any], line: int, what: str, tmp_path: Path) -> None:
    section = {"type": "event_count", "rules": ["one"], "timespan": "1m", "group-by": ["server.ip"], "condition": {"gte": 2}}
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "a.yml").write_text(yaml.safe_dump_all([rule(READS, name="one"), rule(None, 2, name="many", correlation=section)]))
    (tmp_path / "site.yml").write_text(yaml.safe_dump(said, sort_keys=False))
    found = [str(problem) for problem in check([rules, tmp_path / "site.yml"], REGISTRY)]
    assert any(problem.startswith(f"{tmp_path}/site.yml:{line}: ") and what in problem for problem in found), found
