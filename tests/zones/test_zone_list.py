"""A policy's zones as a list in CSV: there and back is exact, no spreadsheet runs a cell, and what is wrong is said with its line."""

from __future__ import annotations

import csv
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sensor.cli.run import fieldtap
from zones import Policy, PolicyError, Problem, compile_policy
from zones.document import data_of
from zones.rewriting import new_policy, with_zones
from zones.zone_list import _FORMULA, COLUMNS, write_list

EXAMPLES = sorted((Path(__file__).parents[2] / "zones" / "examples").glob("*.yml"))


def _exported(policy: Path) -> str:
    out = StringIO(newline="")
    write_list(compile_policy(str(policy)), data_of(policy.read_bytes()), out)
    return out.getvalue()


def _bare(policy: Policy) -> dict[str, Any]:
    """Zones and assets without the lines that they stand on."""
    return {
        "zones": {
            name: replace(
                zone, line=int(zone.line > 0), networks=tuple(replace(one, line=0) for one in zone.networks),
                macs=tuple((mac, 0) for mac, _ in zone.macs), vlans=tuple((vlan, 0) for vlan, _ in zone.vlans),
            )
            for name, zone in policy.zones.items()
        },
        "order": list(policy.zones), "assets": {name: replace(asset, line=0) for name, asset in policy.assets.items()},
    }  # fmt: skip


@pytest.mark.parametrize("policy", EXAMPLES, ids=lambda path: path.stem)
def test_there_and_back_is_exact_and_leaves_all_else_as_it_is(policy: Path, tmp_path: Path) -> None:
    listed, back = tmp_path / "zones.csv", tmp_path / "back.yml"
    listed.write_text(_exported(policy), newline="")
    text = with_zones(str(policy), str(listed))
    back.write_text(text)
    assert _bare(compile_policy(str(back))) == _bare(compile_policy(str(policy)))
    assert _exported(back) == listed.read_text().replace("\n", "\r\n")
    before, zones, after = policy.read_text().partition("\nzones:\n")
    assert zones
    assert text.startswith(before + zones)
    assert text.endswith(after[after.index("\nassets:\n") :])


@pytest.mark.parametrize("policy", EXAMPLES, ids=lambda path: path.stem)
def test_a_new_policy_has_the_zones_and_the_assets_that_they_list(policy: Path, tmp_path: Path) -> None:
    listed, made = tmp_path / "zones.csv", tmp_path / "made.yml"
    listed.write_text(_exported(policy), newline="")
    made.write_text(new_policy(str(listed)))
    one, other = compile_policy(str(policy)), compile_policy(str(made))
    assert _bare(other)["zones"] == _bare(one)["zones"]
    assert {name: (asset.ips, asset.macs) for name, asset in other.assets.items()} == {
        name: (one.assets[name].ips, one.assets[name].macs) for zone in one.zones.values() for name in zone.assets
    }


_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp", "Co", "Cn")), min_size=1, max_size=12)
_ODD = (
    *("=1+1", "'=x", "''@y", "a;b", 'a"b', "a, b", "-", "plc (old)", "x (10.0.0.1)", "null", "yes", "010", "~", "ö (ä)", "|x"),
)  # fmt: skip
_NAME = (_TEXT | st.sampled_from(_ODD)).map(str.strip).filter(
    lambda text: bool(text) and text not in ("external", "unknown") and text.isprintable()
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(
    names=st.lists(_NAME, min_size=4, max_size=4, unique=True), roles=st.lists(_NAME, max_size=3, unique=True),
    tags=st.lists(_NAME, max_size=2, unique=True), description=st.none() | _NAME,
)  # fmt: skip
def test_whatever_names_there_are(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], roles: list[str], tags: list[str], description: str | None
) -> None:
    folder = tmp_path_factory.mktemp("list")
    policy, listed, back = folder / "p.yml", folder / "zones.csv", folder / "back.yml"
    outer, inner, plc, other = names
    zone: dict[str, Any] = {"level": "1", "networks": ["10.0.0.0/8", "2001:db8::/32"], "assets": [plc, other]}
    zone |= {key: value for key, value in (("roles", roles), ("tags", tags), ("description", description)) if value}
    zone["zones"] = {inner: {"level": "0", "vlans": ["7", "8"], "macs": ["00:80:f4:0b:33:44"], "internal": "deny", "security_level": "3"}}
    said = {"fieldtap": "1", "zones": {outer: zone}, "assets": {plc: {"ip": ["10.0.0.1", "10.0.0.2"]}, other: {"mac": "00:80:f4:0b:33:55"}}}
    policy.write_text(yaml.safe_dump(said, allow_unicode=True, default_style='"'), encoding="utf-8")
    listed.write_bytes(_exported(policy).encode())
    back.write_text(new_policy(str(listed)), encoding="utf-8")
    assert _bare(compile_policy(str(back))) == _bare(compile_policy(str(policy)))
    assert data_of(back.read_bytes())["zones"] == {outer: {**zone}}
    for row in csv.reader(StringIO(listed.read_text(encoding="utf-8"), newline="")):
        assert not [cell for cell in row if cell.lstrip(" ").startswith(_FORMULA)]


