"""Policy cases on synthetic transactions: `name`, `policy`, `transactions`, `expect` (STYLE.md, 20).

`expect` has one entry for each transaction: `allowed`, `violation <reason>` or `insufficient <reason>`, or a mapping with `is`, fields
of the verdict, `delivered`, `count` (in its clause so far), and `crosses` (titles of the rates that it is too many for).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.synthetic import transaction
from tests.zones.gate_model import Gate
from zones import compile_policy
from zones.decision import Decider
from zones.verdict import Coverage, Verdict

FOLDER = Path(__file__).parent / "cases"
EXAMPLES = Path(__file__).parents[2] / "zones" / "examples"


def _cases() -> Iterator[Any]:
    for path in sorted(FOLDER.glob("*.yml")):
        for case in yaml.safe_load_all(path.read_text()):
            yield pytest.param(case, id=f"{path.stem}: {case['name']}")


def _said(verdict: Verdict | None) -> str:
    if verdict is None:
        return "allowed"
    return f"{'insufficient' if isinstance(verdict, Coverage) else 'violation'} {verdict.reason}"


def _timed(fields: dict[str, Any]) -> dict[str, Any]:
    """With `at` (UTC) as the time of everything, a fraction of a second in `ms`."""
    at = fields.pop("at", None)
    if at is None:
        return fields
    time = int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()) * 1_000_000_000 + fields.pop("ms", 0) * 1_000_000
    return {**fields, "time": time, "completed": time, "request": {"capture": 1, "packet": 1, "time": time}}


def _policy(case: dict[str, Any], folder: Path) -> str:
    if "example" in case:
        return str(EXAMPLES / case["example"])
    path = folder / "policy.yml"
    path.write_text("fieldtap: 1\n" + case["policy"])
    return str(path)


@pytest.mark.parametrize("case", list(_cases()))
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    decider = Decider(compile_policy(_policy(case, tmp_path)))
    gate = Gate(decider)
    base = case.get("base", {})
    assert len(case["transactions"]) == len(case["expect"])
    for number, (fields, wanted) in enumerate(zip(case["transactions"], case["expect"], strict=True), 1):
        t = transaction(_timed({**base, **fields}))
        entry, delivered = gate.take(t)
        verdict = entry.consequence
        wanted = {"is": wanted} if isinstance(wanted, str) else dict(wanted)
        assert _said(verdict) == wanted.pop("is"), f"transaction {number}: {decider.explain_decision(t)}"
        assert delivered == wanted.pop("delivered", delivered), f"transaction {number}"
        assert gate.count(entry) == wanted.pop("count", gate.count(entry)), f"transaction {number}"
        crossed = [decider.rates.group(number) for number in gate.crossed]
        assert [group.alert.title for group in crossed] == wanted.pop("crosses", []), f"transaction {number}"
        for name, value in wanted.items():
            found = getattr(verdict, name)
            assert (list(found) if isinstance(found, tuple) else found) == value, f"transaction {number}: {name}"
        assert decider.explain_decision(t)[-1].startswith(_said(verdict).split()[0]), f"transaction {number}"
        assert decider.judged(t)[3].verdict == verdict or "places" in _said(verdict)


def test_there_are_cases() -> None:
    assert sum(1 for _ in _cases()) >= 25
