"""What names rules may use: the registry's protocols, functions, accesses, rejections, anomalies and kinds of points."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from functools import cached_property
from importlib.resources import files
from typing import Any

from rules.fields import ACCESSES, FIELDS, RESULTS, Field, field

OTHER_PROTOCOLS = ("tcp", "udp", "icmp")
"""Protocols of flows that no dissector claims (IANA services and ethertypes aside)."""

Registry = Mapping[str, Mapping[str, Any]]


def _names(rows: Iterable[Any]) -> set[str]:
    """Names in a registry table, whose rows are mappings with `name`, or pairs with the name in them."""
    return {row["name"] if isinstance(row, Mapping) else next(part for part in row if isinstance(part, str)) for row in rows}


class Names:
    """The names of a registry (`dissectors.protocols()`), and services known by port (`http`, `ssh`)."""

    def __init__(self, registry: Registry, services: Collection[str] = ()) -> None:
        self.registry = registry
        self.services = services

    def field(self, name: str) -> Field | None:
        """The field of this name; of a protocol's own only those that its dissector names."""
        protocol, _, rest = name.partition(".")
        own = self._own.get(protocol)
        if name not in FIELDS and own is not None and rest.partition(".")[0] not in own:
            return None
        return field(name, self.registry)

    @cached_property
    def _own(self) -> Mapping[str, frozenset[str]]:
        """Own fields by protocol, nested ones by their first word. A site's dissectors are not in there: theirs may be called anything."""
        content = files("rules").joinpath("own_fields.json").read_text(encoding="utf-8")
        return {protocol: frozenset(name.partition(".")[0] for name in own) for protocol, own in json.loads(content).items()}

    def kinds(self) -> dict[str, tuple[str, ...]]:
        """Kinds of points by protocol."""
        return {name: tuple(sorted(_names(entry.get("point_kinds", ())))) for name, entry in self.registry.items()}

    def allowed(self, name: str, protocols: Collection[str]) -> set[str] | None:
        """The values that a field can have at all, for these protocols (none given: for all); None where anything can be."""
        match name:
            case "protocol":
                return self._protocols
            case "access" | "points.access":
                return set(ACCESSES)
            case "outcome.result":
                return set(RESULTS)
            case "initiator":
                return {"client", "server"}
            case "function.name":
                return self._of("functions", protocols)
            case "sub_function.name":
                return self._of("sub_functions", protocols)
            case "outcome.name":
                return self._of("rejections", protocols)
            case "anomalies":
                return self._of("anomalies", protocols)
            case "points.kind":
                return self._of("point_kinds", protocols)
        return None

    def suggestion(self, name: str) -> str:
        """What a mistyped field may have meant, as the end of a sentence."""
        protocol = name.partition(".")[0]
        return near(name, [*FIELDS, *(f"{protocol}.{own}" for own in self._own.get(protocol, ()))])

    @cached_property
    def _protocols(self) -> set[str]:
        return {*self.registry, *OTHER_PROTOCOLS, *self.services}

    def _of(self, table: str, protocols: Collection[str]) -> set[str] | None:
        chosen = [name for name in protocols if name in self.registry] or list(self.registry)
        if protocols and not any(name in self.registry for name in protocols):
            return None  # only services: connections without a table
        found: set[str] = set()
        for name in chosen:
            found |= _names(self.registry[name].get(table, ()))
        return found | {"connect"} if table == "functions" else found


def near(name: str, known: Iterable[str]) -> str:
    """`; did you mean "…"?` where something near is known, else nothing."""
    close = get_close_matches(name, list(known), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""
