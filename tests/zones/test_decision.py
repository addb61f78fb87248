"""The decider beside the YAML cases: its lookups against plain ones, ceilings, identity of what it answers, and explanations."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectors import PointLine
from tests.synthetic import Point, transaction
from tests.zones.gate_model import Gate
from zones import compile_policy
from zones.decision import MAX_PLACES, Decider
from zones.fitting import covered
from zones.places import _LOCAL_V4, Places
from zones.verdict import Coverage, Violation

EXAMPLES = Path(__file__).parents[2] / "zones" / "examples"


@pytest.fixture
def plant() -> Decider:
    return Decider(compile_policy(str(EXAMPLES / "small-plant.yml")))


def _policy(tmp_path: Path, text: str) -> Decider:
    path = tmp_path / "p.yml"
    path.write_text("fieldtap: 1\n" + text)
    return Decider(compile_policy(str(path)))


def _t(**fields: Any) -> Any:
    return transaction({"client": {"ip": "10.20.3.5", "port": 1}, "server": {"ip": "10.20.1.11", "port": 502}, **fields})


NETWORKS = ["10.0.0.0/8", "10.1.0.0/16", "10.1.128.0/17", "10.1.1.1/32", "0.0.0.0/1", "2001:db8::/32", "2001:db8:8000::/33", "::/3"]


LOCAL = [ipaddress.ip_network(f"{text}/{prefix}") for text, prefix in _LOCAL_V4]
ADDRESSES = st.one_of(
    *(st.ip_addresses(v=v) for v in (4, 6)), st.ip_addresses(network="10.0.0.0/9"), st.ip_addresses(network="2001:db8::/30")
)


@settings(deadline=None)
@given(ADDRESSES)
def test_the_longest_prefix_is_found(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    found = PLACES.place_of(str(address), None, ())
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_multicast or str(address) == "255.255.255.255":
        assert found.by == "group"
        return
    holding = [network for network in map(ipaddress.ip_network, NETWORKS) if address in network]
    if holding:
        assert found.text == str(max(holding, key=lambda network: network.prefixlen))
    elif address.version == 4:
        assert found.by == ("unknown" if any(address in network for network in LOCAL) else "external")
    else:
        assert found.by == ("external" if int(address) >> 125 == 1 else "unknown")


def _places() -> Places:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.yml"
        zones = "".join(f'  "{i}": {{networks: ["{network}"]}}\n' for i, network in enumerate(NETWORKS))
        path.write_text(f"fieldtap: 1\nzones:\n{zones}")
        return Places(compile_policy(str(path)))


PLACES = _places()

_lines = st.builds(
    PointLine, access=st.sampled_from([None, "write"]), kind=st.sampled_from([None, "coil"]),
    first=st.integers(0, 6), last=st.integers(3, 9),
    minimum=st.sampled_from([None, 0, 2]), maximum=st.sampled_from([None, 3]), lenient=st.booleans(),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(_lines, max_size=4), st.integers(0, 9), st.integers(0, 4), st.none() | st.lists(st.integers(-1, 4), max_size=5))
def test_points_are_covered_address_by_address(lines: list[PointLine], first: int, more: int, values: list[int] | None) -> None:
    point = Point(text="", kind="coil", first=first, last=first + more, access="write", values=values)

    def takes(line: PointLine, at: int) -> bool:
        if not line.first <= at <= line.last:
            return False
        if line.minimum is None and line.maximum is None:
            return True
        if values is None or at - first >= len(values):
            return line.lenient
        value = values[at - first]
        return (line.minimum is None or value >= line.minimum) and (line.maximum is None or value <= line.maximum)

    assert covered(point, lines) == all(any(takes(line, at) for line in lines) for at in range(first, first + more + 1))


def test_a_wide_point_costs_nothing() -> None:
    point = Point(text="", kind="coil", first=0, last=2**64 - 1, access="read")
    assert covered(point, [PointLine()])
    assert not covered(point, [PointLine(last=2**63), PointLine(first=2**63 + 2)])


@pytest.mark.parametrize("name", [None, "Pump"])
def test_named_points(name: str | None) -> None:
    point = Point(text="", kind="node", first=0, last=0, access="write", name="Pump", values=[5])
    assert covered(point, [PointLine(name=name)])
    assert covered(point, [PointLine(name=name, maximum=5)])
    assert not covered(point, [PointLine(name=name, maximum=4)])
    assert not covered(point, [PointLine(name="Valve"), PointLine(first=0, last=5)])


def test_no_address_is_fatal(plant: Decider) -> None:
    for ip in ("", "x", "1.2.3", "1.2.3.4.5", "a.b.c.d", ":::", None):
        assert plant.zone_of(ip, None, ()).name == "unknown"


def test_allowed_operations_share_their_answer(plant: Decider) -> None:
    one = plant.lanes(_t(), {})
    other = plant.lanes(_t(server={"ip": "10.20.1.12", "port": 502}, client={"ip": "10.20.3.5"}), {})
    assert one[0][0].clause == other[0][0].clause
    assert one[0][0].clause.points is None
    assert one[0][0].clause.tally is False
    assert one[0][0].clause.anomalies is None
    assert plant.lanes(_t(), {}) is one


def test_violations_are_the_operations_own(plant: Decider) -> None:
    attack = _t(client={"ip": "10.20.9.66"})
    one, other = plant.lanes(attack, {})[0], plant.lanes(attack, {})[0]
    assert one[0] is not other[0]
    assert one[0] == other[0]
    assert isinstance(one[0].consequence, Violation)


def test_what_another_lane_asked_for_changes_nothing(plant: Decider) -> None:
    held = plant.lanes(_t(client={"ip": "10.20.9.66"}), {})
    assert plant.lanes(_t(client={"ip": "10.20.9.66"}, lanes=2), held)[0] is held[0]


def test_tallies_survive_a_new_rung(plant: Decider) -> None:
    gate = Gate(plant)
    write: dict[str, Any] = {"access": "write", "function": {"code": 16}}
    wrong = _t(**write, points=[{"point": "holding_register:100", "values": [900]}])
    first, _ = gate.take(wrong)
    gate.take(_t(**write, points=[{"point": "holding_register:500", "values": [1]}]))
    again, delivered = gate.take(wrong)
    assert again is first
    assert not delivered
    assert gate.count(first) == 2


def test_an_occurrence_that_the_gate_reads_otherwise_gets_a_clause(plant: Decider) -> None:
    t = _t(access="write", function={"code": 16}, points=[{"point": "holding_register:100", "values": [5]}])
    held = plant.lanes(t, {})
    lane = plant.lanes(t, held)[0]
    assert isinstance(lane[-1].consequence, Coverage)


def test_too_many_macs_are_insufficient_evidence(tmp_path: Path) -> None:
    decider = _policy(tmp_path, 'zones: {a: {networks: [10.0.1.0/24]}, m: {macs: ["00:00:00:00:00:01"]}, s: {networks: [10.9.0.0/16]}}\n')
    gate = Gate(decider)

    def take(mac: int) -> tuple[Any, bool]:
        return gate.take(_t(client={"ip": "10.0.1.2", "mac": f"00:00:00:00:01:{mac:02x}"}, server={"ip": "10.9.0.1"}))

    first, _ = take(0)
    for mac in range(1, MAX_PLACES):
        entry, delivered = take(mac)
        assert delivered
        assert isinstance(entry.consequence, Violation)
    entry, delivered = take(MAX_PLACES)
    assert delivered
    assert isinstance(entry.consequence, Coverage)
    assert entry.consequence.reason == "places_unclear"
    later, delivered = take(MAX_PLACES + 1)
    assert later is entry
    assert not delivered
    assert take(0) == (first, False)
    assert gate.count(entry) == 2


def test_explanations(plant: Decider) -> None:
    said = plant.explain_decision(_t(access="write", function={"code": 6}, points=[{"point": "holding_register:120", "values": [1]}]))
    assert said[0] == 'client 10.20.3.5: zone "operations", level 3, by asset: hmi 10.20.3.5 (line 16)'
    assert said[1] == 'server 10.20.1.11: zone "cell", level 1, by asset: plc-1 10.20.1.11 (line 19)'
    assert said[2] == 'conduit "operations-to-cell" (line 24) joins them'
    assert said[3] == "line 28 (modbus: read): does not fit (access)"
    assert said[4] == "line 30 (modbus: write): fits with points holding_register:100-119, values 0 to 500"
    assert said[-1].startswith("violation (point), severity high, ")
    assert said[-1].endswith(":30: modbus write from hmi (operations) to plc-1 (cell): not these points")
    inside = plant.explain_decision(_t(client={"ip": "10.20.1.12"}))
    assert inside[-1] == 'allowed: within zone "cell" everything is allowed'
    far = plant.explain_decision(_t(client={"ip": "10.20.9.66"}))
    assert far[2] == "no conduit joins them"
    assert "it passes by level 3" in far[-1]
