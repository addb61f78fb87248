"""How a site adds a dissector in Python.

A dissector is a class with `name`, `ports`, `functions`, `probe` and `dissect`; an entry point in the group `fieldtap.dissectors` names
it (or `register` makes it known), and the configuration (`Engine(plugins=["snmp"])`, `fieldtap replay --dissector snmp`) switches it on.
It is given whole datagrams, or for a stream the bytes in order, and says what a message means; pairing, time-outs and outcomes are the
engine's. An exception in it is counted and shuts it off for that flow, nothing else.

What a dissector says is written to every output: it leaves out passwords and keys.

`dissectors/snmp.py` is a complete example.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, ClassVar, Literal, Protocol

GROUP = "fieldtap.dissectors"

Access = Literal["session", "report", "identify", "read", "configure", "write", "mode", "program"]
Detail = Mapping[str, Any]
"""A protocol's own fields, written under its name. Names are letters, digits and _; values None, bool, int, float, str, bytes (written
as hex), and lists and dictionaries of these. What is too much (512 values, 8 KiB) is left out and counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a dissector is given: one direction's bytes from the front of the stream, or one datagram.

    `sender` is "a" or "b" (the two ends of the flow, without meaning of their own), `ports` theirs in that order, `time` ns since 1970
    UTC (0 in `probe`). `gap`: bytes before these were not seen (lost, or the capture begins here), so they may begin inside a message.
    """

    payload: bytes
    sender: Literal["a", "b"]
    ports: tuple[int, int]
    time: int
    datagram: bool
    gap: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request: it is paired with the other end's Response that has the same `reference`, the oldest first.

    `function` is the raw code, from 0 to 2**32 - 1; `access` overrides what the table says of it (an unknown function's is configure);
    `unit` is the device behind the address.
    """

    reference: int
    function: int
    access: Access | None = None
    unit: int | None = None
    detail: Detail = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response. `rejected` is the error code where the answer is no. `detail` is written as `response` among the request's.

    `function` is what a response whose request was not seen is told as; without one it is told only where it must be unsolicited.
    """

    reference: int
    rejected: int | None = None
    function: int | None = None
    detail: Detail = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Something that nobody asked for; the receiver is the client. `reference`: of the Response by which the receiver confirms it."""

    function: int
    reference: int | None = None
    unit: int | None = None
    detail: Detail = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dissected:
    """One message: how many bytes it used (at least one), and what it says (nothing, for bytes that are skipped after a gap).

    No bytes used means: more bytes are needed. `unreadable`: the bytes used are given up, counted as an anomaly.
    """

    used: int
    says: Sequence[Request | Response | Report] = ()
    unreadable: bool = False


class Dissector(Protocol):
    """What a site's dissector looks like. One object is made for each flow, without arguments.

    A class may also have `rejections`: error codes and their names.
    """

    name: ClassVar[str]
    """Protocol name in every output (an IANA service name where there is one)."""
    title: ClassVar[str]
    ports: ClassVar[Mapping[str, Sequence[int]]]
    """Usual ports, {"tcp": [...], "udp": [...]}: hints."""
    functions: ClassVar[Mapping[int, tuple[str, Access]]]
    """Function codes, their names and what kind of thing they do."""

    @staticmethod
    def probe(message: Message) -> int | None:
        """How sure it is that these are its bytes: 0 not at all, 100 entirely; None when more bytes are needed to tell."""

    def dissect(self, message: Message) -> Dissected | None:
        """One message from the front of the bytes; None when these are not its bytes after all.

        An unreadable message of an otherwise good flow is `Dissected(..., unreadable=True)`: None lets the whole flow go.
        """


_registered: dict[str, type[Dissector]] = {}


def register(dissector: type[Dissector]) -> None:
    """Makes a dissector known to this process; `Engine(plugins=[name])` switches it on for a run.

    Raises ValueError when its tables are wrong or its name is taken, AttributeError when a part is missing.
    """
    import dissectors
    from dissectors import _native

    _native.register(dissector)
    _registered[dissector.name] = dissector
    dissectors.protocols.cache_clear()


def installed() -> dict[str, str]:
    """Names of all dissectors that entry points offer, with the object they name."""
    return {entry.name: entry.value for entry in entry_points(group=GROUP)}


def load(names: Sequence[str]) -> list[type[Dissector]]:
    """The dissectors of these names: registered ones, else what entry points offer.

    Raises LookupError naming what is missing and what there is, ValueError when a class calls itself otherwise than its entry point.
    """
    offered = {entry.name: entry for entry in entry_points(group=GROUP)}
    known = sorted({*offered, *_registered})
    missing = [name for name in names if name not in known]
    if missing:
        raise LookupError(f"no dissector named {', '.join(missing)} is installed; there are: {', '.join(known) or 'none'}")
    return [_registered[name] if name in _registered else _loaded(name, offered[name].load()) for name in names]


def _loaded(name: str, dissector: type[Dissector]) -> type[Dissector]:
    if dissector.name != name:
        raise ValueError(f"the dissector of the entry point {name!r} calls itself {dissector.name!r}")
    return dissector
