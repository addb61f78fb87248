"""The fields that rules match on: the names of a transaction's JSON (DESIGN.md, section 7), in one table.

A field's stage says when its value is known, and so how a rule on it is judged:
CLASS and OPERATION are part of the gate's key and decided once for each operation; SIGNATURE becomes a condition of a clause;
POINT becomes ranges of a clause; FREE differs from one occurrence to the next, so the rule is followed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from dissectors import Transaction

ACCESSES = ("session", "report", "identify", "read", "configure", "write", "mode", "program")
RESULTS = ("accepted", "rejected", "unanswered", "unknown")


class Stage(IntEnum):
    """When a field's value is known (see the module)."""

    CLASS = 0
    OPERATION = 1
    SIGNATURE = 2
    POINT = 3
    FREE = 4


class Field(NamedTuple):
    """A field: `type` is text, number, ip or mac. `read` gives its values in a transaction (for POINT: in one of its points)."""

    name: str
    type: str
    stage: Stage
    meaning: str
    read: Callable[[Any], tuple[Any, ...]]

    @property
    def static(self) -> bool:
        """The same for every occurrence of an operation."""
        return self.stage <= Stage.OPERATION


def _one(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value,)


def _path(*names: str) -> Callable[[Any], tuple[Any, ...]]:
    def read(record: Any) -> tuple[Any, ...]:
        for name in names:
            record = getattr(record, name)
            if record is None:
                return ()
        return (record,)

    return read


WITHIN = "points.within"
"""Points as they are written, in which a point lies."""


def _none(_record: Any) -> tuple[Any, ...]:
    """Asked in other words: what is written is read when the rule is (kind, block, addresses)."""
    return ()


def _several(name: str) -> Callable[[Any], tuple[Any, ...]]:
    return lambda record: tuple(getattr(record, name) or ())


def _detail(protocol: str, name: str) -> Callable[[Transaction], tuple[Any, ...]]:
    """What a protocol alone has."""
    return lambda t: _one((t.detail or {}).get(name) if t.protocol == protocol else None)


FIELDS: Mapping[str, Field] = {
    field.name: field
    for field in (
        Field("protocol", "text", Stage.CLASS, "name of the protocol", lambda t: (t.protocol,)),
        Field("function.code", "number", Stage.CLASS, "function code, as on the wire", lambda t: (t.function.code,)),
        Field("function.name", "text", Stage.CLASS, "name of the function", _path("function", "name")),
        Field("sub_function.code", "number", Stage.CLASS, "sub-function code", _path("sub_function", "code")),
        Field("sub_function.name", "text", Stage.CLASS, "name of the sub-function", _path("sub_function", "name")),
        Field("sub_function.group", "number", Stage.CLASS, "group of the sub-function", _path("sub_function", "group")),
        Field("access", "text", Stage.CLASS, "what kind of thing is done", lambda t: (t.access,)),
        Field("client.ip", "ip", Stage.OPERATION, "address of who asks", _path("client", "ip")),
        Field("server.ip", "ip", Stage.OPERATION, "address of who is asked", _path("server", "ip")),
        Field("server.port", "number", Stage.OPERATION, "port of who is asked", _path("server", "port")),
        Field("unit", "text", Stage.OPERATION, "the device behind the address", _path("unit")),
        Field("outcome.result", "text", Stage.SIGNATURE, "accepted, rejected, unanswered or unknown", _path("outcome", "result")),
        Field("outcome.code", "number", Stage.SIGNATURE, "code of a rejection", _path("outcome", "code")),
        Field("outcome.name", "text", Stage.SIGNATURE, "name of a rejection", _path("outcome", "name")),
        Field("anomalies", "text", Stage.SIGNATURE, "names of what is wrong with it", _several("anomalies")),
        Field("client.mac", "mac", Stage.SIGNATURE, "MAC address on the client's side", _path("client", "mac")),
        Field("server.mac", "mac", Stage.SIGNATURE, "MAC address on the server's side", _path("server", "mac")),
        Field("vlan", "number", Stage.SIGNATURE, "VLAN ids, outermost first", _several("vlan")),
        Field("points.point", "text", Stage.POINT, "a point as written everywhere (holding_register:100-101)", _path("text")),
        Field(WITHIN, "text", Stage.POINT, "points that it lies in (DB10.DBB0-99)", _none),
        Field("points.kind", "text", Stage.POINT, "kind of the points (holding_register)", _path("kind")),
        Field("points.block", "number", Stage.POINT, "block of the points (file number, DB)", _path("block")),
        Field("points.first", "number", Stage.POINT, "first address of a range of points, zero-based", _path("first")),
        Field("points.last", "number", Stage.POINT, "last address of a range of points, inclusive", _path("last")),
        Field("points.name", "text", Stage.POINT, "name of a point, where the protocol has names", _path("name")),
        Field("points.access", "text", Stage.POINT, "what is done to these points", _path("access")),
        Field("points.values", "number", Stage.POINT, "the values read or written", _several("values")),
        Field("client.port", "number", Stage.FREE, "port of who asks", _path("client", "port")),
        Field("initiator", "text", Stage.FREE, "who opened the connection: client or server", _path("initiator")),
        Field("flow", "text", Stage.FREE, "community id of the flow", _path("flow")),
        Field("latency_ns", "number", Stage.FREE, "time from request to response, ns", _path("latency_ns")),
        Field("opcua.security_mode", "text", Stage.OPERATION, "how the channel is secured", _detail("opcua", "security_mode")),
        Field("opcua.user_type", "text", Stage.OPERATION, "how the session's user proved who it is", _detail("opcua", "user_type")),
        Field("opcua.user", "text", Stage.OPERATION, "the session's user, or the subject of its certificate", _detail("opcua", "user")),
    )
}
"""Every field but the protocols' own (`modbus.transaction_id`), by name. OPC UA's user and security are part of its operations, and so
cost no look at each occurrence."""

COUNTED_POINTS = "points.address"
"""Only as the field of a value_count: every single address that the points cover."""


def field(name: str, registry: Mapping[str, Mapping[str, Any]]) -> Field | None:
    """The field of this name, a protocol's own included (they stand under the protocol's name); None where there is none."""
    known = FIELDS.get(name)
    if known is not None:
        return known
    protocol, dot, rest = name.partition(".")
    entry = registry.get(protocol)
    if entry is None or not dot or not rest:
        return None
    declared = entry.get("details")
    if declared is not None and rest not in declared:
        return None
    return own_field(name)


def own_field(name: str) -> Field:
    """A protocol's own field, such as `modbus.transaction_id`."""
    protocol, _, rest = name.partition(".")
    keys = rest.split(".")

    def read(t: Transaction) -> tuple[Any, ...]:
        value: Any = t.detail if t.protocol == protocol else None
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return tuple(value) if isinstance(value, (list, tuple)) else _one(value)

    return Field(name, "any", Stage.FREE, f"{protocol}'s own field", read)
