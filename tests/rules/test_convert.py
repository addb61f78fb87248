"""Rules as queries: what a query says is what the rule says, or the difference is told."""

from __future__ import annotations

import re
from typing import Any

import pytest

from rules.convert import ConversionError, converted
from rules.correlation import references
from rules.documents import ECS, document_field
from rules.fields import FIELDS
from rules.loader import catalog, rule_files
from rules.source import read
from tests.rules.write import rule

NAMES = ("dnp3_masters", "lower_levels", "level_1", "dhcp_servers", "modbus_masters", "s7_clients", "opcua_clients", "hmis")
PLACEHOLDERS = {name: ["10.20.4.7", "10.3.0.0/16"] for name in ("engineering_stations", *NAMES)}
DETECTIONS = [
    ({"unit": ["1", "2"]}, 'fieldtap.unit:("1" OR "2")'),
    ({"function.code|gte": 15}, "fieldtap.function.code:>=15"),
    ({"client.ip|cidr": "10.0.0.0/8"}, 'client.ip:"10.0.0.0/8"'),
    ({"client.mac": "00:80:f4:0b:33:44"}, 'client.mac:"00-80-F4-0B-33-44"'),
    ({"function.name|startswith": "write_"}, "fieldtap.function.name:write_*"),
    ({"opcua.user|contains": "a b/c"}, r"fieldtap.opcua.user:*a\ b\/c*"),
    ({"opcua.user": 'the "boss"'}, r'fieldtap.opcua.user:"the \"boss\""'),
    ({"function.name|re": "^write_(a|b)"}, "fieldtap.function.name:/(write_(a|b)).*/"),
    ({"sub_function.name": None}, "NOT _exists_:fieldtap.sub_function.name"),
    ({"unit|exists": True}, "_exists_:fieldtap.unit"),
    ({"client.ip|expand": "%engineering_stations%"}, 'client.ip:("10.20.4.7" OR "10.3.0.0/16")'),
    ({"flow": "1:a="}, 'network.community_id:"1:a="'),
]


@pytest.mark.parametrize(("search", "query"), DETECTIONS, ids=[case[1] for case in DETECTIONS])
def test_what_lucene_can_say(search: dict[str, Any], query: str) -> None:
    assert converted(rule({"x": search, "condition": "x"}), [], PLACEHOLDERS).lucene == query


def test_nothing_is_left_to_precedence() -> None:
    detection = {"a": {"unit": "1"}, "b": {"unit": "2"}, "c": {"unit": "3"}, "condition": "a and b or not c"}
    assert converted(rule(detection), [], {}).lucene == '(fieldtap.unit:"1" AND fieldtap.unit:"2") OR (NOT fieldtap.unit:"3")'


@pytest.mark.parametrize(
    ("search", "why"),
    [
        ({"client.ip|fieldref": "server.ip"}, "compares two fields"),
        ({"points.within": "DB10.DBB0-99"}, "is read by Fieldtap alone"),
        ({"client.ip|expand": "%nobody%"}, "%nobody% is declared by nobody"),
    ],
)
def test_what_no_query_can_say_is_said(search: dict[str, Any], why: str) -> None:
    with pytest.raises(ConversionError, match=re.escape(why)):
        converted(rule({"x": search, "condition": "x"}), [], PLACEHOLDERS)


def test_every_rule_of_the_catalog_becomes_a_query_over_fields_of_documents() -> None:
    written = {doc.data["name"]: doc.data for path, _ in rule_files([catalog()]) for doc in read(path, [])}
    fields = {document_field(name) for name in FIELDS}
    for one in written.values():
        if one.get("correlation", {}).get("type") in ("temporal", "temporal_ordered"):
            continue
        made = converted(one, [written[name] for name in references(one)] if "correlation" in one else [], PLACEHOLDERS)
        plain = re.sub(r'"(\\.|[^"\\])*"|/(\\.|[^/\\])*/', "", made.lucene)
        asked = set(re.findall(r"([a-z_][a-z0-9_.]*):", plain)) - {"_exists_", "_id"}
        own = {name for name in asked if re.match(r"fieldtap\.(modbus|umas|dnp3|s7comm|s7commplus|opcua)\.", name)}
        assert asked - own <= fields, one["name"]


def test_ecs_names_are_of_fields_that_exist() -> None:
    assert set(ECS) <= set(FIELDS)