THEIRS = """Zone;Inside;Level;Security Level;Networks;VLANs;MACs;Assets
Office;;4;;10.10.0.0/16, 10.11.0.0/16;;;
DMZ;;3,5;2;10.15.0.0/24;15;;
Cell 1;;1;2;10.20.1.0/24;101 102;;"plc-1 (10.20.1.11); plc-2 (10.20.1.12 00-80-F4-0B-33-44)"

Safety;Cell 1;;3;;;00:80:f4:0b:33:55;sis (10.20.1.20)
"""


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_list_as_others_write_it(tmp_path: Path, delimiter: str) -> None:
    listed, made = tmp_path / "their zones.csv", tmp_path / "made.yml"
    rows = list(csv.reader(StringIO(THEIRS), delimiter=";"))
    with listed.open("w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out, delimiter=delimiter).writerows(rows)
    assert fieldtap(tmp_path, "zones", "import", str(listed), "--output", str(made)).code == 0
    policy = compile_policy(str(made))
    assert {name: zone.level for name, zone in policy.zones.items() if zone.line} == {"Office": 4, "DMZ": 3.5, "Cell 1": 1, "Safety": 1}
    assert policy.zones["Safety"].parent == "Cell 1"
    assert [vlan for vlan, _ in policy.zones["Cell 1"].vlans] == [101, 102]
    assert policy.assets["plc-2"].ips == ("10.20.1.12",)
    assert policy.assets["plc-2"].macs == ("00:80:f4:0b:33:44",)
    assert (policy.site, policy.conduits) == ("their zones", ())


def _wrong(tmp_path: Path, text: str | bytes, policy: Path | None = None) -> list[str]:
    listed = tmp_path / "zones.csv"
    listed.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PolicyError) as raised:
        new_policy(str(listed)) if policy is None else with_zones(str(policy), str(listed))
    return [f"{Path(one.file).name}:{one.line}: {one.what}" for one in raised.value.problems]


def test_everything_that_is_wrong_is_said_at_once_with_its_line(tmp_path: Path) -> None:
    assert _wrong(
        tmp_path,
        'zone,netwoks,inside,level,networks,macs,vlans,assets\na,,,7,10.0.0.0/8,,,\nb,,aa,1,10.1.0.1/16,,,\n"c\nd",,,1,,,,\n'
        "a,,,1,,,,\n,,,1,,,,\ne,,e,1,,,,\nf,,,1,10.0.0.0/8,zz,5000,plc-9\ng,,,1,,,,,,\n",
    ) == [
        'zones.csv:1: "netwoks" is not a column of a zone list; did you mean "networks"?; known: ' + ", ".join(COLUMNS),
        'zones.csv:2: level "7" is not one of 0, 1, 2, 3, 3.5, 4, 5',
        'zones.csv:3: zone "aa", which "b" is inside, is not in the list; did you mean "a"?',
        "zones.csv:4: 'c\\nd' is not a name (1 to 64 printable characters, no space at its ends)",
        'zones.csv:6: zone "a" stands twice (first on line 2)',
        "zones.csv:7: the row has no zone",
        'zones.csv:8: zone "e" is inside itself',
        'zones.csv:9: "zz" is not a MAC address (00:80:f4:0b:33:44)',
        'zones.csv:9: VLAN "5000" is not a number from 0 to 4094',
        'zones.csv:9: network 10.0.0.0/8 is claimed by "a" (line 2) and by "f": which is it?',
        'zones.csv:9: asset "plc-9" is not declared',
        "zones.csv:10: 10 cells, and the head line has 8",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", ['zones.csv:1: the head line lacks the column "zone"']),
        (b"zone,level\r\n", ["zones.csv:1: the list has no zones"]),
        (b"zone\na\nb\xff\n", ["zones.csv:3: not UTF-8 text; save it as CSV UTF-8"]),
        (b'zone\n"a\n', ["zones.csv:1: not a list in CSV: unexpected end of data"]),
        (b"zone,zone\na,b\n", ['zones.csv:1: column "zone" stands twice']),
        (b'zone,assets\na,"""x;y"\n', ["zones.csv:2: assets can't be read: unexpected end of data"]),
        (b"zone,macs\na,00:80:f4:0b:33:44\nb,00-80-F4-0B-33-44\n",
         ['zones.csv:3: MAC 00:80:f4:0b:33:44 is claimed by "a" (line 2) and by "b": which is it?']),
    ],
)  # fmt: skip
def test_what_is_no_list_is_said(tmp_path: Path, text: bytes, said: list[str]) -> None:
    assert _wrong(tmp_path, text) == said


