"""What people do with policies: start one, let an editor check it, write down what they expect of it, compare two."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml

from zones import PolicyError, check, compile_policy
from zones.difference import compare
from zones.drawing import draw
from zones.expectations import check_expectations
from zones.jsonschema import policy_schema
from zones.times import SECOND

TEMPLATE = Path(str(files("zones") / "template.yml"))
EXAMPLES = sorted(Path(str(files("zones") / "examples")).glob("*.yml"))
WEDNESDAY = 1_772_618_400 * SECOND
"""2026-03-04 10:00 UTC."""


def test_what_init_writes_is_a_policy_without_a_flaw() -> None:
    assert check(str(TEMPLATE)) == []


@pytest.mark.parametrize("path", [TEMPLATE, *EXAMPLES], ids=lambda path: path.stem)
def test_every_policy_fits_the_schema(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(policy_schema())
    jsonschema.validate(yaml.load(path.read_text(), Loader=yaml.BaseLoader) | {"fieldtap": 1} | _typed(path), policy_schema())


def _typed(path: Path) -> dict[str, Any]:
    """Zones with the types that an editor sees, all else as text."""
    return {"zones": yaml.safe_load(path.read_text())["zones"], "conduits": yaml.safe_load(path.read_text())["conduits"]}


@pytest.mark.parametrize(
    "wrong",
    [
        "zones: {a: {level: 7}}", "zones: {a: {nets: []}}", "zones: {}", "zones: {a: {level: 1}}\nconduits: [{id: x, from: a}]",
        "zones: {a: {level: 1}}\nconduits: [{id: x, from: a, to: a, allow: [{protocol: modbus, access: wirte}]}]",
        "zones: {a: {level: 1}}\nschedules: {w: {hours: 6-18}}",
        "zones: {a: {level: 1}}\nconduits: [{id: x, from: a, to: a, allow: [{protocol: modbus, rate: {max: 0, per: 1s}}]}]",
        "zones: {a: {level: 1}}\nconduits: [{id: x, from: a, to: a, allow: [{protocol: modbus, rate: [{max: 1, per: 60}]}]}]",
        "zones: {a: {level: 1}}\nconduits: [{id: x, from: a, to: a, allow: [{protocol: opcua, security_mode: signed}]}]",
        "zones: {a: {level: 1}}\nexceptions: [{id: e}]",
    ],
)  # fmt: skip
def test_what_the_schema_refuses(wrong: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"fieldtap": 1, **yaml.safe_load(wrong)}, policy_schema())


def _held(tmp_path: Path, text: str) -> list[str | None]:
    path = tmp_path / "expected.yml"
    path.write_text(text)
    return [one.wrong for one in check_expectations(compile_policy(str(TEMPLATE)), str(path))]


def test_expectations_are_met_or_say_what_it_is_instead(tmp_path: Path) -> None:
    assert _held(
        tmp_path,
        """
