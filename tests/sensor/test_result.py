"""The document of `fieldtap replay --json` (DESIGN.md, section 7)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sensor.clock import utc
from tests.sensor.cases import RESULT, ForbidsAll, happened, result_of, script
from tests.sensor.scripted import HOUR, ScriptedEngine

BOUND = ("fieldtap", "captures", "packets", "flows", "protocols", "ledger", "assets", "findings", "ceilings")
FINDING = (
    "id", "revision", "kind", "conduit", "title", "severity", "confidence", "reason", "client", "server", "protocol", "unit", "function",
    "access", "points", "outcome", "count", "first", "last", "packets", "policy", "attack",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_the_document_has_what_the_design_binds_and_is_plain_json() -> None:
    events = [happened(0, points=[{"point": "holding_register:100-101"}], access="write"), happened(1, 2)]
    result = result_of(ScriptedEngine(script(*events), RESULT), ForbidsAll())
    document = json.loads(json.dumps(result.to_dict()))
    assert set(BOUND) <= document.keys()
    assert document["captures"][0]["first"] == "2023-11-14T22:14:00.000000000Z"
    assert document["packets"]["read"] == 9
    assert document["policy"] is None
    (finding,) = document["findings"]
    assert set(FINDING) <= finding.keys()
    assert finding["points"] == [
        {"point": "holding_register:100-101", "kind": "holding_register", "first": 100, "last": 101, "access": "write"}
    ]
    assert finding["packets"] == [{"capture": 1, "packet": 1}, {"capture": 1, "packet": 2}]
    assert [asset["id"] for asset in document["assets"]] == ["10.0.0.1", "10.0.0.2", "10.0.0.2/modbus:1"]
    assert document["conversations"][0]["transactions"] == 2


def test_findings_at_or_above_a_severity() -> None:
    result = result_of(ScriptedEngine(script(happened(0)), RESULT), ForbidsAll())
    assert len(result.at_or_above("high")) == 1
    assert result.at_or_above("critical") == []


def test_the_document_is_the_same_whatever_the_batches() -> None:
    events = [happened(n * HOUR // 3, n, operation=n % 5 + 1) for n in range(40)]
    documents = [
        json.dumps(result_of(ScriptedEngine(script(*events), RESULT, batch=size), ForbidsAll()).to_dict()) for size in (1, 3, 1000)
    ]
    assert len(set(documents)) == 1


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (1_772_612_121_118_000_123, "2026-03-04T08:15:21.118000123Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (2**64 - 1, "2554-07-21T23:34:33.709551615Z"),
        (2**80, "9999-12-31T23:59:59.999999999Z"),
        (-(2**80), "0001-01-01T00:00:00.000000000Z"),
    ],
)  # fmt: skip
def test_times_are_utc_with_nanoseconds(time: int, text: str) -> None:
    assert utc(time) == text