def test_bytes_that_are_anything_are_no_crash(tmp_path: Path) -> None:
    text = THEIRS.encode()
    for cut in range(len(text)):
        listed = tmp_path / "zones.csv"
        listed.write_bytes(text[:cut] + bytes([cut % 256]) + text[cut + 1 :])
        problems: list[Problem] = []
        try:
            new_policy(str(listed))
        except PolicyError as error:
            problems = error.problems
        assert all(0 < problem.line <= 8 for problem in problems)


POLICY = """fieldtap: 1
# Before the zones.
zones:
  a: {level: 1, networks: [10.0.0.0/8]}   # gone
  b: {level: 1, networks: [10.1.0.0/16]}

# Before the assets.
assets:
    plc-1: {ip: 10.0.0.1, role: plc}      # kept
    plc-2: {ip: 10.0.0.2}
conduits:
  - {id: c, from: a, to: [b, plc-1], allow: [{protocol: modbus, access: read}]}"""


def test_a_policy_keeps_what_is_not_a_zone_and_gets_new_assets(tmp_path: Path) -> None:
    policy, listed = tmp_path / "p.yml", tmp_path / "zones.csv"
    policy.write_text(POLICY)
    listed.write_text("zone,networks,assets\na,10.0.0.0/8,plc-1\nb,10.1.0.0/16,plc-3 (10.0.0.3)\n")
    assert with_zones(str(policy), str(listed)) == (
        "fieldtap: 1\n# Before the zones.\nzones:\n  a: {networks: [10.0.0.0/8], assets: [plc-1]}\n"
        "  b: {networks: [10.1.0.0/16], assets: [plc-3]}\n\n# Before the assets.\nassets:\n"
        "    plc-1: {ip: 10.0.0.1, role: plc}      # kept\n"
        "    plc-2: {ip: 10.0.0.2}\n    plc-3: {ip: 10.0.0.3}\nconduits:\n"
        "  - {id: c, from: a, to: [b, plc-1], allow: [{protocol: modbus, access: read}]}"
    )


def test_what_the_policy_can_not_do_without_is_said_where_it_stands(tmp_path: Path) -> None:
    policy = tmp_path / "p.yml"
    policy.write_text(POLICY)
    assert _wrong(tmp_path, "zone,networks,assets\na,10.0.0.0/8,plc-1 (10.0.0.9)\nbb,10.1.0.0/16,plc-11\n", policy) == [
        'zones.csv:2: asset "plc-1" is 10.0.0.9 here and 10.0.0.1 in the policy: which is it?',
        'zones.csv:3: asset "plc-11" is not declared; did you mean "plc-1"?',
    ]
    assert _wrong(tmp_path, "zone,networks\na,10.0.0.0/8\nx,\ny,\nz,\nbb,10.1.0.0/16\n", policy) == [
        'p.yml:12: zone or asset "b" is not defined; did you mean "bb"?'
    ]
    policy.write_text("{fieldtap: 1, zones: {a: {level: 1, networks: [10.0.0.0/8]}}}")
    assert _wrong(tmp_path, "zone,networks\na,10.0.0.0/8\n", policy) == [
        "p.yml:1: zones can only be replaced where each part (zones:, assets: …) begins a line of its own"
    ]


def test_nothing_is_written_where_something_is_wrong(tmp_path: Path) -> None:
    listed, output = tmp_path / "zones.csv", tmp_path / "out.yml"
    listed.write_text("zone,level\na,9\n")
    output.write_text("precious")
    done = fieldtap(tmp_path, "zones", "import", str(listed), "--output", str(output))
    assert done.code == 2
    assert f"{listed}:2: level" in done.err
    assert output.read_text() == "precious"
