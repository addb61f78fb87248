"""Every mistake in a rule is found, with its line, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.loader import check, compile_rules
from rules.plan import RuleErrors
from tests.rules.registry import REGISTRY

HEAD = """title: A rule
id: 00000000-0000-4000-8000-000000000001
level: high
fieldtap: {fires_on: [{capture: a.pcap, count: 1}], silent_on: [b.pcap]}
logsource: {product: fieldtap, category: transaction}
"""
GOOD = HEAD + "detection:\n  x: {protocol: modbus}\n  condition: x\n"
BASE = GOOD.replace("0001\n", "0002\n").replace("level: high\n", "level: high\nname: base\n")
COUNT = """title: Many
id: 00000000-0000-4000-8000-000000000003
level: high
fieldtap: {fires_on: [{capture: a.pcap, count: 1}], silent_on: [b.pcap]}
correlation:
  type: event_count
  rules: [base]
  timespan: 1m
  group-by: [client.ip]
  condition: {gte: 5}
"""


def detection(line: str) -> str:
    """A rule whose seventh line is this one."""
    return f"{HEAD}detection:\n  {line}\n  condition: x\n"


def problems(folder: Path, text: str) -> list[str]:
    """What is wrong with this rule, without the folder's name."""
    (folder / "rule.yml").write_text(text)
    return [str(problem).removeprefix(f"{folder}/") for problem in check([folder], REGISTRY)]


def test_a_good_rule_has_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD) == []
    assert problems(tmp_path, f"{BASE}---\n{COUNT}") == []


DETECTIONS = [
    ("x: {protcol: modbus}", 'field "protcol" does not exist; did you mean "protocol"?'),
    ("x: {protocol: modbuss}", '"modbuss" is not a possible protocol; did you mean "modbus"?'),
    (
        "x: {protocol: modbus, function.name: read_coil}",
        '"read_coil" is not a possible function.name of modbus; did you mean "read_coils"?',
    ),
    ("x: {protocol: umas, function.name: read_coils}", '"read_coils" is not a possible function.name of umas'),
    ("x: {opcua.pasword_in_clear: true}", 'field "opcua.pasword_in_clear" does not exist; did you mean "opcua.password_in_clear"?'),
    ("x: {access: wirte}", '"wirte" is not a possible access; did you mean "write"?'),
    ("x: {anomalies: invalid_lenght}", '"invalid_lenght" is not a possible anomalies; did you mean "invalid_length"?'),
    ("x: {outcome.result: refused}", '"refused" is not a possible outcome.result'),
    ("x: {points.kind: register}", '"register" is not a possible points.kind'),
    ("x: {function.name|startswith: erase}", "no function.name fits this"),
    ("x: {function.code: five}", 'function.code is number: "five" is no possible value'),
    ("x: {client.ip: 10.0.0.256}", 'client.ip is ip: "10.0.0.256" is no possible value'),
    ("x: {client.mac: 00-80-f4-0b-33-44}", 'client.mac is mac: "00-80-f4-0b-33-44" is no possible value'),
    ("x: {client.ip|cidr: 10.0.0.0/33}", "10.0.0.0/33"),
    ("x: {client.ip|gt: 5}", "client.ip is ip, this modifier needs number"),
    ("x: {unit|cidr: 10.0.0.0/8}", "unit is text, this modifier needs ip"),
    ("x: {function.code|contains: '1'}", "function.code is number: text patterns do not fit it"),
    ("x: {function.name|wide: read}", 'modifier "wide" is not known here'),
    ("x: {function.name|contain: read}", 'modifier "contain" is not known here; did you mean "contains"?'),
    ("x: {function.name|re: '('}", "("),
    ("x: {client.ip|fieldref: servr.ip}", 'field "servr.ip" does not exist; did you mean "server.ip"?'),
    ("x: {client.ip|expand: 'a%b%c'}", "a placeholder must be the whole value"),
    ("x: {points.address: 5}", "points.address is only for value_count"),
    ("x: {unit: {a: 1}}", "needs a value or a list of values"),
    ("x: {unit: []}", "needs a value or a list of values"),
    ("x: [modbus, umas]", "a search is a map of fields"),
    ("x: {}", "a search is a map of fields"),
    ("x: {'|contains': a}", "words without a field find nothing"),
]


