"""`fieldtap report` and `fieldtap evidence` as people run them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.sensor.cli.run import ATTACK, NORMAL, fieldtap, policy


@pytest.mark.parametrize(
    ("name", "begin"),
    [("r.html", b"<!doctype html>"), ("r.pdf", b"%PDF-"), ("r.xlsx", b"PK"), ("r.csv", b"id,severity,"), ("r.json", b"{")],
)
def test_the_ending_chooses_the_form(tmp_path: Path, name: str, begin: bytes) -> None:
    ended = fieldtap(tmp_path, "report", ATTACK, "--zones", policy(), "-o", tmp_path / name)
    assert ended.code == 0, ended.err
    assert (tmp_path / name).read_bytes().startswith(begin)
    assert "86 kinds of operation violate the policy" in ended.err
    assert ended.out == ""


def test_standard_output_and_fail_on(tmp_path: Path) -> None:
    ended = fieldtap(tmp_path, "report", ATTACK, "--zones", policy(), "--format", "csv", "--table", "matrix", "--fail-on", "high")
    assert ended.code == 1
    assert ended.out.startswith("from zone,to zone,seen,allowed,violations")
    assert fieldtap(tmp_path, "report", ATTACK, "--zones", policy(), "--fail-on", "critical").code == 0
    assert fieldtap(tmp_path, "report", NORMAL, "--zones", policy(), "--fail-on", "info").code == 0


def test_every_table_can_be_asked_for(tmp_path: Path) -> None:
    """The command names them by itself, so that its start loads no report: where this fails, mend _TABLES in sensor/cli/report.py."""
    from sensor.cli.report import _TABLES
    from sensor.reports.tables import NAMES

    assert set(_TABLES) == set(NAMES)
    assert fieldtap(tmp_path, "report", ATTACK, "--zones", policy(), "--format", "csv", "--table", "alerts").out.startswith(
        "id,severity,rule"
    )


def test_from_the_store(tmp_path: Path) -> None:
    assert fieldtap(tmp_path, "replay", ATTACK, "--zones", policy(), "-q").code == 0
    ended = fieldtap(tmp_path, "report", "--since", "2026-11-22", "--format", "json")
    assert ended.code == 0, ended.err
    document = json.loads(ended.out)
    finding = document["chapters"][0]["violations"][0]["id"]
    (tmp_path / "before.json").write_text(ended.out)
    assert fieldtap(tmp_path, "findings", "ack", finding[:10], "--as", "accepted", "--by", "J. Smith", "--why", "test").code == 0
    told = json.loads(fieldtap(tmp_path, "report", "--format", "json", "--compare", tmp_path / "before.json").out)
    found = next(one for one in told["chapters"][0]["violations"] if one["id"] == finding)
    assert (found["disposition"], found["decided_by"]) == ("accepted", "J. Smith")
    assert (len(told["changes"]["again"]), told["changes"]["new"]) == (len(document["chapters"][0]["violations"]), [])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([ATTACK], "needs the policy to judge by: --zones FILE"),
        ([], "There is no store"),
        (["--zones", policy()], "--zones needs captures"),
        ([ATTACK, "--zones", policy(), "--since", "2026-01-01"], "are for reports from the store"),
        (["--since", "2026-02-01", "--until", "2026-01-01"], "--since must be before --until"),
        ([NORMAL, "--zones", policy(), "--compare", policy()], "can't be compared with"),
    ],
)
def test_wrong_use_is_said(tmp_path: Path, words: list[object], said: str) -> None:
    ended = fieldtap(tmp_path, "report", *words)
    assert ended.code == 2
    assert said in ended.err


def test_what_cannot_be_read_or_written_has_its_exit_code(tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(ATTACK.read_bytes()[:-50])
    ended = fieldtap(tmp_path, "report", cut, "--zones", policy(), "-o", tmp_path / "r.json")
    assert ended.code == 3
    assert json.loads((tmp_path / "r.json").read_text())["chapters"][0]["captures"][0]["lacking"]
    ended = fieldtap(tmp_path, "report", NORMAL, "--zones", policy(), "-o", tmp_path / "nowhere" / "r.html")
    assert ended.code == 4
    assert "nowhere" in ended.err


def test_evidence_from_pack_to_verify(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing")
    for name in ("a", "b"):
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", tmp_path / f"{name}.pem"], check=True, capture_output=True)
        words = ["openssl", "pkey", "-in", tmp_path / f"{name}.pem", "-pubout", "-out", tmp_path / f"{name}.pub"]
        subprocess.run(words, check=True, capture_output=True)
    pack = tmp_path / "pack.zip"
    ended = fieldtap(tmp_path, "evidence", "pack", ATTACK, "--zones", policy(), "-o", pack, "--sign", tmp_path / "a.pem")
    assert ended.code == 0, ended.err
    assert re.search(r"86 violations and (\d+) alerts: (\d+) of \2 were made again", ended.err), ended.err
    sound = fieldtap(tmp_path, "evidence", "verify", pack, "--key", tmp_path / "a.pub")
    assert (sound.code, "Origin: signed by the key that you gave" in sound.out) == (0, True)
    assert "not who made it" in fieldtap(tmp_path, "evidence", "verify", pack).out
    other = fieldtap(tmp_path, "evidence", "verify", pack, "--key", tmp_path / "b.pub")
    assert (other.code, "manifest.sig: is by another key" in other.out) == (1, True)
    again = fieldtap(tmp_path, "evidence", "pack", ATTACK, "--zones", policy(), "-o", pack)
    assert (again.code, "is there already" in again.err) == (2, True)
    shutil.unpack_archive(pack, tmp_path / "pack")
    policy_file = next((tmp_path / "pack" / "policy").iterdir())
    policy_file.write_text(policy_file.read_text().replace("severity: high", "severity: info"))
    changed = fieldtap(tmp_path, "evidence", "verify", tmp_path / "pack", "--json")
    assert changed.code == 1
    assert [wrong["path"] for wrong in json.loads(changed.out)["wrong"]] == [f"policy/{policy_file.name}"]


def test_evidence_that_cannot_be_made_or_read(tmp_path: Path) -> None:
    ended = fieldtap(tmp_path, "evidence", "pack", "-", "--zones", policy(), "-o", tmp_path / "p", stdin=ATTACK.read_bytes())
    assert (ended.code, "read twice" in ended.err) == (3, True)
    assert not (tmp_path / "p").exists()
    ended = fieldtap(tmp_path, "evidence", "verify", ATTACK)
    assert (ended.code, "no whole zip archive" in ended.err) == (1, True)
    ended = fieldtap(tmp_path, "evidence", "pack", ATTACK, "--zones", policy(), "-o", tmp_path / "p", "--sign", policy())
    assert (ended.code, "openssl genpkey" in ended.err) == (2, True)
