"""`fieldtap baseline`, and replays that judge by one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sensor.cli.run import ATTACK, NORMAL, fieldtap


def findings(folder: Path) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(fieldtap(folder, "findings", "list", "--kind", "alert", "--json").out)
    return [finding for finding in listed if finding["rule"].startswith("baseline-")]


def test_from_learning_to_accepting_to_reset(tmp_path: Path) -> None:
    learned = fieldtap(tmp_path, "baseline", "learn", str(NORMAL))
    assert (learned.code, learned.err) == (0, "")
    assert "Learned: 26 operations of 6 assets" in learned.out
    assert "fieldtap replay CAPTURE --baseline baseline" in learned.out

    silent = fieldtap(tmp_path, "replay", str(NORMAL), "--baseline", "baseline", "--no-catalog")
    assert "No findings." in silent.out
    told = fieldtap(tmp_path, "replay", str(ATTACK), "--baseline", "baseline", "--no-catalog")
    assert "New asset" in told.out
    assert "Value out of range" in told.out
    value = next(finding for finding in findings(tmp_path) if finding["rule"] == "baseline-value")
    shown = fieldtap(tmp_path, "findings", "show", value["id"])
    assert value["detail"]["baseline"]["why"][:40] in shown.out

    accepted = fieldtap(tmp_path, "baseline", "accept", value["id"][:8], "--by", "J. Smith", "--why", "summer set points")
    assert (accepted.code, accepted.out) == (0, "")
    assert accepted.err.startswith(f"{value['id']}: accepted by J. Smith: holding_register:")
    again = json.loads(fieldtap(tmp_path, "replay", str(ATTACK), "--baseline", "baseline", "--no-catalog", "--json").out)
    assert value["id"] not in {finding["id"] for finding in again["findings"]}
    assert again["baseline"]["judged"]["operations"] == 26
    listed = fieldtap(tmp_path, "baseline", "show")
    assert "summer set points" in listed.out
    assert "+accepted" in listed.out

    reset = fieldtap(tmp_path, "baseline", "reset", "--by", "J. Smith", "--why", "line 2 was rebuilt")
    assert (reset.code, reset.err) == (0, "baseline: 26 operations taken away by J. Smith\n")
    gone = fieldtap(tmp_path, "baseline", "show")
    assert gone.code == 2
    assert gone.err == ("the store keeps no baseline 'baseline' (it keeps: none yet): 'fieldtap baseline learn CAPTURE' makes one\n")


def test_show_as_json_and_by_filter(tmp_path: Path) -> None:
    assert fieldtap(tmp_path, "baseline", "learn", str(NORMAL), "--name", "day").code == 0
    whole = json.loads(fieldtap(tmp_path, "baseline", "show", "--name", "day", "--json").out)
    assert len(whole["operations"]) == 26
    part = json.loads(fieldtap(tmp_path, "baseline", "show", "--name", "day", "--client", "10.20.3.6", "--json").out)
    assert {operation["client"] for operation in part["operations"]} == {"10.20.3.6"}
    polled = [operation for operation in whole["operations"] if operation["interval"]]
    assert all(400_000_000 < operation["interval"]["median_ns"] < 600_000_000 for operation in polled)
    written = [point for operation in whole["operations"] for point in operation["points"] if point["least"] is not None]
    assert written
    assert {point["access"] for point in written} == {"write"}
    assert [entry["action"] for entry in whole["log"]] == ["learn"]


def test_learning_in_a_replay_is_kept_under_its_name(tmp_path: Path) -> None:
    run = fieldtap(tmp_path, "replay", str(NORMAL), str(ATTACK), "--learn-for", "15s", "--baseline", "first", "--no-catalog")
    assert run.code == 0, run.err
    assert "What came after it is judged by it." in run.out
    assert fieldtap(tmp_path, "baseline", "show", "--name", "first").code == 0
    twice = fieldtap(tmp_path, "replay", str(NORMAL), "--learn-for", "20s", "--baseline", "first")
    assert (twice.code, twice.out) == (2, "")
    assert "there is a baseline 'first' already" in twice.err
    short = fieldtap(tmp_path, "replay", str(NORMAL), "--learn-for", "1h", "--store", "none", "--no-catalog")
    assert "Nothing was judged by it: the captures ended before learning was over." in " ".join(short.out.split())
    unnamed = fieldtap(tmp_path, "replay", str(NORMAL), "--learn-packets", "100", "--store", "none", "--no-catalog")
    assert unnamed.code == 0, unnamed.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("replay", str(NORMAL), "--baseline", "nobody"), "the store keeps no baseline 'nobody' (it keeps: day)"),
        (("replay", str(NORMAL), "--baseline", "day", "--store", "none"), "--baseline names one in a store"),
        (("replay", str(NORMAL), "--learn-for", "1x"), "'1x' is no length of time: write 90s, 30m, 8h or 7d."),
        (("replay", str(NORMAL), "--learn-for", "0s"), "'0s' is no length of time"),
        (("baseline", "learn", str(NORMAL), "--name", "day"), "there is a baseline 'day' already"),
        (("baseline", "accept", "0123", "--by", "a", "--why", "b"), "The store keeps no finding 0123"),
        (("baseline", "reset", "--name", "nobody", "--by", "a", "--why", "b"), "the store keeps no baseline 'nobody'"),
    ],
)
def test_wrong_use_is_said(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    assert fieldtap(tmp_path, "baseline", "learn", str(NORMAL), "--name", "day").code == 0
    ended = fieldtap(tmp_path, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in " ".join(ended.err.split())


def test_learning_stops_where_it_is_told(tmp_path: Path) -> None:
    """Alone it reads no further, and what comes after is neither learned nor judged."""
    ended = fieldtap(tmp_path, "baseline", "learn", str(NORMAL), str(ATTACK), "--for", "15s")
    assert ended.code == 0, ended.err
    shown = json.loads(fieldtap(tmp_path, "baseline", "show", "--json").out)
    assert not any(operation["client"] == "10.20.9.66" for operation in shown["operations"])
    assert findings(tmp_path) == []
