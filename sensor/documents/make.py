"""Makes documents of records, as the table says (sensor.documents.fields)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from sensor.documents import derived
from sensor.documents.fields import ECS_VERSION, SCHEMA_VERSION, STREAMS, fields_of

Document = dict[str, Any]
Value = Callable[[Mapping[str, Any]], Any]


class Maker:
    """Makes the documents of one sender: `name` of the sensor and `site` stand in each, `namespace` in the names of the streams."""

    def __init__(self, *, name: str, hostname: str, version: str, site: str | None = None, namespace: str = "default") -> None:
        self.namespace = namespace
        self.name = name
        self.version = version
        self.clock_offset_ms: int | None = None
        """The cluster's clock minus ours."""
        said = {"name": name, "hostname": hostname, "type": "ids", "vendor": "Fieldtap", "product": "Fieldtap", "version": version}
        self._same = {**{f"observer.{part}": value for part, value in said.items()}, "site.id": site, "event.module": "fieldtap"}
        self._heads = {of: self._head(of) for of in STREAMS}

    def document(self, of: str, record: Mapping[str, Any], *, known: str, created: str, ingested: str) -> Document:
        """The document of a record of this class of the outbox. `known` is its _id."""
        made: Document = {}
        for branch, name, value in self._heads[of]:
            made.setdefault(branch, {})[name] = value
        for places, value_of in _getters(STREAMS[of].record):
            value = value_of(record)
            if value is not None and value != "" and value != [] and value != {}:
                _put(made, places, value)
        event = made["event"]
        event["id"], event["created"], event["ingested"] = known, created, ingested
        fieldtap = made.setdefault("fieldtap", {})
        fieldtap["schema_version"] = SCHEMA_VERSION
        if self.clock_offset_ms is not None:
            fieldtap["clock_offset_ms"] = self.clock_offset_ms
        if self._same["site.id"] is not None:
            fieldtap["site"] = {"id": self._same["site.id"]}
        return made

    def _head(self, of: str) -> list[tuple[str, str, Any]]:
        """What all documents of a class have in common: branch, name and value."""
        stream = STREAMS[of]
        said = {
            **self._same, "ecs.version": ECS_VERSION, "event.dataset": stream.dataset, "data_stream.type": stream.type,
            "data_stream.dataset": stream.dataset, "data_stream.namespace": self.namespace,
        }  # fmt: skip
        found = []
        for field in fields_of(stream.record):
            value = said.get(field.source[1:]) if field.source.startswith("$") and not field.own else None
            if value is not None:
                branch, _, name = field.name.rpartition(".")
                found.append((branch, name, value))
        return found


@cache
def _getters(record: str) -> list[tuple[tuple[str, ...], Value]]:
    found = []
    for field in fields_of(record):
        if field.source[0] not in "$-":
            found.append((tuple(field.name.split(".")), _getter(field.source)))
    return found


def _getter(source: str) -> Value:
    if source.startswith("="):
        function: Value = getattr(derived, source[1:])
        return function
    names = source.split(".")
    if len(names) == 1:
        return lambda record: record.get(names[0])
    return partial(_within, names[0], names[1])


def _within(outer: str, inner: str, record: Mapping[str, Any]) -> Any:
    held = record.get(outer)
    return None if held is None else held.get(inner)


def _put(made: Document, places: tuple[str, ...], value: Any) -> None:
    for name in places[:-1]:
        made = made.setdefault(name, {})
    made[places[-1]] = value
