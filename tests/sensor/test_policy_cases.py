"""Policies on captures, each held against what a plain filter finds in the same capture's transactions: what breaks it is counted exactly,
named by its points, packets and times, and all the rest is allowed.

A case of `policies/*.yml`: `name`, `capture`, `policy`, and `breaks`, a list of `reason`, `where` (fields of transactions by dotted names;
beside them `touches`, `outside`, `above`, `below`, `beyond`, `since`, `before`, `not`), and `count` where it is known. `kind` is `coverage`
for what can't be decided, `says` has fields of the findings.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from sensor.pipeline import ReplayConfig, replay
from tests.robustness.frames import read, segment, write
from tests.sensor.cli.run import NORMAL, PCAPS

FOLDER = Path(__file__).parent / "policies"
DECIDED = ("violation", "coverage")
SYNTHETIC = Path(__file__).parents[1] / "zones" / "cases"

Line = dict[str, Any]


def _cases() -> Iterator[Any]:
    for path in sorted(FOLDER.glob("*.yml")):
        for case in yaml.safe_load_all(path.read_text()):
            yield pytest.param(case, id=f"{path.stem}: {case['name']}")


def test_there_are_enough_cases() -> None:
    assert sum(1 for _ in _cases()) >= 20
    assert {path.stem for path in FOLDER.glob("*.yml")} >= {"modbus", "umas", "dnp3", "s7comm", "s7commplus", "opcua"}
    assert sum(path.read_text().count("\nname: ") + path.read_text().startswith("name: ") for path in SYNTHETIC.glob("*.yml")) >= 40


def _run(capture: Path, policy: str, folder: Path) -> tuple[list[Line], list[Line]]:
    """What was found, and the transactions."""
    file, lines = folder / "policy.yml", folder / "lines.jsonl"
    file.write_text(f"fieldtap: 1\n{policy}")
    result = replay(ReplayConfig(captures=[capture], zones=file, catalog=False, keep=False, transactions=str(lines), cache=False))
    found = [finding.to_dict() for finding in result.findings]
    return [one for one in found if one["kind"] in DECIDED and one.get("policy")], [
        json.loads(line) for line in lines.read_text().splitlines()
    ]


def _field(line: Line, name: str) -> Any:
    held: Any = line
    for step in name.split("."):
        held = None if held is None else held.get(step)
    return held


def _place(text: str) -> tuple[str, int, int]:
    kind, _, place = text.partition(":")
    first, _, last = place.partition("-")
    return (kind, int(first), int(last or first)) if first.isdigit() else (text, 0, 0)


def _lies(point: Mapping[str, Any], texts: list[str], *, wholly: bool) -> bool:
    """Whether a point touches one of the places, or lies wholly in one."""
    if point["point"] in texts:
        return True
    for kind, first, last in map(_place, texts):
        if point["kind"] != kind or point.get("name") is not None:
            continue
        if (first <= point["first"] and point["last"] <= last) if wholly else (first <= point["last"] and point["first"] <= last):
            return True
    return False


def _numbers(line: Line) -> list[float]:
    return [value for point in line["points"] if point["access"] == line["access"] for value in point["values"] or () if value is not None]


_SPECIAL = {
    "touches": lambda line, wanted: any(_lies(point, wanted, wholly=False) for point in line["points"]),
    "outside": lambda line, wanted: any(
        point["access"] == line["access"] and not _lies(point, wanted, wholly=True) for point in line["points"]
    ),
    "above": lambda line, wanted: any(value > wanted for value in _numbers(line)),
    "below": lambda line, wanted: any(value < wanted for value in _numbers(line)),
    "beyond": lambda line, wanted: any(not wanted[0] <= value <= wanted[1] for value in _numbers(line)),
    "since": lambda line, wanted: _asked(line) >= wanted,
    "before": lambda line, wanted: _asked(line) < wanted,
    "not": lambda line, wanted: not _fits(line, wanted),
}  # fmt: skip


def _asked(line: Line) -> str:
    return str((line["request"] or line["response"])["time"])


def _fits(line: Line, where: Mapping[str, Any]) -> bool:
    for name, wanted in where.items():
        if name in _SPECIAL:
            if not _SPECIAL[name](line, wanted):
                return False
        elif _field(line, name) not in (wanted if isinstance(wanted, list) else [wanted]):
            return False
    return True


@pytest.mark.parametrize("case", list(_cases()))
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    found, lines = _run(PCAPS / case["capture"], case["policy"], tmp_path)
    left = list(found)
    for wanted in case["breaks"]:
        broken = [line for line in lines if _fits(line, wanted["where"])]
        assert broken, "the filter finds nothing: this case proves nothing"
        assert len(broken) == wanted.get("count", len(broken))
        assert len(broken) < len(lines), "nothing would be allowed"
        _held([one for one in left if one["kind"] == wanted.get("kind", "violation") and one["reason"] == wanted["reason"]], broken, wanted)
        left = [one for one in left if one["reason"] != wanted["reason"]]
    assert [(one["kind"], one["reason"], one["title"]) for one in left] == [], "everything else is allowed"


def _held(found: list[Line], broken: list[Line], wanted: Mapping[str, Any]) -> None:
    """Findings say exactly what the filter found."""
    assert sum(one["count"] for one in found) == len(broken)
    moments = {(line["request"] or line["response"])["packet"] for line in broken}
    assert {packet["packet"] for one in found for packet in one["packets"]} <= moments
    assert min(one["first"] for one in found) == min(map(_asked, broken))
    assert max(one["last"] for one in found) == max(map(_asked, broken))
    assert {one["client"]["ip"] for one in found} == {line["client"]["ip"] for line in broken}
    assert {one["policy"]["sha256"] for one in found if one["policy"]["line"] > 0} == {found[0]["policy"]["sha256"]}
    if wanted["reason"] == "value":
        numbers = [number for line in broken for number in _numbers(line)]
        least, greatest = (
            extreme(_field(one, f"detail.values.{name}") for one in found) for extreme, name in ((min, "least"), (max, "greatest"))
        )
        assert (least, greatest) == (min(numbers), max(numbers))
    for name, value in wanted.get("says", {}).items():
        assert {json.dumps(_field(one, name)) for one in found} == {json.dumps(value)}, name
    if len(broken) == 1:
        (one,) = found
        (line,) = broken
        assert one["packets"] == [{"capture": 1, "packet": (line["request"] or line["response"])["packet"]}]
        assert one["outcome"]["result"] == line["outcome"]["result"]
        touched = [point["point"] for point in line["points"] if point["access"] == line["access"]]
        assert not touched or [point if isinstance(point, str) else point["point"] for point in one["points"]] == touched


POLLED = """zones:
  above: {level: 2, networks: [10.20.3.0/24, 10.20.4.0/24]}
  cell: {level: 1, networks: [10.20.1.0/24]}
