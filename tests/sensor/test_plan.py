"""Compiled plans: made once, kept privately, and never believed from a place that others can write to."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from sensor import plan as module
from sensor.plan import Plan, load

POLICY = """\
fieldtap: 1
zones:
  office: {level: 4, networks: [10.1.0.0/16]}
  cell: {level: 1, networks: [10.2.0.0/16]}
assets:
  station: {ip: 10.1.0.5, role: engineering station}
conduits:
  - {id: office-to-cell, from: office, to: cell, allow: [{protocol: modbus, access: read}]}
"""
HEAVY = ("pydantic", "yaml", "sigma", "networkx", "scapy", "sqlite3", "jinja2")


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A policy file, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "site.yml"
    file.write_text(POLICY)
    return file


def kept(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "fieldtap").glob("plan-*"))


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Plan:
        raise AssertionError("compiled again")

    monkeypatch.setattr(module, "_compile", fail)


def test_the_second_load_comes_from_the_cache_and_a_change_does_not(policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(policy)
    (file,) = kept(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    forbid(monkeypatch)
    again = load(policy)
    assert again.digest == first.digest
    assert again.policy_summary == first.policy_summary
    assert again.rules_summary == first.rules_summary
    policy.write_text(POLICY + "# another byte\n")
    with pytest.raises(AssertionError, match="compiled again"):
        load(policy)


def test_a_hit_loads_nothing_heavy(policy: Path) -> None:
    """In a process of its own, with whatever stands in for the native module here."""
    plugins = [name for name in ("fake_native",) if name in sys.modules]
    code = "\n".join([
        "import sys",
        *(f"import {name}" for name in plugins),
        "from pathlib import Path",
        "import sensor.pipeline",
        "from sensor.plan import load",
        f"plan = load(Path({str(policy)!r}))",
        "assert plan.policy is not None and plan.rules is not None and plan.rules.rules",
        "plan.judges(type('Engine', (), {'window': lambda *_: 1})())",
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])",
    ])  # fmt: skip
    outputs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False) for _ in range(2)]
    assert [output.stderr for output in outputs] == ["", ""]
    assert outputs[1].stdout.split() == []
    assert "pydantic" in outputs[0].stdout.split()


def test_rules_may_be_left_out_and_given_by_folder(policy: Path, tmp_path: Path) -> None:
    assert load(policy, catalog=False).rules is None
    assert load(None).policy is None
    with pytest.raises(OSError, match="nowhere"):
        load(policy, [tmp_path / "nowhere"])
    with pytest.raises(OSError, match="nosuch"):
        load(tmp_path / "nosuch.yml")


def test_roles_declare_placeholders(policy: Path) -> None:
    assert module.placeholders(load(policy).policy)["engineering_stations"] == ("10.1.0.5",)


def test_zones_and_levels_declare_placeholders(policy: Path) -> None:
    made = module.placeholders(load(policy).policy)
    assert made["plant"] == ("10.1.0.0/16", "10.2.0.0/16")
    assert made["level_1"] == made["lower_levels"] == ("10.2.0.0/16",)
    assert made["level_4"] == ("10.1.0.0/16",)
    assert sum(name.startswith("zone_") for name in made) == 2


def test_what_nobody_declares_is_listed_with_its_rules(policy: Path) -> None:
    assert load(None).rules_summary is not None
    waiting = [rule["placeholder"] for rule in (load(None).rules_summary or {})["inactive"]]
    assert "engineering_stations" in waiting
    left = {rule["placeholder"] for rule in (load(policy).rules_summary or {})["inactive"]}
    assert left == set(waiting) - {"engineering_stations", "lower_levels", "level_1"}


class Bomb:
    """What a hostile pickle would do."""

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return (exec, ("raise SystemExit('the pickle ran')",))


def test_a_hostile_pickle_is_not_run(policy: Path, tmp_path: Path) -> None:
    load(policy)
    (file,) = kept(tmp_path)
    for content in (pickle.dumps(Bomb()), b"", b"\x80garbage", pickle.dumps({"policy": 1})):
        file.write_bytes(content)
        assert load(policy).policy is not None


@pytest.mark.parametrize("module_name", ["sensor.plan", "zones", "rules.plan"])
def test_functions_of_our_own_are_not_called_either(module_name: str) -> None:
    name = {"sensor.plan": "load", "zones": "compile_policy", "rules.plan": "Plan.__init__"}[module_name]
    evil = b"\x80\x04\x8c" + bytes([len(module_name)]) + module_name.encode() + b"\x8c" + bytes([len(name)]) + name.encode() + b"\x93."
    import io

    with pytest.raises(pickle.UnpicklingError, match="does not belong"):
        module._Unpickler(io.BytesIO(evil)).load()


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o702])
def test_a_folder_that_others_can_write_is_not_believed(policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
    load(policy)
    (file,) = kept(tmp_path)
    file.parent.chmod(mode)
    forbid(monkeypatch)
    with pytest.raises(AssertionError, match="compiled again"):
        load(policy)


def test_a_file_that_others_can_write_is_not_believed(policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(policy)
    kept(tmp_path)[0].chmod(0o622)
    forbid(monkeypatch)
    with pytest.raises(AssertionError, match="compiled again"):
        load(policy)


def test_what_belongs_to_somebody_else_is_not_believed(policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(policy)
    forbid(monkeypatch)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(AssertionError, match="compiled again"):
        load(policy)


def test_a_link_in_place_of_the_folder_is_not_followed(policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(policy)
    folder = tmp_path / "cache" / "fieldtap"
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    forbid(monkeypatch)
    with pytest.raises(AssertionError, match="compiled again"):
        load(policy)


def test_a_cache_that_cannot_be_written_is_done_without(policy: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    assert load(policy).policy is not None


def test_old_plans_are_removed(policy: Path, tmp_path: Path) -> None:
    for turn in range(20):
        policy.write_text(POLICY + "#" * turn + "\n")
        load(policy, catalog=False)
    assert len(kept(tmp_path)) == 16
