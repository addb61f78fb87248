"""What is put together of an asset: edges, contradictions, names, filters, changes, declarations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sensor.inventory.changes import changes
from sensor.inventory.cpe import firmware_cpe
from sensor.inventory.declared import Declaration, DeclarationError, compared, read_list
from sensor.inventory.edges import Did, Listed, edges
from sensor.inventory.known import Known, put_together, value
from sensor.inventory.ranges import merged
from sensor.inventory.selection import SelectionError, selection
from sensor.store import Store
from tests.sensor.inventory.made import asset, attribute, edge, said
from tests.sensor.scripted import MINUTE, START

WHO = {"who": "Ana Example", "why": "walk-down", "at": "2026-03-01T00:00:00+00:00", "source": "known.yml"}


def plc(**more: Any) -> dict[str, Any]:
    told = {"model": "6ES7 315-2EH14-0AB0", "firmware": "V3.2.6", "vendor": "Siemens AG"}
    return asset("10.0.0.2", server=["s7comm"], attributes=told, **more)


def one(found: Known) -> dict[str, Any]:
    return dict(found.assets[0])


def test_points_that_touch_are_one_range() -> None:
    points = ["holding_register:102", "holding_register:100-101", "coil:7", "holding_register:200", "DB10.DBW2", "DB10.DBW2", "coil:7-9"]
    assert merged(points) == ["coil:7-9", "holding_register:100-102", "holding_register:200", "DB10.DBW2"]
    assert merged(["x:1/5", "x:1/6", "x:2/7"]) == ["x:1/5-6", "x:2/7"]
    assert merged([]) == []


def did(first: int = 0, **more: Any) -> Did:
    plain: dict[str, Any] = {
        "client": "10.0.0.1", "server": "10.0.0.2", "port": 502, "protocol": "modbus", "unit": "1", "function": 3,
        "name": "read_holding_registers",
        "access": "read", "times": 10, "rejected": 0, "rejections": {}, "first": START + first, "last": START + first + MINUTE,
        "points": ("holding_register:0-9",),
        "capture": "c1", "packet": 5,
    }  # fmt: skip
    return Did(**{**plain, **more})


def test_operations_of_two_assets_are_one_edge_a_protocol_and_direction() -> None:
    homes = {"10.0.0.1": "10.0.0.1", "10.0.0.2": "10.0.0.2", "10.0.0.3": "10.0.0.2"}
    ledger = {"flows": 1, "from_client": {"packets": 3, "gap_bytes": 5}}
    key = ("10.0.0.1", "10.0.0.2", "modbus", 502)
    made = edges(
        [did(5, packet=9), did(0, access="write", function=6, name="write_single_register", times=2, rejected=1, rejections={"2": 1},
             points=("holding_register:10",)),
         did(server="10.0.0.3", unit="2"), did(client="10.0.0.2", server="10.0.0.1"), did(server="10.0.0.9")],
        homes, [(key, ledger), (("10.0.0.1", "10.0.0.3", "modbus", 502), ledger), (("9", "9", "modbus", 502), ledger)],
    )  # fmt: skip
    assert [made.key(place)[:2] for place in range(len(made))] == [("10.0.0.1", "10.0.0.2"), ("10.0.0.2", "10.0.0.1")]
    assert [found["client"] for found in made[:9]] == ["10.0.0.1", "10.0.0.2"]
    assert list(made.between({"10.0.0.1"})) == []
    document = made[0]
    for talks in (made, Listed([document])):
        assert [next(iter(talks.keys())), talks.key(0)] == [("10.0.0.1", "10.0.0.2", "modbus", 502)] * 2
        for part, name in ((talks.units(0), "units"), (talks.accesses(0), "accesses"), (talks.codes(0), "rejections")):
            assert set(part) == set(document[name])
        assert talks.evidence(0)["packet"] is not None
    assert document["accesses"] == {"read": 20, "write": 2}
    assert (document["transactions"], document["rejected"], document["units"]) == (22, 1, ["1", "2"])
    assert document["rejections"] == {"2": 1}
    assert document["points"] == ["holding_register:0-10"]
    assert [(one["name"], one["count"]) for one in document["functions"]] == [("read_holding_registers", 20), ("write_single_register", 2)]
    assert document["evidence"]["packet"] == 5
    assert document["ledger"] == {"flows": 2, "from_client": {"packets": 6, "gap_bytes": 10}}
    assert document["per_minute"] == 21.0


def test_a_cpe_needs_maker_product_and_version() -> None:
    expected = "cpe:2.3:o:siemens:6es7_315-2eh14-0ab0_firmware:3.2.6:*:*:*:*:*:*:*"
    assert firmware_cpe("Siemens", "6ES7 315-2EH14-0AB0", "V3.2.6") == expected
    assert one(put_together([plc()], []))["cpe"] == expected
    assert firmware_cpe("Siemens", None, "1") is None
    assert firmware_cpe("Cisco", "cisco WS-C2950", "12.1") == "cpe:2.3:o:cisco:ws-c2950_firmware:12.1:*:*:*:*:*:*:*"
    assert firmware_cpe("A:B*", 'x"y', "1.0 beta") == 'cpe:2.3:o:a\\:b\\*:x\\"y_firmware:1.0_beta:*:*:*:*:*:*:*'
    assert firmware_cpe("\u4e2d", "x", "1") is None
    assert firmware_cpe("Vendor", "product", "v2.7") == "cpe:2.3:o:vendor:product_firmware:2.7:*:*:*:*:*:*:*"


def test_contradictions_name_both_packets() -> None:
    told = {
        "serial": attribute(said("A1", packet=3), said("B2", packet=9)),
        "firmware": attribute(said("V1", field="x", packet=1), said("1.0", field="y", packet=2)),
        "mac": attribute(
            said("00:80:f4:00:00:01", protocol="arp", confidence=0.9), said("00:80:f4:00:00:02", protocol="arp", confidence=0.9)
        ),
        "vendor": attribute(said("Intel", confidence=0.5), said("Siemens AG")),
    }
    found = one(put_together([asset(attributes=told)], []))["contradictions"]
    assert [(had["kind"], had["from"]["value"], had["to"]["value"]) for had in found] == [
        ("mac_moved", "00:80:f4:00:00:01", "00:80:f4:00:00:02"), ("two_serials", "A1", "B2"),
    ]  # fmt: skip
    assert (found[1]["from"]["provenance"]["packet"], found[1]["to"]["provenance"]["packet"]) == (3, 9)


def test_several_systems_behind_one_address_are_told() -> None:
    windows, linux = "ttl=127,df=1,options=mss:nop:ws", "ttl=63,df=1,options=mss:sok:ts"
    both = attribute(said(windows, protocol="tcp", field="tcp.syn", packet=3), said(linux, protocol="tcp", field="tcp.syn", packet=8))
    found = one(put_together([asset(attributes={"tcp_stack": both})], []))["contradictions"]
    assert [(had["kind"], had["from"]["provenance"]["packet"], had["to"]["provenance"]["packet"]) for had in found] == [
        ("several_hosts", 3, 8)
    ]
    same = attribute(said(windows, protocol="tcp", field="tcp.syn"), said("ttl=128,x", protocol="tcp", field="tcp.syn"))
    assert one(put_together([asset(attributes={"tcp_stack": same})], []))["contradictions"] == []
    answers = attribute(said(windows, protocol="tcp", field="tcp.syn"), said(linux, protocol="tcp", field="tcp.syn_ack"))
    assert one(put_together([asset(attributes={"tcp_stack": answers})], []))["contradictions"] == []


def test_declared_goes_before_observed_and_level_says_by_what() -> None:
    declared = {"10.0.0.2": {"role": {"value": "gateway", **WHO}, "zone": {"value": "cell", **WHO}}}
    found = one(put_together([plc()], [], declared=declared))
    assert (value(found, "role"), found["zone"], found["level"], found["level_by"]) == ("gateway", "cell", 1.0, "concluded")
    declared["10.0.0.2"]["level"] = {"value": "3.5", **WHO}
    found = one(put_together([plc()], [], declared=declared))
    assert (found["level"], found["level_by"]) == (3.5, "declared")


def test_a_policy_says_zone_and_level(tmp_path: Path) -> None:
    from zones import compile_policy

    (tmp_path / "site.yml").write_text("fieldtap: 1\nzones:\n  cell: {level: 2, networks: [10.0.0.0/24]}\n")
    found = one(put_together([plc()], [], compile_policy(str(tmp_path / "site.yml"))))
    assert (found["zone"], found["level"], found["level_by"]) == ("cell", 2.0, "policy")


def test_a_mac_or_another_address_of_a_device_declares_it() -> None:
    device = plc(addresses=["10.0.0.2", "10.0.0.3"])
    device["attributes"]["mac"] = attribute(said("00:80:F4:00:00:01"))
    by_mac = {"00:80:f4:00:00:01": {"name": {"value": "old", **WHO}}, "10.0.0.3": {"name": {"value": "plc-1", **WHO}}}
    assert value(one(put_together([device], [], declared=by_mac)), "name") == "plc-1"


@pytest.mark.parametrize(
    ("terms", "selected"),
    [
        (["role=plc"], True), (["role=PLC"], True), (["role=hmi,plc"], True), (["role!=plc"], False), (["vendor=Siemens"], True),
        (["level>=1", "level<2"], True), (["level=1"], True), (["level>1"], False), (["model~315"], True), (["model~416"], False),
        (["address=10.0.0.0/24"], True), (["address=10.0.1.0/24"], False), (["address=10.0.0.2"], True), (["server=s7comm"], True),
        (["client=s7comm"], False), (["protocol=s7comm"], True), (["zone=cell"], False), (["zone!=cell"], True), (["nothing=x"], False),
        (["kind=host", "firmware=v3.2.6"], True), (["tags=spare"], False),
    ],
)  # fmt: skip
def test_filters_are_written_as_people_write_them(terms: list[str], selected: bool) -> None:
    assert selection(terms)(one(put_together([plc()], []))) is selected


@pytest.mark.parametrize("term", ["plc", "level>high", "address=10.0.0.0/99", "=x", "role="])
def test_a_filter_that_is_none_is_said(term: str) -> None:
    with pytest.raises(SelectionError):
        selection([term])


def test_changes_between_two_stores() -> None:
    newer = plc()
    newer["attributes"]["firmware"] = attribute(said("V3.2.6", packet=3), said("V3.2.7", packet=90))
    newer["attributes"]["protection_level"] = attribute(said(3))
    older = plc()
    older["attributes"]["protection_level"] = attribute(said(1))
    old = put_together([older, asset("10.0.0.8")], []).assets
    new = put_together([newer, asset("10.0.0.9", attributes={"name": "x"})], []).assets
    found = changes(old, new)
    assert [(change.kind, change.asset, change.attribute) for change in found] == [
        ("new", "10.0.0.9", None), ("gone", "10.0.0.8", None), ("changed", "10.0.0.2", "firmware"),
        ("changed", "10.0.0.2", "protection_level"),
    ]  # fmt: skip
    assert (found[2].old, found[2].new) == ("V3.2.6", "V3.2.7")
    assert [packet["packet"] for packet in found[2].packets] == [7, 90]
    assert found[0].packets[0]["packet"] == 7
    assert changes(old, old) == []


def test_an_asset_is_gone_that_was_not_seen_after_the_first_time() -> None:
    quiet, busy = asset("10.0.0.8"), asset("10.0.0.9", last="2026-03-05T00:00:00.000000000Z")
    state = put_together([quiet, busy], []).assets
    found = changes(state, state, since="2026-03-04T12:00:00.000000000Z")
    assert [(change.kind, change.asset) for change in found] == [("gone", "10.0.0.8")]


def test_a_list_of_known_assets_is_read_and_all_its_mistakes_are_said(tmp_path: Path) -> None:
    file = tmp_path / "known.yml"
    file.write_text("assets:\n  10.0.0.2: {name: plc-1, role: plc, level: 1}\n  00:80:F4:00:00:01: {zone: cell}\n")
    read = read_list(file, "Ana Example", "walk-down")
    assert [(one.asset, one.name, one.value) for one in read] == [
        ("10.0.0.2", "name", "plc-1"), ("10.0.0.2", "role", "plc"), ("10.0.0.2", "level", "1"), ("00:80:f4:00:00:01", "zone", "cell"),
    ]  # fmt: skip
    file.write_text("assets:\n  10.0.0.2: {rolle: plc}\n  plc-9: {role: plc}\n  10.0.0.3: {role: plcc, level: 7}\n  10.0.0.4: nothing\n")
    with pytest.raises(DeclarationError) as caught:
        read_list(file, "a", "b")
    for expected in (
        'known.yml:2: "rolle" is not declared',
        "known.yml:3: ",
        'known.yml:4: role "plcc"',
        'known.yml:4: level "7"',
        "known.yml:5: ",
    ):
        assert expected in str(caught.value)


def test_a_csv_of_known_assets_is_read(tmp_path: Path) -> None:
    file = tmp_path / "known.csv"
    file.write_text("\ufeffasset,name,criticality\n10.0.0.2,plc-1,high\n10.0.0.3,,low\n")
    assert [(one.asset, one.name, one.value) for one in read_list(file, "a", "b")] == [
        ("10.0.0.2", "name", "plc-1"), ("10.0.0.2", "criticality", "high"), ("10.0.0.3", "criticality", "low"),
    ]  # fmt: skip
    file.write_text("asset,name\n10.0.0.2,x\n10.0.0.2,y\nnobody,z\n10.0.0.3,a,b\n")
    with pytest.raises(DeclarationError) as caught:
        read_list(file, "a", "b")
    assert [line.split(": ")[0] for line in caught.value.problems] == ["known.csv:3", "known.csv:4", "known.csv:5"]


def test_observed_is_compared_with_declared() -> None:
    declared = {
        "10.0.0.2": {"role": {"value": "hmi", **WHO}, "vendor": {"value": "SIEMENS", **WHO}, "level": {"value": "1", **WHO}},
        "10.0.0.7": {"role": {"value": "plc", **WHO}},
    }
    found = put_together([plc(), asset("10.0.0.9")], [edge("10.0.0.9", "10.0.0.2", "s7comm")], declared=declared)
    assert [(one.kind, one.asset, one.name, one.declared, one.observed) for one in compared(found.assets, found.declared)] == [
        ("missing", "10.0.0.7", None, None, None), ("different", "10.0.0.2", "role", "hmi", "plc"),
        ("unknown", "10.0.0.9", None, None, None),
    ]  # fmt: skip


def test_declarations_are_kept_with_who_and_why_and_can_be_taken_back(tmp_path: Path) -> None:
    def declare(value: str | None, why: str) -> Declaration:
        return Declaration(asset="10.0.0.2", name="role", value=value, who="Ana Example", why=why, source="test")

    with Store.open(tmp_path / "s.sqlite") as store:
        assert store.declare([declare("plc", "first")]) == 1
        assert store.declare([declare("plc", "again")]) == 0
        assert store.declared()["10.0.0.2"]["role"]["why"] == "first"
        assert store.declare([declare("hmi", "second")]) == 1
        assert store.declare([declare(None, "third")]) == 1
        assert store.declared() == {}
        assert [row["why"] for row in store.declarations("10.0.0.2")] == ["first", "second", "third"]
