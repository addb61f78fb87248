"""Makes documents of records, as the table says (sensor.documents.fields)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from sensor.documents.fields import ECS_VERSION, SCHEMA_VERSION, STREAMS, fields_of
from sensor.documents.written import REPEATED, Document, fill, repeated

REMEMBERED: Final = 4_096
"""Of what is repeated so much is kept, a few kilobytes each."""


class Maker:
    """Makes the documents of one sender: `name` of the sensor and `site` stand in each, `namespace` in the names of the streams. Documents
    share what is the same in all: they are to be read, not changed."""

    def __init__(self, *, name: str, hostname: str, version: str, site: str | None = None, namespace: str = "default") -> None:
        self.namespace = namespace
        self.name = name
        self.version = version
        self.clock_offset_ms: int | None = None
        """The cluster's clock minus ours."""
        said = {"name": name, "hostname": hostname, "type": "ids", "vendor": "Fieldtap", "product": "Fieldtap", "version": version}
        self._same = {**{f"observer.{part}": value for part, value in said.items()}, "event.module": "fieldtap"}
        self._site = None if site is None else {"id": site}
        self._streams = {of: _Class(self._head(of), stream.record) for of, stream in STREAMS.items()}

    def document(self, of: str, record: Mapping[str, Any], *, known: str, created: str, ingested: str) -> Document:
        """The document of a record of this class of the outbox. `known` is its _id."""
        stream = self._streams[of]
        base = stream.head if stream.parts is None else stream.base(record)
        made: Document = dict(base)
        for branch in stream.own:
            if branch in base:
                made[branch] = dict(base[branch])
        stream.rest(record, made)
        event = made["event"]
        event["id"], event["created"], event["ingested"] = known, created, ingested
        fieldtap = made.setdefault("fieldtap", {})
        fieldtap["schema_version"] = SCHEMA_VERSION
        if self.clock_offset_ms is not None:
            fieldtap["clock_offset_ms"] = self.clock_offset_ms
        if self._site is not None:
            fieldtap["site"] = self._site
        return made

    def _head(self, of: str) -> dict[str, Document]:
        """What all documents of a class have in common, by branch."""
        stream = STREAMS[of]
        said = {
            **self._same, "ecs.version": ECS_VERSION, "event.dataset": stream.dataset, "data_stream.type": stream.type,
            "data_stream.dataset": stream.dataset, "data_stream.namespace": self.namespace,
        }  # fmt: skip
        found: dict[str, Document] = {}
        for field in fields_of(stream.record):
            value = said.get(field.source[1:]) if field.source.startswith("$") and not field.own else None
            if value is not None:
                branch, _, name = field.name.rpartition(".")
                found.setdefault(branch, {})[name] = value
        return found


class _Class:
    """Documents of a class: their `head`, what is repeated from record to record, and the rest. `own` are the branches of a document that
    it shares with no other."""

    def __init__(self, head: dict[str, Document], record: str) -> None:
        self.head = head
        self.parts = REPEATED.get(record)
        self.own = {"event", "fieldtap", *(path[0] for path in repeated(record)[1] if path)}
        self.rest = fill(record, same=False)
        self._same = fill(record, same=True)
        self._known: dict[bytes, Document] = {}

    def base(self, record: Mapping[str, Any]) -> Document:
        """Head and what is repeated, made once for the same parts."""
        key = orjson.dumps([record.get(part) for part in self.parts or ()])
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[key] = {branch: dict(held) for branch, held in self.head.items()}
            self._same(record, known)
        return known
