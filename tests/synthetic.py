"""Transactions out of YAML, shaped like the engine's, for tests of policy and rule logic (no capture needed)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    ip: str | None = None
    port: int | None = None
    mac: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    text: str
    kind: str
    first: int
    last: int
    access: str
    block: int | None = None
    name: str | None = None
    values: list[Any] | None = None
    width: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    code: int
    name: str | None = None
    group: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    result: str
    code: int | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    capture: int
    packet: int
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """The engine's Transaction (dissectors/_native.pyi), field by field."""

    kind: str = "transaction"
    operation: int = 1
    lanes: int = 2**32 - 1
    first: bool = True
    time: int = 1_700_000_000_000_000_000
    completed: int = 1_700_000_000_000_000_000
    protocol: str = "modbus"
    flow: str = "1:AAAAAAAAAAAAAAAAAAAAAAAAAAA="
    vlan: tuple[int, ...] = ()
    initiator: str | None = "client"
    client: Party = Party(ip="10.0.0.1", port=50000)
    server: Party = Party(ip="10.0.0.2", port=502)
    unit: str | None = "1"
    function: Code = Code(code=3, name="read_holding_registers")
    sub_function: Code | None = None
    access: str = "read"
    points: tuple[Point, ...] = ()
    outcome: Outcome = Outcome(result="accepted")
    anomalies: tuple[str, ...] = ()
    latency_ns: int | None = 1_000_000
    request: Moment | None = Moment(capture=1, packet=1, time=1_700_000_000_000_000_000)
    response: Moment | None = None
    detail: Mapping[str, Any] | None = None


def point(text: str, access: str, values: Sequence[Any] | None = None, protocol: str = "modbus") -> Point:
    """A point from its text, `kind:first` or `kind:first-last`, or as S7 writes it."""
    if protocol == "s7comm":
        from dissectors import read_point

        kind, block, start, end, name = read_point(protocol, text)
        width = (end - start + 1) // len(values or (1,))
        seen = None if values is None else list(values)
        return Point(text=text, kind=kind, block=block, first=start, last=end, name=name, access=access, values=seen, width=width)
    kind, _, place = text.partition(":")
    first, _, last = place.partition("-")
    kept = None if values is None else list(values)
    return Point(text=text, kind=kind, first=int(first), last=int(last or first), access=access, values=kept)


def transaction(fields: Mapping[str, Any]) -> Transaction:
    """A transaction from the JSON form of DESIGN.md, section 7; what is left out has the defaults above."""
    made: dict[str, Any] = dict(fields)
    shapes: dict[str, Any] = {
        "client": Party, "server": Party, "function": Code, "sub_function": Code, "outcome": Outcome, "request": Moment, "response": Moment,
    }  # fmt: skip
    for name, shape in shapes.items():
        if isinstance(made.get(name), Mapping):
            made[name] = shape(**made[name])
    if "points" in made:
        access = made.get("access", "read")
        protocol = made.get("protocol", "modbus")
        made["points"] = tuple(point(p["point"], p.get("access", access), p.get("values"), protocol) for p in made["points"])
    for name in ("anomalies", "vlan"):
        if name in made:
            made[name] = tuple(made[name])
    return Transaction(**made)
