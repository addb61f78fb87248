"""What users install: the wheel has what it needs and nothing else, the sdist builds, and nothing needs a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
AWAY = os.environ.get("FIELDTAP_AWAY") == "1"
FIELDTAP = Path(sys.executable).parent / "fieldtap"

in_tree = pytest.mark.skipif(AWAY, reason="builds from the source tree")


def maturin(*words: str, **environment: str) -> None:
    program = Path(sys.executable).parent / "maturin"
    done = subprocess.run([program, *words], cwd=ROOT, capture_output=True, text=True, env=os.environ | environment, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    maturin("build", "--release", "--quiet", "--out", str(folder))
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


@in_tree
def test_the_top_level_of_the_wheel(wheel: list[str]) -> None:
    top = {name.split("/")[0] for name in wheel}
    assert {name for name in top if not name.endswith(".dist-info")} == {"dissectors", "rules", "sensor", "zones"}


@in_tree
def test_the_wheel_has_rules_and_examples_and_no_source_of_the_engine(wheel: list[str]) -> None:
    for folder, suffix in (("rules/catalog", ".yml"), ("zones/examples", ".yml")):
        expected = {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob(f"*{suffix}")}
        assert expected
        assert expected <= set(wheel), f"{folder} is in the wheel"
    assert "zones/template.yml" in wheel
    read_at_run_time = {"sensor/documents/fields.tsv", "sensor/incidents.toml"}
    assert read_at_run_time <= set(wheel)
    assert [name for name in wheel if name.endswith((".rs", ".toml", ".tsv")) or "/src/" in name if name not in read_at_run_time] == []
    assert [name for name in wheel if "_native" in name and name.endswith(".so")]
    assert "dissectors/_native.pyi" in wheel


@in_tree
def test_the_sdist_builds(tmp_path: Path) -> None:
    maturin("sdist", "--out", str(tmp_path))
    (path,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = archive.getnames()
        archive.extractall(tmp_path / "unpacked", filter="data")
    assert [name for name in names if name.endswith("dissectors/src/lib.rs")], "the sdist carries the engine's source"
    (source,) = (tmp_path / "unpacked").iterdir()
    # Quick to build and with the dependencies that are compiled already: what is asked is whether it builds at all.
    words = [Path(sys.executable).parent / "maturin", "build", "--quiet", "--profile", "quick", "--out", str(tmp_path / "built")]
    environment = os.environ | {"CARGO_TARGET_DIR": str(ROOT / "target" / "sdist")}
    done = subprocess.run(words, cwd=source, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "built").glob("*.whl"))


def test_it_starts_and_replays_without_any_network(tmp_path: Path) -> None:
    if shutil.which("unshare") is None:
        assert os.environ.get("CI") != "true", "unshare (util-linux) is needed in CI"
        pytest.skip("unshare (util-linux) is missing")
    outside = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    capture = ROOT / "pcaps" / "plant" / "attack.pcapng"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    words = [*outside, str(FIELDTAP), "replay", str(capture), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert '"modbus"' in done.stdout
