"""Commands that read what a replay kept."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

import pytest

from tests.sensor.cli.run import ATTACK, fieldtap, policy

WRITES = "3e0d32c5208317fc"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the attack was replayed, from a copy of its own."""
    place = tmp_path_factory.mktemp("home")
    shutil.copy(ATTACK, place / "attack.pcapng")
    shutil.copy(policy(), place / "site.yml")
    assert fieldtap(place, "replay", "attack.pcapng", "--zones", "site.yml", "-q").code == 0
    return place


def test_assets_are_listed_and_shown(home: Path) -> None:
    listed = fieldtap(home, "assets", "list").out
    assert "Modicon M340 BMX P34 2020 v2.7" in listed
    documents = json.loads(fieldtap(home, "assets", "list", "--json").out)
    assert {asset["id"] for asset in documents} >= {"10.20.1.11", "10.20.1.11/modbus:1"}
    shown = fieldtap(home, "assets", "show", "10.20.1.11").out
    assert "arp.sender" in shown
    assert str(home / "attack.pcapng") in shown
    assert "also: vendor" in shown
    assert fieldtap(home, "assets", "show", "00:80:f4:10:00:11").code in (0, 2)


def test_findings_are_listed_by_gravity_and_limited(home: Path) -> None:
    found = json.loads(fieldtap(home, "findings", "list", "--json").out)
    order = ["critical", "high", "medium", "low", "info"]
    assert [order.index(f["severity"]) for f in found] == sorted(order.index(f["severity"]) for f in found)
    high = json.loads(fieldtap(home, "findings", "list", "--severity", "high", "--kind", "alert", "--json").out)
    assert {(f["severity"], f["kind"]) for f in high} == {("high", "alert")}
    assert len(fieldtap(home, "findings", "list", "--kind", "alert", "--severity", "high").out.splitlines()) == len(high) + 1


def test_a_finding_is_shown_by_the_beginning_of_its_id(home: Path) -> None:
    (finding,) = (f for f in json.loads(fieldtap(home, "findings", "list", "--json").out) if f["access"] == "write" and f["count"] == 60
                  and f["kind"] == "violation")  # fmt: skip
    shown = fieldtap(home, "findings", "show", finding["id"][:8]).out
    for said in ("modbus write_single_coil (5), write, unit 1", "coil:0-59 (write)", "60 accepted", "site.yml:23"):
        assert said in shown
    assert fieldtap(home, "findings", "show", "").code == 2
    assert fieldtap(home, "findings", "show", "zz").code == 2


def test_an_ambiguous_id_is_said(home: Path) -> None:
    ids = sorted(f["id"] for f in json.loads(fieldtap(home, "findings", "list", "--json").out))
    first = next(one[0] for one, other in itertools.pairwise(ids) if one[0] == other[0])
    ended = fieldtap(home, "explain", first)
    assert (ended.code, "More than one finding begins with" in ended.err) == (2, True)


def test_the_graph_is_written_in_both_forms(home: Path) -> None:
    graph = json.loads(fieldtap(home, "graph", "export").out)
    edge = next(e for e in graph["edges"] if (e["source"], e["target"], e["key"]) == ("10.20.3.5", "10.20.1.11", "modbus/502"))
    assert edge["accesses"] == {"read": 153, "write": 6}
    file = home / "plant.graphml"
    assert fieldtap(home, "graph", "export", "--format", "graphml", "--output", file).code == 0
    import networkx

    assert networkx.read_graphml(file).number_of_nodes() == len(graph["nodes"])
    assert fieldtap(home, "graph", "export", "--output", "absent/x.json").code == 4


def test_explain_opens_the_packets(home: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed: apt-get install tshark")
    finding = next(f for f in json.loads(fieldtap(home, "findings", "list", "--json").out) if f["access"] == "write")
    ended = fieldtap(home, "explain", finding["id"], "--packets", "2")
    assert (ended.code, ended.err) == (0, "")
    assert f"Packet {finding['packets'][0]['packet']} of {home / 'attack.pcapng'}, {finding['first']}" in ended.out
    assert "Function Code: Write Single Coil (5)" in ended.out
    document = json.loads(fieldtap(home, "explain", finding["id"], "--json").out)
    assert [layer["name"] for layer in document["decoded"][0]["layers"]] == ["eth", "ip", "tcp", "mbtcp", "modbus"]


def test_explain_says_when_tshark_is_missing(home: Path) -> None:
    ended = fieldtap(home, "explain", first_finding(home), extra={"PATH": "/nowhere"})
    assert ended.code == 3
    assert "tshark, which is missing" in ended.err
    assert "finding" in ended.out


def test_explain_says_when_the_capture_moved_or_changed(tmp_path: Path) -> None:
    shutil.copy(ATTACK, tmp_path / "attack.pcapng")
    assert fieldtap(tmp_path, "replay", "attack.pcapng", "-q", "--digest").code == 0
    finding = first_finding(tmp_path)
    moved = (tmp_path / "attack.pcapng").rename(tmp_path / "elsewhere.pcapng")
    ended = fieldtap(tmp_path, "explain", finding)
    assert (ended.code, "is not there any more" in ended.err) == (3, True)
    if shutil.which("tshark") is not None:
        assert fieldtap(tmp_path, "explain", finding, "--capture", moved).code == 0
    changed = bytearray(moved.read_bytes())
    changed[-9] ^= 1
    moved.write_bytes(changed)
    ended = fieldtap(tmp_path, "explain", finding, "--capture", moved)
    assert (ended.code, "its SHA-256 was" in ended.err) == (3, True)


def first_finding(home: Path) -> str:
    """One that names packets."""
    return str(next(f["id"] for f in json.loads(fieldtap(home, "findings", "list", "--json").out) if f["packets"]))


def test_doctor_says_what_it_finds(home: Path) -> None:
    ended = fieldtap(home, "doctor")
    assert ended.code == 0
    assert "native engine" in ended.out
    checks = {check["name"]: check for check in json.loads(fieldtap(home, "doctor", "--json", extra={"PATH": "/nowhere"}).out)}
    assert checks["store"]["well"]
    assert (checks["tshark"]["well"], "apt-get install tshark" in checks["tshark"]["mend"]) == (False, True)


def test_zones_explain_an_address_a_pair_and_a_transaction(home: Path) -> None:
    assert 'zone "cell", level 1, by asset: plc-1' in fieldtap(home, "zones", "explain", "site.yml", "10.20.1.11").out
    pair = fieldtap(home, "zones", "explain", "site.yml", "hmi", "plc-1").out
    assert 'allowed by "operations-to-cell"' in pair
    assert "nothing is allowed: no conduit joins them in this direction" in pair
    asked = ["zones", "explain", "site.yml", "hmi", "plc-1", "--protocol", "modbus", "--access", "write", "--point", "holding_register:100"]
    assert "allowed by site.yml:30" in fieldtap(home, *asked, "--value", "500").out
    assert "violation (value)" in fieldtap(home, *asked, "--value", "501").out


def test_protocols_come_from_the_registry(home: Path) -> None:
    from dissectors import protocols

    shown = fieldtap(home, "protocols", "modbus").out
    for function in protocols()["modbus"]["functions"]:
        assert function["name"] in shown
    listed = json.loads(fieldtap(home, "protocols", "--json").out)
    names = [entry["name"] for entry in listed]
    assert {"modbus", "umas"} <= set(names)
    # Other tests of this process may have registered dissectors in Python, which the command does not know.
    assert listed == json.loads(json.dumps([entry for name, entry in protocols().items() if name in names]))
