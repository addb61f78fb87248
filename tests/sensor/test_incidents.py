"""Findings of one source that are one story."""

from __future__ import annotations

from typing import Any

from rules.attack import data
from sensor.clock import MINUTE
from sensor.findings import Finding, Statement, Subject, finding_id
from sensor.incidents import _data, incidents

_SCAN = {"access": "identify", "attack": "T0846"}
_WRITE = {"access": "write", "attack": "T1692.001", "severity": "high"}
_STOP = {"access": "mode", "attack": "T0858", "severity": "critical"}


def found(minute: int, source: str, target: str, **said: Any) -> Finding:
    first = minute * MINUTE
    attack = said.get("attack")
    statement = Statement(
        kind=said.get("kind", "alert"), title="told", reason="r", severity=said.get("severity", "medium"), rule=said.get("rule", "rule"),
        attack=[{"id": attack, "legacy_id": attack}] if attack else (),
    )  # fmt: skip
    subject = Subject(client={"ip": source}, server={"ip": target}, protocol=said.get("protocol", "modbus"), access=said.get("access"))
    return Finding(
        id=finding_id(statement, subject, first), revision=1, state="open", revised=first, statement=statement, subject=subject, count=2,
        first=first, last=first + 1, outcomes={"accepted": 2}, suppressed=said.get("suppressed"),
    )  # fmt: skip


def test_scan_write_stop_from_one_source_is_one_story() -> None:
    (story,) = incidents([found(3, "a", "plc", **_STOP), found(0, "a", "plc", **_SCAN), found(2, "a", "plc", **_WRITE)])
    said = story.to_dict()
    assert [stage["stage"] for stage in said["stages"]] == ["discovery", "manipulation", "disruption"]
    assert (said["severity"], said["sources"], said["targets"]) == ("critical", ["a"], ["plc"])
    assert (said["findings"], said["occurrences"]) == (3, 6)


def test_the_same_findings_in_any_order_are_the_same_story() -> None:
    parts = [found(0, "a", "plc", **_SCAN), found(2, "a", "plc", **_WRITE), found(3, "a", "plc", **_STOP)]
    assert incidents(parts)[0].to_dict() == incidents(parts[::-1])[0].to_dict()


def test_two_sources_that_have_nothing_to_do_with_each_other_are_no_story() -> None:
    assert incidents([found(0, "a", "plc", **_SCAN), found(2, "b", "plc", **_WRITE)]) == []


def test_what_comes_an_hour_later_is_another_matter() -> None:
    assert incidents([found(0, "a", "plc", **_SCAN), found(62, "a", "plc", **_WRITE)]) == []
    assert len(incidents([found(0, "a", "plc", **_SCAN), found(59, "a", "plc", **_WRITE)])) == 1


def test_one_stage_alone_and_stages_in_the_wrong_order_are_no_story() -> None:
    assert incidents([found(0, "a", "plc", **_WRITE), found(1, "a", "plc2", **_WRITE)]) == []
    assert incidents([found(0, "a", "plc", **_WRITE), found(5, "a", "plc", **_SCAN)]) == []


def test_who_was_come_in_to_goes_on_with_the_story() -> None:
    rdp = {"access": "session", "protocol": "ms-wbt-server", "kind": "violation"}
    parts = [found(0, "office", "portal", **rdp), found(1, "portal", "station", **rdp), found(2, "station", "plc", **_STOP)]
    (story,) = incidents(parts)
    assert story.sources == ["office", "portal", "station"]
    assert story.targets == ["plc"]
    backwards = [found(5, "office", "station", **rdp), found(2, "station", "plc", **_STOP)]
    assert incidents(backwards) == []


def test_a_refused_connection_is_not_coming_in() -> None:
    from dataclasses import replace

    rdp = {"access": "session", "protocol": "ms-wbt-server", "kind": "violation"}
    refused = replace(found(0, "office", "station", **rdp), outcomes={"rejected": 2})
    assert incidents([refused, found(2, "station", "plc", **_STOP)]) == []


def test_suppressed_findings_are_left_out() -> None:
    scan = found(0, "a", "plc", **_SCAN, suppressed={"suppression": 1})
    assert incidents([scan, found(2, "a", "plc", **_WRITE)]) == []


def test_a_violation_without_a_technique_has_the_stage_of_its_access() -> None:
    parts = [found(0, "a", "plc", access="read", kind="violation"), found(1, "a", "plc", access="program", kind="violation")]
    assert [stage["stage"] for stage in incidents(parts)[0].stages()] == ["collection", "program"]


def test_every_technique_of_the_catalog_has_a_stage() -> None:
    import dissectors
    from rules.evidence import everything
    from rules.loader import catalog
    from sensor.plan import services

    known = {technique for stage in _data()[1] for technique in stage.techniques}
    plan = everything([catalog()], dissectors.protocols(), services())
    used = {attack.id for rule in plan.rules for attack in rule.alert.attack}
    missing = sorted(used - known)
    assert not missing, f"name a stage for {', '.join(missing)} in sensor/incidents.toml"
    assert {legacy for legacy, current in data()["crosswalk"].items() if current in known} <= known


def test_many_findings_take_no_long_time() -> None:
    import time

    parts = [found(n % 50, f"10.0.0.{n % 200}", f"10.0.0.{n % 199}", **(_SCAN, _WRITE, _STOP)[n % 3], rule=str(n)) for n in range(20_500)]
    began = time.process_time()
    assert incidents(parts)
    assert time.process_time() - began < 5
