"""The published conformance tests of opendnp3: every fragment that the test program decoded, against our transactions of the same run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests import corpus
from tests.conformance.decisions import Decisions
from tests.conformance.dnp3 import messages
from tests.conformance.dnp3.logs import Fragment, fragments
from tests.conformance.dnp3.messages import Fold, Message, plain
from tests.conformance.messages import Line, each, expected

NAMES = [name for name in Path(__file__).with_name("captures.txt").read_text(encoding="utf-8").split() if "conformance" in name]
DECISIONS = Decisions(Path(__file__).with_name("decisions.yml"))
QUALITY: Final = {
    "online": 0x01, "restart": 0x02, "communication_lost": 0x04, "remote_forced": 0x08, "local_forced": 0x10, "chatter_filter": 0x20,
    "over_range": 0x20, "rollover": 0x20, "reserved_5": 0x20, "reference_error": 0x40, "discontinuity": 0x40, "reserved_6": 0x40,
    "reserved_7": 0x80,
}  # fmt: skip
STATES: Final = {1: 7, 2: 7, 3: 6, 4: 6, 10: 7, 11: 7}
"""Groups whose value stands in the flags, from this bit on."""
Point = tuple[str, int, str]


def logged(name: str) -> tuple[Path, list[Fragment]]:
    path = corpus.named(name)
    if not (expected(path) / "opendnp3-conformance" / "log.html.gz").exists():
        pytest.skip("no log beside it")
    return path, fragments(path)


def folded(said: Iterable[Fragment]) -> Iterator[str]:
    """The log's fragments as our transactions tell them."""
    fold = Fold()
    for place, one in enumerate(said):
        source, target = ("master", "outstation") if one.sent else ("outstation", "master")
        told = tuple(header.text for header in one.headers)
        message = Message(place, one.function, one.sequence, None, told, one.indications)
        points = [header.points for header in one.headers]
        fold.add(message, (source,), (target,), unsolicited=one.unsolicited, first=one.first, final=one.final, points=points)
    return (text(message) for message in fold.finish().messages)


def text(message: Message) -> str:
    """`<function> [<indications>]: <headers>`."""
    names = f" {', '.join(sorted(message.names))}" if message.names else ""
    return f"{message.code}{names}: {'; '.join(map(plain, message.headers))}".rstrip(": ")


@each(NAMES)
def test_fragments_are_those_of_the_log(name: str) -> None:
    """Function, indications by name, object headers; what differs is decided."""
    path, said = logged(name)
    ours = Counter(text(message) for message in messages.ours(path) if message.code < messages.LINK)
    theirs = Counter(folded(said))
    differences = [f"ours {one}" for one in (ours - theirs).elements()] + [f"theirs {one}" for one in (theirs - ours).elements()]
    DECISIONS.hold(path, "opendnp3-conformance", differences)


def logged_points(said: Iterable[Fragment]) -> Iterator[Point]:
    """Object, number and text of each point in a response, times of events resolved."""
    for one in said:
        common = 0
        for header in one.headers if one.function >= messages.RESPONSE else ():
            name = header.text.split()[0]
            if name.startswith("g51"):
                common = int(header.points[0][1].removeprefix("time: "))
            elif not name.startswith(("g50", "g52")):
                yield from ((name, index, resolved(told, common)) for index, told in header.points)


def resolved(told: str, common: int) -> str:
    """A point's text with its time instead of the time since the common one."""
    found = re.search(r"cto: (\d+)", told)
    return told if found is None else f"{told[: found.start()]}time: {common + int(found[1])}"


def repeats(line: Line) -> int:
    """How often a report was sent again."""
    return int(line["dnp3"].get("retries", 0)) if line["function"]["code"] == messages.UNSOLICITED else 0


def our_points(line: Line) -> Iterator[Point]:
    """The same of a transaction (what a request writes is no point of its response)."""
    for point in line["points"]:
        name = point.get("object", "g80v1")
        if name == "g80v1" or point["values"] is None:
            continue
        for place, value in enumerate(point["values"]):
            yield name, point["first"] + place, point_text(point, int(name[1 : name.index("v")]), value)


def point_text(point: Line, group: int, value: Any) -> str:
    """A point in the log's words."""
    if "control_code" in point:
        times = f"onTime: {point['on_time_ms']} offTime: {point['off_time_ms']}"
        return f"code: {point['control_code']} count: {point['count']} {times} status: {point['status']['code']}"
    if group == 41:
        return f"value: {value} status: {point['status']['code']}"
    flags = sum(QUALITY[name] for name in point.get("quality", ())) | (int(value) << STATES[group] if group in STATES else 0)
    time = f" time: {point['time_ms']}" if "time_ms" in point else ""
    word = "" if group in STATES else f" {'count' if group in range(20, 24) else 'value'}: {value}"
    return f"flags: 0x{flags:02X}{word}{time}"


@each(NAMES)
def test_points_are_those_of_the_log(name: str) -> None:
    """Each point of each response: number, flags, value, time; and commands with their status."""
    path, said = logged(name)
    answered = [line for line in messages.lines(path) if line["response"] is not None]
    ours = Counter(point for line in answered for point in our_points(line) for _ in range(1 + repeats(line)))
    theirs = Counter(logged_points(said))
    differences = [f"ours {one}" for one in (ours - theirs).elements()] + [f"theirs {one}" for one in (theirs - ours).elements()]
    DECISIONS.hold(path, "opendnp3-conformance points", differences)