@pytest.mark.parametrize(("line", "what"), DETECTIONS)
def test_detections(line: str, what: str, tmp_path: Path) -> None:
    found = problems(tmp_path, detection(line))
    assert len(found) == 1
    assert found[0].startswith("rule.yml:7: ")
    assert what in found[0]


TEXTS = [
    ("yaml", GOOD + "title: again\n", 9, '"title" stands here twice'),
    ("broken", GOOD + "a: [1\n", 10, "is no YAML"),
    (
        "alias",
        GOOD.replace("{protocol: modbus}", "&a {protocol: modbus}").replace("condition: x", "y: *a\n  condition: x or y"),
        7,
        "aliases",
    ),
    ("tag", GOOD.replace("title: A rule", "title: !!binary aaaa"), 1, "tag tag:yaml.org,2002:binary is not allowed"),
    ("list", "- a\n", 1, "a rule is a map"),
    ("unknown key", GOOD + "severity: high\n", 9, '"severity" is not known here'),
    ("our key", GOOD.replace("fires_on", "fire_on"), 4, '"fire_on" is not known here; did you mean "fires_on"?'),
    ("no title", GOOD.replace("title: A rule", "status: test"), 1, "title is missing"),
    ("id", GOOD.replace("00000000-", "x-"), 2, ""),
    ("status", GOOD + "status: good\n", 9, "good"),
    ("date", GOOD + "date: tomorrow\n", 9, ""),
    ("level", GOOD.replace("level: high", "level: severe"), 3, "level must be one of informational, low"),
    ("logsource", GOOD.replace("product: fieldtap", "product: windows"), 5, "logsource must be"),
    ("no evidence", GOOD.replace(", silent_on: [b.pcap]", ""), 4, "silent_on names the captures"),
    ("evidence", GOOD.replace("count: 1", "count: 0"), 4, "needs {capture: a path, count: a number from 1}"),
    ("class C", GOOD.replace("fieldtap: {", "fieldtap: {evidence_class: C, "), 4, "C alone is no rule"),
    ("confidence", GOOD.replace("fieldtap: {", "fieldtap: {confidence: 2, "), 4, "confidence is a number above 0, at most 1"),
    ("optional", GOOD.replace("fieldtap: {", "fieldtap: {optional: yes, "), 4, "optional must be a list of texts"),
    ("optional unused", GOOD.replace("fieldtap: {", "fieldtap: {optional: [hmis], "), 4, 'no detection asks for "%hmis%"'),
    ("revoked", GOOD + "tags:\n  - attack.t0855\n", 10, "T0855 was revoked in ATT&CK v19: write attack.t1692.001"),
    ("condition", GOOD.replace("condition: x", "condition: x and y"), 8, 'condition uses "y", which is not a search'),
    ("syntax", GOOD.replace("condition: x", "condition: x and"), 8, "condition cannot be read"),
    ("unused", GOOD.replace("  condition", "  y: {unit: 1}\n  condition"), 8, 'search "y" is not used in the condition'),
    ("no condition", GOOD.replace("  condition: x\n", ""), 6, "condition must be text"),
]


@pytest.mark.parametrize(("text", "line", "what"), [case[1:] for case in TEXTS], ids=[case[0] for case in TEXTS])
def test_around_the_detection(text: str, line: int, what: str, tmp_path: Path) -> None:
    found = problems(tmp_path, text)
    assert any(problem.startswith(f"rule.yml:{line}: ") and what in problem for problem in found), found


