"""One table: documents, mapping, JSON Schema, reference and rules agree."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import sensor.documents
from rules.documents import document_field
from rules.fields import FIELDS, WITHIN
from sensor.documents import derived, mapping, written
from sensor.documents.fields import CLASSES, RECORDS, STREAMS, fields, fields_of
from sensor.documents.json_schema import json_schema
from sensor.documents.make import Maker
from sensor.documents.reference import reference
from sensor.outbox import Item
from sensor.pipeline import ReplayConfig, replay
from sensor.store import Store
from tests.corpus import SUFFIXES, captures
from tests.sensor.cli.run import PCAPS

CORPUS = [path for path in captures(most=2 << 20) if path.suffix in SUFFIXES]
SAMPLE = CORPUS[:: max(1, len(CORPUS) // 25)]
OWN = ("plant/attack.pcapng", "mixed/attack.pcapng")
MAKER = Maker(name="plant1-a", hostname="h", version="1", site="plant1")
TIMES = {"created": "2026-03-04T08:15:21.118Z", "ingested": "2026-03-04T08:15:22.118Z"}
TYPES = {"text": "keyword", "number": {"long", "double"}, "ip": "ip", "mac": "keyword", "any": "flattened"}


@cache
def validator(record: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema(record), format_checker=jsonschema.FormatChecker())


def document(of: str, record: Mapping[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(MAKER.document(of, record, known="plant1-a.1", **TIMES)))


def waiting(store: Path) -> list[Item]:
    from sensor.shipping.assets import put_assets

    with Store.open(store) as kept:
        put_assets(kept)
        rows = kept.connection.execute("SELECT sequence, class, id, document, at FROM outbox ORDER BY sequence")
        return [Item(*row) for row in rows]


@pytest.mark.parametrize("capture", [*(PCAPS / name for name in OWN), *SAMPLE], ids=lambda path: path.name)
def test_every_document_is_as_its_schema_says(capture: Path, tmp_path: Path) -> None:
    result = replay(ReplayConfig(captures=[capture], store=tmp_path / "s.sqlite", outbox="all"))
    assert result.store_error is None
    seen = set()
    for item in waiting(tmp_path / "s.sqlite"):
        made = document(item.of, json.loads(item.document))
        wrong = [f"{error.json_path}: {error.message[:200]}" for error in validator(STREAMS[item.of].record).iter_errors(made)]
        assert wrong == [], item
        seen.add(item.of)
    assert "sensor" in seen
    assert ("transaction" in seen) == any(said["transactions"] for said in (result.engine["protocols"] or {}).values())


def test_a_schema_refuses_what_is_no_field() -> None:
    made = document("sensor", {"packets": {"read": 1}, "ledger": {}, "run": 1, "findings": 0, "time": "2026-03-04T08:15:21.118000123Z"})
    assert list(validator("sensor").iter_errors(made)) == []
    for path, value in ((("event", "colour"), "red"), (("fieldtap", "sensor", "packets", "read"), "1"), (("event", "category"), "host")):
        wrong = json.loads(json.dumps(made))
        held = wrong
        for name in path[:-1]:
            held = held[name]
        held[path[-1]] = value
        assert list(validator("sensor").iter_errors(wrong)), path


def test_the_ledger_has_no_count_that_the_table_lacks() -> None:
    result = replay(ReplayConfig(captures=[PCAPS / OWN[0]], keep=False))
    known = {field.name.removeprefix("fieldtap.sensor.ledger.") for field in fields() if ".ledger." in field.name}
    assert set(result.engine["ledger"]) == known, "add the count to sensor/documents/fields.tsv"


def test_the_reference_is_the_tables() -> None:
    held = Path(sensor.documents.__file__).with_name("README.md")
    if held.exists():  # it is no part of the wheel
        assert held.read_text() == reference(), "python -m sensor.documents.reference > sensor/documents/README.md"


def test_every_line_of_the_table_can_be_made() -> None:
    names = [field.name for field in fields()]
    assert len(set(names)) == len(names)
    for field in fields():
        assert field.records, field
        if field.source.startswith("="):
            assert callable(getattr(derived, field.source[1:], None)), field
        assert field.meaning, field
        assert field.type in {"keyword", "text", "ip", "date", "long", "double", "boolean", "flattened", "object"}, field
    functions = {name for name, value in vars(derived).items() if callable(value) and getattr(value, "__module__", "") == derived.__name__}
    unused = {name for name in functions if not name.startswith("_")} - {field.source[1:] for field in fields()} - {"said_of"}
    assert unused == set(), "no field of the table takes these from sensor/documents/derived.py"


class Watched(dict[str, Any]):
    """A record that remembers what was asked of it and is there."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        super().__init__(record)
        self.asked: set[str] = set()

    def __contains__(self, name: object) -> bool:
        return self._noted(name, super().__contains__(name))

    def __getitem__(self, name: str) -> Any:
        self._noted(name, True)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._noted(name, super().__contains__(name))
        return super().get(name, default)

    def _noted(self, name: object, there: bool) -> bool:
        if there:
            self.asked.add(str(name))
        return there