conduits:
  - {id: c, from: above, to: cell, allow: [{protocol: modbus, access: [read, identify]},
     {protocol: modbus, access: write, points: ["holding_register:100-119", "coil:7"]}]}
"""


@pytest.mark.parametrize("turn", range(3))
def test_one_write_that_was_turned_to_another_register_is_the_only_violation(tmp_path: Path, turn: int) -> None:
    """In a polled flow one write of one register is changed on its way, in request and answer; nothing else of the capture is."""
    frames = read(NORMAL)
    found, lines = _run(NORMAL, POLLED, tmp_path)
    assert found == []
    line = [line for line in lines if line["function"]["code"] == 6][turn]
    for moment in (line["request"], line["response"]):
        frame = frames[moment["packet"] - 1]
        place = segment(frame)
        assert place is not None
        assert frame.data[place.payload + 7] == 6
        at = place.payload + 8
        data = frame.data[:at] + (4711).to_bytes(2, "big") + frame.data[at + 2 :]
        frames[moment["packet"] - 1] = type(frame)(time=frame.time, data=data, link=frame.link, wire=frame.wire)
    (one,), changed = _run(write(tmp_path / "changed.pcap", frames), POLLED, tmp_path)
    assert len(changed) == len(lines)
    assert (one["kind"], one["reason"], one["count"], one["conduit"]) == ("violation", "point", 1, "c")
    assert [point if isinstance(point, str) else point["point"] for point in one["points"]] == ["holding_register:4711"]
    assert one["packets"] == [{"capture": 1, "packet": line["request"]["packet"]}]
    assert one["first"] == one["last"] == line["time"]