- {from: historian, to: plc-1, protocol: modbus, access: read, expect: allowed}
- {from: 10.10.0.5, to: plc-1, protocol: s7comm, access: mode, expect: violation no_conduit}
- {from: 10.10.0.5, to: plc-1, protocol: s7comm, access: mode, expect: violation}
- {from: hmi-1, to: plc-1, protocol: modbus, access: write, points: "holding_register:100", values: 501, expect: allowed}
- {from: hmi-1, to: plc-1, protocol: modbus, access: write, points: "holding_register:100", expect: insufficient values_unseen}
- {from: hmi-1, to: plc-1, protocol: modbus, access: read, conduit: engineering, expect: violation protocol}
- {from: station, to: plc-1, protocol: modbus, access: write, at: "2026-03-07 10:00", severity: low, expect: violation time}
""",
    ) == [
        None,
        None,
        None,
        "expected allowed, it is violation value",
        None,
        "expected violation protocol, it is allowed",
        "expected severity low, it is critical",
    ]


def test_services_are_compared_by_their_connections_alone(tmp_path: Path) -> None:
    """A service has no access but session: one line of difference, not one for each access."""
    head = "fieldtap: 1\nzones: {a: {networks: [10.0.1.0/24]}, b: {networks: [10.0.2.0/24]}}\nconduits:\n"
    rules = ("allow: [{protocol: https}]", "deny: [{protocol: https}]")
    texts = [f"{head}  - {{id: c, from: a, to: b, {rule}}}\n" for rule in rules]
    policies = []
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.yml"
        path.write_text(text)
        policies.append(compile_policy(str(path)))
    found = compare(*policies, WEDNESDAY)
    assert [(change.access, change.before, change.after) for change in found.changes] == [("session", "allowed", "violation denied")]


def test_all_that_is_wrong_with_expectations_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as raised:
        _held(
            tmp_path,
            "- {form: a, to: plc-9, protocol: modbuss, expect: alowed}\n- {from: plc-9, to: hmi-1, protocol: modbus, expect: allowed}\n"
            "- word\n"
            "- {from: hmi-1, to: plc-1, protocol: modbus, points: 'coil:x', expect: allowed}\n",
        )
    said = [(problem.line, problem.what) for problem in raised.value.problems]
    assert (1, '"form" is not a key of an expectation; did you mean "from"?') in said
    assert (1, 'expect "alowed" is not one of allowed, violation [reason], insufficient [reason]') in said
    assert (2, "plc-9 is neither an address nor an asset of this policy (assets: hmi-1, historian, station, plc-1, sis-1)") in said
    assert {line for line, _ in said} == {1, 2, 3, 4}


def _changed(tmp_path: Path, *edits: tuple[str, str]) -> Any:
    text = TEMPLATE.read_text()
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "changed.yml"
    path.write_text(text)
    return compare(compile_policy(str(TEMPLATE)), compile_policy(str(path)), WEDNESDAY)


def test_a_policy_that_is_only_written_differently_decides_the_same(tmp_path: Path) -> None:
    found = _changed(tmp_path, ("holding_register:100-119", "40101-40120"), ("from: [hmi-1, historian]", "from: [historian, hmi-1]"))
    assert (found.moved, found.changes) == ((), ())
    assert found.asked > 20
    assert found.all_asked


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (("max: 500", "max: 600"), {("hmi-1", "cell-1", "write", "violation value", "allowed")}),
        (("100-119", "100-118"), {("hmi-1", "cell-1", "write", "allowed", "violation point"),
                                  ("hmi-1", "cell-1", "write", "violation value", "violation point")}),
        (("access: read}", "access: identify}"), {
            (who, "cell-1", "read", "allowed", "violation access") for who in ("historian", "hmi-1")} | {
            (who, "cell-1", "identify", "violation access", "allowed") for who in ("historian", "hmi-1")}),
        (("mon-fri", "sat"), {("station", "cell-1", access, "allowed", "violation time") for access in ("read", "write")}),
    ],
)  # fmt: skip
def test_what_is_decided_differently_is_found(tmp_path: Path, edit: tuple[str, str], expected: set[tuple[str, ...]]) -> None:
    found = _changed(tmp_path, edit)
    assert {(one.source, one.target, one.access, one.before, one.after) for one in found.changes} == expected
    assert not found.moved


def test_what_stands_in_another_zone_is_found(tmp_path: Path) -> None:
    found = _changed(
        tmp_path, ("sis-1: {ip: 10.20.1.20", "sis-1: {ip: 10.20.3.20"), ("networks: [10.15.0.0/24]", "networks: [10.16.0.0/24]")
    )
    assert {one.what: (one.before, one.after) for one in found.moved} == {
        "10.15.0.0/24": ("dmz", "unknown"), "10.16.0.0/24": ("unknown", "dmz"), "sis-1 10.20.1.20": ("safety", "cell-1"),
        "sis-1 10.20.3.20": ("operations", "safety"),
    }  # fmt: skip


@pytest.mark.parametrize("path", [TEMPLATE, *EXAMPLES], ids=lambda path: path.stem)
def test_a_picture_names_every_zone_and_conduit_and_stays_within_itself(path: Path) -> None:
    policy = compile_policy(str(path))
    picture = ElementTree.fromstring(draw(policy))
    said = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {zone.name for zone in policy.zones.values() if zone.line} <= set(said)
    assert {conduit.id for conduit in policy.conduits} <= set(said)
    width, height = map(int, picture.attrib["viewBox"].split()[2:])
    for box in picture.iter("{http://www.w3.org/2000/svg}rect"):
        if "x" in box.attrib:
            assert 0 <= int(box.attrib["x"]) <= width - int(box.attrib["width"])
            assert 0 <= int(box.attrib["y"]) <= height - int(box.attrib["height"])


def test_names_are_text_in_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "p.yml"
    path.write_text("fieldtap: 1\nsite: '<script>'\nzones: {'a<b>&\"': {level: 1, vlans: 1}, c: {level: 1, vlans: 2}}\n"
                    "conduits: [{id: '<x>', from: c, to: 'a<b>&\"', deny: [{protocol: modbus}]}]\n")  # fmt: skip
    texts = {text.text for text in ElementTree.fromstring(draw(compile_policy(str(path)))).iter("{http://www.w3.org/2000/svg}text")}
    assert {"<script>: zones and conduits", 'a<b>&"', "<x>"} <= texts


_TWO = """fieldtap: 1
zones: {{a: {{networks: [10.0.3.0/24]}}, b: {{networks: [10.0.2.0/24]}}}}
conduits: [{{id: d, from: a, to: b, allow: [{}]}}]
"""


def _compared(tmp_path: Path, *lines: str) -> list[tuple[str, str, tuple[str, ...]]]:
    made = []
    for number, line in enumerate(lines):
        path = tmp_path / f"{number}.yml"
        path.write_text(_TWO.format(line))
        made.append(compile_policy(str(path)))
    return [(change.before, change.after, change.points) for change in compare(*made, WEDNESDAY).changes]


def test_a_rate_is_a_difference(tmp_path: Path) -> None:
    rated = "{{protocol: modbus, access: write, rate: {{max: {}, per: 60s}}}}"
    assert _compared(tmp_path, rated.format(5), rated.format(6)) == [("allowed, at most 5 in 60s", "allowed, at most 6 in 60s", ())]
    assert _compared(tmp_path, rated.format(5), rated.format(5)) == []


def test_a_user_is_a_difference(tmp_path: Path) -> None:
    for_user = "{{protocol: opcua, access: write, user: {}}}"
    assert _compared(tmp_path, for_user.format("[eva, tom]"), for_user.format("eva")) == [
        ("allowed", "violation user", ("user tom",)),
    ]


def test_expectations_say_who_asks(tmp_path: Path) -> None:
    policy, path = tmp_path / "p.yml", tmp_path / "expected.yml"
    policy.write_text(_TWO.format("{protocol: opcua, access: write, user: eva, security_mode: sign}"))
    side = "from: 10.0.3.1, to: 10.0.2.1, protocol: opcua, access: write, expect"
    path.write_text(f"""
- {{{side}: allowed, user: eva, security_mode: sign}}
- {{{side}: violation user, user: tom, security_mode: sign}}
- {{{side}: violation security_mode, user: eva, security_mode: none}}
- {{{side}: insufficient user_unseen, security_mode: sign}}
""")
    assert [one.wrong for one in check_expectations(compile_policy(str(policy)), str(path))] == [None] * 4
