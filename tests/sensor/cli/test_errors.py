"""Wrong input of every kind: what is said, where, and the exit code. Nobody sees a traceback."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from sensor.cli.tree import fieldtap as root
from tests.sensor.cli.run import ATTACK, NORMAL, command, environment, fieldtap, policy


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["replya"], 2, "Did you mean 'replay'?"),
        (["--nonsense"], 2, "No such option"),
        (["replay"], 2, "Missing argument"),
        (["replay", "absent.pcap"], 2, "'absent.pcap' does not exist"),
        (["replay", str(NORMAL), "--zones", "absent.yml"], 2, "'absent.yml' does not exist"),
        (["replay", str(NORMAL), "--from", "yesterday"], 2, "'yesterday' is no time"),
        (["replay", str(NORMAL), "--from", "2026-01-02", "--to", "2026-01-01"], 2, "--from must be before --to"),
        (["replay", str(NORMAL), "--filter", "tcp prot 502", "--store", "none"], 2, "tcp prot 502"),
        (["replay", str(NORMAL), "--dissector", "absent", "--store", "none"], 2, "absent"),
        (["replay", str(NORMAL), "--json", "--transactions", "-"], 2, "both want standard output"),
        (["replay", "-", "-"], 2, "only once"),
        (["replay", str(NORMAL), "--transactions", "absent/lines.jsonl", "--store", "none"], 4, "absent/lines.jsonl"),
        (["replay", str(policy()), "--store", "none"], 3, "small-plant.yml"),
        (["assets", "list"], 2, "There is no store at"),
        (["findings", "list", "--severity", "bad"], 2, "'bad' is not one of"),
        (["protocols", "modubs"], 2, "There is no dissector for modubs"),
        (["rules", "show", "modbus-unit-swep"], 2, "Near to it: modbus-unit-sweep"),
        (["rules", "test", "modbus-unit-swep"], 2, "Near to it: modbus-unit-sweep"),
        (["rules", "convert", "modbus-unit-swep"], 2, "Near to it: modbus-unit-sweep"),
        (["rules", "convert", "s7comm-write-outside-engineering-stations"], 2, "%engineering_stations% is declared by nobody"),
        (["zones", "explain", str(policy()), "10.20.3"], 2, "neither an address nor an asset"),
        (["zones", "explain", str(policy()), "hmi", "plc-1", "--access", "read"], 2, "need --protocol"),
        (["zones", "explain", str(policy()), "hmi", "plc-1", "--protocol", "modbsu"], 2, 'did you mean "modbus"'),
        (["zones", "explain", str(policy()), "hmi", "--protocol", "modbus"], 2, "needs two addresses"),
    ],
)
def test_what_is_wrong_is_said_in_words(tmp_path: Path, arguments: list[str], code: int, said: str) -> None:
    ended = fieldtap(tmp_path, *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_a_policy_with_mistakes_names_each_with_its_line(tmp_path: Path) -> None:
    site = tmp_path / "site.yml"
    site.write_text("fieldtap: 1\nzones:\n  a: {level: 9}\nconduits:\n  - {id: x, from: a, to: b, allow: [{protocol: modbuss}]}\n")
    for arguments in (["replay", NORMAL, "--zones", site], ["zones", "check", site], ["zones", "explain", site, "10.0.0.1"]):
        ended = fieldtap(tmp_path, *arguments)
        assert (ended.code, ended.out) == (2, "")
        lines = [line for line in ended.err.splitlines() if line.startswith(f"{site}:")]
        assert len({line.split(":")[1] for line in lines}) >= 2, ended.err


def test_rules_with_mistakes_name_each_with_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "one.yml").write_text("title: One\ndetection:\n  a: {protcol: modbus}\n  condition: a\n")
    for arguments in (["replay", NORMAL, "--rules", folder], ["rules", "check", folder], ["rules", "list", "--rules", folder]):
        ended = fieldtap(tmp_path, *arguments)
        assert (ended.code, ended.out) == (2, "")
        assert "one.yml:3: " in ended.err


def test_a_folder_without_rules_is_no_success(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert fieldtap(tmp_path, "rules", "check", empty).code == 2


def test_a_store_that_fails_costs_the_store_alone(tmp_path: Path) -> None:
    damaged = tmp_path / "store.sqlite"
    damaged.write_text("this is no database at all, and long enough to be looked at as one")
    ended = fieldtap(tmp_path, "replay", NORMAL, "--json", "--store", damaged)
    assert ended.code == 4
    assert json.loads(ended.out)["packets"]["read"] > 0
    assert f"store {damaged}: it is damaged or no store at all" in ended.err
    listed = fieldtap(tmp_path, "findings", "list", "--store", damaged)
    assert (listed.code, listed.out) == (4, "")


def test_a_bug_is_said_in_two_lines_and_its_place_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sensor.pipeline

    def fails(*_: object) -> None:
        raise ZeroDivisionError("division\x1b[31m by zero")

    monkeypatch.setattr(sensor.pipeline, "replay", fails)
    arguments = ["replay", str(NORMAL), "--store", str(tmp_path / "s")]
    ended = CliRunner().invoke(root, arguments)
    assert ended.exit_code == 70
    assert ended.stderr.startswith("This is a bug in Fieldtap: ZeroDivisionError: division\\x1b[31m by zero\n")
    assert "Traceback" not in ended.stderr
    monkeypatch.setenv("FIELDTAP_DEBUG", "1")
    assert "Traceback" in CliRunner().invoke(root, arguments).stderr


def test_a_full_disk_is_an_output_that_failed(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here")
    ended = fieldtap(tmp_path, "replay", ATTACK, "--transactions", full, "--store", "none")
    assert ended.code == 4
    assert "/dev/full" in ended.err
    assert "Assets: 12" in ended.out


def test_names_of_files_reach_the_terminal_without_control_characters(tmp_path: Path) -> None:
    odd = tmp_path / "a\x1b[2Jb.pcapng"
    odd.write_bytes(NORMAL.read_bytes())
    ended = fieldtap(tmp_path, "replay", odd, "--store", "none")
    assert "\x1b" not in ended.out + ended.err
    assert "a\\x1b[2Jb.pcapng" in ended.out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_an_output_that_takes_no_more_is_an_output_that_failed(tmp_path: Path, form: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        words = command("replay", NORMAL, "--store", "none", *form)
        ended = subprocess.run(
            words, stdout=full, stderr=subprocess.PIPE, env=environment(tmp_path), cwd=tmp_path, check=False, timeout=120
        )
    assert (ended.returncode, ended.stderr.decode().strip()) == (4, "The output can't be written: No space left on device")
