"""What is learned: the smallest policy under which what was seen is no violation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from zones import check, compile_policy
from zones.decision import Decider
from zones.judge import Judge
from zones.learn import Placing, Unseen
from zones.loader import compile_bytes
from zones.model import Policy
from zones.past import Done, Sides, standing
from zones.proposal import About, Home, Proposal, Seen, extended, proposed
from zones.supposed import Side
from zones.vocabulary import vocabulary

HMI, PLC, OTHER = "10.20.3.5", "10.20.1.11", "10.20.1.12"


class _Pair:
    def __init__(self, client: Side, server: Side) -> None:
        self.client, self.server, self.vlan = client, server, ()


def _placing(policy: Policy) -> Placing:
    decider = Decider(policy)

    def side(text: str) -> Side:
        return Side(None, text) if len(text) == 17 and text.count(":") == 5 else Side(text, None)

    def place(client: str, server: str) -> Sides:
        pair: Any = _Pair(side(client), side(server))
        return Sides(*decider.sides(pair))

    return place


def _done(**fields: Any) -> Done:
    made = {
        "client": HMI, "server": PLC, "port": 502, "protocol": "modbus", "unit": "1", "code": 3, "name": "read_holding_registers",
        "access": "read", "points": (), "coarse": False, "times": 1, "first": 1_700_000_000_000_000_000, "where": "packet 1 of a.pcap",
    }  # fmt: skip
    return Done(**{**made, **fields})


def _write(*points: str, **fields: Any) -> Done:
    return _done(
        **{"code": 16, "name": "write_multiple_registers", "access": "write", "points": tuple(("write", p) for p in points), **fields}
    )


def _seen(*done: Done, unseen: Sequence[Unseen] = (), merged: int = 0) -> Seen:
    return Seen("a.pcap", done, unseen, merged)


def _learned(*done: Done, **given: Any) -> Proposal:
    made = proposed(_seen(*done, **given), _placing)
    assert made == proposed(_seen(*done, **given), _placing)
    return made


def _said(made: Proposal, done: Done) -> str | None:
    policy = compile_bytes("learned.yml", made.text.encode())
    verdict = standing(Judge(policy), _placing(policy)(done.client, done.server), done, vocabulary()).verdict
    return None if verdict is None else verdict.reason


def test_ranges_of_points_are_put_together_and_nothing_beyond_is_allowed() -> None:
    made = _learned(_write("holding_register:100-101"), _write("holding_register:102", times=41), _write("coil:7"))
    assert made.lines == 1
    assert 'points: ["coil:7", "holding_register:100-102"]' in made.text
    assert "# 43 times since 2023-11-14 22:13:20.000 UTC, first in packet 1 of a.pcap" in made.text
    assert _said(made, _write("holding_register:100-102")) is None
    assert _said(made, _write("holding_register:103")) == "point"
    assert _said(made, _write("coil:7", unit="2")) == "unit"
    assert _said(made, _write("coil:7", code=15, name="write_multiple_coils")) == "function"
    assert _said(made, _write("coil:7", client="10.20.3.6")) == "access"


def test_each_point_gets_its_own_access() -> None:
    both = _done(code=23, name="read_write_multiple_registers", access="write",
                 points=(("write", "holding_register:10"), ("read", "holding_register:0-7")))  # fmt: skip
    made = _learned(both)
    assert _said(made, both) is None
    assert _said(made, both._replace(points=(("write", "holding_register:0"), ("read", "holding_register:0-7")))) == "point"


def test_servers_and_clients_that_do_the_same_share_a_line() -> None:
    made = _learned(*(_done(client=client, server=server) for client in (HMI, "10.20.3.6") for server in (PLC, OTHER)))
    assert made.lines == 1
    assert f'from: ["{HMI}", "10.20.3.6"]' in made.text
    assert f'to: ["{PLC}", "{OTHER}"]' in made.text


def test_what_stays_in_a_zone_needs_no_conduit() -> None:
    made = _learned(_done(client=OTHER))
    assert made.lines == 0
    assert "conduits" not in made.text
    assert compile_bytes("learned.yml", made.text.encode()).conduits == ()


def test_sessions_are_said_only_where_nothing_else_covers_them() -> None:
    session = _done(access="session", code=0, name="connect")
    assert "session" not in _learned(session, _done()).text
    assert "access: session" in _learned(session).text
    umas = _done(protocol="umas", code=2, name="read_id", access="identify")
    assert "protocol: modbus" not in _learned(session, umas).text


@pytest.mark.parametrize(
    ("done", "line"),
    [
        (_done(protocol="ssh", port=22, access="session", code=0, name="connect", unit=None), "protocol: ssh, from"),
        (_done(protocol="tcp", port=8080, access="session", code=0, name="connect", unit=None), 'ports: "8080"'),
        (_done(protocol="icmp", port=None, access="session", code=0, name="connect", unit=None), "protocol: icmp, from"),
    ],
)
def test_connections_that_nobody_dissects(done: Done, line: str) -> None:
    made = _learned(done)
    assert line in made.text
    assert _said(made, done) is None


def test_public_addresses_are_external_and_mac_addresses_unknown() -> None:
    web = _done(client=HMI, server="8.8.8.8", protocol="domain", port=53, access="session", code=0, name="connect", unit=None)
    link = _done(
        client="00:11:22:33:44:55", server="00:11:22:33:44:66", protocol="lldp", port=None, access="session", code=0, name="connect"
    )
    made = _learned(web, link)
    assert "to: external" in made.text
    assert "8.8.8.8" not in made.text
    assert "00:11" not in made.text
    assert _said(made, web) is None


def test_both_families_and_addresses_without_a_network(tmp_path: Path) -> None:
    six = _done(client="2001:db8:3::5", server="2001:db8:1::11")
    local = _done(client="fe80::1", server="169.254.1.1", protocol="ntp", port=123, access="session", code=0, name="connect", unit=None)
    group = _done(client=HMI, server="239.255.255.250", protocol="ssdp", port=1900, access="session", code=0, name="connect", unit=None)
    made = _learned(six, local, group, _done())
    assert '"net-2001:db8:1::": {networks: ["2001:db8:1::/64"]}' in made.text
    assert "fe80" not in made.text
    assert "239." not in made.text
    for one in (six, local, group):
        assert _said(made, one) is None
    path = tmp_path / "p.yml"
    path.write_text(made.text)
    assert check(str(path)) == []


def test_many_points_and_points_without_words_are_not_limited_and_that_is_said() -> None:
    many = _write(*(f"holding_register:{number}" for number in range(0, 200, 2)))
    made = _learned(many)
    assert "points:" not in made.text
    assert "points are not limited" in made.text
    assert _said(made, _write("holding_register:9999")) is None


def test_what_could_not_be_seen_is_said() -> None:
    made = _learned(_done(), unseen=[Unseen(HMI, PLC, 5, 2, 1, 1, 1234), Unseen(HMI, OTHER, 1, 0, 0, 0, 0)], merged=9)
    for said in ("2 of 6 flows were under way when the capture began", "1 of 6 flows were seen in one direction only",
                 "1 of 6 flows are encrypted", "1,234 bytes are missing"):  # fmt: skip
        assert f"# Not seen: {said}" in made.text
        assert any(said in note for note in made.notes)
    assert any("9 occurrences are of operations that were merged" in note for note in made.notes)


def test_a_protocol_without_a_word_is_said() -> None:
    made = _learned(_done(protocol="no-such-protocol", times=3))
    assert any(note.startswith("3 times no-such-protocol") for note in made.notes)
    assert any("stays forbidden: no_conduit" in note for note in made.notes)


def test_declared_zones_and_levels_are_kept(tmp_path: Path) -> None:
    homes = {HMI: Home("operations", 3.0), PLC: Home("cell", 1.0), OTHER: Home("middle", 2.0)}
    made = proposed(_seen(_done(), _done(client=OTHER)), _placing, homes=homes)
    assert f'operations: {{level: 3, assets: ["{HMI}"]}}' in made.text
    assert "skip_level: seen in the traffic" in made.text
    path = tmp_path / "learned.yml"
    path.write_text(made.text)
    assert check(str(path)) == []


def test_what_devices_seem_to_be_is_told_beside_them_and_decides_nothing() -> None:
    about = {HMI: About("hmi-1, HMI", 2.0), PLC: About("", 1.0), OTHER: About("", 1.0), "10.20.1.99": About("", None)}
    made = proposed(_seen(_done()), _placing, about=about)
    assert f'  "{HMI}": {{ip: "{HMI}"}}  # hmi-1, HMI\n' in made.text
    assert '{networks: ["10.20.1.0/24"]}  # of 3 devices 2 like level 1\n' in made.text
    assert '{networks: ["10.20.3.0/24"]}  # its device looks like level 2\n' in made.text
    policy = compile_bytes("learned.yml", made.text.encode())
    assert {zone.level for zone in policy.zones.values()} == {None, 5.0}


POLICY = """fieldtap: 1
zones:
  ops: {networks: [10.20.3.0/24]}
  cell: {networks: [10.20.1.0/24]}
