"""What our DNP3 transactions and what peers say about a capture, brought to one form: texts by frame.

A transaction tells several frames at once: a request that was sent again is one with `retries`, a response of several fragments one with
`fragments`, and a report is told with its confirmation. Peers tell each frame; here theirs are put together in the same way.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, Final

from tests.conformance import messages
from tests.conformance.messages import Line, Row, number

CONFIRM, RESPONSE, UNSOLICITED, AUTHENTICATION_RESPONSE = 0, 129, 130, 131
LINK: Final = 256
AUTHENTICATION_ERRORS: Final = 768
STRINGS: Final = range(110, 116)
"""Groups whose variation is a length: tshark says 0 for all of them."""


def lines(path: Path) -> Sequence[Line]:
    """Our transactions of a capture."""
    return messages.lines(path, ("dnp3",))


def header_text(group: int, variation: int, qualifier: int, limits: tuple[int, int] | None, count: int | None) -> str:
    """One form for all peers: `g1v2 00 0-3`, `g32v1 28 #4`, `g60v1 06`."""
    place = f" {limits[0]}-{limits[1]}" if limits is not None else f" #{count}" if count is not None else ""
    return f"g{group}v{variation} {qualifier:02x}{place}"


def headers(objects: Iterable[Mapping[str, Any]]) -> list[str]:
    """Our object headers."""
    found = []
    for entry in objects:
        limits = (entry["first"], entry["last"]) if "first" in entry else None
        found.append(header_text(entry["group"], entry["variation"], entry["qualifier"], limits, entry.get("count")))
    return found


@dataclass(frozen=True, slots=True)
class Message:
    """A request or response at its (last) frame. `code` is the function's; 256 and a link function for frames without user data."""

    frame: int
    code: int
    sequence: int | None = None
    indications: int | None = None
    headers: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()


def ours(path: Path) -> Iterator[Message]:
    """Our messages of a capture, each transaction's request before its response."""
    for line in lines(path):
        own, code = line["dnp3"], line["function"]["code"]
        if line["request"] is not None:
            asked = tuple(headers(own.get("request_objects", ())))
            yield Message(line["request"]["packet"], code, own.get("sequence"), None, asked)
        if line["response"] is not None and code < LINK:
            told = tuple(headers(own.get("response_objects", ())))
            yield Message(line["response"]["packet"], response_code(line), None, own.get("iin_code"), told, frozenset(own.get("iin", ())))


def response_code(line: Line) -> int:
    """The function of a transaction's response."""
    code = int(line["function"]["code"])
    if code >= RESPONSE:
        return code
    refused = line["outcome"]["result"] == "rejected" and line["outcome"]["code"] >= AUTHENTICATION_ERRORS
    return AUTHENTICATION_RESPONSE if refused or code == 32 else RESPONSE


FIELDS: Final = (
    "frame.number", "tcp.stream", "udp.stream", "dnp3.src", "dnp3.dst", "dnp3.ctl.prifunc", "dnp3.ctl.secfunc", "dnp3.al.func",
    "dnp3.al.seq", "dnp3.al.fir", "dnp3.al.fin", "dnp3.al.con", "dnp3.al.uns", "dnp3.al.iin", "dnp3.al.obj", "dnp3.al.objq.prefix",
    "dnp3.al.objq.range", "dnp3.al.range.start", "dnp3.al.range.stop", "dnp3.al.range.abs", "dnp3.al.range.quantity", "dnp3.tr.ctl",
    "tcp.payload", "udp.payload",
)  # fmt: skip


def tshark_rows(path: Path, options: tuple[str, ...] = ()) -> Sequence[Row]:
    """What tshark says, a row a frame."""
    return messages.tshark_rows(path, FIELDS, "dnp3", options)


def row_headers(row: Row) -> list[str]:
    """The object headers of a frame, put together from tshark's lists: each takes what its range needs."""
    start, stop, single, quantity = (iter(map(number, row[f"dnp3.al.range.{name}"])) for name in ("start", "stop", "abs", "quantity"))
    found = []
    for code, prefix, span in zip(row["dnp3.al.obj"], row["dnp3.al.objq.prefix"], row["dnp3.al.objq.range"], strict=True):
        group, variation = divmod(number(code), 256)
        kind = number(span)
        limits = (next(start), next(stop)) if kind < 3 else None
        if kind in (3, 4, 5):
            limits = (next(single),) * 2
        count = next(quantity) if kind in (7, 8, 9, 11) else None
        found.append(header_text(group, variation, number(prefix) << 4 | kind, limits, count))
    return found


