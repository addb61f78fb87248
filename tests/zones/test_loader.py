"""Strict reading: every mistake is said with its line, all at once, with a suggestion where a word is close."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

from zones import Policy, PolicyError, check, compile_policy
from zones.decision import Decider
from zones.points import GROUPS

EXAMPLES = Path(__file__).parents[2] / "zones" / "examples"
HEAD = "fieldtap: 1\nzones:\n  a: {level: 3, networks: [10.0.3.0/24]}\n  b: {level: 2, networks: [10.0.2.0/24]}\n"
CONDUIT = HEAD + "conduits:\n  - id: c\n    from: a\n    to: b\n"
LINE = CONDUIT + "    allow:\n      - "


def _said(tmp_path: Path, text: str | bytes) -> list[str]:
    path = tmp_path / "p.yml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in check(str(path))]


# What is written, and what is said of it.
# ruff: noqa: E501
SHAPES = {
    "": "1: a policy is a mapping that begins with fieldtap: 1",
    "- a": "1: a policy is a mapping that begins with fieldtap: 1",
    "zones: {a: {networks: [10.0.0.0/8]}}": '1: the policy lacks "fieldtap"',
    "fieldtap: 1": '1: the policy lacks "zones"',
    "fieldtap: 1\nzones: {}": "2: zones is empty",
    "fieldtap: 2\nzones: {a: {networks: [10.0.0.0/8]}}": '1: policy language "2" is not supported; this version reads 1',
    "fieldtap: 01\nzones: {a: {networks: [10.0.0.0/8]}}": '1: policy language "01" is not supported; this version reads 1',
    "fieldtap: 1\nzones: [a]": "2: zones must be a mapping",
    "fieldtap: 1\nzones: {a: x}": "2: zones a must be a mapping",
    "fieldtap: 1\nzones: {a: }": "2: zones a must be a mapping",
    HEAD + "conduits: {}": "5: conduits must be a list",
    HEAD + "zonse: {}": '5: "zonse" is not a key of the policy; did you mean "zones"?',
    HEAD + "exceptions: {}": "5: exceptions must be a list",
    HEAD
    + "timezone: Europe/Berlin\nschedules: {w: {days: mon-fry}}": '6: day "fry" is not one of mon, tue, wed, thu, fri, sat, sun; did you mean "fri"?',
    HEAD + "timezone: Europe/Berlin\nschedules: {w: {hours: 6-18}}": '6: hours "6-18" are not written as "06:00-18:00"',
    HEAD + "timezone: Europe/Berlin\nschedules: {w: {hours: '06:00-06:00'}}": (
        '6: hours "06:00-06:00" begin and end at the same time; leave hours out for the whole day'
    ),
    HEAD + "timezone: Europe/Berlin\nschedules: {w: {day: mon}}": '6: "day" is not a key of schedules w; did you mean "days"?',
    HEAD + "timezone: Europe/Berlin\nschedules: {w: {}}": '6: schedule "w" says neither days nor hours, from or to',
    HEAD + "timezone: Europe/Berlin\nschedules: {w: {from: 2026-03-02, to: 2026-03-01}}": '6: schedule "w" ends before it begins',
    HEAD + "timezone: Europe/Berlin\nschedules: {w: {from: 1st of May}}": (
        '6: "1st of May" is not a date or time (2026-03-01, 2026-03-01 06:00), in the time zone of the policy'
    ),
    HEAD + "schedules: {w: {days: mon}}": '5: schedules need a time zone: which? (timezone: "Europe/Berlin")',
    HEAD + "zones: {}": '5: "zones" stands twice (first on line 2)',
    HEAD + "site: []": "5: site must be a text",
    HEAD + "timezone: Europe/Berln": '5: time zone "Europe/Berln" is not known; did you mean "Europe/Berlin"?',
    HEAD + "severity: hihg": '5: severity "hihg" is not one of info, low, medium, high, critical; did you mean "high"?',
    HEAD + "assets: {x: {ip: &a 10.0.0.1}, y: {ip: *a}}": '5: "&a": anchors are not read',
    HEAD + "site: !!python/name:os.system x": '5: "tag:yaml.org,2002:python/name:os.system": tags are not read',
    HEAD + "? [x]\n: y": "5: a key must be a text",
    HEAD + "---\nfieldtap: 1": "5: a second document begins here; a policy is one",
    HEAD + "site: {": "5: not YAML: expected the node content, but found '<stream end>'",
    HEAD + "\tsite: x": "5: not YAML: found character '\\t' that cannot start any token",
    HEAD + "site: " + "[" * 40 + "]" * 40: "5: nested deeper than 32",
    HEAD + "site: \x01": "5: not YAML: special characters are not allowed",
}

ZONES = {
    "x: {level: 6, vlans: [1]}": '5: level "6" is not one of 0, 1, 2, 3, 3.5, 4, 5',
    "x: {vlans: [010]}": '5: VLAN "010" is not a number from 0 to 4094',
    "x: {vlans: 4095}": '5: VLAN "4095" is not a number from 0 to 4094',
    'x: {macs: ["10:20:30:40:50"]}': '5: "10:20:30:40:50" is not a MAC address (00:80:f4:0b:33:44)',
    "x: {macs: [01:20:30:40:50:51]}": '5: "01:20:30:40:50:51" is a group address, not a device\'s',
    "x: {networks: [10.0.9.1/24]}": '5: network "10.0.9.1/24" has host bits set; did you mean "10.0.9.0/24"?',
    "x: {networks: [10.0.9/24]}": '5: "10.0.9/24" is not a network (10.20.0.0/16)',
    "x: {networks: []}": "5: zones x networks must be one or a list",
    "x: {networks: }": None,
    "x: {internal: no, vlans: 1}": '5: internal "no" is not one of allow, deny',
    "x: {network: [10.0.9.0/24]}": '5: "network" is not a key of zones x; did you mean "networks"?',
    "x: {security_level: 5, vlans: 1}": '5: security level "5" is not a number from 0 to 4',
    "x: {roles: [plc]}\n  y: {tags: [hot]}\nassets: {p: {ip: 10.9.3.1, role: plc, tags: [hot]}}": (
        '7: asset "p" is claimed by its role, vendor or tags by "x" (line 5) and "y" (line 6): which is it? List it in one'
    ),
    "x: {networks: [10.0.3.0/24]}": '5: network 10.0.3.0/24 is claimed by "a" (line 3) and by "x": which is it?',
    "x: {vlans: [1]}\n  y: {vlans: [1]}": '6: VLAN 1 is claimed by "x" (line 5) and by "y": which is it?',
    "x: {macs: 00-00-00-00-00-0A}\n  y: {macs: 00:00:00:00:00:0a}": '6: MAC 00:00:00:00:00:0a is claimed by "x" (line 5) and by "y": which is it?',
    "x: {assets: [p]}\n  y: {assets: [p]}\nassets: {p: {ip: 10.0.3.1}}": '6: asset p is claimed by "x" (line 5) and by "y": which is it?',
    "x: {assets: [plc1]}\nassets: {plc-1: {ip: 10.0.3.1}}": '5: asset "plc1" is not declared; did you mean "plc-1"?',
    "x: {vlans: 1, zones: {b: {vlans: 2}}}": '5: zone "b" is declared twice (first on line 4)',
    "x: {vlans: 1, zones: {external: {vlans: 2}}}": '5: zone "external" can\'t be nested',
    '" x": {vlans: 1}': "5: ' x' is not a name (1 to 64 printable characters, no space at its ends)",
    "x: {vlans: [1]}\nassets: {x: {ip: 10.0.3.1}}": '6: asset "x" has the name of a zone (line 5)',
    "x: {vlans: [1]}\nassets: {p: {role: plc}}": '6: asset "p" has neither ip nor mac',
    "x: {vlans: [1]}\nassets: {p: {ip: 10.0.3.300}}": '6: "10.0.3.300" is not an IP address',
    "x: {vlans: [1]}\nassets: {p: {ip: 224.0.0.1}}": '6: "224.0.0.1" is not the address of one device',
    "x: {vlans: [1]}\nassets: {p: {ip: 10.0.3.1}, q: {ip: 10.0.3.1}}": '6: IP address 10.0.3.1 is claimed by "p" (line 6) and by "q": which is it?',
    "x: {}": '5: warning: zone "x" has no networks, macs, vlans or assets: nothing is ever in it',
    "x: {vlans: [1, 1]}": '5: warning: VLAN 1 stands twice in "x" (first on line 5)',
    "x: {networks: [10.9.0.0/16], zones: {y: {networks: [10.8.0.0/24]}}}": '5: warning: network 10.8.0.0/24 of zone "y" lies outside of its parent "x"',
    "x: {vlans: 1}\nassets: {p: {ip: 10.99.0.1}}": '6: warning: asset "p" is in no zone: list it in one, or declare its network',
}

LINES = {
    "{access: read}": '10: conduits[1] allow[1] lacks "protocol"',
    "{protocol: modbuss, access: read}": '10: protocol "modbuss" is not known; did you mean "modbus"?',
    "{protocol: htpps}": '10: protocol "htpps" is not known; did you mean "https"?',
    "{protocol: modbus, access: [read, wirte]}": (
        '10: access "wirte" is not one of session, report, identify, read, configure, write, mode, program; did you mean "write"?'
    ),
    "{protocol: modbus, acess: read}": '10: "acess" is not a key of conduits[1] allow[1]; did you mean "access"?',
    "{protocol: modbus, access: read, rate: 5}": "10: conduits[1] allow[1] rate must be a mapping (max, per) or a list of them",
    "{protocol: modbus, access: read, rate: {max: 0, per: 1s}}": '10: max "0" is not a number from 1 to 99999',
    "{protocol: modbus, access: read, rate: {max: 5, per: 60}}": '10: per "60" is not a span of time (10s, 5min, 1h)',
    "{protocol: modbus, access: read, rate: {max: 5, per: 25h}}": (
        '10: per "25h" is more than 24h, the longest span in which occurrences are counted'
    ),
    "{protocol: modbus, access: read, rate: {max: 5}}": '10: conduits[1] allow[1] rate lacks "per"',
    "{protocol: modbus, access: read, rate: {max: 5, pre: 1s}}": (
        '10: "pre" is not a key of conduits[1] allow[1] rate; did you mean "per"?'
    ),
    "{protocol: modbus, access: read, rate: [{max: 5, per: 60s}, {max: 9, per: 1min}]}": (
        "10: rate says twice what is allowed within 1min"
    ),
    "{protocol: modbus, access: read, user: operator}": (
        "10: protocol modbus has no user: of the protocols that are read only opcua tells who asks"
    ),
    "{protocol: ssh, security_mode: sign}": (
        "10: protocol ssh has no security_mode: of the protocols that are read only opcua tells who asks"
    ),
    "{protocol: opcua, access: read, security_mode: signed}": (
        '10: security_mode "signed" is not one of none, sign, sign_and_encrypt; did you mean "sign"?'
    ),
    "{protocol: modbus, access: read, initiator: from}": '10: initiator "from" is not one of client, server',
    "{protocol: modbus, functions: [read_coil]}": '10: modbus has no function "read_coil"; did you mean "read_coils"?',
    "{protocol: modbus, functions: 8, sub_functions: [restart]}": '10: modbus has no sub-function "restart"',
    "{protocol: modbus, access: read, ports: [70000]}": '10: port "70000" is not a number from 0 to 65535',
    "{protocol: modbus, access: read, ports: [10-5]}": '10: ports "10-5": the last is less than the first',
    "{protocol: modbus, access: read, units: [5-3]}": '10: units "5-3": the last is less than the first',
    "{protocol: modbus, access: read, from: hmi}": '10: zone or asset "hmi" is not defined',
    "{protocol: modbus, access: read, values: {}}": "10: values says neither min nor max",
    "{protocol: modbus, access: read, values: {min: 5, max: 2}}": "10: values: max 2 is less than min 5",
    "{protocol: modbus, access: read, values: {min: low}}": '10: "low" is not a number',
    "{protocol: modbus, access: read, values: {mni: 1}}": '10: "mni" is not a key of conduits[1] allow[1] values; did you mean "min"?',
    "{protocol: tcp}": "10: protocol tcp needs ports: which? (ports: [8080, 9000-9010])",
    "{protocol: ssh, points: [coil:1]}": "10: protocol ssh has no points: it is judged by its connections",
    "{protocol: ssh, access: read}": "10: protocol ssh has no access but session: it is judged by its connections",
    "{protocol: modbus, access: read, points: [holding:1]}": (
        '10: point "holding:1": modbus has no points of kind "holding"; did you mean "holding_register"?'
    ),
    "{protocol: modbus, access: read, points: [coil 1]}": (
        '10: point "coil 1" is not written as kind:first or kind:first-last (holding_register:100-119)'
    ),
    "{protocol: modbus, access: read, points: [coil:9-1]}": '10: point "coil:9-1": the last is less than the first',
    "{protocol: modbus, access: read, points: [coil:65536]}": '10: point "coil:65536": the greatest address of coil is 65535',
    "{protocol: modbus, access: read, points: [coil:1/5]}": '10: point "coil:1/5": coil has no blocks (coil:7)',
    "{protocol: modbus, access: read, points: [file:5]}": '10: point "file:5": file needs a block (file:4/10-12)',
    "{protocol: modbus, access: read, points: [20001]}": '10: point "20001": a Modicon number begins with 0, 1, 3 or 4',
    "{protocol: modbus, access: read, points: [40000]}": '10: point "40000": numbers run from 40001 upwards, to 65536 at most',
    "{protocol: modbus, access: read, points: [40001-30002]}": '10: point "40001-30002": both ends must be of the same table and length',
    "{protocol: s7comm, access: read, points: [DB10.DBW2, M4.1, T0-7]}": None,
    "{protocol: s7comm, access: read, points: [DB10.DBX2.9]}": '10: point "DB10.DBX2.9" is not written as points of this protocol are (DB10.DBW2, DI3.DIX0.1, M4.1)',
    "{protocol: s7comm, access: read, points: [MB9999999]}": '10: point "MB9999999": the greatest byte of memory is 2097151',
    "{protocol: s7commplus, access: read, points: [DB10.DBW2]}": '10: point "DB10.DBW2": points of s7commplus (DB10.DBW2) are not supported by this version',
    "{protocol: dnp3, access: read, points: [binary_output:18446744073709551616]}": (
        '10: point "binary_output:18446744073709551616": there are no addresses above 18446744073709551615'
    ),
    "{protocol: dnp3, access: write, points: [g12 index 3-5]}": "10: note: g12 index 3-5 is binary_output:3-5 (by whichever group of objects)",
    "{protocol: dnp3, access: write, points: [g12 index 5-3]}": '10: point "g12 index 5-3": the last is less than the first',
    "{protocol: dnp3, access: write, points: [g12 index 4294967296]}": (
        '10: point "g12 index 4294967296": the greatest address of binary_output is 4294967295'
    ),
    "{protocol: dnp3, access: write, points: [g50 index 1]}": (
        '10: point "g50 index 1": objects of group 50 are no points with an index; these are: g1, g2, g3, g4, g10, g11, g12, g13, g20, g21, g22, g23, g30, g31, g32, g33, g34, g40, g41, g42, g43'
    ),
    "{protocol: modbus, access: read, points: [40101-40120]}": "10: note: 40101-40120 is holding_register:100-119 (zero-based, as on the wire)",
    "{protocol: iec104, access: read}": (
        '10: warning: protocol "iec104" is not dissected by this version: only connections to the ports of this line are allowed'
    ),
    "{protocol: modbus}": "10: warning: no access is given: this allows every access of modbus but reports, write, mode and program included",
    "{protocol: '0x88cc'}": None,
    "{protocol: modbus, access: read, values: {min: -1.5, max: 1e3}}": None,
}

EXCEPTION = "    allow: [{protocol: ssh}]\ntimezone: Europe/Berlin\nexceptions:\n  - {id: e, from: a, to: b, allow: [{protocol: ssh}], "
"""From line 10 on; the exception stands on line 12."""

CONDUITS = {
    EXCEPTION + "owner: J, ticket: T1, start: 2026-03-01}": '12: exceptions[1] lacks "end"',
    EXCEPTION + "owner: J, ticket: T1, start: 2026-03-01, end: 2026-02-01}": '12: exception "e" ends before it begins',
    EXCEPTION
    + "owner: J, ticket: T1, start: 2026-03-01, ends: 2026-03-02}": '12: "ends" is not a key of exceptions[1]; did you mean "end"?',
    EXCEPTION.replace("id: e", "id: c") + "owner: J, ticket: T1, start: 2026-03-01, end: 2026-03-02}": (
        '12: exception "c" stands twice (first on line 6)'
    ),
    "    allow: [{protocol: ssh, schedule: nights}]": '9: schedule "nights" is not defined',
    "    allow: []": "9: conduits[1] allow is empty",
    "    severity: high": '6: conduit "c" says neither allow nor deny',
    "    allow: [{protocol: ssh}]\n    deny: []": "10: conduits[1] deny is empty",
    "    deny: [{protocol: modbus, values: {max: 5}}]": "9: deny takes no values: limit what is allowed instead",
    "    deny: [{protocol: modbus, initiator: client}]": "9: deny takes no initiator: limit what is allowed instead",
    "    deny: [{protocol: modbus}]": None,
    "    deny: [{protocol: modbus, access: write},\n      {protocol: modbus, access: mode}]": None,
    "    deny: [{protocol: modbus, access: write}, {protocol: modbus, access: mode}]": (
        "9: two lines of deny stand on one line: what is denied names the line that denied it, so begin each on its own"
    ),
    "    allow: [{protocol: ssh}]\n  - {id: d, from: a, to: b, deny: [{protocol: http}]}": None,
    "    allow: [{protocol: ssh}]\n    skip_level: because": '6: warning: conduit "c" skips no level: skip_level says nothing',
    "    allow: [{protocol: ssh}]\n  - {id: c, from: a, to: b, allow: [{protocol: ssh}]}": '10: conduit "c" stands twice (first on line 6)',
    "    allow: [{protocol: ssh}]\n  - {id: d, from: a, to: zz, allow: [{protocol: ssh}]}": '10: zone or asset "zz" is not defined',
    "    allow: [{protocol: ssh}]\n  - {id: d, from: external, to: b, allow: [{protocol: ssh}]}": (
        '10: conduit "d" passes by level 3; if that is meant, say skip_level: <reason>'
    ),
    "    allow: [{protocol: ssh}]\n  - {id: d, from: a, to: a, allow: [{protocol: ssh}]}": (
        '10: warning: conduit "d" changes nothing: all is allowed within zone "a" (unless internal: deny)'
    ),
}


def test_groups_of_dnp3_are_those_of_the_dissector() -> None:
    """zones.points.GROUPS says in Python what tables/objects.rs says: where they differ, mend GROUPS."""
    table = Path(__file__).parents[2] / "dissectors" / "src" / "protocols" / "dnp3" / "tables" / "objects.rs"
    if not table.exists():
        pytest.skip("the wheel has no Rust")
    rows = re.findall(r'object\(\((\d+), \d+\), "[^"]+", Some\(Kind::(\w+)\)', table.read_text())
    told = {int(group): re.sub(r"(?<!^)([A-Z])", r"_\1", kind).lower() for group, kind in rows}
    assert len(told) > len(GROUPS)
    assert {group: told.get(group) for group in GROUPS} == GROUPS
    indexed = set(GROUPS.values())
    assert {group for group, kind in told.items() if kind in indexed} - set(GROUPS) == {100}, "floating-point values, long withdrawn"


def test_what_is_wrong_in_many_places_keeps_each_line(tmp_path: Path) -> None:
    """What is left out for its shape doesn't move the lines of what comes after it: here a zone that isn't there, on each odd conduit."""
    text, wanted = HEAD + "conduits:\n", []
    for number in range(200):
        at = text.count("\n") + 1
        target = "b" if number % 2 else "nowhere"
        text += f"  - id: c{number}\n    from: a\n    to: {target}\n    allow:\n      - {{protocl: ssh}}\n"
        text += "      - {protocol: ssh}\n" if number % 3 else ""
        wanted += [(at + 4, "lacks"), (at + 4, "is not a key")]
        if number % 3 == 0:
            wanted.append((at, "neither"))
        if target != "b":
            wanted.append((at + 2, "nowhere"))
    words = ("lacks", "is not a key", "neither", "nowhere")
    said = [(int(line.split(":")[1]), next(word for word in words if word in line)) for line in _said(tmp_path, text)]
    assert sorted(said) == sorted(wanted)


def test_two_conduits_of_one_id_are_found_on_one_line_too(tmp_path: Path) -> None:
    one = "{id: c, from: a, to: b, allow: [{protocol: ssh}]}"
    assert _said(tmp_path, HEAD + f"conduits: [{one}, {one}]") == ['p.yml:5: conduit "c" stands twice (first on line 5)']


def _all() -> list[object]:
    tables = [(SHAPES, ""), (ZONES, HEAD + "  "), (LINES, LINE), (CONDUITS, CONDUIT)]
    return [pytest.param(head + text, said, id=text[-60:]) for table, head in tables for text, said in table.items()]


@pytest.mark.parametrize(("text", "said"), _all())
def test_each_problem(tmp_path: Path, text: str, said: str | None) -> None:
    found = _said(tmp_path, text)
    wanted = [] if said is None else [f"p.yml:{said}"]
    assert [line for line in found if line in wanted] == wanted, found
    assert len(found) <= 2, found


def test_not_text(tmp_path: Path) -> None:
    assert _said(tmp_path, b"fieldtap: 1\nsite: \xff") == ["p.yml:2: not UTF-8 text"]
    assert _said(tmp_path, b"#" * (8 * 1024 * 1024 + 1)) == ["p.yml:1: larger than 8388608 bytes"]


def test_no_file(tmp_path: Path) -> None:
    assert [problem.what for problem in check(str(tmp_path / "none.yml"))] == ["can't be read: No such file or directory"]
    with pytest.raises(FileNotFoundError):
        compile_policy(str(tmp_path / "none.yml"))


def test_ten_mistakes_are_ten_lines(tmp_path: Path) -> None:
    text = """fieldtap: 1
