"""`fieldtap rules` as people use it: overrides are told, evidence is run, queries are given."""

from __future__ import annotations

import json
import re
from pathlib import Path

from rules.loader import catalog
from tests.sensor.cli.run import ATTACK, PCAPS, fieldtap, policy

SITE = """override: modbus-clear-counters
level: critical
why: nobody measures here
---
override: modbus-unit-sweep
disable: true
why: the scanner
"""


def mine(folder: Path, count: int) -> Path:
    """A folder with a rule of one's own and its evidence beside it."""
    folder.mkdir()
    text = (catalog() / "modbus" / "modbus-clear-counters.yml").read_text()
    text = re.sub(r"^id: .*$", "id: 0b1f9d4e-58a5-4a33-9a53-6a1d1c1e3e55", text, flags=re.MULTILINE)
    text = re.sub(r"^name: .*$", "name: mine", text, flags=re.MULTILINE).replace("count: 1", f"count: {count}")
    (folder / "mine.yml").write_text(text)
    return folder


def test_overrides_are_told_wherever_rules_are(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(SITE)
    shown = fieldtap(tmp_path, "replay", ATTACK, "--rules", "site.yml", "--store", "none")
    said = " ".join(shown.out.split())
    assert "site.yml:1 changes Modbus device's counters cleared: level medium became critical: nobody measures here" in said
    assert "site.yml:5 changes Modbus units swept: disabled: the scanner" in said
    whole = json.loads(fieldtap(tmp_path, "replay", ATTACK, "--rules", "site.yml", "--store", "none", "--json").out)
    assert [change["line"] for change in whole["rules"]["changes"]] == [1, 5]
    alerts = {finding["title"]: finding["severity"] for finding in whole["findings"]}
    assert alerts["Modbus device's counters cleared"] == "critical"
    assert "Modbus units swept" not in alerts
    assert "site.yml:5: note: Modbus units swept: disabled: the scanner" in fieldtap(tmp_path, "rules", "check", "site.yml").out
    listed = json.loads(fieldtap(tmp_path, "rules", "list", "--rules", "site.yml", "--json").out)
    assert "modbus-unit-sweep" not in {rule["name"] for rule in listed["rules"]}
    assert len(listed["changes"]) == 2


def test_evidence_that_holds_doesnt_and_isnt_here(tmp_path: Path) -> None:
    good = fieldtap(tmp_path, "rules", "test", "--rules", mine(tmp_path / "good", 1), "--captures", PCAPS)
    assert (good.code, good.out) == (0, "3 of 3 pieces of evidence hold, for 1 rule\n")
    bad = fieldtap(tmp_path, "rules", "test", "mine", "--rules", mine(tmp_path / "bad", 7), "--captures", PCAPS, "--json")
    assert bad.code == 1
    assert [(one["expected"], one["found"], one["good"]) for one in json.loads(bad.out)] == [(7, 1, False), (0, 0, True), (0, 0, True)]
    text = (tmp_path / "good" / "mine.yml").read_text().replace("plant/normal.pcapng", "nowhere.pcapng")
    (tmp_path / "good" / "mine.yml").write_text(text)
    gone = fieldtap(tmp_path, "rules", "test", "--rules", tmp_path / "good", "--captures", PCAPS)
    assert gone.code == 3
    assert "mine: nowhere.pcapng: is not here" in gone.err


def test_a_rule_as_a_query_and_as_a_search(tmp_path: Path) -> None:
    given = fieldtap(tmp_path, "rules", "convert", "modbus-write-outside-engineering-stations", "--zones", policy())
    assert given.code == 0
    assert given.out.startswith('(network.protocol:"modbus" AND (fieldtap.access:("write" OR "program"))) AND (NOT')
    body = json.loads(fieldtap(tmp_path, "rules", "convert", "modbus-unit-sweep", "--format", "search").out)
    assert body["query"]["query_string"]["query"].startswith('network.protocol:"modbus" AND (')
    assert body["aggs"]["client.ip"]["aggs"]["server.ip"]["aggs"]["spans"]["date_histogram"]["fixed_interval"] == "600s"
