"""What a responder types: filters, suppressions, exports, incidents, slices, the timeline."""

from __future__ import annotations

import csv
import json
import shutil
import stat
from io import StringIO
from pathlib import Path

import pytest

from tests.sensor.cli.run import ATTACK, PCAPS, fieldtap, policy


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the attack was replayed."""
    place = tmp_path_factory.mktemp("responder")
    shutil.copy(ATTACK, place / "attack.pcapng")
    shutil.copy(policy(), place / "site.yml")
    assert fieldtap(place, "replay", "attack.pcapng", "--zones", "site.yml", "-q").code == 0
    return place


def findings(home: Path, *filters: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(fieldtap(home, "findings", "list", *filters, "--json").out)
    return found


def test_filters_and_options_say_the_same(home: Path) -> None:
    assert findings(home, "severity>=high", "kind=alert") == findings(home, "--severity", "high", "--kind", "alert")
    assert findings(home, "rule=modbus-unit-sweep") == findings(home, "--rule", "83027916-ae00-51f0-996c-ce743bb2ef62")
    assert findings(home, "address=10.20.1.0/24", "access=write,mode")
    wrong = fieldtap(home, "findings", "list", "severty>=high")
    assert (wrong.code, "did you mean severity" in wrong.err) == (2, True)


def test_since_and_until_are_capture_time(home: Path) -> None:
    every = findings(home)
    first = min(str(one["first"]) for one in every)
    assert findings(home, "--until", first[:26]) == []
    assert len(findings(home, "--since", first[:26])) == len(every)


def test_a_suppression_hides_counts_nothing_and_ends(tmp_path: Path) -> None:
    shutil.copy(ATTACK, tmp_path / "attack.pcapng")
    assert fieldtap(tmp_path, "replay", "attack.pcapng", "-q").code == 0
    before = findings(tmp_path)
    asked = ("findings", "suppress", "rule=modbus-unit-sweep", "--until", "52w", "--by", "JS", "--why", "a test")
    ended = fieldtap(tmp_path, *asked)
    assert (ended.code, "covers 1 finding" in ended.err) == (0, True)
    assert len(findings(tmp_path)) == len(before) - 1
    assert len(findings(tmp_path, "--suppressed")) == len(before)
    assert "1 more finding is suppressed (37 occurrences)" in fieldtap(tmp_path, "findings", "list").out
    summary = fieldtap(tmp_path, "replay", "attack.pcapng").out
    assert "1 finding suppressed, 37 occurrences (JS: a test)" in summary
    assert "Modbus units swept" not in summary
    assert "rule=modbus-unit-sweep" in fieldtap(tmp_path, "findings", "suppressions").out
    assert fieldtap(tmp_path, "findings", "unsuppress", "1").code == 0
    assert len(findings(tmp_path)) == len(before)
    assert fieldtap(tmp_path, "findings", "unsuppress", "1").code == 2


@pytest.mark.parametrize(
    "asked",
    [
        ["severity>=info", "--until", "1d"], ["rule=modbus-unit-sweep", "--until", "tomorrow"], ["zz", "--until", "1d"],
        ["colour=red", "--until", "1d"],
    ],
)  # fmt: skip
def test_what_can_not_be_suppressed_is_said(home: Path, asked: list[str]) -> None:
    ended = fieldtap(home, "findings", "suppress", *asked, "--by", "JS", "--why", "x")
    assert ended.code == 2
    assert ended.err


def test_exports_have_every_finding(home: Path) -> None:
    count = len(findings(home, "--suppressed"))
    table = list(csv.reader(StringIO(fieldtap(home, "findings", "export", "--format", "csv").out)))
    assert len(table) == count + 1
    assert {len(row) for row in table} == {len(table[0])}
    assert len(fieldtap(home, "findings", "export").out.splitlines()) == count
    assert fieldtap(home, "findings", "export", "kind=alert", "--format", "json", "--output", home / "out.json").code == 0
    assert {one["kind"] for one in json.loads((home / "out.json").read_text())} == {"alert"}


def test_the_attack_is_one_incident(home: Path) -> None:
    (story,) = json.loads(fieldtap(home, "incidents", "list", "--json").out)
    assert story["sources"] == ["10.20.9.66"]
    shown = fieldtap(home, "incidents", "show", story["id"][:6]).out
    assert [line for line in shown.splitlines() if line.startswith("1. ")]
    assert "stopped or restarted" in shown
    assert fieldtap(home, "incidents", "show", "zz").code == 2
    assert "Incidents: 1" in fieldtap(home, "replay", "attack.pcapng", "--zones", "site.yml").out


def test_the_cap_drops_nothing(home: Path) -> None:
    def counts(*more: str) -> tuple[int, int]:
        document = json.loads(fieldtap(home, "replay", PCAPS / "opcua" / "attack.pcapng", "--store", "none", "--json", *more).out)
        said = [one for one in document["findings"] if one["kind"] == "alert" or one["reason"] == "alert_budget"]
        return sum(one["count"] for one in said), sum(one["kind"] == "health" for one in said)

    (plain, none), (capped, beyond) = counts("--alerts-per-hour", "0"), counts("--alerts-per-hour", "1")
    assert (plain, none) == (capped, 0)
    assert beyond == 3
    assert fieldtap(home, "replay", "attack.pcapng", "--store", "none", "--alerts-per-hour", "-1").code == 2


def test_a_slice_is_replayed_and_makes_the_finding_again(home: Path) -> None:
    finding = findings(home, "rule=modbus-unit-sweep")[0]
    ended = fieldtap(home, "evidence", "slice", str(finding["id"])[:8], "-o", "slices")
    assert (ended.code, "makes the finding again (37 of 37 occurrences)" in ended.err) == (0, True)
    again = json.loads(fieldtap(home, "replay", f"slices/{finding['id']}.pcapng", "--store", "none", "--json").out)
    assert finding["id"] in [one["id"] for one in again["findings"]]
    raw = fieldtap(home, "evidence", "slice", str(finding["id"]), "-o", "raw", "--raw-evidence")
    assert raw.code == 0
    assert stat.S_IMODE((home / "raw" / f"{finding['id']}.pcapng").stat().st_mode) == 0o600


def test_explain_says_what_matched_and_whether_tshark_agrees(home: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed: apt-get install tshark")
    ended = fieldtap(home, "explain", str(findings(home, "rule=modbus-unit-sweep")[0]["id"]))
    assert (ended.code, ended.err) == (0, "")
    lines = [line.split() for line in ended.out.splitlines()]
    assert ["request", "yes"] in [line[:2] for line in lines]
    assert "The two decoders agree in 7 of 7 facts." in ended.out
    violation = fieldtap(home, "explain", str(findings(home, "kind=violation", "access=write")[0]["id"])).out
    assert "Why: the policy" in violation


def test_explain_reads_a_result_as_well(home: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed: apt-get install tshark")
    (home / "result.json").write_text(fieldtap(home, "replay", "attack.pcapng", "--zones", "site.yml", "--store", "none", "--json").out)
    ident = str(findings(home, "kind=violation", "access=write")[0]["id"])
    kept, read = fieldtap(home, "explain", ident), fieldtap(home, "explain", ident, "--result", "result.json")
    assert (read.code, read.err) == (0, "")
    assert [line for line in kept.out.splitlines() if "revisions" not in line] == read.out.replace(
        "attack.pcapng", str(home / "attack.pcapng")
    ).splitlines()
    (home / "wrong.json").write_text("[1")
    assert fieldtap(home, "explain", ident, "--result", "wrong.json").code == 2


def test_a_timeline_as_table_json_and_page(home: Path) -> None:
    shutil.copy(PCAPS / "s7" / "intrusion.pcap", home / "s7.pcap")
    ended = fieldtap(home, "timeline", "s7.pcap", "--store", "none", "--html", "t.html", "--extract", "blocks")
    assert ended.code == 0, ended.err
    assert "Programs and files that passed" in ended.out
    assert (home / "t.html").read_text().startswith("<!doctype html>")
    files = sorted((home / "blocks").iterdir())
    assert files
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    document = json.loads(fieldtap(home, "timeline", "s7.pcap", "--store", "none", "--json", "--only", "mode,transfer").out)
    assert {event["kind"] for event in document["events"]} <= {"mode", "transfer"}
    assert fieldtap(home, "timeline", "s7.pcap", "--only", "colour").code == 2
