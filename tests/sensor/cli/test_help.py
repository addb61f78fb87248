"""Each help text has an example, and its examples run."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from sensor.cli.tree import fieldtap as root
from tests.sensor.cli.run import ATTACK, NORMAL, fieldtap, policy

_EXAMPLE = re.compile(r"^  (?:  )?(fieldtap .*)$", re.MULTILINE)


def commands(command: click.Command = root, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all commands."""
    yield path
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            under = command.get_command(click.Context(command), name)
            assert under is not None
            yield from commands(under, (*path, name))


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_has_an_example(path: tuple[str, ...], flag: str) -> None:
    shown = CliRunner().invoke(root, [*path, flag])
    assert shown.exit_code == 0
    examples = _EXAMPLE.findall(shown.stdout)
    assert examples, shown.stdout
    assert all(example.split()[1 : 1 + len(path)] == list(path) for example in examples)


def test_the_table_names_every_command_as_it_names_itself() -> None:
    for name in root.list_commands(click.Context(root)):
        command = root.get_command(click.Context(root), name)
        assert command is not None
        assert command.name == name


def test_the_examples_run(tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir()
    (tmp_path / "my-rules").mkdir()
    shutil.copy(ATTACK, tmp_path / "plant.pcapng")
    shutil.copy(ATTACK, tmp_path / "captures")
    shutil.copy(policy(), tmp_path / "site.yml")
    shutil.copy(policy(), tmp_path / "site-2027.yml")
    (tmp_path / "site-tests.yml").write_text("- {from: hmi, to: plc-1, protocol: modbus, access: read, expect: allowed}\n")
    from rules.loader import catalog

    shutil.copy(catalog() / "modbus" / "modbus-clear-counters.yml", tmp_path / "my-rules" / "mine.yml")
    text = (tmp_path / "my-rules" / "mine.yml").read_text()
    mine = re.sub(r"^id: .*$", "id: 0b1f9d4e-58a5-4a33-9a53-6a1d1c1e3e55", text, flags=re.MULTILINE)
    mine = re.sub(r"^name: .*$", "name: mine", mine, flags=re.MULTILINE).replace("plant/attack.pcapng", "attack.pcapng")
    (tmp_path / "my-rules" / "mine.yml").write_text(re.sub("silent_on: .*", "silent_on: [normal.pcapng]", mine))
    shutil.copy(NORMAL, tmp_path / "captures")
    assert fieldtap(tmp_path, "replay", "plant.pcapng", "--zones", "site.yml", "-q").code == 0
    for name in ("before.sqlite", "after.sqlite"):
        assert fieldtap(tmp_path, "replay", "plant.pcapng", "-q", "--store", name).code == 0
    assert fieldtap(tmp_path, "baseline", "learn", str(NORMAL), "--name", "usual").code == 0
    assert fieldtap(tmp_path, "replay", "plant.pcapng", "-q", "--baseline", "usual").code == 0
    (tmp_path / "known.yml").write_text("assets:\n  10.20.1.11: {name: plc-1, role: plc, zone: cell}\n")
    (tmp_path / "outputs.toml").write_text('[[outputs]]\nkind = "jsonl"\npath = "findings.jsonl"\n')
    seen: set[str] = set()
    for path in commands():
        for example in _EXAMPLE.findall(CliRunner().invoke(root, [*path, "--help"]).stdout):
            if example in seen or (example.startswith("fieldtap explain") and shutil.which("tshark") is None):
                continue
            if example.startswith("fieldtap elastic check"):  # needs a cluster: tests/elastic
                continue
            if example.startswith("fieldtap watch"):  # needs interfaces: tests/live
                continue
            seen.add(example)
            ended = fieldtap(tmp_path, *shlex.split(example)[1:])
            assert ended.code == (1 if "--fail-on" in example else 0), f"{example}\n{ended.err}"
    assert len(seen) > 20


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_gives_a_script(shell: str) -> None:
    shown = CliRunner().invoke(root, ["completion", shell])
    assert shown.exit_code == 0
    assert "_FIELDTAP_COMPLETE" in shown.stdout


def test_a_shell_completes_commands_and_values(tmp_path: Path) -> None:
    asked = {"_FIELDTAP_COMPLETE": "bash_complete", "COMP_WORDS": "fieldtap findings list --kind ", "COMP_CWORD": "4"}
    assert "plain,violation" in fieldtap(tmp_path, extra=asked).out
    asked = {"_FIELDTAP_COMPLETE": "bash_complete", "COMP_WORDS": "fieldtap repl", "COMP_CWORD": "1"}
    assert fieldtap(tmp_path, extra=asked).out.split() == ["plain,replay"]
