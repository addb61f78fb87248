"""The table as Elasticsearch's component and index templates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sensor.documents.fields import RECORDS, SCHEMA_VERSION, STREAMS, Field, Stream, fields

Body = dict[str, Any]
PRIORITY: Final = 501
"""Above the built-in template for logs-*-* (100) and Fleet's (200)."""
REFRESH_SECONDS: Final = 5
"""After so long what was written is found by a search."""
_TYPES: Final[Mapping[str, Body]] = {
    "keyword": {"type": "keyword", "ignore_above": 1024},
    "text": {"type": "text", "norms": False},
    "flattened": {"type": "flattened", "ignore_above": 1024, "depth_limit": 40},
    "object": {},
}


def component_templates() -> dict[str, Body]:
    """Name → body: settings, what all documents have, and a component for each kind of record."""
    shared = [field for field in fields() if field.records == frozenset(RECORDS)]
    found = {"fieldtap@settings": {"settings": _settings()}, "fieldtap@mappings": {"mappings": _mappings(shared, whole=True)}}
    for record in RECORDS:
        own = [field for field in fields() if record in field.records and field not in shared]
        found[f"fieldtap.{record}@mappings"] = {"mappings": _mappings(own, whole=False)}
    return {name: _marked({"template": body}) for name, body in found.items()}


def index_templates() -> dict[str, Body]:
    """Name → body: one for each stream, and one for the index of what is known of assets."""
    return {_name(stream): _marked(_index_template(stream)) for stream in STREAMS.values()}


def lifecycle_policy() -> Body:
    """The policy for index lifecycle management, where a site asks for it; data streams keep their retention without."""
    phases = {
        "hot": {"min_age": "0ms", "actions": {"rollover": {"max_primary_shard_size": "50gb", "max_age": "30d"}}},
        "delete": {"min_age": "365d", "actions": {"delete": {}}},
    }
    return {"policy": {"phases": phases, "_meta": {"managed_by": "fieldtap"}}}


def properties(some: Iterable[Field]) -> Body:
    """The fields as `properties` of a mapping."""
    tree: Body = {}
    for field in some:
        held = tree
        *branches, name = field.name.split(".")
        for branch in branches:
            held = held.setdefault(branch, {}).setdefault("properties", {})
        held.setdefault(name, {}).update(_TYPES.get(field.type, {"type": field.type}))
    return tree


def _name(stream: Stream) -> str:
    return stream.dataset if stream.type is None else f"{stream.type}-{stream.dataset}"


def _settings() -> Body:
    limits = {"total_fields": {"limit": 2000}, "ignore_malformed": True}
    shape = {"number_of_shards": 1, "auto_expand_replicas": "0-1", "codec": "best_compression"}
    return {"index": {**shape, "refresh_interval": f"{REFRESH_SECONDS}s", "mapping": limits}}


def _mappings(some: Iterable[Field], *, whole: bool) -> Body:
    """In production an unknown field stays in the source and costs nothing; `fieldtap@custom` can make it strict."""
    rules: Body = {"dynamic": False, "date_detection": False, "numeric_detection": False} if whole else {}
    return {**rules, "properties": properties(some)}


def _index_template(stream: Stream) -> Body:
    own = ["fieldtap@custom", *([f"{_name(stream)}@custom"] if stream.type is not None else [])]
    body: Body = {
        "index_patterns": [stream.pattern], "priority": PRIORITY,
        "composed_of": ["fieldtap@settings", "fieldtap@mappings", f"fieldtap.{stream.record}@mappings", *own],
        "ignore_missing_component_templates": own, "template": {},
    }  # fmt: skip
    if stream.type is not None:
        body["data_stream"] = {}
    if stream.days is not None:
        body["template"] = {"lifecycle": {"data_retention": f"{stream.days}d"}}
    return body


def _marked(body: Body) -> Body:
    """With a digest, by which set-up knows whether the cluster has it as it is."""
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]
    return {**body, "version": SCHEMA_VERSION, "_meta": {"managed_by": "fieldtap", "schema_version": SCHEMA_VERSION, "digest": digest}}