assets:
  plc: {ip: 10.20.1.11}
conduits:
    - id: ops-to-cell   # what is known
      from: ops
      to: plc
      allow:
        - {protocol: modbus, access: read}
      deny:
        - {protocol: modbus, access: mode}

# the end
schedules: {}
"""


def _extended(*done: Done, text: str = POLICY) -> Proposal:
    return extended(_seen(*done), _placing, compile_bytes("site.yml", text.encode()), text)


def test_learning_into_a_policy_adds_only_what_it_forbids() -> None:
    made = _extended(_done(), _write("coil:1", times=5))
    assert made.lines == 1
    assert made.text.startswith(POLICY[: POLICY.index("\n\n# the end")])
    assert made.text.endswith("# the end\nschedules: {}\n")
    assert "    - id: ops-to-cell-2\n" in made.text
    assert _said(made, _write("coil:1")) is None
    assert _said(made, _write("coil:2")) == "point"
    assert "10.20.3.0/24" in made.text
    assert made.text.count("protocol: modbus, access: read}") == 1


def test_nothing_to_learn_leaves_the_policy_as_it_is() -> None:
    assert _extended(_done()).text == POLICY


def test_what_a_line_denies_stays_forbidden() -> None:
    made = _extended(_done(access="mode", code=8, name="diagnostics"))
    assert any("stays forbidden: denied, line 14" in note for note in made.notes)


def test_a_policy_without_conduits_and_one_with_them_on_one_line() -> None:
    bare = "fieldtap: 1\nzones: {a: {networks: [10.20.3.0/24]}, b: {networks: [10.20.1.0/24]}}\n"
    made = _extended(_done(), text=bare)
    assert _said(made, _done()) is None
    quoted = bare + '"conduits" :\n- {id: x, from: a, to: b, allow: [{protocol: ssh}]}\n'
    assert _said(_extended(_done(), text=quoted), _done()) is None
    flow = bare + "conduits: [{id: x, from: a, to: b, allow: [{protocol: ssh}]}]\n"
    with pytest.raises(ValueError, match="written on one line"):
        _extended(_done(), text=flow)


def test_names_that_yaml_would_read_otherwise_are_quoted(tmp_path: Path) -> None:
    homes = {HMI: Home('on: off # "x"', None), PLC: Home("yes", None)}
    made = proposed(_seen(_done()), _placing, homes=homes)
    path = tmp_path / "p.yml"
    path.write_text(made.text)
    assert set(compile_policy(str(path)).zones) == {'on: off # "x"', "yes", "external", "unknown"}
