"""One asset for one device: which addresses are its own, which stand behind it."""

from __future__ import annotations

import pytest

from sensor.inventory.asset import Evidence
from sensor.inventory.identity import bearer, is_routed
from tests.sensor.test_inventory import assets_of, seen

MAC = "00:80:f4:0b:33:44"
EUI = "2001:db8:1::280:f4ff:fe0b:3344"
ARP, PACKET = "arp", "ethernet"


def judged(**owners: str) -> tuple[list[str], list[str]]:
    """Own addresses and those behind; `a10_0_0_7` stands for an IPv4 address."""
    found = bearer(MAC, {address: Evidence("mac", MAC, 0.9, protocol, "f", 1, 1, 0) for address, protocol in owners.items()}, set)
    return list(found.own), list(found.behind)


def test_a_router_is_told_by_proxy_arp_and_by_many_addresses() -> None:
    talking = {"10.0.0.7", "10.0.1.8", "10.0.2.8", "172.16.0.5"}

    def routes(**owners: str) -> bool:
        return bearer(
            MAC, {address: Evidence("mac", MAC, 0.9, protocol, "f", 1, 1, 0) for address, protocol in owners.items()}, lambda: talking
        ).router

    assert routes(**{"10.0.0.7": ARP, "10.0.1.8": ARP})
    assert routes(**{"10.0.0.7": PACKET, "10.0.1.8": PACKET, "10.0.2.8": PACKET})
    assert routes(**{"10.0.0.1": ARP, "172.16.0.5": PACKET})
    assert not routes(**{"10.0.0.1": ARP, "172.16.0.6": PACKET}), "it only sent broadcasts"
    assert not routes(**{"10.0.0.7": PACKET, "10.0.1.8": PACKET})
    assert not routes(**{"10.0.0.7": ARP, "10.0.0.8": ARP})


@pytest.mark.parametrize(
    ("owners", "own", "behind"),
    [
        ({"10.0.0.7": ARP}, ["10.0.0.7"], []),
        ({"10.0.0.7": PACKET}, ["10.0.0.7"], []),
        ({"10.0.0.7": ARP, "10.0.0.8": ARP}, ["10.0.0.7", "10.0.0.8"], []),
        ({"10.0.0.7": ARP, "10.0.1.8": ARP}, [], ["10.0.0.7", "10.0.1.8"]),
        ({f"10.0.0.{n}": ARP for n in range(1, 6)}, [], [f"10.0.0.{n}" for n in range(1, 6)]),
        ({"10.0.0.7": PACKET, "10.0.0.8": PACKET}, [], ["10.0.0.7", "10.0.0.8"]),
        ({"10.0.0.1": ARP, "172.16.0.5": PACKET}, ["10.0.0.1"], ["172.16.0.5"]),
        ({"10.0.0.7": ARP, "fe80::1": PACKET}, ["10.0.0.7", "fe80::1"], []),
        ({"10.0.0.7": PACKET, "fe80::1": PACKET}, ["10.0.0.7", "fe80::1"], []),
        ({"10.0.0.7": ARP, "2001:db8::1": PACKET, "2001:db8::2": PACKET}, ["10.0.0.7", "2001:db8::1", "2001:db8::2"], []),
        ({"10.0.0.7": ARP, "2001:db8::1": PACKET, "2001:db8:9::2": PACKET}, ["10.0.0.7"], ["2001:db8::1", "2001:db8:9::2"]),
        ({"fe80::1": PACKET, "2001:db8::1": PACKET}, ["2001:db8::1", "fe80::1"], []),
        ({EUI: PACKET, "2001:db8:2::1": PACKET, "2001:db8:3::1": PACKET}, [EUI], ["2001:db8:2::1", "2001:db8:3::1"]),
        ({"fe80::1": PACKET, **{f"172.16.{n}.5": PACKET for n in range(3)}}, ["fe80::1"], [f"172.16.{n}.5" for n in range(3)]),
        ({"10.0.0.7": "dhcp", "10.0.0.9": "dhcp"}, ["10.0.0.7", "10.0.0.9"], []),
        ({"10.0.0.7": ARP, "192.168.0.20": "lldp", "192.168.0.241": PACKET}, ["10.0.0.7", "192.168.0.20"], ["192.168.0.241"]),
        ({MAC: PACKET}, [], []),
    ],
)  # fmt: skip
def test_whose_a_hardware_address_is(owners: dict[str, str], own: list[str], behind: list[str]) -> None:
    assert judged(**owners) == (own, behind)


def test_a_host_of_both_families_is_no_router() -> None:
    assets = assets_of(seen("192.168.0.5", MAC, arp=True), seen("fe80::280:f4ff:fe0b:3344", MAC), seen("2001:db8::5", MAC))
    (asset,) = assets.values()
    assert (asset.id, asset.kind) == ("192.168.0.5", "host")
    assert asset.addresses == ["192.168.0.5", "2001:db8::5", "fe80::280:f4ff:fe0b:3344"]


def test_the_addresses_of_one_device_have_their_packets() -> None:
    moved = assets_of(seen("10.0.0.7", MAC, arp=True, time=1, packet=3), seen("10.0.0.9", MAC, arp=True, time=9, packet=80))["10.0.0.7"]
    assert moved.value("ip") == "10.0.0.9"
    assert [(old.value, old.packet) for old in moved.attributes["ip"].history] == [("10.0.0.7", 3)]


def test_an_address_that_moved_to_another_device_keeps_both() -> None:
    other = "00:80:f4:0b:33:99"
    assets = assets_of(seen("10.0.0.7", MAC, arp=True, time=1), seen("10.0.0.7", other, arp=True, time=9))
    assert list(assets) == ["10.0.0.7"]
    assert assets["10.0.0.7"].value("mac") == other
    assert [old.value for old in assets["10.0.0.7"].attributes["mac"].history] == [MAC]


def test_a_router_with_an_address_of_its_own_routes_for_others() -> None:
    assets = assets_of(seen("10.0.0.1", MAC, arp=True), seen("fe80::1", MAC), *(seen(f"172.16.{n}.5", MAC) for n in range(3)))
    assert assets["10.0.0.1"].kind == "router"
    assert assets["10.0.0.1"].addresses == ["10.0.0.1", "fe80::1"]
    assert assets["172.16.1.5"].value("router_mac") == MAC
    assert assets["172.16.1.5"].value("mac") is None


def test_who_answers_for_an_address_whose_packets_were_all_routed_is_not_it() -> None:
    owners = {address: Evidence("mac", MAC, 0.9, "arp", "f", 1, 1, 0) for address in ("10.0.0.10", "10.0.0.11")}
    assert bearer(MAC, owners, set).own == ["10.0.0.10", "10.0.0.11"]
    found = bearer(MAC, owners, lambda: {"10.0.0.10"}, lambda address: address == "10.0.0.10")
    assert (found.own, found.behind, found.router) == (["10.0.0.11"], ["10.0.0.10"], True)


def test_a_ttl_that_no_system_begins_with_has_passed_a_router() -> None:
    def stacks(*lives: int) -> list[Evidence]:
        return [Evidence("tcp_stack", f"ttl={life},df=1,window=64240", 0.9, "tcp", "tcp.syn", 1, 1, 0) for life in lives]

    assert all(is_routed(stacks(*lives)) for lives in ((127,), (127, 126)))
    assert not any(is_routed(stacks(*lives)) for lives in ((128,), (126, 128), ()))
