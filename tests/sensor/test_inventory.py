"""Which devices there are, and how it is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sensor.inventory import Asset, Inventory, vendor
from sensor.inventory.address import is_device, is_mac, order
from sensor.inventory.collect import MAX_ASKED, MAX_CANDIDATES, MAX_CANDIDATES_OF
from tests.sensor.cases import happened, run, script
from tests.sensor.scripted import Observation, ScriptedEngine, at, talk


@pytest.fixture(autouse=True)
def _no_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Vendors are looked up in a small list."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(
        vendor, "_look_up", lambda prefixes: {p: "Telemecanique Electrique" if p.startswith("00:80:F4") else "" for p in prefixes}
    )


def seen(address: str, mac: str, *, arp: bool = False, time: int = 0, packet: int = 1) -> Observation:
    protocol, name = ("arp", "arp.src.hw_mac") if arp else ("ethernet", "eth.src")
    return Observation(address=address, attribute="mac", value=mac, moment=at(time, packet), protocol=protocol, field=name)


def said(address: str, attribute: str, value: Any, *, unit: str | None = None, time: int = 0, protocol: str = "modbus") -> Observation:
    return Observation(
        address=address,
        unit=unit,
        attribute=attribute,
        value=value,
        moment=at(time, time + 1),
        protocol=protocol,
        field=f"modbus.mei.{attribute}",
    )


def assets_of(*observations: Observation) -> dict[str, Asset]:
    """What the inventory concludes; every address spoke with another device."""
    inventory = Inventory()
    inventory.talking = lambda: {observation.address for observation in observations}  # type: ignore[method-assign]
    for observation in observations:
        inventory.observe(observation)  # type: ignore[arg-type]
    inventory.count(())
    return {asset.id: asset for asset in inventory.assets()}


def test_one_mac_with_one_address_is_an_attribute_with_its_vendor() -> None:
    assets = assets_of(seen("10.0.0.7", "00:80:f4:0b:33:44", packet=5))
    assert list(assets) == ["10.0.0.7"]
    attributes = assets["10.0.0.7"].to_dict()["attributes"]
    assert attributes["mac"]["value"] == "00:80:f4:0b:33:44"
    assert attributes["mac"]["provenance"] == {
        "capture": 1, "packet": 5, "time": "2023-11-14T22:14:00.000000000Z", "protocol": "ethernet", "field": "eth.src",
    }  # fmt: skip
    assert attributes["vendor"]["value"] == "Telemecanique Electrique"
    assert attributes["vendor"]["provenance"]["packet"] == 5


def test_a_router_does_not_merge_the_hosts_behind_it() -> None:
    router = "00:1b:1b:00:00:01"
    assets = assets_of(*(seen(f"172.16.{n}.5", router, time=n) for n in range(5)), seen("10.0.0.7", "00:80:f4:0b:33:44"))
    assert sorted(assets) == sorted([*(f"172.16.{n}.5" for n in range(5)), "10.0.0.7", router])
    assert assets[router].kind == "router"
    assert assets["172.16.3.5"].value("mac") is None
    assert assets["172.16.3.5"].value("router_mac") == router


def test_a_router_that_answers_for_one_address_itself_is_that_one() -> None:
    router = "00:1b:1b:00:00:01"
    assets = assets_of(seen("10.0.0.1", router, arp=True), seen("172.16.0.5", router), seen("172.16.0.6", router))
    assert assets["10.0.0.1"].kind == "router"
    assert assets["10.0.0.1"].value("mac") == router
    assert assets["172.16.0.5"].value("router_mac") == router
    assert router not in assets


def test_several_addresses_are_one_device_only_when_arp_says_so_in_one_subnet() -> None:
    mac = "00:80:f4:0b:33:44"
    merged = assets_of(seen("10.0.0.8", mac, arp=True), seen("10.0.0.7", mac, arp=True))
    assert list(merged) == ["10.0.0.7"]
    assert merged["10.0.0.7"].addresses == ["10.0.0.7", "10.0.0.8"]
    assert "10.0.0.7" in assets_of(seen("10.0.0.7", mac), seen("10.0.0.8", mac))
    assert list(assets_of(seen("10.0.0.7", mac), seen("10.0.0.8", mac))) == ["10.0.0.7", "10.0.0.8"]
    assert len(assets_of(*(seen(f"10.0.0.{n}", mac) for n in (7, 8, 9)))) == 4
    assert len(assets_of(seen("10.0.0.7", mac, arp=True), seen("10.0.1.8", mac, arp=True))) == 3
    many = assets_of(*(seen(f"10.0.0.{n}", mac, arp=True) for n in range(1, 20)))
    assert (len(many), many[mac].kind) == (20, "router")


def test_an_address_of_the_internet_has_no_maker_by_the_router_before_it() -> None:
    assets = assets_of(seen("104.130.52.9", "00:19:07:24:3c:ca"), seen("10.0.0.7", "00:80:f4:0b:33:44", arp=True))
    assert (assets["104.130.52.9"].value("vendor"), assets["104.130.52.9"].value("router_mac")) == (None, "00:19:07:24:3c:ca")
    vouched = assets_of(seen("104.130.52.9", "00:80:f4:24:3c:ca", arp=True))
    assert vouched["104.130.52.9"].value("vendor") == "Telemecanique Electrique", "it stands in this very network"


def test_two_addresses_of_two_networks_behind_one_mac_have_no_maker_by_it() -> None:
    mac = "00:1c:7f:31:5d:e0"
    assets = assets_of(seen("10.200.1.18", mac), seen("10.50.1.54", mac))
    assert [asset.value("shared_mac") for asset in assets.values()] == [mac, mac]
    assert [asset.value("vendor") for asset in assets.values()] == [None, None]


def test_between_addresses_of_one_subnet_nobody_routes() -> None:
    mac = "24:77:03:78:ca:38"
    moved = [happened(time=n, packet=n, operation=n, client={"ip": f"10.200.1.{n}"}, server={"ip": "10.200.1.15"}) for n in (110, 128, 168)]
    routed = [happened(time=n, packet=n, operation=n, client={"ip": f"10.200.1.{n}"}, server={"ip": "10.0.0.1"}) for n in (110, 128, 168)]
    for talks, kinds in ((moved, {"host"}), (routed, {"host", "router"})):
        inventory = Inventory()
        for t in talks:
            inventory.operation(t)
            inventory.observe(seen(t.client.ip or "", mac))  # type: ignore[arg-type]
        inventory.count(())
        assert {asset.kind for asset in inventory.assets() if asset.id != "10.0.0.1"} == kinds


def test_who_speaks_without_ip_has_its_hardware_address_and_maker() -> None:
    inventory = Inventory()
    inventory.operation(happened(time=0, packet=3, client={"mac": "00:80:f4:02:9a:c3"}, server={"mac": "01:0e:cf:00:00:00"}))
    inventory.count(())
    (asset,) = inventory.assets()
    provenance = asset.to_dict()["attributes"]["mac"]["provenance"]
    assert (asset.value("mac"), asset.value("vendor"), provenance["packet"]) == ("00:80:f4:02:9a:c3", "Telemecanique Electrique", 3)


def test_a_hardware_address_that_only_other_devices_name_is_one_without_a_packet_of_its_own() -> None:
    named, others = "00:80:f4:02:9a:c3", ("00:80:f4:00:00:01", "00:80:f4:00:00:02")
    assert assets_of(seen(others[0], named))[named].value("mac") is None
    assert assets_of(*(seen(other, named) for other in others))[named].value("mac") is None


def test_group_addresses_are_never_assets() -> None:
    inventory = Inventory()
    for address in (
        "224.0.0.5",
        "239.255.255.250",
        "255.255.255.255",
        "0.0.0.0",
        "ff02::1",
        "::",
        "01:00:5e:00:00:05",
        "ff:ff:ff:ff:ff:ff",
    ):
        assert not is_device(address)
        inventory.operation(happened(0, server={"ip": None if is_mac(address) else address, "mac": address}))  # type: ignore[arg-type]
    inventory.operation(happened(0, server={"ip": "10.0.0.255"}))  # type: ignore[arg-type]
    inventory.count(())
    assert [asset.id for asset in inventory.assets()] == ["10.0.0.1"]
    assert is_device("223.1.1.1")
    assert is_device("fe80::1")
    assert is_device("22.1.1.1")


def test_hosts_without_an_address_are_known_by_mac() -> None:
    engine = ScriptedEngine(
        script(happened(0, protocol="goose", unit=None, client={"mac": "00:80:f4:00:00:01"}, server={"mac": "00:80:f4:00:00:02"}))
    )
    assets = run(engine).inventory.assets()
    assert [asset.id for asset in assets] == ["00:80:f4:00:00:01", "00:80:f4:00:00:02"]


def test_units_that_answer_are_assets_behind_their_device() -> None:
    events = [
        happened(0, unit="1"), happened(1, operation=2, unit="17"), happened(2, operation=3, unit="99", outcome="unanswered"),
        happened(3, operation=4, unit="98", outcome="rejected", code=11), happened(4, operation=5, unit="255"),
        happened(5, operation=6, unit="17", protocol="umas"),
    ]  # fmt: skip
    engine = ScriptedEngine([(0, said("10.0.0.2", "product", "M340", unit="17")), *script(*events)])
    assets = {asset.id: asset for asset in run(engine).inventory.assets()}
    assert list(assets) == ["10.0.0.1", "10.0.0.2", "10.0.0.2/modbus:1", "10.0.0.2/modbus:17"]
    assert assets["10.0.0.2"].units == ["1", "17"]
    assert assets["10.0.0.2/modbus:17"].parent == "10.0.0.2"
    assert assets["10.0.0.2/modbus:17"].value("product") == "M340"
    assert {role.protocol for role in assets["10.0.0.2/modbus:17"].roles} == {"modbus", "umas"}
    assert assets["10.0.0.2"].value("product") is None


def test_the_only_unit_speaks_for_its_device() -> None:
    assets = assets_of(said("10.0.0.2", "vendor", "Schneider Electric", unit="1"), seen("10.0.0.2", "00:80:f4:0b:33:44"))
    assert assets["10.0.0.2"].value("vendor") == "Schneider Electric"
    assert assets["10.0.0.2"].attributes["vendor"].history[0].value == "Telemecanique Electrique"


def test_history_keeps_earlier_values_and_confidence_decides() -> None:
    assets = assets_of(
        said("10.0.0.2", "firmware", "1.0", unit="255"), said("10.0.0.2", "firmware", "1.1", unit="255", time=9),
        seen("10.0.0.2", "00:80:f4:0b:33:44", arp=True), seen("10.0.0.2", "00:80:f4:0b:33:99", time=50),
    )  # fmt: skip
    device = assets["10.0.0.2"]
    assert device.value("firmware") == "1.1"
    assert [evidence.value for evidence in device.attributes["firmware"].history] == ["1.0"]
    assert device.value("mac") == "00:80:f4:0b:33:44"
    assert [evidence.value for evidence in device.attributes["mac"].history] == ["00:80:f4:0b:33:99"]


def test_tables_have_ceilings_and_say_so() -> None:
    inventory = Inventory(max_hosts=3)
    for n in range(10):
        inventory.observe(seen(f"10.0.0.{n}", f"00:80:f4:00:00:0{n}"))  # type: ignore[arg-type]
    for n in range(200):
        inventory.observe(said("10.0.0.1", f"name{n}", "x"))  # type: ignore[arg-type]
    inventory.count(())
    assert len(inventory.assets()) == 3
    assert inventory.ceilings == {"inventory_hosts": 7, "inventory_traits": 136}


def test_a_client_that_sweeps_fills_a_bounded_number_of_candidates() -> None:
    inventory = Inventory()
    sweep = (happened(0, operation=n + 1, client={"ip": "10.0.0.66"}, server={"ip": f"10.{n >> 8}.{n & 255}.7"}) for n in range(20_000))
    for t in sweep:
        inventory.operation(t)  # type: ignore[arg-type]
    inventory.operation(happened(0, operation=30_000, client={"ip": "10.0.0.5"}, server={"ip": "10.0.0.6"}))  # type: ignore[arg-type]
    inventory.count(())
    found = {asset.id for asset in inventory.assets()}
    assert {"10.0.0.5", "10.0.0.6", "10.0.0.66"} <= found
    assert len(found) <= MAX_CANDIDATES_OF + 4
    assert len(inventory.exchanges) == MAX_ASKED + 1
    assert inventory.ceilings["inventory_exchanges"] == 20_000 - MAX_ASKED
    assert inventory.ceilings["inventory_candidates"] > 0


def test_whom_only_others_speak_of_is_not_heard_and_there_are_so_many_at_most() -> None:
    inventory = Inventory()

    def answer(address: str) -> Observation:
        return Observation(address=address, attribute="dns_name", value="x.example", moment=at(0), protocol="dns", field="dns.answer.a")

    for n in range(MAX_CANDIDATES + 100):
        inventory.observe(answer(f"20.0.{n // 250}.{n % 250}"))  # type: ignore[arg-type]
    inventory.observe(seen("10.0.0.7", "00:80:f4:00:00:07"))  # type: ignore[arg-type]
    inventory.observe(answer("10.0.0.7"))  # type: ignore[arg-type]
    inventory.count(())
    assert [asset.id for asset in inventory.assets().heard()] == ["10.0.0.7"]
    assert inventory.assets().heard()[0].value("dns_name") == "x.example"
    assert len(inventory.assets()) == MAX_CANDIDATES + 1
    assert inventory.ceilings == {"inventory_candidates": 100}


def test_whoever_never_sent_a_packet_is_not_heard() -> None:
    engine = ScriptedEngine(script(happened(0, outcome="unanswered")))
    engine.talks = [talk("10.0.0.2", sent=(3, 0))]
    assert {asset.id: asset.heard for asset in run(engine).inventory.assets()} == {"10.0.0.1": True, "10.0.0.2": False}


def test_the_graph_counts_transactions() -> None:
    events = [happened(0), happened(1), happened(2, operation=2, access="write"), happened(3, operation=3, unit="7")]
    engine = ScriptedEngine([(0, said("10.0.0.2", "name", "pump\x00\ud800 <1>", unit="1")), *script(*events)])
    graph = run(engine).inventory.graph()
    edge = graph.edges["10.0.0.1", "10.0.0.2", "modbus/502"]
    assert (edge["transactions"], edge["accesses"], edge["units"]) == (4, {"read": 3, "write": 1}, ["1", "7"])
    assert graph.has_edge("10.0.0.2", "10.0.0.2/modbus:7", "unit")


def test_addresses_sort_by_number() -> None:
    assert sorted(["10.0.0.10", "fe80::1%eth0", "10.0.0.9", "00:80:f4:00:00:01", "?"], key=order) == [
        "10.0.0.9", "10.0.0.10", "fe80::1%eth0", "00:80:f4:00:00:01", "?",
    ]  # fmt: skip


def test_vendors_are_kept_and_looked_up_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def look_up(prefixes: list[str]) -> dict[str, str]:
        asked.append(list(prefixes))
        return dict.fromkeys(prefixes, "ACME")

    monkeypatch.setattr(vendor, "_look_up", look_up)
    for _ in range(2):
        assert vendor.vendors_of(["00:80:f4:00:00:01", "02:00:00:00:00:01"], tmp_path) == {"00:80:f4:00:00:01": "ACME"}
    assert asked == [["00:80:F4:00:00"[:13]]]
    (tmp_path / "vendors.json").write_text("[1, 2")
    assert vendor.vendors_of(["00:80:f4:00:00:01"], tmp_path) == {"00:80:f4:00:00:01": "ACME"}
