"""What a start costs: heavy libraries are loaded by whoever needs them, and nobody else."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.sensor.cli.run import ATTACK, NORMAL, environment, fieldtap, policy

HEAVY = ("pydantic", "yaml", "sigma", "networkx", "scapy", "rich", "jinja2", "pyshark", "asyncio", "ssl", "importlib.metadata")


def loaded(home: Path, *arguments: object) -> set[str]:
    """The modules that a command loads."""
    asked = [sys.executable, "-X", "importtime", "-m", "sensor.cli", *map(str, arguments)]
    done = subprocess.run(asked, capture_output=True, env=environment(home), check=True, timeout=120)
    return {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines() if line.startswith("import time:")}


def test_help_loads_no_command(tmp_path: Path) -> None:
    modules = loaded(tmp_path, "--help")
    assert not [name for name in HEAVY if name in modules]
    assert not {name for name in modules if name.partition(".")[0] in ("dissectors", "zones", "rules", "sqlite3")}


def test_replay_with_a_kept_plan_loads_nothing_heavy(tmp_path: Path) -> None:
    arguments = ["replay", NORMAL, "--zones", policy(), "--store", "none"]
    assert fieldtap(tmp_path, *arguments).code == 0
    modules = loaded(tmp_path, *arguments)
    assert not [name for name in HEAVY if name in modules]
    assert not [name for name in ("sqlite3", "json.encoder_heavy", "zones.loader", "rules.loader") if name in modules]


def test_ship_never_loads_what_reads_packets(tmp_path: Path) -> None:
    """Not even where it tells of assets: that is done in a process of its own, without the network."""
    kinds = "".join(f'[[outputs]]\nkind = "{kind}"\npath = "out.{kind}"\n' for kind in ("eve", "csv"))
    config = f'[[outputs]]\nkind = "jsonl"\npath = "out.jsonl"\nclasses = ["alert", "violation", "asset", "current"]\n{kinds}'
    config += (
        '[elasticsearch]\nhosts = ["http://127.0.0.1:9"]\n[[outputs]]\nkind = "syslog"\nhost = "127.0.0.1"\nport = 9\ntransport = "udp"\n'
    )
    (tmp_path / "fieldtap.toml").write_text(config)
    assert fieldtap(tmp_path, "replay", ATTACK, "--zones", policy(), "--store", "s.sqlite", "-q").code == 0
    asked = [sys.executable, "-X", "importtime", "-m", "sensor.cli", "ship", "--once", "--store", "s.sqlite", "--patience", "0.2"]
    done = subprocess.run(asked, capture_output=True, env=environment(tmp_path), cwd=tmp_path, check=False, timeout=120)
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines() if line.startswith("import time:")}
    assert {"sensor.shipping.elastic", "sensor.shipping.rows", "sensor.shipping.syslog"} <= modules
    assert not {name for name in modules if name.partition(".")[0] in ("dissectors", "zones", "scapy", "dpkt")}
    assert '"kind":"asset"' in (tmp_path / "out.jsonl").read_text()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["replay", "--help"]])
def test_help_is_there_at_once(tmp_path: Path, arguments: list[str]) -> None:
    """0.2 s is the aim on a quiet machine; ten times that means something heavy is loaded again."""
    fieldtap(tmp_path, *arguments)
    began = time.monotonic()
    assert fieldtap(tmp_path, *arguments).code == 0
    assert time.monotonic() - began < 2
