"""Assets as they leave the inventory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from sensor.clock import utc

MAX_HISTORY: Final = 16
"""Earlier values that an attribute keeps; the oldest go first."""


class Evidence(NamedTuple):
    """One value of an attribute and what said so. `capture` and `packet` are 1-based, `time` is ns since 1970; `confidence` 0 to 1.

    A named tuple because there is one for each address of a run: made in a third of a dataclass's time.
    """

    name: str
    value: Any
    confidence: float
    protocol: str
    field: str
    capture: int
    packet: int
    time: int

    def to_dict(self) -> dict[str, Any]:
        """Value, confidence and provenance."""
        said = {"capture": self.capture, "packet": self.packet, "time": utc(self.time), "protocol": self.protocol, "field": self.field}
        return {"value": self.value, "confidence": self.confidence, "provenance": said}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """What is known of one trait of an asset: the most credible value, then the newest; `history` has the others, oldest first."""

    name: str
    current: Evidence
    history: Sequence[Evidence] = ()

    @classmethod
    def of(cls, name: str, said: Sequence[Evidence]) -> Attribute:
        """From all that was said, in the order of time."""
        best = max(range(len(said)), key=lambda place: (said[place].confidence, said[place].time, place))
        rest = [evidence for place, evidence in enumerate(said) if place != best]
        return cls(name=name, current=said[best], history=tuple(rest[-MAX_HISTORY:]))

    def to_dict(self) -> dict[str, Any]:
        """The current value with its provenance, and the history."""
        return {**self.current.to_dict(), "history": [evidence.to_dict() for evidence in self.history]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What an asset is in a protocol: "client" or "server"; `port` is the server's."""

    role: Literal["client", "server"]
    protocol: str
    port: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A device, or a unit behind one (`parent` is its device's id).

    `id` is the address (the least of several), or `ADDRESS/PROTOCOL:UNIT`: the same in every run. `heard` is False where packets were only
    ever sent to it: it may not exist. `first` and `last` are capture time in ns.
    """

    id: str
    kind: Literal["host", "unit", "router"]
    parent: str | None
    addresses: Sequence[str]
    heard: bool
    first: int | None
    last: int | None
    roles: Sequence[Role] = ()
    vlans: Sequence[int] = ()
    units: Sequence[str] = ()
    attributes: Mapping[str, Attribute]

    def value(self, name: str) -> Any:
        """The current value of an attribute, None where it is not known."""
        attribute = self.attributes.get(name)
        return None if attribute is None else attribute.current.value

    def to_dict(self) -> dict[str, Any]:
        """The asset as it stands in the result document; times are UTC text."""
        return {
            "id": self.id, "kind": self.kind, "parent": self.parent, "addresses": list(self.addresses), "heard": self.heard,
            "first": None if self.first is None else utc(self.first), "last": None if self.last is None else utc(self.last),
            "roles": [{"role": role.role, "protocol": role.protocol, "port": role.port} for role in self.roles],
            "vlans": list(self.vlans), "units": list(self.units),
            "attributes": {name: attribute.to_dict() for name, attribute in sorted(self.attributes.items())},
        }  # fmt: skip


class Conversation(NamedTuple):
    """Who talks to whom (asset ids) in which protocol, as an edge of the graph: transactions by access, how many were rejected, first and
    last in ns."""

    client: str
    server: str
    protocol: str
    port: int | None
    units: Sequence[str]
    transactions: int
    rejected: int
    accesses: Mapping[str, int]
    first: int | None
    last: int | None

    def to_dict(self) -> dict[str, Any]:
        """The edge as JSON; times are UTC text."""
        return {
            "client": self.client, "server": self.server, "protocol": self.protocol, "port": self.port, "units": list(self.units),
            "transactions": self.transactions, "rejected": self.rejected, "accesses": dict(sorted(self.accesses.items())),
            "first": None if self.first is None else utc(self.first), "last": None if self.last is None else utc(self.last),
        }  # fmt: skip