def transactions(folder: Path) -> list[dict[str, Any]]:
    """Of every protocol that the project's own captures show."""
    said = folder / "t.jsonl"
    replay(ReplayConfig(captures=[PCAPS / name for name in OWN], keep=False, transactions=said))
    return [json.loads(line) for line in said.read_bytes().splitlines()]


def test_what_is_kept_of_repeated_transactions_reads_what_is_repeated_only(tmp_path: Path) -> None:
    for record in transactions(tmp_path)[:3_000]:
        for name, parts in written.READS.items():
            watched = Watched(record)
            getattr(derived, name)(watched)
            assert watched.asked <= set(parts), f"add it to READS[{name!r}] in sensor/documents/written.py"
    assert set(written.READS) <= {field.source[1:] for field in fields_of("transaction")}


def test_a_document_is_the_same_whatever_was_made_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is repeated is made once and shared: a maker that keeps nothing makes the same, and one that often forgets."""
    made = transactions(tmp_path)
    kept = [json.dumps(MAKER.document("transaction", record, known="x", **TIMES)) for record in made]
    assert [json.dumps(MAKER.document("transaction", record, known="x", **TIMES)) for record in reversed(made)] == kept[::-1]
    monkeypatch.setattr("sensor.documents.make.REMEMBERED", 3)
    forgets = Maker(name="plant1-a", hostname="h", version="1", site="plant1")
    assert [json.dumps(forgets.document("transaction", record, known="x", **TIMES)) for record in made] == kept
    alone = [Maker(name="plant1-a", hostname="h", version="1", site="plant1") for _ in made[:100]]
    fresh = [json.dumps(one.document("transaction", record, known="x", **TIMES)) for one, record in zip(alone, made, strict=False)]
    assert fresh == kept[:100]


def test_names_of_ours_stand_below_one_branch() -> None:
    ecs = {"@timestamp", "message", "tags", "ecs", "data_stream", "event", "observer", "network", "client", "server", "source"}
    ecs |= {"destination", "related", "rule", "threat", "host"}
    assert {field.name.partition(".")[0] for field in fields() if not field.own} == ecs


def test_a_rules_field_is_a_field_of_transactions_with_a_type_that_fits() -> None:
    table = {field.name: field.type for field in fields_of("transaction")}
    for name, field in FIELDS.items():
        if name == WITHIN:
            continue
        place = document_field(name)
        kind = table.get(place) or table.get(".".join(place.split(".")[:2]))
        assert kind is not None, f"{place} is missing in sensor/documents/fields.tsv"
        wanted = TYPES[field.type]
        assert kind == wanted or kind in wanted or kind == "flattened", (name, kind)


def test_every_protocol_has_a_place_for_its_own_fields() -> None:
    table = {field.name: field.type for field in fields_of("transaction")}
    # In a process of its own: other tests add dissectors to this one's registry.
    listed = [sys.executable, "-c", "from dissectors import protocols; print(*protocols())"]
    native = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
    assert "modbus" in native
    assert {name for name in native if table.get(f"fieldtap.{name}") != "flattened"} == set(), "add fieldtap.NAME (flattened) to the table"


def test_what_a_sites_dissector_says_has_a_place() -> None:
    made = document("transaction", transaction(snmp={"version": 1, "community": "seen"}, protocol="snmp"))
    assert made["fieldtap"]["other"] == {"snmp": {"version": 1, "community": "seen"}}


def transaction(**more: Any) -> dict[str, Any]:
    moment = {"capture": 1, "packet": 8, "time": "2026-03-04T08:15:21.118000123Z"}
    return {
        "time": moment["time"], "protocol": "modbus", "flow": "1:a=", "vlan": [101], "initiator": "client",
        "client": {"ip": "10.0.0.1", "port": 0, "mac": "00:1b:1b:0a:11:22"}, "server": {"ip": "10.0.0.2", "port": 502, "mac": None},
        "unit": "0", "function": {"code": 0, "name": None}, "access": "read", "points": [], "outcome": {"result": "unknown"},
        "anomalies": [], "latency_ns": None, "request": moment, "response": None, **more,
    }  # fmt: skip


def test_zero_is_a_value_and_what_was_not_seen_is_absent() -> None:
    made = document("transaction", transaction())
    assert made["client"] == {"address": "10.0.0.1", "ip": "10.0.0.1", "port": 0, "mac": "00-1B-1B-0A-11-22"}
    assert made["fieldtap"]["function"] == {"code": 0}
    assert made["fieldtap"]["unit"] == "0"
    assert "mac" not in made["server"]
    assert "response" not in made["fieldtap"]
    assert made["network"]["vlan"] == {"id": "101"}
    assert made["@timestamp"] == "2026-03-04T08:15:21.118Z"
    assert made["fieldtap"]["time_ns"] == 1772612121118000123


def test_values_of_points_are_numbers_or_texts() -> None:
    point = {"point": "x", "kind": "k", "first": 0, "last": 3, "access": "write", "values": [1.5, True, "on", None], "quality": ["online"]}
    (made,) = document("transaction", transaction(points=[point]))["fieldtap"]["points"]
    assert made == {
        "point": "x", "kind": "k", "first": 0, "last": 3, "access": "write", "values": [1.5, 1], "texts": ["on"],
        "detail": {"quality": ["online"]},
    }  # fmt: skip


def test_only_the_first_revision_of_an_alert_is_an_alert() -> None:
    said = {"title": "t", "kind": "alert", "revision": 1}
    assert derived.event_kind(said) == "alert"
    assert derived.event_kind({**said, "edition": 1}) == "alert"
    assert derived.event_kind({**said, "edition": 2}) == "event"
    assert derived.event_kind({**said, "revision": 2}) == "event"
    assert derived.event_kind({**said, "kind": "coverage"}) == "state"


def test_templates_have_every_field_once() -> None:
    components = mapping.component_templates()
    for stream in STREAMS.values():
        body = mapping.index_templates()[stream.dataset if stream.type is None else f"{stream.type}-{stream.dataset}"]
        parts = [name for name in body["composed_of"] if name in components]
        leaves: list[str] = []
        for name in parts:
            leaves += paths(components[name]["template"].get("mappings", {}).get("properties", {}))
        assert sorted(leaves) == sorted(field.name for field in fields_of(stream.record) if field.type != "object")
        assert set(CLASSES.values()) <= set(STREAMS)
    assert {stream.record for stream in STREAMS.values()} == set(RECORDS)


def paths(properties: Mapping[str, Any], before: str = "") -> list[str]:
    found = []
    for name, held in properties.items():
        found += paths(held["properties"], f"{before}{name}.") if "properties" in held else [before + name]
    return found
