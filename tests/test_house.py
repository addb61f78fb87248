"""The house stays as it was drawn (DESIGN.md, section 4): who imports whom, where Rust and its binding stand, what every room has."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("dissectors", "rules", "sensor", "zones")
MAY_IMPORT = {
    "dissectors": {"dissectors"},
    "zones": {"dissectors", "zones"},
    "rules": {"dissectors", "rules"},
    "sensor": {"dissectors", "rules", "sensor", "zones"},
}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}

away = pytest.mark.skipif(os.environ.get("FIELDTAP_AWAY") == "1", reason="these look at the source tree, not at what is installed")
pytestmark = away


def modules(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found & set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_who_may_import_whom(room: str) -> None:
    wrong = {str(path.relative_to(ROOT)): sorted(imported(path) - MAY_IMPORT[room]) for path in modules(room)}
    assert {path: names for path, names in wrong.items() if names} == {}


def test_rust_stands_in_one_place_and_its_binding_in_one_folder() -> None:
    rust = [path.relative_to(ROOT) for path in ROOT.rglob("*.rs") if not {"target", ".venv"} & set(path.parts)]
    outside = [str(path) for path in rust if path.parts[:2] not in {("dissectors", "src"), ("tests", "fuzz")}]
    assert outside == [], "Rust belongs in dissectors/src"
    binding = [str(p) for p in rust if "pyo3" in (ROOT / p).read_text() and p.parts[:3] != ("dissectors", "src", "python")]
    assert binding in ([], ["dissectors/src/lib.rs"]), "PyO3 stands in dissectors/src/python alone"


def test_unsafe_stands_nowhere_but_in_live_capture() -> None:
    places = [p for p in (ROOT / "dissectors" / "src").rglob("*.rs") if re.search(r"\bunsafe\s*[{(]|\bunsafe (fn|impl)", p.read_text())]
    assert [p.name for p in places if p.name != "live.rs"] == []


def test_names_say_what_is_in_a_file() -> None:
    names = [p for room in ROOMS for p in (ROOT / room).rglob("*") if p.stem in FORBIDDEN_NAMES]
    assert names == []


def test_every_protocol_has_a_folder_and_the_registry_knows_it() -> None:
    from dissectors import protocols

    # COTP is a layer that protocols of the registry share, and none of its own.
    folders = {p.name for p in (ROOT / "dissectors" / "src" / "protocols").iterdir() if p.is_dir()} - {"cotp"}
    native = {name for name, entry in protocols().items() if entry["specification"] and name in folders}
    assert native == folders, "each folder of dissectors/src/protocols is a protocol, registered in protocols/mod.rs under the same name"


@pytest.mark.parametrize("room", ["dissectors", "rules", "zones", "pcaps"])
def test_rooms_say_how_to_add_one_more(room: str) -> None:
    text = (ROOT / room / "README.md").read_text()
    assert re.search(r"(?im)one more|^## add|to add", text), f"{room}/README.md tells how to add one more"
