"""What our S7comm and S7comm-plus transactions and what peers say about a capture, brought to one form: messages by frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from tests import corpus
from tests.conformance import messages
from tests.conformance.messages import Line, Row

Said = Counter[tuple[int, str]]
"""How often a frame says something."""

CONNECTIONS: Final = {0xE0: "0x0e", 0x80: "0x08", 0x70: "0x07"}
"""Functions under which COTP's own packets are told."""


@cache
def names() -> tuple[str, ...]:
    """The open captures of S7."""
    return tuple(f"{path.parent.name}/{path.name}" for path in corpus.captures("s7comm", "s7commplus", "mixed_plant"))


def lines(path: Path) -> Sequence[Line]:
    """Our transactions of S7 as they are written, those of the connection included."""
    return messages.lines(path, ("s7comm", "s7commplus"))


def is_message(line: Line) -> bool:
    """A message of S7comm rather than of the connection that carries it."""
    return line["protocol"] == "s7comm" and line["function"]["code"] not in CONNECTIONS


def function(line: Line) -> str:
    """The function as both sides write it: a number, or group and sub-function of userdata."""
    code, sub = line["function"]["code"], line.get("sub_function")
    return f"userdata {sub['group']}/{sub['code']}" if code == 7 and sub else f"{code:#04x}"


def halves(line: Line) -> Iterator[tuple[str, int]]:
    """The frames in which it stands, with the side."""
    for side in ("request", "response"):
        if line[side] is not None:
            yield side, line[side]["packet"]


def functions(path: Path) -> Said:
    """Our messages by frame and function."""
    return Counter((frame, function(line)) for line in lines(path) if is_message(line) for _, frame in halves(line))


FIELDS: Final = (
    "frame.number", "s7comm.header.rosctr", "s7comm.param.func", "s7comm.param.userdata.funcgroup", "s7comm.param.userdata.subfunc",
    "s7comm.param.itemcount", "s7comm.data.userdata.szl_id", "s7comm.data.userdata.szl_index", "s7comm.param.pistart.servicename",
    "s7comm.param.item.dbread.numareas",
)  # fmt: skip
AREAS: Final = "s7comm.param.item.dbread.numareas"


def tshark(path: Path) -> Sequence[Row]:
    """What tshark says, a row a frame. Nothing where tshark isn't installed."""
    return messages.tshark_rows(path, FIELDS, "s7comm")


def number(text: str) -> int:
    return int(text, 0)


def tshark_functions(rows: Iterable[Row]) -> tuple[Said, Counter[int]]:
    """Messages by frame and function, and acknowledgements without one by frame."""
    said: Said = Counter()
    bare: Counter[int] = Counter()
    for row in rows:
        frame = number(row["frame.number"][0])
        said.update((frame, f"{number(code):#04x}") for code in row["s7comm.param.func"])
        groups = (number(text) for text in row["s7comm.param.userdata.funcgroup"])
        codes = (number(text) for text in row["s7comm.param.userdata.subfunc"])
        said.update((frame, f"userdata {group}/{code}") for group, code in zip(groups, codes, strict=True))
        bare[frame] += sum(number(kind) == 2 for kind in row["s7comm.header.rosctr"])
    return said, bare


def function_differences(path: Path, rows: Iterable[Row]) -> Iterator[str]:
    """Where frames say other functions: `<frame> ours|theirs <function>`. An acknowledgement without function stands for any of ours."""
    theirs, bare = tshark_functions(rows)
    ours = functions(path)
    for frame, what in (ours - theirs).elements():
        if bare[frame]:
            bare[frame] -= 1
        else:
            yield f"{frame} ours {what}"
    for frame, what in (theirs - ours).elements():
        yield f"{frame} theirs {what}"
    for frame, count in bare.items():
        yield from [f"{frame} theirs ack"] * count


def field_differences(path: Path, rows: Iterable[Row]) -> Iterator[str]:
    """Item counts, services and status lists of frames with one message: `<frame> <field> ours … theirs …`."""
    by_frame = {number(row["frame.number"][0]): row for row in rows if len(row["s7comm.header.rosctr"]) == 1}
    for line in lines(path):
        for side, frame in halves(line):
            row = by_frame.get(frame)
            if row is None or not is_message(line):
                continue
            row = {**row, "s7comm.param.itemcount": addresses(row)}
            for name, value in fields(line, side).items():
                if row[name] and [part.lower() for part in row[name]] != [value.lower()]:
                    yield f"{frame} {name} ours {value} theirs {','.join(row[name])}"


def addresses(row: Row) -> list[str]:
    """Items of a message, each of those that list several addresses (syntax 0xB0) counted as so many."""
    lists = [number(text) for text in row[AREAS]]
    return [str(number(text) - len(lists) + sum(lists)) for text in row["s7comm.param.itemcount"]]


def fields(line: Line, side: str) -> dict[str, str]:
    """Our transaction's request or response in tshark's names."""
    own, code = line["s7comm"], line["function"]["code"]
    said: dict[str, str] = {}
    if code in (4, 5) and side == "request":
        said["s7comm.param.itemcount"] = str(len(line["points"]))
    if code in (0x28, 0x29) and side == "request":
        said["s7comm.param.pistart.servicename"] = own["service"]
    if "szl_id" in own and line["outcome"]["result"] != "rejected":
        said["s7comm.data.userdata.szl_id"] = f"{own['szl_id']:#06x}"
        if side == "request":  # the answer may name another one
            said["s7comm.data.userdata.szl_index"] = f"{own['szl_index']:#06x}"
    return said


def tshark_plus(path: Path) -> Said:
    """Messages of S7comm-plus by frame, operation code and function, from the bytes: tshark takes TCP, TPKT and COTP off, which is all that
    it knows of them."""
    rows = messages.tshark_rows(path, ("frame.number", "tcp.stream", "tcp.srcport", "data.data"), "cotp")
    said: Said = Counter()
    open_messages: dict[tuple[str, str], bytes] = {}
    for row in rows:
        for payload in map(bytes.fromhex, row["data.data"]):
            whole = _message(open_messages, (row["tcp.stream"][0], row["tcp.srcport"][0]), payload)
            if whole is not None:
                said[int(row["frame.number"][0]), plus_function(whole)] += 1
    return said


def _message(parts: dict[tuple[str, str], bytes], key: tuple[str, str], frame: bytes) -> bytes | None:
    """Adds a frame of S7comm-plus to its message; the message when it is whole."""
    if len(frame) < 4 or frame[0] != 0x72 or frame[1] not in (1, 2, 3):
        return None
    length = int.from_bytes(frame[2:4])
    data = frame[4 : 4 + length]
    parts[key] = parts.get(key, b"") + (data[1 + data[0] :] if frame[1] == 3 else data)
    return parts.pop(key) if len(frame) > 4 + length else None


def plus_function(message: bytes) -> str:
    """Operation code and function; a notification has none."""
    return "0x33" if message[0] == 0x33 else f"{message[0]:#04x} {int.from_bytes(message[3:5]):#06x}"


NOT_FUNCTIONS: Final = {0x17, 0xFE, *CONNECTIONS}
"""What is told under a number that is no function of S7comm-plus."""


def plus_functions(path: Path) -> Said:
    """Our messages in the same form. Old firmware answers some requests with operation code 0x02."""
    said: Said = Counter()
    for line in lines(path):
        code = line["function"]["code"]
        if line["protocol"] == "s7commplus" and code not in NOT_FUNCTIONS:
            for side, frame in halves(line):
                said[frame, "0x33" if code == 0x33 else f"{'0x31' if side == 'request' else '0x32'} {code:#06x}"] += 1
    return said