CORRELATIONS = [
    ("type: event_count", "type: value_sum", 6, "type must be one of event_count, value_count, temporal, temporal_ordered"),
    ("type: event_count", "type: temporal", 7, "temporal needs 2 to 16 rules"),
    ("rules: [base]", "rules: [bases]", 7, 'no rule has the name or id "bases"'),
    ("timespan: 1m", "timespan: soon", 5, "soon"),
    ("timespan: 1m", "timespan: 2d", 8, "timespan can be at most 86400 seconds"),
    ("[client.ip]", "[client.port]", 9, "client.port differs within an operation"),
    ("[client.ip]", "[client.pi]", 9, 'field "client.pi" does not exist; did you mean "client.ip"?'),
    ("{gte: 5}", "{lt: 5}", 10, "condition must be gte or gt"),
    ("{gte: 5}", "{gte: 0}", 10, "the threshold must be a number from 1"),
    ("{gte: 5}", "{gte: 5, felt: 1}", 10, "felt"),
    ("event_count", "value_count", 10, "field"),
    ("  timespan", "  aliases: {host: {other: client.ip}}\n  timespan", 8, "an alias names a field of each rule: base"),
    ("  timespan", "  aliases: {host: {base: client.ip}}\n  timespan", 8, "is not grouped by"),
]


@pytest.mark.parametrize(("old", "new", "line", "what"), CORRELATIONS)
def test_correlations(old: str, new: str, line: int, what: str, tmp_path: Path) -> None:
    (tmp_path / "base.yml").write_text(BASE)
    found = problems(tmp_path, COUNT.replace(old, new, 1))
    assert any(problem.startswith(f"rule.yml:{line}: ") and what in problem for problem in found), found


def test_what_cannot_be_counted(tmp_path: Path) -> None:
    (tmp_path / "base.yml").write_text(BASE.replace("x: {protocol: modbus}", "x: {client.port: 1, points.first: 3}"))
    found = problems(tmp_path, COUNT)
    assert any("a counted rule asks for client.port" in problem for problem in found)
    assert any("what no range can say" in problem for problem in found)


def test_searches_on_points_that_only_together_no_range_can_say(tmp_path: Path) -> None:
    searches = "x: {points.first|lte: 99, points.last|gte: 50}\n  y: {points.kind: coil, points.values|gt: 5}"
    (tmp_path / "base.yml").write_text(BASE.replace("x: {protocol: modbus}", searches).replace("condition: x", "condition: x and y"))
    assert problems(tmp_path, COUNT) == []
    many = "\n".join(f"  x{n}: {{points.last|gte: {n}}}" for n in range(7)).strip()
    (tmp_path / "base.yml").write_text(BASE.replace("x: {protocol: modbus}", many).replace("condition: x", "condition: all of x*"))
    assert any("what no range can say" in problem for problem in problems(tmp_path, COUNT))


def test_the_same_id_and_name_twice(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(BASE)
    found = problems(tmp_path, BASE)
    assert len(found) == 2
    assert all("is already that of" in problem and "a.yml:" in problem for problem in found)


def test_all_problems_at_once_and_in_order(tmp_path: Path) -> None:
    text = detection("x: {protcol: modbus, acess: read}") + "tags: [attack.t0803]\n"
    (tmp_path / "rule.yml").write_text(text)
    with pytest.raises(RuleErrors) as caught:
        compile_rules([tmp_path], REGISTRY)
    assert [problem.line for problem in caught.value.problems] == [7, 7, 9]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.yml").write_bytes(b"title: a\nauthor: J\xf6rg\n")
    (tmp_path / "large.yml").write_bytes(b"#" * (2 << 20))
    (tmp_path / "deep.yml").write_text("a: " + "[" * 100 + "]" * 100)
    found = [str(problem) for problem in check([tmp_path, tmp_path / "absent.yml"], REGISTRY)]
    for what in (
        "latin.yml:2: is not UTF-8",
        "large.yml:1: is larger than",
        "deep.yml:1: is nested deeper",
        "absent.yml:1: cannot be read",
    ):
        assert any(what in problem for problem in found), what


def test_nothing_is_guessed(tmp_path: Path) -> None:
    text = detection("x: {unit: 010, client.mac: 10:20:30:40:50:51, sub_function.name|exists: false}")
    assert problems(tmp_path, text) == []
    plan = compile_rules([tmp_path], REGISTRY)
    assert "'010'" in str(plan.rules[0].expr)
    assert "'10:20:30:40:50:51'" in str(plan.rules[0].expr)
