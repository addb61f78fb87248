"""The project's captures are those that the manifest describes, and the manifest says what `pcaps/make` says."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import yaml

from pcaps.make.__main__ import CAPTURES
from sensor.pipeline import ReplayConfig, replay
from tests.corpus import PROJECT

PCAPS = PROJECT / "pcaps"
MANIFEST: list[dict[str, Any]] = yaml.safe_load((PCAPS / "MANIFEST.yml").read_text(encoding="utf-8"))
MOST = 300_000
MOST_OF_A_PLANT = 3_000_000


def test_every_capture_is_described() -> None:
    here = {str(path.relative_to(PCAPS)) for path in PCAPS.glob("*/*.pcap*")}
    assert here == {entry["file"] for entry in MANIFEST} == set(CAPTURES), "run `python -m pcaps.make NAME`"


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: str(entry["file"]))
def test_the_manifest_is_right(entry: dict[str, Any]) -> None:
    data = (PCAPS / entry["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == entry["sha256"]
    assert len(data) <= (MOST_OF_A_PLANT if entry["file"].startswith("mixed/") else MOST), "captures of the project are small"
    content, made, _ = CAPTURES[entry["file"]]
    assert (entry["content"], entry["made"]) == (content, made), "write content and made of pcaps/make into MANIFEST.yml"


def judged(capture: str, plant: str = "substation") -> list[dict[str, Any]]:
    """The findings on a capture of the substation (or of another plant), by its policy and the rules of the catalog."""
    policy = PROJECT / "zones" / "examples" / f"{plant}.yml"
    document = replay(ReplayConfig(captures=[PCAPS / capture], zones=policy, keep=False, threads=1)).to_dict()
    return [finding for finding in document["findings"] if finding["kind"] in ("alert", "violation")]


@pytest.mark.parametrize("capture", ["dnp3/normal.pcapng", "dnp3/polling.pcapng", "dnp3/two_outstations.pcapng"])
def test_a_normal_shift_of_the_substation_is_silent(capture: str) -> None:
    found = judged(capture)
    if capture == "dnp3/normal.pcapng":
        assert found == []
    else:
        assert [finding for finding in found if finding["kind"] == "alert"] == []


def test_an_attack_on_the_substation_is_told_of_the_attacker_alone() -> None:
    found = judged("dnp3/attack.pcapng")
    assert len({finding["title"] for finding in found if finding["kind"] == "alert"}) == 15
    assert {finding["client"]["ip"] for finding in found if finding["client"]} == {"10.20.9.66"}


LEVELS = {"10.10.0": 1, "10.20.0": 2, "10.30.0": 3, "10.35.0": 3.5, "10.40.0": 4}
INTRUDER = {"10.40.0.66", "10.35.0.51"}
MISUSED = {"10.30.0.41", "10.20.0.30"}
"""The engineering station, which the intruder has got hold of, and the gateway, which hands on what is written to it."""


def test_a_shift_of_the_water_works_is_silent() -> None:
    assert judged("mixed/normal.pcapng", "lakeside") == []


def test_the_water_works_speaks_four_protocols_over_five_levels() -> None:
    document = replay(ReplayConfig(captures=[PCAPS / "mixed/normal.pcapng"], keep=False, threads=1)).to_dict()
    assert {"modbus", "dnp3", "s7comm", "opcua"} <= document["protocols"].keys()
    heard = {asset["id"].rpartition(".")[0] for asset in document["assets"] if asset["parent"] is None}
    assert LEVELS.keys() <= heard
    assert document["packets"]["duplicates"]["ttl"] > 1_000, "routers stand between the mirror ports"


def test_an_attack_on_the_water_works_is_told_of_the_intruder_and_of_whom_he_uses() -> None:
    found = judged("mixed/attack.pcapng", "lakeside")
    assert {finding["client"]["ip"] for finding in found if finding["client"]} == INTRUDER | MISUSED
    critical = {(finding["kind"], finding["access"]) for finding in found if finding["severity"] == "critical"}
    assert {("alert", "mode"), ("alert", "program"), ("violation", "mode"), ("violation", "program"), ("violation", "write")} <= critical
    done = {(finding["protocol"], finding["access"], finding["reason"]) for finding in found if finding["kind"] == "violation"}
    assert {
        ("modbus", "write", "value"), ("modbus", "write", "no_conduit"), ("modbus", "write", "access"), ("opcua", "write", "no_conduit"),
        ("dnp3", "write", "no_conduit"), ("dnp3", "mode", "no_conduit"), ("s7comm", "mode", "access"), ("s7comm", "program", "function"),
        ("ms-wbt-server", "session", "protocol"), ("ms-wbt-server", "session", "no_conduit"),
    } <= done  # fmt: skip


def test_no_capture_tells_what_the_recording_machine_asked() -> None:
    for name in ("normal", "attack"):
        document = replay(ReplayConfig(captures=[PCAPS / f"mixed/{name}.pcapng"], keep=False, threads=1)).to_dict()
        outside = {address for asset in document["assets"] for address in asset["addresses"] if address.count(".") == 3}
        multicast = {address for address in outside if address.startswith(("224.", "239."))}
        assert {address.rpartition(".")[0] for address in outside - multicast} <= LEVELS.keys()
