"""What our Modbus and UMAS transactions and what peers say about a capture, brought to one form: messages by frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.conformance import messages
from tests.conformance.messages import Line, Row, number

EXCEPTIONS: Final = ("illegal_function", "illegal_data_address", "illegal_data_value", "server_device_failure")


def lines(path: Path) -> Sequence[Line]:
    """Our transactions of a capture."""
    return messages.lines(path, ("modbus", "umas"))


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """One request or response. `code` is the function without the exception bit, `exception` the exception's code."""

    frame: int
    side: str
    code: int
    exception: int | None = None


def ours(path: Path) -> Iterator[Message]:
    """Our messages of a capture."""
    for line in lines(path):
        code = 90 if line["protocol"] == "umas" else line["function"]["code"]
        if line["request"] is not None:
            yield Message(line["request"]["packet"], "request", code)
        if line["response"] is not None:
            yield Message(line["response"]["packet"], "response", code, exception(line))


def exception(line: Line) -> int | None:
    """The exception code of a rejected transaction (a refusal of UMAS itself, 0xfd, is an answer of function 90)."""
    rejected = line["outcome"]["result"] == "rejected"
    return line["outcome"]["code"] if rejected and (line["protocol"] == "modbus" or line["outcome"]["name"] in EXCEPTIONS) else None


def counted(messages: Iterable[Message]) -> Counter[tuple[int, int, int | None]]:
    """How often each (frame, function, exception) is said; tshark doesn't tell requests from responses."""
    return Counter((message.frame, message.code, message.exception) for message in messages)


FIELDS: Final = (
    "frame.number", "mbtcp.trans_id", "mbtcp.unit_id", "modbus.func_code", "modbus.exception_code", "modbus.reference_num",
    "modbus.word_cnt", "modbus.bit_cnt", "modbus.regval_uint16", "modbus.diagnostic_code", "modbus.mei", "modbus.and_mask",
    "modbus.or_mask", "modbus.read_reference_num", "modbus.write_reference_num", "modbus.object_id", "modbus.bitval",
)  # fmt: skip


def tshark_rows(path: Path, options: tuple[str, ...] = ()) -> Sequence[Row]:
    """What tshark says, a row a frame."""
    return messages.tshark_rows(path, FIELDS, "modbus", options)


def tshark_stored(path: Path) -> Sequence[Row]:
    """The same as published beside the capture: functions and exceptions."""
    return messages.tshark_stored(path, ("frame.number", "modbus.func_code", "modbus.exception_code"))


def tshark_counted(rows: Iterable[Row]) -> Counter[tuple[int, int, int | None]]:
    """Messages by frame, function and exception (in a frame with several messages it isn't said whose an exception is: the first one's)."""
    said: Counter[tuple[int, int, int | None]] = Counter()
    for row in rows:
        (frame,), codes, exceptions = (
            list(map(number, row[name])) for name in ("frame.number", "modbus.func_code", "modbus.exception_code")
        )
        for code in codes:
            said[frame, code, exceptions.pop(0) if exceptions else None] += 1
    return said


def compared(ours: Counter[tuple[int, int, int | None]], theirs: Counter[tuple[int, int, int | None]]) -> Iterator[str]:
    """Differences as texts: `<frame> ours|theirs <function>[ exception <code>]`."""
    for whose, (frame, code, exception) in messages.compared(ours, theirs):
        yield f"{frame} {whose} {code}" + (f" exception {exception}" if exception is not None else "")


def fields(line: Line, side: str) -> dict[str, list[int]]:
    """Our transaction's request or response in tshark's names, as far as this half says them."""
    own, code = line.get("modbus") or line["umas"], line["function"]["code"]
    said = {"mbtcp.trans_id": [own["transaction_id"]], "mbtcp.unit_id": [int(line["unit"])]}
    if line["protocol"] == "umas" or (exception(line) is not None and side == "response"):
        return said
    points = {point["access"]: point for point in line["points"]}
    first, last, values = _range(line["points"])
    if side == "request" and first is not None and last is not None and code in (1, 2, 3, 4, 15, 16):
        counted_in = "modbus.bit_cnt" if code in (1, 2, 15) else "modbus.word_cnt"
        said |= {"modbus.reference_num": [first], counted_in: [own.get("quantity", last - first + 1)]}
    if code in (5, 6, 22) and first is not None:
        said["modbus.reference_num"] = [first]
    if values is not None and ((code in (3, 4) and side == "response") or (code == 16 and side == "request") or code == 6):
        said["modbus.regval_uint16"] = values
    if code == 22 and "and_mask" in own:
        said |= {"modbus.and_mask": [own["and_mask"]], "modbus.or_mask": [own["or_mask"]]}
    if code == 23 and side == "request" and len(points) == 2:
        said["modbus.read_reference_num"] = [points["read"]["first"]]
        said["modbus.write_reference_num"] = [points["write"]["first"]]
    if code in (8, 43) and line.get("sub_function"):
        said["modbus.diagnostic_code" if code == 8 else "modbus.mei"] = [line["sub_function"]["code"]]
    if code == 43 and side == "response" and "objects" in own:
        said["modbus.object_id"] = [thing["id"] for thing in own["objects"]]
    return said


def _range(points: Sequence[Mapping[str, Any]]) -> tuple[int | None, int | None, list[int] | None]:
    if len(points) != 1:
        return None, None, None
    return points[0]["first"], points[0]["last"], points[0]["values"]


def field_differences(path: Path, rows: Iterable[Row]) -> Iterator[str]:
    """Where a field of a frame with one message differs from tshark's: `<frame> <field> ours … theirs …`. What tshark doesn't say is no
    difference; what we don't say where a peer does is one in `missing`."""
    numbers = ({name: list(map(number, values)) for name, values in row.items()} for row in rows if len(row["modbus.func_code"]) == 1)
    by_frame = {row["frame.number"][0]: row for row in numbers}
    for line in lines(path):
        for side in ("request", "response"):
            row = by_frame.get((line[side] or {}).get("packet", 0))
            if row is None:
                continue
            for name, value in fields(line, side).items():
                if row[name] and row[name] != value:
                    yield f"{row['frame.number'][0]} {name} ours {_text(value)} theirs {_text(row[name])}"


def _text(values: Sequence[int]) -> str:
    return ",".join(map(str, values))
