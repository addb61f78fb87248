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


def test_every_capture_is_described() -> None:
    here = {str(path.relative_to(PCAPS)) for path in PCAPS.glob("*/*.pcap*")}
    assert here == {entry["file"] for entry in MANIFEST} == set(CAPTURES), "run `python -m pcaps.make NAME`"


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: str(entry["file"]))
def test_the_manifest_is_right(entry: dict[str, Any]) -> None:
    data = (PCAPS / entry["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == entry["sha256"]
    assert len(data) <= MOST, "captures of the project are small"
    content, made, _ = CAPTURES[entry["file"]]
    assert (entry["content"], entry["made"]) == (content, made), "write content and made of pcaps/make into MANIFEST.yml"


def judged(capture: str) -> list[dict[str, Any]]:
    """The findings on a capture of the substation, by its policy and the rules of the catalog."""
    policy = PROJECT / "zones" / "examples" / "substation.yml"
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
    assert len({finding["title"] for finding in found if finding["kind"] == "alert"}) == 14
    assert {finding["client"]["ip"] for finding in found} == {"10.20.9.66"}
