"""`fieldtap zones …` where things go wrong, and where output goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sensor.cli.run import NORMAL, fieldtap, policy

BROKEN = "fieldtap: 1\nzones: {a: {networks: [10.0.0.0/33]}}\n"


def test_a_wrong_policy_leaves_an_earlier_picture_as_it_is(tmp_path: Path) -> None:
    picture, broken = tmp_path / "zones.svg", tmp_path / "broken.yml"
    broken.write_text(BROKEN)
    ended = fieldtap(tmp_path, "zones", "draw", policy(), "-o", picture)
    assert (ended.code, ended.out, ended.err) == (0, "", f"{picture}: drawn\n")
    before = picture.read_bytes()
    assert before.startswith(b"<svg")
    ended = fieldtap(tmp_path, "zones", "draw", broken, "-o", picture)
    assert ended.code == 2
    assert "broken.yml:2:" in ended.err
    assert picture.read_bytes() == before


@pytest.mark.parametrize("words", [("export", policy()), ("draw", policy()), ("learn", NORMAL)], ids=lambda words: words[0])
def test_output_is_a_file_or_standard_output(tmp_path: Path, words: tuple[object, ...]) -> None:
    file = tmp_path / "out"
    shown = fieldtap(tmp_path, "zones", *words)
    assert shown.code == 0, shown.err
    written = fieldtap(tmp_path, "zones", *words, "-o", file)
    assert (written.code, written.out) == (0, "")
    assert str(file) in written.err
    assert file.read_bytes().decode() == shown.out
    nowhere = fieldtap(tmp_path, "zones", *words, "-o", tmp_path / "none" / "out")
    assert nowhere.code == 4
    assert "none" in nowhere.err


@pytest.mark.parametrize("command", ["check", "draw", "export", "test", "explain"])
def test_what_is_no_policy_is_said(tmp_path: Path, command: str) -> None:
    """A capture, a folder and nothing at all, given where a policy belongs."""
    more = {"test": [policy()], "explain": ["10.0.0.1", "10.0.0.2"]}.get(command, [])
    for wrong in (NORMAL, tmp_path, tmp_path / "none.yml"):
        ended = fieldtap(tmp_path, "zones", command, wrong, *more)
        assert ended.code == 2, (command, wrong, ended.err)
        assert "Traceback" not in ended.err
        assert str(wrong.name) in ended.err + ended.out
