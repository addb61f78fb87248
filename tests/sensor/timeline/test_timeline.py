"""What a timeline tells of captures of the project."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

import dissectors
import zones
from sensor.cli.plain import text
from sensor.cli.timeline_view import sections
from sensor.pipeline import ReplayConfig, replay
from sensor.timeline.chronicle import Chronicle
from sensor.timeline.html import render
from sensor.timeline.story import KINDS, Timeline, timeline

PCAPS = Path(__file__).parents[3] / "pcaps"
LAKESIDE = Path(zones.__file__).parent / "examples" / "lakeside.yml"
pytestmark = pytest.mark.skipif(getattr(dissectors._native, "__file__", None) is None, reason="the native engine is not built")


@cache
def told(capture: str, policy: bool = True) -> Timeline:
    chronicle = Chronicle()
    config = ReplayConfig(captures=[PCAPS / capture], zones=LAKESIDE if policy else None, keep=False, digest=True)
    return timeline(replay(config, listener=chronicle), chronicle)


def test_events_are_in_the_order_of_time() -> None:
    events = told("mixed/attack.pcapng").events
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
    assert {event["kind"] for event in events} <= set(KINDS)


def test_the_attack_has_its_writes_with_the_values_before_and_after() -> None:
    made = told("mixed/attack.pcapng")
    writes = [
        e for e in made.events if e["kind"] == "write" and made.name(e["client"]) == "dmz-portal" and made.name(e["server"]) == "plc-dosing"
    ]
    (burst,) = writes
    changes = {change["point"]: change for change in burst["changes"]}
    assert changes["holding_register:100-103"]["before"] == [178, 420, 75, 60]
    assert changes["holding_register:100-103"]["after"] == [9999, 9999, 0, 0]
    assert (changes["coil:0"]["before"], changes["coil:0"]["after"]) == ([1], [0])
    assert (burst["count"], burst["first_seen"]) == (14, True)


def test_the_attack_has_its_stop_its_program_and_its_story() -> None:
    made = told("mixed/attack.pcapng")
    modes = [(made.name(e["server"]), e["functions"]) for e in made.events if e["kind"] == "mode"]
    assert ("plc-filter", ["plc_stop"]) in modes
    assert [(one.name, one.direction, one.missing) for one in made.transfers] == [
        ("DB10", "out_of", []), ("OB1", "out_of", []), ("OB1", "into", [])
    ]  # fmt: skip
    assert [len(one["sources"]) > 2 for one in made.incidents] == [True]


def test_what_listens_changes_no_finding() -> None:
    config = ReplayConfig(captures=[PCAPS / "mixed" / "attack.pcapng"], zones=LAKESIDE, keep=False)
    alone = [finding.to_dict() for finding in replay(config).findings]
    assert [finding.to_dict() for finding in told("mixed/attack.pcapng").result.findings] == alone


def test_the_document_is_json_and_the_table_and_the_page_name_the_same() -> None:
    made = told("mixed/attack.pcapng")
    document = json.loads(json.dumps(made.to_dict()))
    assert len(document["events"]) == len(made.events)
    page, table = render(made).decode(), text(sections(made))
    for said in ("[178, 420, 75, 60]", "OB1", "plc_stop", document["incidents"][0]["id"][:8]):
        assert said in page
        assert said in table
    assert not re.search(r"<script|https?://|@import|url\((?!#)", page)


def test_what_a_device_says_of_itself_can_not_break_the_page() -> None:
    from dataclasses import replace as changed

    made = told("mixed/attack.pcapng")
    evil = changed(made, names={**made.names, "10.10.0.12": "<script>alert(1)</script>"})
    page = render(evil).decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_only_some_kinds() -> None:
    made = told("mixed/attack.pcapng").only({"mode"})
    assert {event["kind"] for event in made.events} == {"mode"}


def test_an_ordinary_day_has_writes_and_no_incident() -> None:
    made = told("mixed/normal.pcapng")
    assert made.incidents == []
    assert any(event["kind"] == "write" for event in made.events)
    assert not any(event["kind"] == "finding" for event in made.events)


@pytest.mark.parametrize("capture", ["opcua/attack.pcapng", "dnp3/attack.pcapng", "s7/plus-intrusion.pcap", "opcua/malformed.pcap"])
def test_other_captures_are_told_without_a_policy(capture: str) -> None:
    made = told(capture, policy=False)
    assert render(made)
    assert text(sections(made))
    json.dumps(made.to_dict())