def plain(text: str) -> str:
    """A header without what tshark doesn't say: the variation of strings."""
    group = int(text[1 : text.index("v")])
    return f"g{group}v0{text[text.index(' ') :]}" if group in STRINGS else text


@dataclass(slots=True)
class Folded:
    """A peer's messages as ours are told, and what went into others."""

    messages: list[Message] = field(default_factory=list)
    confirmations: int = 0
    again: int = 0
    lost: set[int] = field(default_factory=set)


Way = tuple[str, ...]
UNREAD: Final = frozenset({16, 17, 18, 22, 28, 29, 31, 32, 33, AUTHENTICATION_RESPONSE})
"""Functions whose objects tshark doesn't read (nor the indications of the last)."""


SILENT: Final = frozenset({6, 8, 10, 12, 33})
"""Requests without an answer: the same once more is another one."""
BROADCASTS: Final = 0xFFFD
FUNCTION_AT: Final = 12
"""Behind the link header with its CRC, the transport octet and the application control."""


@dataclass(slots=True)
class Direction:
    """What one station has said to another."""

    last: tuple[Any, ...] | None = None
    report: tuple[Any, ...] | None = None
    begun: list[Message] = field(default_factory=list)


class Fold:
    """Puts a peer's frames together: fragments of one response, and what was sent again before it was answered or confirmed."""

    def __init__(self) -> None:
        self.said = Folded()
        self.ways: defaultdict[tuple[Way, Way], Direction] = defaultdict(Direction)

    def take(self, row: Row) -> None:
        """A frame; its confirmations are counted, and link frames told by their function."""
        fragments = list(split(row))
        for fragment in fragments:
            self.one(fragment)
        if not fragments:
            self.link(row)

    def one(self, row: Row) -> None:
        """A fragment."""
        stream, indications = row_stream(row), number(row["dnp3.al.iin"][0]) if row["dnp3.al.iin"] else None
        frame, code, sequence = (number(row[name][0]) for name in ("frame.number", "dnp3.al.func", "dnp3.al.seq"))
        message = Message(frame, code, sequence, indications, tuple(row["headers"]))
        source, target = row["dnp3.src"][0], row["dnp3.dst"][0]
        bits = {name: bool(number(row[f"dnp3.al.{bit}"][0])) for name, bit in (("unsolicited", "uns"), ("first", "fir"), ("final", "fin"))}
        self.add(message, (*stream, source), (*stream, target), **bits, broadcast=number(target) >= BROADCASTS)

    def add(
        self,
        message: Message,
        source: Way,
        target: Way,
        *,
        unsolicited: bool,
        first: bool,
        final: bool,
        broadcast: bool = False,
        points: object = None,
    ) -> None:
        """A fragment from `source` to `target`; `points` is what tells it from another with the same headers."""
        way, other = self.ways[source, target], self.ways[target, source]
        whole = (message.code, message.sequence, message.indications, message.names, message.headers, points)
        if message.code == CONFIRM:
            self.said.confirmations += 1
            if other.report is not None and unsolicited and other.report[1] == message.sequence:
                other.report = None
        elif message.code == UNSOLICITED:
            self.report(message, whole, way)
        elif way.last == whole:
            self.said.again += 1
        else:
            way.last = None if broadcast or message.code in SILENT else whole
            if other.last is not None and other.last[1] == message.sequence:
                other.last = None
            self.fragment(message, way, other, ends=(first, final))

    def report(self, message: Message, whole: tuple[Any, ...], way: Direction) -> None:
        """An unsolicited response."""
        if way.report == whole:
            self.said.again += 1
        else:
            way.report = whole
            self.said.messages.append(message)

    def fragment(self, message: Message, way: Direction, other: Direction, *, ends: tuple[bool, bool]) -> None:
        """A fragment: a response is told at its final one, or as far as it came when the next request is there."""
        first, final = ends
        if message.code not in (RESPONSE, AUTHENTICATION_RESPONSE):
            self.end(other)
            self.said.messages.append(message)
            return
        if first:
            self.end(way)
        way.begun.append(message)
        if final:
            self.end(way)

    def end(self, way: Direction) -> None:
        """What has come of a response is told."""
        if way.begun:
            told = tuple(header for part in way.begun for header in part.headers)
            bits = reduce(or_, (part.indications or 0 for part in way.begun))
            code = way.begun[-1].code
            names = frozenset().union(*(part.names for part in way.begun))
            known = None if code in UNREAD else bits
            self.said.messages.append(replace(way.begun[-1], headers=told, indications=known, names=names))
            way.begun = []

    def finish(self) -> Folded:
        """All of it."""
        for way in self.ways.values():
            self.end(way)
        return self.said

    def link(self, row: Row) -> None:
        """Frames of the link layer alone: those that ask for something."""
        for function in map(number, row["dnp3.ctl.prifunc"]):
            if function not in (3, 4):
                self.said.messages.append(Message(number(row["frame.number"][0]), LINK + function))


