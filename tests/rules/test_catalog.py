"""What holds for every rule that ships, and for the plan that is made of them."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dissectors import protocols
from rules.attack import Attack, data, pinned, technique
from rules.fields import FIELDS, Stage
from rules.loader import catalog, compile_rules, digest, rule_files
from rules.source import read
from sensor.plan import services
from tests import field_table, gap_table
from tests.rules.gate import Gate
from tests.rules.registry import REGISTRY as SOME
from tests.rules.write import rule as written
from tests.synthetic import transaction

REGISTRY = protocols()
SERVICES = services()
in_tree = pytest.mark.skipif(os.environ.get("FIELDTAP_AWAY") == "1", reason="compares files of the source tree")
STATIONS = {waiting.placeholder: ["10.20.4.7"] for waiting in compile_rules([catalog()], REGISTRY, services=SERVICES).inactive}


def test_the_catalog_has_no_problem_and_says_why() -> None:
    plan = compile_rules([catalog()], REGISTRY, STATIONS, SERVICES)
    assert len(plan.rules) >= 80
    assert not plan.inactive
    for rule in plan.rules:
        assert Path(rule.alert.file).stem == rule.name
        assert rule.description, rule.name
        assert rule.alert.attack, rule.name
        assert rule.alert.references, rule.name
        assert rule.alert.falsepositives, rule.name
        assert all(one.id in pinned()["techniques"] and one.id not in pinned()["revoked"] for one in rule.alert.attack)
        assert rule.evidence.fires_on, rule.name
        assert rule.evidence.silent_on, rule.name


def test_without_the_placeholder_its_rule_is_inactive() -> None:
    plan = compile_rules([catalog()], REGISTRY, services=SERVICES)
    waiting = {one.file: one.placeholder for one in plan.inactive}
    for place in ("modbus/modbus-write", "s7/s7comm-write", "opcua/opcua-write"):
        assert waiting[f"{place}-outside-engineering-stations.yml"] == "engineering_stations"
    assert {place for file, place in waiting.items() if file.startswith("dnp3/")} == {"dnp3_masters"}
    around = {place for file, place in waiting.items() if file.startswith("network/")}
    assert around == {"lower_levels", "level_1", "dhcp_servers", "engineering_stations"}
    assert len(plan.rules) >= 60, "what needs no placeholder is active without a policy"


def test_ordinary_traffic_is_silent() -> None:
    polling = [{"function": {"code": code}, "points": [{"point": f"{kind}:0-99"}]} for code, kind in ((1, "coil"), (3, "holding_register"))]
    write = {"function": {"code": 5, "name": "write_single_coil"}, "access": "write", "points": [{"point": "coil:7"}]}
    refused = {**polling[1], "outcome": {"result": "rejected", "code": 2, "name": "illegal_data_address"}}
    units = [{"unit": str(unit)} for unit in range(100)]
    gate = Gate(compile_rules([catalog()], REGISTRY, services=SERVICES)).run(
        [transaction(fields) for fields in (*polling, write, refused, *units) for _ in range(100)]
    )
    assert not gate.counts
    assert not gate.crossings


def test_tags_give_the_current_and_the_legacy_id() -> None:
    assert technique("attack.t1692.001") == Attack(id="T1692.001", legacy_id="T0855")
    assert technique("attack.t0843.001") == Attack(id="T0843.001", legacy_id="T0843")
    assert technique("attack.t0843") == Attack(id="T0843", legacy_id="T0843")
    assert technique("attack.discovery") is None
    assert technique("cve.2020.1") is None


def test_a_rule_names_tactics_of_its_techniques() -> None:
    for path, name in rule_files([catalog()]):
        for document in read(path, []):
            tags = [tag.removeprefix("attack.") for tag in document.data.get("tags", [])]
            techniques = [tag.upper() for tag in tags if tag[0] == "t" and tag[1].isdigit()]
            fit = {tactic for technique in techniques for tactic in pinned()["techniques"][technique]["tactics"]}
            tactics = {tag.replace("-", "_") for tag in tags if tag.upper() not in techniques}
            assert tactics <= fit, f"{name}: {sorted(tactics - fit)} is no tactic of {techniques} (those have {sorted(fit)})"


def test_the_crosswalk_leads_from_release_to_release() -> None:
    releases = data()["releases"]
    before, now = releases[data()["before"]], releases[data()["pinned"]]
    assert len(data()["crosswalk"]) == 9
    for old, new in data()["crosswalk"].items():
        assert old in before["techniques"]
        assert old not in now["techniques"]
        assert now["revoked"][old] == new
        assert technique(f"attack.{new.lower()}") in (Attack(id=new, legacy_id=old), None)
    assert set(before["techniques"]) - set(now["techniques"]) == set(data()["crosswalk"])
    for release in releases.values():
        assert not set(release["revoked"]) & set(release["techniques"])
        assert set(release["revoked"].values()) <= set(release["techniques"])
        assert set(data()["not_seen_passively"]) <= set(release["techniques"])


def test_what_no_network_shows_is_not_claimed() -> None:
    with pytest.raises(ValueError, match="can't be seen passively"):
        technique("attack.t0863")
    with pytest.raises(ValueError, match="no technique of ATT&CK for ICS v19"):
        technique("attack.t0999")


def test_a_plan_is_plain_and_cheap_to_load(tmp_path: Path) -> None:
    kept = tmp_path / "plan"
    plan = compile_rules([catalog()], REGISTRY, STATIONS, SERVICES)
    kept.write_bytes(pickle.dumps(plan))
    assert pickle.loads(kept.read_bytes()) == plan
    code = (
        f"import pickle, sys, rules; pickle.load(open({str(kept)!r}, 'rb'));"
        "print(sorted(set(sys.modules) & {'sigma', 'yaml', 're2', 'pydantic', 'dissectors'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "[]"


def test_the_digest_changes_with_everything_that_a_plan_is_made_from(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_text(yaml.safe_dump(written({"x": {"protocol": "modbus"}, "condition": "x"})))
    first = digest([tmp_path], REGISTRY, {})
    assert digest([tmp_path], REGISTRY, {}) == first == compile_rules([tmp_path], REGISTRY).digest
    assert digest([tmp_path], REGISTRY, STATIONS) != first
    assert digest([tmp_path], SOME, {}) != first
    file.write_text(file.read_text() + "\n")
    assert digest([tmp_path], REGISTRY, {}) != first


@in_tree
def test_the_tables_of_fields_are_current() -> None:
    own = field_table.own_fields()
    assert field_table.OWN.read_text() == field_table.kept(own), "make it anew with `python -m tests.field_table`"
    readme = field_table.README.read_text()
    assert readme == field_table.written(readme, own), "make it anew with `python -m tests.field_table`"
    assert {one.stage for one in FIELDS.values()} == set(Stage)


@in_tree
def test_the_list_of_gaps_is_current() -> None:
    assert gap_table.TABLE.read_text() == gap_table.table(), "make it anew with `python -m tests.gap_table`"
