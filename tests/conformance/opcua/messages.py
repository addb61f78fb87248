"""What tshark and we say of OPC UA, in the same words."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from dissectors import protocols
from tests.conformance import messages
from tests.conformance.messages import Line, Row

FAULT: Final = 397
CONNECTION: Final = {"hello": ("HEL", "ACK"), "reverse_hello": ("RHE", "RHE"), "error": ("ERR", "ERR")}
CHANNEL: Final = {"open_secure_channel": "OPN", "close_secure_channel": "CLO"}
SCALARS: Final = {
    "boolean": "Boolean", "sbyte": "SByte", "byte": "Byte", "int16": "Int16", "uint16": "UInt16", "int32": "Int32", "uint32": "UInt32",
    "int64": "Int64", "uint64": "UInt64", "float": "Float", "double": "Double", "string": "String",
}  # fmt: skip
"""Types whose values both write as they are, by tshark's names."""
FIELDS: Final = (
    "frame.number", "opcua.transport.type", "opcua.security.rqid", "opcua.servicenodeid.numeric", "opcua.ServiceResult",
    "opcua.nodeid.numeric", "opcua.nodeid.string", "opcua.datavalue.mask", "opcua.StatusCode", "opcua.Results",
    *(f"opcua.{name}" for name in SCALARS.values()), *(f"opcua.{name}s" for name in SCALARS.values() if name != "Byte"),
)  # fmt: skip


def rows(path: Path, options: tuple[str, ...]) -> dict[int, Row]:
    """What tshark says, by frame."""
    return {int(row["frame.number"][0]): row for row in messages.tshark_rows(path, FIELDS, "opcua", options)}


def lines(path: Path) -> Sequence[Line]:
    """Our transactions."""
    return messages.lines(path, ("opcua",))


def halves(path: Path) -> Iterator[tuple[int, str, Line]]:
    """Each half of each of our transactions, by the frame that completed it."""
    for line in lines(path):
        for half in ("request", "response"):
            if line[half] is not None:
                yield line[half]["packet"], half, line


def response_types() -> dict[int, int]:
    """Type id of the response by that of the request (OPC 10000-6, Annex A): three more, but for the services that came later."""
    codes = [row["code"] for row in protocols()["opcua"]["functions"] if 400 < row["code"] < 20_000]
    return {code: code + 3 for code in codes} | {12_208: 12_209, 12_211: 12_212, 15_903: 21_001}


def types_of_connection(path: Path) -> Counter[tuple[int, str]]:
    """Messages of the connection and of channels by frame."""
    ours: Counter[tuple[int, str]] = Counter()
    for frame, half, line in halves(path):
        name = line["function"]["name"]
        if name in CONNECTION:
            refused = half == "response" and line["outcome"]["result"] == "rejected"
            ours[frame, "ERR" if refused else CONNECTION[name][half == "response"]] += 1
        elif name in CHANNEL:
            ours[frame, CHANNEL[name]] += 1
    return ours


def is_read(line: Line) -> bool:
    """A message whose content was seen."""
    return "request_id" in line["opcua"]


def calls(path: Path, theirs: dict[int, Row]) -> Counter[tuple[int, str]]:
    """Request ids and services of what can be read. A refusal may be a fault or a response of its service: then theirs decides."""
    ours: Counter[tuple[int, str]] = Counter()
    responses = response_types()
    for frame, half, line in halves(path):
        if not is_read(line):
            continue
        code = line["function"]["code"]
        if half == "response":
            said = {int(text) for text in theirs.get(frame, {}).get("opcua.servicenodeid.numeric", ())}
            code = responses.get(code, code)
            code = FAULT if line["outcome"]["result"] == "rejected" and code not in said else code
        ours[frame, f"{line['opcua']['request_id']} {code}"] += 1
    return ours


def their_calls(theirs: dict[int, Row]) -> Counter[tuple[int, str]]:
    """The same of tshark, of frames in which every message can be read."""
    found: Counter[tuple[int, str]] = Counter()
    for frame, row in theirs.items():
        ids, services = row["opcua.security.rqid"], row["opcua.servicenodeid.numeric"]
        if len(ids) == len(services):
            found.update((frame, f"{request} {service}") for request, service in zip(ids, services, strict=True))
    return found