def row_stream(row: Row) -> list[str]:
    """The connection of a frame."""
    return [*row["tcp.stream"], *row["udp.stream"]]


def split(row: Row) -> Iterator[Row]:
    """The fragments of a frame, each a row of its own with `headers`. Where a frame has more than one, tshark doesn't say whose the headers
    are: equal shares where that goes, else all are those of the first that can have some."""
    told, indications = row_headers(row), iter(row["dnp3.al.iin"])
    codes = list(map(number, row["dnp3.al.func"]))
    shares = sum(code != CONFIRM for code in codes)
    share = len(told) // shares if shares and len(told) % shares == 0 else len(told)
    for place, code in enumerate(codes):
        ends = {name: row[name][min(place, len(row[name]) - 1) :] for name in ("dnp3.src", "dnp3.dst")}
        bits = {name: row[name][place : place + 1] for name in ("dnp3.al.seq", "dnp3.al.fir", "dnp3.al.fin", "dnp3.al.uns")}
        iin = [next(indications)] if code in (RESPONSE, UNSOLICITED) else []
        own, told = (told[:share], told[share:]) if code != CONFIRM else ([], told)
        yield {**row, **ends, **bits, "dnp3.al.func": [str(code)], "dnp3.al.iin": iin, "headers": own}


def lost(row: Row) -> bool:
    """tshark doesn't put together what passes the transport's sequence number 63, and takes some of what follows for a part of it: a final
    segment is no fragment for it, or the function isn't the octet behind the application control of a fragment in one segment."""
    if len(row["dnp3.tr.ctl"]) != 1:
        return False
    final, first = (bool(number(row["dnp3.tr.ctl"][0]) & bit) for bit in (0x80, 0x40))
    octets = bytes.fromhex("".join(row["tcp.payload"] or row["udp.payload"]))
    if not row["dnp3.al.func"]:
        return final and not first
    return final and first and len(octets) > FUNCTION_AT and octets[FUNCTION_AT] != number(row["dnp3.al.func"][0])


def theirs(rows: Iterable[Row]) -> Folded:
    """tshark's messages, put together as ours are."""
    fold = Fold()
    for row in rows:
        if lost(row):
            fold.said.lost.add(number(row["frame.number"][0]))
        else:
            fold.take(row)
    return fold.finish()


def functions(said: Iterable[Message]) -> Counter[tuple[int, str]]:
    """Each message by frame and function."""
    return Counter((message.frame, str(message.code)) for message in said)


def objects(said: Iterable[Message]) -> Counter[tuple[int, str]]:
    """Each object header by frame, of the functions whose objects tshark reads."""
    return Counter((message.frame, plain(text)) for message in said if message.code not in UNREAD for text in message.headers)


def indications(said: Iterable[Message]) -> Counter[tuple[int, str]]:
    """Internal indications by frame, where they are told."""
    known = ((message.frame, message.indications) for message in said if message.code not in UNREAD)
    return Counter((frame, f"iin {bits:04x}") for frame, bits in known if bits is not None)


def compared(ours: Counter[tuple[int, str]], theirs: Counter[tuple[int, str]]) -> Iterator[str]:
    """Differences as texts: `<frame> ours|theirs <what>`."""
    for whose, (frame, text) in messages.compared(ours, theirs):
        yield f"{frame} {whose} {text}"
