"""`fieldtap assets` and `fieldtap graph`: lists, changes, declarations and exports of a store."""

from __future__ import annotations

import csv
import json
import shutil
from io import StringIO
from pathlib import Path

import pytest

from tests.sensor.cli.run import ATTACK, NORMAL, fieldtap, policy


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the attack was replayed."""
    place = tmp_path_factory.mktemp("home")
    shutil.copy(ATTACK, place / "attack.pcapng")
    shutil.copy(policy(), place / "site.yml")
    assert fieldtap(place, "replay", "attack.pcapng", "-q").code == 0
    return place


def ids(home: Path, *filters: str) -> list[str]:
    """Ids of the assets that filters select."""
    return [asset["id"] for asset in json.loads(fieldtap(home, "assets", "list", "--json", *filters).out)]


def test_filters_limit_the_list(home: Path) -> None:
    assert ids(home, "role=plc", "kind=host") == ["10.20.1.11", "10.20.1.12"]
    assert ids(home, "role=plc", "firmware~2.5", "kind=host") == ["10.20.1.12"]
    assert ids(home, "client=modbus", "address=10.20.9.0/24") == ["10.20.9.66"]
    assert ids(home, "zone=cell", "kind=host", "--zones", "site.yml") == ["10.20.1.11", "10.20.1.12", "10.20.1.13"]
    assert "No asset is like that." in fieldtap(home, "assets", "list", "role=printer").out
    wrong = fieldtap(home, "assets", "list", "plc")
    assert (wrong.code, "write NAME=VALUE" in wrong.err) == (2, True)


def test_the_list_and_an_asset_say_role_and_why(home: Path) -> None:
    assert "PLC" in fieldtap(home, "assets", "list").out
    shown = fieldtap(home, "assets", "show", "10.20.1.11", "--zones", "site.yml").out
    for said in ("PLC, declared", "plc-1", "Purdue level 1 (policy), zone cell", "cpe:2.3:o:schneider_electric:bmx_p34_2020_firmware:2.7",
                 "Votes", "the model is that of a Modicon controller", "holding_register:100-119"):  # fmt: skip
        assert said in shown
    assert "PLC, 97% sure" in fieldtap(home, "assets", "show", "10.20.1.11").out
    document = json.loads(fieldtap(home, "assets", "show", "10.20.1.11", "--json").out)
    vote = document["concluded"]["role"]["votes"][0]
    assert (vote["value"], vote["evidence"][0]["field"]) == ("plc", "modbus.device_identification.model_name")
    assert vote["evidence"][0]["packet"] > 0


def test_what_is_accepted_is_declared_with_who_and_why(home: Path, tmp_path: Path) -> None:
    store = tmp_path / "own.sqlite"
    assert fieldtap(home, "replay", "attack.pcapng", "-q", "--store", store).code == 0
    done = fieldtap(
        home, "assets", "accept", "10.20.1.11", "role", "vendor", "zone=cell", "--why", "seen", "--who", "Ana Example", "--store", store
    )
    assert (done.code, "declared are role plc, vendor Schneider Electric, zone cell" in done.err) == (0, True)
    shown = fieldtap(home, "assets", "show", "10.20.1.11", "--store", store).out
    assert "Ana Example" in shown
    assert "PLC, declared" in shown
    for wrong, said in (
        (["colour"], "no colour was observed"),
        (["role=plcc"], "is not one of"),
        (["colour=red"], "is not declared of assets"),
    ):
        ended = fieldtap(home, "assets", "accept", "10.20.1.11", *wrong, "--why", "x", "--store", store)
        assert (ended.code, said in ended.err) == (2, True), ended.err
    assert fieldtap(home, "assets", "accept", "10.20.1.11", "role", "--why", "x", "--withdraw", "--store", store).code == 0
    history = json.loads(fieldtap(home, "assets", "show", "10.20.1.11", "--json", "--store", store).out)["declarations"]
    assert [(row["name"], row["value"]) for row in history] == [
        ("role", "plc"),
        ("vendor", "Schneider Electric"),
        ("zone", "cell"),
        ("role", None),
    ]


def test_a_list_is_imported_and_compared(home: Path, tmp_path: Path) -> None:
    store = tmp_path / "own.sqlite"
    assert fieldtap(home, "replay", "attack.pcapng", "-q", "--store", store).code == 0
    (tmp_path / "known.csv").write_text("asset,role,firmware\n10.20.1.11,plc,v2.7\n10.20.1.12,hmi,\n10.20.1.99,plc,\n")
    done = fieldtap(home, "assets", "import", tmp_path / "known.csv", "--why", "list of 2026", "--store", store)
    assert (done.code, "3 assets, 4 declarations, 4 of them new" in done.err) == (0, True)
    found = json.loads(fieldtap(home, "assets", "compare", "--json", "--store", store).out)
    assert [(one["kind"], one["asset"]) for one in found][:2] == [("missing", "10.20.1.99"), ("different", "10.20.1.12")]
    assert {one["asset"] for one in found if one["kind"] == "unknown"} >= {"10.20.9.66"}
    assert found[1]["provenance"]["packet"] > 0
    (tmp_path / "known.csv").write_text("asset,role\nplc-1,plc\n10.20.1.11,plcc\n")
    wrong = fieldtap(home, "assets", "import", tmp_path / "known.csv", "--why", "x", "--store", store)
    assert wrong.code == 2
    assert "known.csv:2:" in wrong.err
    assert "known.csv:3:" in wrong.err


def test_two_stores_and_two_times_are_compared(home: Path, tmp_path: Path) -> None:
    normal = tmp_path / "normal.sqlite"
    assert fieldtap(home, "replay", NORMAL, "-q", "--store", normal).code == 0
    attack = tmp_path / "attack.sqlite"
    assert fieldtap(home, "replay", "attack.pcapng", "-q", "--store", attack).code == 0
    changed = json.loads(fieldtap(home, "assets", "diff", normal, attack, "--json").out)
    assert {one["asset"] for one in changed if one["kind"] == "new"} >= {"10.20.9.66"}
    assert all(one["packets"] for one in changed if one["kind"] == "new")
    assert "new" in fieldtap(home, "assets", "diff", normal, attack).out
    assert "Nothing changed." in fieldtap(home, "assets", "diff", attack, attack).out
    times = fieldtap(home, "assets", "diff", "2026-11-22T02:08:08", "2026-11-22T02:08:20", "--store", attack, "--json")
    assert {one["kind"] for one in json.loads(times.out)} >= {"new"}
    for wrong in (("2026-11-22", "nowhere"), ("2026-11-22", "2026-11-21"), (attack, "2026-11-22")):
        assert fieldtap(home, "assets", "diff", *wrong, "--store", attack).code == 2


@pytest.mark.parametrize("form", ["csv", "json", "cyclonedx"])
def test_assets_are_exported(home: Path, form: str) -> None:
    text = fieldtap(home, "assets", "export", "--format", form, "role=plc", "kind=host").out
    if form == "csv":
        assert [row["asset"] for row in csv.DictReader(StringIO(text))] == ["10.20.1.11", "10.20.1.12"]
    elif form == "json":
        assert [asset["id"] for asset in json.loads(text)] == ["10.20.1.11", "10.20.1.12"]
    else:
        assert [one["name"] for one in json.loads(text)["components"]] == ["BMX P34 2020", "BMX P34 2020"]


@pytest.mark.parametrize("form", ["json", "graphml", "gexf", "dot", "csv", "html"])
def test_the_graph_is_exported(home: Path, tmp_path: Path, form: str) -> None:
    file = tmp_path / f"plant.{form}"
    done = fieldtap(home, "graph", "export", "--format", form, "--output", file, "--zones", "site.yml")
    assert (done.code, done.out) == (0, "")
    assert "edges" in done.err
    assert "10.20.1.11" in file.read_text()


def test_the_picture_is_drawn(home: Path, tmp_path: Path) -> None:
    assert fieldtap(home, "graph", "picture", "--output", tmp_path / "plant.svg", "--zones", "site.yml").code == 0
    assert "Supervision" not in (tmp_path / "plant.svg").read_text()
    assert "Operations" in (tmp_path / "plant.svg").read_text()
    assert fieldtap(home, "graph", "picture", "--output", tmp_path / "plant.png").code == 0
    assert (tmp_path / "plant.png").read_bytes()[:4] == b"\x89PNG"
    assert fieldtap(home, "graph", "picture", "--output", tmp_path / "plant.jpg").code == 2
    assert fieldtap(home, "graph", "picture", "--output", tmp_path / "absent" / "x.svg").code == 4


def test_the_result_document_concludes_what_the_store_does(home: Path) -> None:
    document = json.loads(fieldtap(home, "replay", "attack.pcapng", "--store", "none", "--json").out)
    stored = json.loads(fieldtap(home, "assets", "list", "--all", "--json").out)

    def told(assets: list[dict[str, object]]) -> dict[object, object]:
        return {asset["id"]: {name: said["value"] for name, said in asset["observed"].items()} for asset in assets}  # type: ignore[attr-defined]

    assert told(document["assets"]) == told(stored)
    assert document["assets"][1]["concluded"]["role"]["votes"][0]["evidence"][0]["capture"] == 1
