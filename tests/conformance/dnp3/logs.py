"""The logs of opendnp3's conformance tests: each step decoded by the test program, published beside the capture of the same run."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.conformance.dnp3.messages import header_text
from tests.conformance.messages import expected, read

ROW: Final = re.compile(r'<tr class="([^"]*)">(.*?)</tr>', re.DOTALL)
CELL: Final = re.compile(r"<td>(.*?)</td>", re.DOTALL)
FRAGMENT: Final = re.compile(r"[\w ]+\(0x(\w+)\) fir: (\d) fin: (\d) con: (\d) uns: (\d) seq: 0x(\w+)(?: IIN\((.*)\))?")
HEADER: Final = re.compile(r"g(\d+)v(\d+), (.+?)(?:, start: (\d+) stop: (\d+)|, count: (\d+))?$")
POINT: Final = re.compile(r"\[(\d+)\] - (.*)")
INDICATIONS: Final = {
    "Broadcast": "broadcast", "Class1Events": "class_1_events", "Class2Events": "class_2_events", "Class3Events": "class_3_events",
    "NeedTime": "need_time", "LocalControl": "local_control", "DeviceTrouble": "device_trouble", "DeviceRestart": "device_restart",
    "FuncNotSupported": "function_not_supported", "ObjectUnknown": "object_unknown", "ParamError": "parameter_error",
    "EventBufferOverflow": "event_buffer_overflow", "AlreadyExecuting": "already_executing", "ConfigCorrupt": "configuration_corrupt",
}  # fmt: skip
QUALIFIERS: Final = {
    "1-Byte Start/Stop": 0x00, "2-Byte Start/Stop": 0x01, "All Objects": 0x06, "1-Byte Count": 0x07, "2-Byte Count": 0x08,
    "1-Byte Count and Index": 0x17, "2-Byte Count and Index": 0x28,
}  # fmt: skip


@dataclass(slots=True)
class Header:
    """An object header, and its points as they are told: number and text."""

    text: str
    points: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class Fragment:
    """A fragment of the application layer, as the test program decoded it."""

    sent: bool
    function: int
    first: bool
    final: bool
    unsolicited: bool
    sequence: int
    indications: frozenset[str]
    headers: list[Header] = field(default_factory=list)


def _rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    text = read(expected(path) / "opendnp3-conformance" / "log.html.gz")
    for kind, content in ROW.findall(text):
        yield kind, [html.unescape(re.sub(r"\s+", " ", cell)).strip() for cell in CELL.findall(content)]


def fragments(path: Path) -> list[Fragment]:
    """All fragments in the order of the log."""
    found: list[Fragment] = []
    for kind, (_, arrow, text) in _rows(path):
        if "data-level-4" not in kind:
            continue
        if arrow and (parts := FRAGMENT.fullmatch(text)):
            code, first, final, _, unsolicited, sequence, names = parts.groups()
            indications = frozenset(INDICATIONS[name] for name in (names or "").split(", ") if name)
            sent = arrow == "--A->"
            bits = [bit == "1" for bit in (first, final, unsolicited)]
            found.append(Fragment(sent, int(code, 16), *bits, int(sequence, 16), indications))
        elif parts := POINT.fullmatch(text):
            found[-1].headers[-1].points.append((int(parts[1]), parts[2]))
        elif parts := HEADER.fullmatch(text):
            group, variation, name, start, stop, number = parts.groups()
            limits = (int(start), int(stop)) if start else None
            count = int(number) if number else None
            found[-1].headers.append(Header(header_text(int(group), int(variation), QUALIFIERS[name], limits, count)))
        else:
            found[-1].headers[-1].points.append((0, text))
    return found
