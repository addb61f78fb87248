"""The table as a JSON Schema (draft 2020-12) for each kind of record."""

from __future__ import annotations

from typing import Any, Final

from sensor.documents.fields import SCHEMA_VERSION, Field, fields_of

Schema = dict[str, Any]
_REQUIRED: Final = ("@timestamp", "ecs", "event", "observer", "fieldtap")
_TYPES: Final[dict[str, Schema]] = {
    "keyword": {"type": "string"},
    "text": {"type": "string"},
    "ip": {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
    "date": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$"},
    "long": {"type": "integer", "minimum": -(1 << 63), "maximum": (1 << 63) - 1},
    "double": {"type": "number"},
    "boolean": {"type": "boolean"},
    "flattened": {"type": "object"},
    "object": {"type": "object"},
}


def json_schema(record: str) -> Schema:
    """Of the documents that records of this kind become. No other field is allowed; an empty one is left out."""
    tree: Schema = {}
    for field in fields_of(record):
        held = tree
        *branches, name = field.name.split(".")
        for branch in branches:
            held = held.setdefault(branch, {})
        held[name] = {"": field, **held.get(name, {})}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:fieldtap:{record}:{SCHEMA_VERSION}",
        "title": f"A document of a Fieldtap {record}", **_object(tree), "required": list(_REQUIRED),
    }  # fmt: skip


def _object(tree: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": {name: _node(below) for name, below in tree.items()}}


def _node(below: Schema) -> Schema:
    field = below.get("")
    inner = {name: node for name, node in below.items() if name}
    if field is None:
        return _object(inner)
    return _leaf(field, inner)


def _leaf(field: Field, inner: Schema) -> Schema:
    one = {**(_object(inner) if inner else _TYPES[field.type])}
    said = {"description": field.meaning}
    return {"type": "array", "minItems": 1, "items": one, **said} if field.many else {**one, **said}
