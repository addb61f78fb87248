"""Findings as CSV (RFC 4180), one revision a line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from sensor.documents import derived
from sensor.outbox import Item
from sensor.outputs.cells import safe

if TYPE_CHECKING:
    from sensor.documents.make import Maker

Record = Mapping[str, Any]


def _of(*names: str) -> Callable[[Record], Any]:
    def found(record: Record) -> Any:
        value: Any = record
        for name in names:
            value = None if value is None else value.get(name)
        return value

    return found


COLUMNS: Final[Mapping[str, Callable[[Record], Any]]] = {
    **{name: _of(name) for name in ("id", "revision", "kind", "state", "severity", "confidence", "title", "reason")},
    "rule": derived.rule_id,
    "first": _of("first"),
    "last": _of("last"),
    "count": _of("count"),
    "client": lambda record: _of("client", "ip")(record) or _of("client", "mac")(record),
    "client_port": _of("client", "port"),
    "server": lambda record: _of("server", "ip")(record) or _of("server", "mac")(record),
    "server_port": _of("server", "port"),
    "protocol": _of("protocol"),
    "unit": _of("unit"),
    "function_code": _of("function", "code"),
    "function": _of("function", "name"),
    "access": _of("access"),
    "points": lambda record: " ".join(str(point["point"]) for point in record.get("points") or ()),
    "outcome": _of("outcome", "result"),
    "from_zone": _of("zones", "from"),
    "to_zone": _of("zones", "to"),
    "techniques": lambda record: " ".join(derived.attack_ids(record)),
    "packets": lambda record: " ".join(f"{one['capture']}:{one['packet']}" for one in record.get("packets") or ()),
}
"""Column → where its value comes from. `packets` are capture:packet."""


class Rows:
    """A form of lines (sensor.shipping.files); of what is no finding it says nothing."""

    def __init__(self, maker: Maker) -> None:
        self._sensor = maker.name

    def head(self) -> bytes:
        """The names of the columns."""
        return _line(["sensor", *COLUMNS])

    def line(self, item: Item) -> bytes:
        """One revision."""
        import orjson

        record = orjson.loads(item.document)
        if "title" not in record:
            return b""
        return _line([self._sensor, *(_cell(value(record)) for value in COLUMNS.values())])


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return "" if value is None else value
    return safe(str(value))


def _line(cells: list[Any]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode("utf-8", "replace")
