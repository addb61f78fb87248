"""How a site adds a dissector in Python.

A dissector is a class with `name`, `ports`, `probe` and `dissect`; an entry point in the group `fieldtap.dissectors` names it, and the
configuration (`Engine(plugins=["snmp"])`, `fieldtap replay --dissector snmp`) switches it on. It is given whole datagrams, or for a
stream the bytes in order; what it returns are plain dictionaries in the form of DESIGN.md, section 7. An exception in it is counted and
shuts it off for that flow, nothing else.

`dissectors/snmp.py` is a complete example.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, Literal, Protocol

GROUP = "fieldtap.dissectors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a dissector is given: one direction's bytes from the front of the stream, or one datagram.

    `sender` is "a" or "b" (the two ends of the flow, without meaning of their own), `ports` theirs in that order, `time` ns since 1970 UTC.
    """

    payload: bytes
    sender: Literal["a", "b"]
    ports: tuple[int, int]
    time: int
    datagram: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request: it is paired with the Response of the other end that has the same `reference`.

    `access` is one of read, write, mode, program, configure, identify, session, report; `detail` is written under the protocol's name.
    """

    reference: int
    function: int
    access: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response. `rejected` is the error code where the answer is no."""

    reference: int
    rejected: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Something that nobody asked for; the receiver is the client."""

    function: int
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dissected:
    """One message: how many bytes it used (at least one), and what it says. No bytes used means: more bytes are needed."""

    used: int
    says: Sequence[Request | Response | Report] = ()


class Dissector(Protocol):
    """What a site's dissector looks like. One object is made for each flow."""

    name: str
    """Protocol name in every output (an IANA service name where there is one)."""
    title: str
    ports: Mapping[str, Sequence[int]]
    """Usual ports, {"tcp": [...], "udp": [...]}: hints."""
    functions: Mapping[int, str]
    """Function codes and their names."""

    @staticmethod
    def probe(message: Message) -> int:
        """How sure it is that these are its bytes: 0 not at all, 100 entirely."""

    def dissect(self, message: Message) -> Dissected | None:
        """One message from the front of the bytes; None when these are not its bytes after all."""


def installed() -> dict[str, str]:
    """Names of all dissectors that entry points offer, with the object they name."""
    return {entry.name: entry.value for entry in entry_points(group=GROUP)}


def load(names: Sequence[str]) -> list[type[Dissector]]:
    """The dissectors of these names.

    Raises LookupError naming what is missing and what there is.
    """
    offered = {entry.name: entry for entry in entry_points(group=GROUP)}
    missing = [name for name in names if name not in offered]
    if missing:
        raise LookupError(f"no dissector named {', '.join(missing)} is installed; there are: {', '.join(sorted(offered)) or 'none'}")
    return [offered[name].load() for name in names]
