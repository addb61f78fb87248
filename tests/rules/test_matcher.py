"""Which transactions a rule matches: one YAML case per feature, and the same decided by the gate's clauses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from rules.matcher import matches
from tests.rules.gate import Gate
from tests.rules.write import compiled, rule
from tests.synthetic import transaction

CASES = [case for path in sorted((Path(__file__).parent / "cases").glob("*.yml")) for case in yaml.safe_load_all(path.read_text())]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_matches(case: dict[str, Any], tmp_path: Path) -> None:
    plan = compiled(tmp_path, rule(case["detection"]), placeholders=case.get("placeholders"))
    transactions = [transaction(fields) for fields in case["transactions"]]
    found = [matches(plan.rules[0], t) for t in transactions]  # type: ignore[arg-type]
    assert found == case["expect"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_clauses_count_what_matches(case: dict[str, Any], tmp_path: Path) -> None:
    plan = compiled(tmp_path, rule(case["detection"]), placeholders=case.get("placeholders"))
    transactions = [transaction(fields) for fields in case["transactions"]] * 3
    gate = Gate(plan).run(transactions)
    assert gate.counts["rule-0"] == 3 * sum(case["expect"])


@pytest.mark.parametrize("case", [case for case in CASES if case.get("clauses")], ids=lambda case: str(case["name"]))
def test_what_clauses_can_say_is_not_delivered_again(case: dict[str, Any], tmp_path: Path) -> None:
    plan = compiled(tmp_path, rule(case["detection"]), placeholders=case.get("placeholders"))
    transactions = [transaction(fields) for fields in case["transactions"]]
    gate = Gate(plan).run(transactions)
    before = gate.delivered
    gate.run(transactions * 5)
    assert gate.delivered == before
