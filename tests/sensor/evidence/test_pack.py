"""Packs: every slice alone makes its violation again, and the same inputs give the same bytes."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from sensor.evidence.container import write
from sensor.evidence.frames import UnreadableError
from sensor.evidence.pack import Packed, packed
from sensor.pipeline import ReplayConfig, replay
from tests.sensor.cli.run import ATTACK, NORMAL, PCAPS, policy
from tests.sensor.reports.made import judged

WHERE = [ATTACK, PCAPS / "s7" / "intrusion.pcap", PCAPS / "dnp3" / "attack.pcapng", PCAPS / "s7" / "plus-intrusion.pcap"]


@pytest.fixture(scope="module")
def pack() -> Packed:
    return packed(judged(ATTACK))


def manifest(made: Packed) -> Mapping[str, object]:
    document: Mapping[str, object] = json.loads(made.files["manifest.json"])
    return document


@pytest.mark.parametrize("capture", WHERE, ids=lambda path: path.stem)
def test_each_slice_alone_makes_its_violation_again(capture: Path, tmp_path: Path) -> None:
    """By the means of a user: the packed policy, the slice, and a replay that knows nothing of the rest."""
    made = packed(judged(capture, catalog=False))
    write(made.files, tmp_path / "pack")
    verdicts = {one["id"]: one for one in json.loads(made.files["verdicts.json"])}
    zones = next((tmp_path / "pack" / "policy").iterdir())
    assert made.slices
    for one in made.slices:
        alone = replay(
            ReplayConfig(captures=[tmp_path / "pack" / "slices" / f"{one.finding}.pcap"], zones=zones, keep=False, catalog=False)
        )
        wanted = verdicts[one.finding]
        same = [found for found in alone.findings if found.id == one.finding]
        assert same, f"{wanted['title']} ({one.why})"
        assert sum(found.count for found in same) >= 1
        assert same[0].statement.severity == wanted["severity"]
        assert same[0].statement.policy is not None
        assert same[0].statement.policy["line"] == wanted["line"]


@pytest.mark.parametrize("capture", WHERE, ids=lambda path: path.stem)
def test_each_slice_alone_makes_its_alert_again(capture: Path, tmp_path: Path) -> None:
    """By the packed policy and the rules that come with the product."""
    made = packed(judged(capture))
    write(made.files, tmp_path / "pack")
    alerts = {one["id"]: one for one in json.loads(made.files["alerts.json"])}
    zones = next((tmp_path / "pack" / "policy").iterdir())
    found = [one for one in made.slices if one.kind == "alert"]
    assert {one.finding for one in found} == set(alerts)
    assert len(found) > 3
    for one in found:
        alone = replay(ReplayConfig(captures=[tmp_path / "pack" / "slices" / f"{one.finding}.pcap"], zones=zones, keep=False))
        same = [finding for finding in alone.findings if finding.id == one.finding]
        assert same, f"{alerts[one.finding]['title']} ({one.why})"
        assert (same[0].statement.rule, same[0].statement.severity) == (alerts[one.finding]["rule"], alerts[one.finding]["severity"])


def test_a_great_many_alerts_get_slices_for_the_gravest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensor.evidence.pack.MOST_ALERTS", 1)
    alerts = [one for one in packed(judged(ATTACK)).slices if one.kind == "alert"]
    assert alerts[0].occurrences
    assert {(one.occurrences, one.why) for one in alerts[1:]} == {(None, "only the gravest 1 alerts get a slice")}


def test_a_slice_says_which_packets_it_holds(pack: Packed) -> None:
    from tests.robustness.frames import read

    frames = read(ATTACK)
    for one in (*pack.slices[:20], *pack.slices[86:]):
        path = Path(pack_file(pack, f"slices/{one.finding}.pcap"))
        cut = read(path)
        assert len(cut) == len(one.places)
        for (capture, packet), frame in zip(one.places, cut, strict=True):
            assert capture == 1
            whole = frames[packet - 1]
            assert (frame.time, frame.data, frame.wire) == (whole.time, whole.data, whole.wire)


def pack_file(made: Packed, name: str) -> str:
    from tempfile import NamedTemporaryFile

    with NamedTemporaryFile(suffix=".pcap", delete=False) as file:
        file.write(made.files[name])
    return file.name


def test_the_same_inputs_give_the_same_digest_wherever_they_lie(pack: Packed, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else" / "where"
    elsewhere.mkdir(parents=True)
    capture, zones = elsewhere / ATTACK.name, elsewhere / policy().name
    shutil.copy(ATTACK, capture)
    shutil.copy(policy(), zones)
    again = packed(judged(capture, zones=zones))
    assert again.digest == pack.digest
    assert again.files == pack.files
    assert str(tmp_path).encode() not in b"".join(again.files.values())


def test_the_manifest_names_everything(pack: Packed) -> None:
    said = manifest(pack)
    assert {entry["path"] for entry in said["files"]} == set(pack.files) - {"manifest.json", "manifest.sha256"}  # type: ignore[attr-defined, index]
    kinds = Counter(one["kind"] for one in said["slices"])  # type: ignore[attr-defined]
    assert kinds == {"violation": 86, "alert": len(json.loads(pack.files["alerts.json"]))}
    (capture,) = said["captures"]  # type: ignore[misc]
    assert capture["sha256"] == judged(ATTACK).engine["captures"][0]["sha256"]
    assert said["tool"]["code_sha256"]  # type: ignore[index]
    assert pack.files[f"policy/{policy().name}"] == policy().read_bytes()


def test_captures_that_are_packed_or_split_give_slices_too(tmp_path: Path) -> None:
    zipped = tmp_path / "attack.pcapng.gz"
    zipped.write_bytes(gzip.compress(ATTACK.read_bytes(), mtime=0))
    made = packed(judged(NORMAL, zipped))
    assert sum(one.kind == "violation" for one in made.slices) == 86
    assert all(one.occurrences for one in made.slices)
    assert {capture for one in made.slices for capture, _ in one.places} == {2}


def test_without_violations_there_are_no_slices() -> None:
    made = packed(judged(NORMAL))
    assert not made.slices
    assert not [path for path in made.files if path.startswith("slices/")]


def test_a_capture_that_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    capture = tmp_path / "attack.pcapng"
    shutil.copy(ATTACK, capture)
    result = judged(capture)
    content = bytearray(capture.read_bytes())
    content[-40] ^= 1
    capture.write_bytes(bytes(content))
    with pytest.raises(UnreadableError, match="changed"):
        packed(result)


def test_raw_packs_are_for_their_maker_alone(tmp_path: Path) -> None:
    made = packed(judged(ATTACK), raw=True)
    write(made.files, tmp_path / "pack", private=True)
    write(made.files, tmp_path / "pack.zip", private=True)
    for path in [*(tmp_path / "pack").rglob("*"), tmp_path / "pack.zip"]:
        assert path.stat().st_mode & 0o077 == 0, path
    assert manifest(made)["masking"] == {"raw": True}
