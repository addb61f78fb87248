"""The real policy and the shipped rules through the loop: their verdicts become findings as DESIGN.md, section 7 has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sensor.pipeline import analyse
from sensor.plan import load
from tests.sensor.cases import RESULT, happened, script
from tests.sensor.scripted import HOUR, SECOND, ScriptedEngine

POLICY = """\
fieldtap: 1
zones:
  office: {level: 4, networks: [10.1.0.0/16]}
  cell: {level: 1, networks: [10.2.0.0/16]}
assets:
  station: {ip: 10.1.0.5, role: engineering station}
conduits:
  - {id: office-to-cell, from: office, to: cell, allow: [{protocol: modbus, access: read}]}
"""
WRITE: dict[str, Any] = {
    "function": {"code": 6, "name": "write_single_register"},
    "access": "write",
    "points": [{"point": "holding_register:7"}],
}
SIDES: dict[str, Any] = {"client": {"ip": "10.1.0.9", "port": 40000}, "server": {"ip": "10.2.0.1", "port": 502}}


class WithWindows(ScriptedEngine):
    """Numbers windows; none is ever crossed."""

    made = 0

    def window(self, _mode: str, _span: int, _threshold: int) -> int:
        self.made += 1
        return self.made


@pytest.fixture(autouse=True)
def _folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_a_write_that_nobody_allowed_is_a_violation_and_an_alert(tmp_path: Path) -> None:
    policy = tmp_path / "site.yml"
    policy.write_text(POLICY)
    reads = [happened(n * SECOND, n, operation=1, **SIDES) for n in range(5)]
    writes = [happened(10 * SECOND + n, 10 + n, operation=2, **SIDES, **WRITE) for n in range(3)]
    later = [happened(3 * HOUR, 99, operation=2, **SIDES, **WRITE)]
    result = analyse(WithWindows(script(*reads, *writes, *later), RESULT), load(policy))
    found = [finding.to_dict() for finding in result.findings]
    violations = [finding for finding in found if finding["kind"] == "violation"]
    assert [(finding["count"], finding["state"], finding["conduit"]) for finding in violations] == [
        (3, "closed", "office-to-cell"), (1, "open", "office-to-cell"),
    ]  # fmt: skip
    first = violations[0]
    assert first["policy"]["file"] == str(policy)
    assert first["policy"]["line"] == 8
    assert len(first["policy"]["sha256"]) == 64
    assert first["zones"] == {"from": "office", "to": "cell"}
    assert (first["access"], first["function"]) == ("write", {"code": 6, "name": "write_single_register"})
    assert first["packets"] == [{"capture": 1, "packet": packet} for packet in (10, 11, 12)]
    alerts = [finding for finding in found if finding["kind"] == "alert"]
    assert [finding["count"] for finding in alerts] == [3, 1]
    assert alerts[0]["attack"]["id"].startswith("T")
    assert alerts[0]["rule"]
    assert alerts[0]["client"] == {"ip": "10.1.0.9"}


def test_what_the_policy_allows_and_no_rule_knows_gives_nothing(tmp_path: Path) -> None:
    policy = tmp_path / "site.yml"
    policy.write_text(POLICY)
    engine = WithWindows(script(*(happened(n * SECOND, n, **SIDES) for n in range(50))), RESULT)
    result = analyse(engine, load(policy))
    assert result.findings == []
    assert len(engine.asked) == 1
    assert result.to_dict()["policy"]["file"] == str(policy)
