"""No rule file ends a check: whatever stands in it gives problems or a plan."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from rules.loader import catalog, check
from tests.rules.registry import REGISTRY

PIECES = [
    "null", "[]", "{}", "''", "-1", "0x", "1e999", ".nan", "[[]]", "{a: b}", "*", "?", "%", "%x%", "|", "|all", "|re", "|cidr", "|expand",
    "999999999999999999999999", "true", "- ", ": ", "\n", "---\n", "\t", "\x00", "'", '"', "&a ", "*a", "!!x ", "x: ", "not ", "1 of ",
    "points.first", "points.values|gt", "()",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_mutated_rules(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    files = sorted(catalog().rglob("*.yml"))
    for _ in range(15):
        text = chance.choice(files).read_text()
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(text))
            text = text[:place] + chance.choice(PIECES) + text[place + chance.choice([0, 0, 1, 5, 20]) :]
        (tmp_path / "rule.yml").write_text(text)
        for problem in check([tmp_path], REGISTRY, {"engineering_stations": ["10.0.0.1"]}):
            assert problem.line >= 1
            assert problem.what


VALUES = ["null", "[]", "{}", "1", "true", "1.5", "[1]", "[[]]", "{a: 1}", "x", "[null]", "[{}]", "{1: 2}", ".nan", "''"]


@pytest.mark.parametrize("key", ["title", "id", "name", "status", "description", "references", "tags", "logsource", "detection", "level",
                                 "falsepositives", "fieldtap", "correlation", "date", "related", "author", "license"])  # fmt: skip
def test_any_value_for_any_key(key: str, tmp_path: Path) -> None:
    for base in ("modbus-clear-counters", "modbus-unit-sweep"):
        blocks = (catalog() / "modbus" / f"{base}.yml").read_text()
        for value in VALUES:
            (tmp_path / "rule.yml").write_text(f"{key}: {value}\n" + _without(blocks, key))
            check([tmp_path], REGISTRY)


@pytest.mark.parametrize("key", ["type", "rules", "group-by", "timespan", "condition", "generate"])
def test_any_value_in_a_correlation(key: str, tmp_path: Path) -> None:
    text = (catalog() / "modbus" / "modbus-unit-sweep.yml").read_text()
    for value in (
        *VALUES,
        "{gte: []}",
        "{gte: 1, field: []}",
        "{gte: 1, field: {}}",
        "{gt: 1.5}",
        "{gte: x}",
        "{gte: 1, gt: 1}",
        "0s",
        "99999999999y",
        "[a, []]",
    ):
        lines = [f"  {key}: {value}" if line.startswith(f"  {key}:") else line for line in text.splitlines()]
        (tmp_path / "rule.yml").write_text("\n".join(lines))
        check([tmp_path], REGISTRY)


def _without(text: str, key: str) -> str:
    """A YAML text without the block of a top-level key."""
    kept: list[str] = []
    inside = False
    for line in text.splitlines():
        if not line.startswith((" ", "-")):
            inside = line.startswith(f"{key}:")
        if not inside:
            kept.append(line)
    return "\n".join(kept) + "\n"
