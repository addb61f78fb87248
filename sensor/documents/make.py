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
        for branch, held in self._heads[of].items():
            made[branch] = dict(held)
        getters, branches = _plan(STREAMS[of].record)
        values = [value_of(record) for value_of in getters]
        for path, members in branches:
            held = {name: value for name, place in members if (value := values[place]) or value == 0}
            if held:
                _put(made, path, held)
        event = made["event"]
        event["id"], event["created"], event["ingested"] = known, created, ingested
        fieldtap = made.setdefault("fieldtap", {})
        fieldtap["schema_version"] = SCHEMA_VERSION
        if self.clock_offset_ms is not None:
            fieldtap["clock_offset_ms"] = self.clock_offset_ms
        if self._same["site.id"] is not None:
            fieldtap["site"] = {"id": self._same["site.id"]}
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


Branch = tuple[tuple[str, ...], list[tuple[str, int]]]


@cache
def _plan(record: str) -> tuple[list[Value], list[Branch]]:
    """What is asked of a record, each once, and the branches of the document with the names in them and which answer they have. What is
    empty is left out; 0 and false are values."""
    sources: dict[str, int] = {}
    branches: dict[tuple[str, ...], list[tuple[str, int]]] = {}
    for field in fields_of(record):
        if field.source[0] not in "$-":
            *path, name = field.name.split(".")
            place = sources.setdefault(field.source, len(sources))
            branches.setdefault(tuple(path), []).append((name, place))
    return [_getter(source) for source in sources], list(branches.items())


def _getter(source: str) -> Value:
    if source.startswith("="):
        function: Value = getattr(derived, source[1:])
        return function
    if source.startswith("~"):
        return partial(derived.said_of, source[1:])
    outer, _, inner = source.partition(".")
    if not inner:
        return lambda record: record.get(outer)
    return lambda record: held.get(inner) if (held := record.get(outer)) else None


def _put(made: Document, path: tuple[str, ...], held: Document) -> None:
    if not path:
        made.update(held)
        return
    for name in path[:-1]:
        made = made.setdefault(name, {})
    known = made.get(path[-1])
    if known is None:
        made[path[-1]] = held
    else:
        known.update(held)