sight: here
zones:
  enterprise: {level: 7, networks: [10.10.0.0/16]}
  cell-1: {level: 1, networks: [10.1.1.1/24, 10.1.2.0/24], vlans: [5000]}
assets:
  hmi-1: {ip: 10.10.0.5.1}
conduits:
  - id: one
    from: enterprize
    to: cel-1
    allow:
      - {protocol: modbus, access: raed}
      - {protocol: modbus, access: read, points: [koil:1]}
      - {access: write}
  - {id: two, from: hmi-1, to: cell-1, allow: [{protocol: modbsu}]}
"""
    assert _said(tmp_path, text) == [
        'p.yml:2: "sight" is not a key of the policy; did you mean "site"?',
        'p.yml:4: level "7" is not one of 0, 1, 2, 3, 3.5, 4, 5',
        'p.yml:5: VLAN "5000" is not a number from 0 to 4094',
        'p.yml:5: network "10.1.1.1/24" has host bits set; did you mean "10.1.1.0/24"?',
        'p.yml:7: "10.10.0.5.1" is not an IP address',
        'p.yml:10: zone or asset "enterprize" is not defined; did you mean "enterprise"?',
        'p.yml:11: zone or asset "cel-1" is not defined; did you mean "cell-1"?',
        'p.yml:13: access "raed" is not one of session, report, identify, read, configure, write, mode, program; did you mean "read"?',
        'p.yml:14: point "koil:1": modbus has no points of kind "koil"; did you mean "coil"?',
        'p.yml:15: conduits[1] allow[3] lacks "protocol"',
        'p.yml:16: protocol "modbsu" is not known; did you mean "modbus"?',
    ]
    with pytest.raises(PolicyError, match=r"p\.yml:2: .*\n.*p\.yml:4: ") as caught:
        compile_policy(str(tmp_path / "p.yml"))
    assert len(caught.value.problems) == 11


def test_scalars_stay_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "p.yml"
    path.write_text(
        "fieldtap: 1\nsite: no\nzones: {010: {macs: [10:20:30:40:50:51]}, yes: {vlans: 0}}\nassets: {1e3: {mac: 00:00:00:00:00:59}}\n"
    )
    policy = compile_policy(str(path))
    assert policy.site == "no"
    assert set(policy.zones) == {"010", "yes", "external", "unknown"}
    assert policy.zones["010"].macs == (("10:20:30:40:50:51", 3),)
    assert policy.assets["1e3"].macs == ("00:00:00:00:00:59",)
    assert Decider(policy).zone_of("10.0.0.1", None, (0,)).name == "yes"


def test_levels_come_down_and_zones_are_remembered(tmp_path: Path) -> None:
    path = tmp_path / "p.yml"
    path.write_text("fieldtap: 1\nzones: {a: {level: 3.5, vlans: 1, zones: {b: {vlans: 2, zones: {c: {level: 1, vlans: 3}}}}}}\n")
    policy = compile_policy(str(path))
    assert [(zone.name, zone.level, zone.parent) for zone in policy.zones.values()][:3] == [
        ("a", 3.5, None),
        ("b", 3.5, "a"),
        ("c", 1.0, "b"),
    ]
    assert policy.ladder == (1.0, 3.5, 5.0)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yml")), ids=lambda path: path.name)
def test_examples_have_no_problems(path: Path) -> None:
    """In a process of its own: a dissector that another test has registered knows accesses which nobody has who installs Fieldtap."""
    said = "import sys; from zones import check; sys.exit('\\n'.join(map(str, check(sys.argv[1]))) or 0)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", said, str(path)], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_policy_is_kept_and_comes_back() -> None:
    policy = compile_policy(str(EXAMPLES / "riverside.yml"))
    assert pickle.loads(pickle.dumps(policy)) == policy
    assert len(policy.sha256) == 64
    assert [(conduit.id, conduit.line) for conduit in policy.conduits[:1]] == [("operations-to-cell-1", 22)]


def test_starting_from_a_kept_policy_imports_nothing_heavy(tmp_path: Path) -> None:
    kept = tmp_path / "policy.pickle"
    kept.write_bytes(pickle.dumps(compile_policy(str(EXAMPLES / "riverside.yml"))))
    code = (
        "import sys, json, pickle, zones\n"
        f"policy = pickle.load(open({str(kept)!r}, 'rb'))\n"
        "assert isinstance(policy, zones.Policy)\n"
        "print(json.dumps([name for name in ('yaml', 'pydantic', 'difflib', 'ipaddress', 'zoneinfo') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
    assert isinstance(pickle.loads(kept.read_bytes()), Policy)


def test_a_policy_cut_anywhere_is_an_answer(tmp_path: Path) -> None:
    """No text is fatal: cut at every 97th character, with a bracket, a key or a null put there, it gives problems or a policy."""
    whole = (EXAMPLES / "riverside.yml").read_text()
    for at in range(0, len(whole), 97):
        for put in ("", "{", "- ~\n", "zones: ", "*a "):
            for text in (whole[:at] + put, whole[:at] + put + whole[at:]):
                for said in _said(tmp_path, text):
                    assert said.startswith("p.yml:")