def refusals(path: Path) -> Counter[tuple[int, str]]:
    """Bad service results by frame. (A call all of whose operations were refused one by one is rejected, with a good service result.)"""
    found: Counter[tuple[int, str]] = Counter()
    for frame, half, line in halves(path):
        refused = line["outcome"]["result"] == "rejected" and "operations_refused" not in line["opcua"]
        if half == "response" and is_read(line) and refused:
            found[frame, f"{line['outcome']['code']:#x}"] += 1
    return found


def their_refusals(theirs: dict[int, Row]) -> Counter[tuple[int, str]]:
    """The same of tshark."""
    results = ((frame, int(text, 0)) for frame, row in theirs.items() for text in row["opcua.ServiceResult"])
    return Counter((frame, f"{result:#x}") for frame, result in results if result >> 31)


def nodes(path: Path, theirs: dict[int, Row]) -> Iterator[str]:
    """Nodes of our requests that tshark does not have in their frame."""
    for frame, half, line in halves(path):
        row = theirs.get(frame)
        if half != "request" or row is None or line["function"]["name"] in ("publish", "republish", "browse_next"):
            continue
        numbers, names = Counter(row["opcua.nodeid.numeric"]), Counter(row["opcua.nodeid.string"])
        for point in line["points"]:
            name = point.get("name")
            if name is None:
                missing = not numbers[str(point["first"])]
            else:
                missing = name.startswith("s=") and any(not names[part] for part in name[2:].split(",") if part)
            if missing:
                yield f"{frame} {point['point']}"


def value_counts(path: Path, theirs: dict[int, Row]) -> Iterator[str]:
    """Where the number of values of reads and notifications differs."""
    ours: dict[int, int] = defaultdict(int)
    for frame, half, line in halves(path):
        name, own = line["function"]["name"], line["opcua"]
        if half == "response" and name in ("read", "publish") and line["outcome"]["result"] == "accepted":
            ours[frame] += len(line["points"]) + len(own.get("unnamed_values", ()))
    for frame, count in ours.items():
        row = theirs.get(frame)
        if row is not None and count != len(row["opcua.datavalue.mask"]):
            yield f"{frame}: {count} values, tshark has {len(row['opcua.datavalue.mask'])}"


def values(path: Path, theirs: dict[int, Row]) -> Iterator[str]:
    """Values of ours, and statuses of operations, that tshark does not have in their frame."""
    for frame, half, line in halves(path):
        row = theirs.get(frame)
        writes = line["function"]["name"] == "write"
        if row is None or line["function"]["name"] not in ("read", "publish", "write"):
            continue
        for point in line["points"]:
            if half == ("request" if writes else "response"):
                yield from (f"{frame} {point['point']} {value!r}" for value in missing_values(point, row))
            status = point.get("status_code")
            if half == "response" and status:
                said = {int(text, 0) for field in ("opcua.StatusCode", "opcua.Results") for text in row[field]}
                if status not in said:
                    yield f"{frame} {point['point']} status {status:#x}"


def missing_values(point: dict[str, Any], row: Row) -> Iterator[Any]:
    name = SCALARS.get(point.get("data_type", ""))
    if name is None or point["values"] is None:
        return
    said = [*row[f"opcua.{name}"], *row.get(f"opcua.{name}s", ())]
    for value in point["values"]:
        if not any(same(value, text) for text in said):
            yield value


def same(value: Any, text: str) -> bool:
    """A value of ours and one of tshark's; it writes floats with fewer digits, and texts are cut at commas by its list."""
    if isinstance(value, bool):
        return text in ("1", "True") if value else text in ("0", "False")
    if isinstance(value, float):
        return math.isclose(value, float(text), rel_tol=1e-4, abs_tol=1e-9)
    if isinstance(value, int):
        return value == int(text, 0)
    return value is None or text in ("[OpcUa Empty String]", "[OpcUa Null String]") or text in str(value)
