"""Published logs of Zeek, ICSNPP and Suricata-verify, line by line and field by field (PROTOCOLS.md, 1.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests import corpus
from tests.conformance.decisions import Decisions
from tests.conformance.dnp3 import messages
from tests.conformance.dnp3.messages import CONFIRM, LINK, UNSOLICITED, header_text, plain
from tests.conformance.messages import Line, each, expected, read, zeek_log

DECISIONS: Final = Decisions(Path(__file__).with_name("decisions.yml"))
NAMES: Final = Path(__file__).with_name("captures.txt").read_text(encoding="utf-8").split()
ZEEK: Final = [name for name in NAMES if "/zeek+zeek__" in name]
ICSNPP: Final = "dnp3/cisagov+icsnpp-dnp3__dnp3_example.pcap"
EVE: Final = "dnp3/OISF+suricata-verify__dnp3-eve_input.pcap"


def differences(ours: Counter[Any], theirs: Counter[Any]) -> list[str]:
    return [f"ours {text}" for text in (ours - theirs).elements()] + [f"theirs {text}" for text in (theirs - ours).elements()]


def events(name: str) -> tuple[Path, list[list[str]]]:
    """What Zeek's test printed for each event."""
    path = corpus.named(name)
    places = list(expected(path).glob("zeek_*/output"))
    if not places:
        pytest.skip("Zeek published no events of it")
    return path, [line.split(", ") for line in read(places[0]).splitlines() if line.startswith("dnp3_")]


@each(ZEEK)
def test_zeek_sees_the_same_fragments(name: str) -> None:
    """Each request and response event: function, and indications. Confirmations and repeats are counted as our transactions tell them."""
    path, said = events(name)
    theirs: Counter[str] = Counter()
    for line in said:
        if line[0] == "dnp3_application_request_header":
            theirs[line[3]] += 1
        elif line[0] == "dnp3_application_response_header":
            theirs[f"{line[3]} {int(line[4]):04x}"] += 1
    del theirs[str(CONFIRM)]
    ours = Counter(text for line in messages.lines(path) for text in fragment_texts(line))
    DECISIONS.hold(path, "zeek", differences(ours, theirs))


def fragment_texts(line: Line) -> Iterator[str]:
    """A transaction's fragments in Zeek's words, as often as they were sent."""
    code, own = line["function"]["code"], line["dnp3"]
    if code >= LINK:
        return
    times = 1 + own.get("retries", 0)
    if line["request"] is not None:
        yield from [str(code)] * times
    if line["response"] is not None:
        fragments = own.get("fragments", 1) if code != UNSOLICITED else times
        yield from [f"{messages.response_code(line)} {own['iin_code']:04x}"] * fragments


@each(ZEEK)
def test_zeek_sees_the_same_objects(name: str) -> None:
    """Each object header: group, variation, qualifier, and how many objects."""
    path, said = events(name)
    theirs: Counter[str] = Counter()
    for line in said:
        if line[0] == "dnp3_object_header":
            group, variation = divmod(int(line[2]), 256)
            theirs[f"g{group}v{variation} {int(line[3]):02x} {line[4]}"] += 1
    ours = Counter(
        f"{text.split()[0]} {text.split()[1]} {number_of(text)}"
        for line in messages.lines(path) for text in headers_of(line) for _ in range(1 + line["dnp3"].get("retries", 0))
    )  # fmt: skip
    DECISIONS.hold(path, "zeek objects", differences(ours, theirs))


def headers_of(line: Line) -> list[str]:
    own = line["dnp3"]
    return messages.headers([*own.get("request_objects", ()), *own.get("response_objects", ())])


def number_of(text: str) -> int:
    """How many objects a header has."""
    _, _, *place = text.split()
    if not place:
        return 0
    first, _, last = place[0].removeprefix("#").partition("-")
    return int(last) - int(first) + 1 if last else int(first)


ZEEK_NAMES: Final = {"stop_application": "STOP_APPL", "start_application": "START_APPL", "direct_operate_no_ack": "DIRECT_OPERATE_NR"}
REPLIES: Final = {129: "RESPONSE", 130: "UNSOLICITED_RESPONSE", 131: "AUTHENTICATE_RESP"}


@each([*ZEEK, ICSNPP])
def test_zeek_logs_the_same_pairs(name: str) -> None:
    """dnp3.log: request, reply, indications, a line for each reply. A report has no request there or a stale one, so it has none here."""
    path = corpus.named(name)
    rows = zeek_log(path, "dnp3")
    if rows is None:
        pytest.skip("no log")
    theirs = Counter(logged_pair(row) for row in rows if row["fc_reply"] is not None)
    ours = Counter(pair for line in messages.lines(path) for pair in our_pairs(line))
    DECISIONS.hold(path, "zeek log", differences(ours, theirs))


def logged_pair(row: Mapping[str, str | None]) -> str:
    asked = row["fc_request"] if row["fc_reply"] == "RESPONSE" else None
    return f"{asked} {row['fc_reply']} {row['iin']}"


def our_pairs(line: Line) -> Iterator[str]:
    code, own = line["function"]["code"], line["dnp3"]
    if code >= LINK or line["response"] is None:
        return
    name = None if line["request"] is None else str(line["function"]["name"])
    asked = None if name is None else ZEEK_NAMES.get(name, name.upper())
    times = own.get("fragments", 1) if code != UNSOLICITED else 1 + own.get("retries", 0)
    for number in range(times):
        yield f"{None if number else asked} {REPLIES[messages.response_code(line)]} {own['iin_code']}"


OBJECTS: Final = {
    "Class 0 Data": "g60v1", "Class 1 Data": "g60v2", "Class 2 Data": "g60v3", "Class 3 Data": "g60v4", "Binary Input With Status": "g1v2",
    "Binary Output Status": "g10v2", "16-Bit Analog Input": "g30v2", "16-Bit Analog Output Status": "g40v2",
}  # fmt: skip


def test_icsnpp_objects_are_ours() -> None:
    """dnp3_objects: objects of reads and responses, with count and range."""
    path = corpus.named(ICSNPP)
    rows = zeek_log(path, "dnp3_objects")
    assert rows
    theirs: Counter[str] = Counter()
    for row in rows:
        name = OBJECTS[str(row["object_type"])]
        limits = f" {row['range_low']}-{row['range_high']}" if row["range_low"] is not None else ""
        theirs[f"{row['function_code']} {name}{limits}"] += 1
    ours = Counter(
        f"{half} {text.split()[0]}{' ' + text.split()[2] if len(text.split()) > 2 else ''}"
        for line in messages.lines(path) if line["function"]["code"] == 1
        for half, part in (("READ", "request_objects"), ("RESPONSE", "response_objects"))
        for text in messages.headers(line["dnp3"].get(part, ()))
    )  # fmt: skip
    DECISIONS.hold(path, "icsnpp objects", differences(ours, theirs))


def test_icsnpp_controls_are_ours() -> None:
    """dnp3_control: each relay command with its operation, count, times and, in a response, status."""
    path = corpus.named(ICSNPP)
    rows = zeek_log(path, "dnp3_control")
    assert rows
    keys = ("index_number", "trip_control_code", "operation_type", "clear_bit", "execute_count", "on_time", "off_time", "status_code")
    theirs = Counter(" ".join([str(row["function_code"]), *(str(row[key]) for key in keys)]).lower() for row in rows)
    ours = Counter(text.lower() for line in messages.lines(path) for text in control_texts(line))
    DECISIONS.hold(path, "icsnpp control", differences(ours, theirs))


def control_texts(line: Line) -> Iterator[str]:
    for point in line["points"]:
        if "control_code" in point:
            clear = "T" if point["clear"] else "F"
            words = (point["first"], point["trip_close"], point["operation"].replace("_", " "), clear, point["count"], point["on_time_ms"])
            fixed = " ".join(map(str, (*words, point["off_time_ms"])))
            yield f"{line['function']['name']} {fixed} None"
            if line["response"] is not None:
                yield f"RESPONSE {fixed} {point['status']['name'].replace('_', ' ')}"


SURICATA: Final = [name for name in NAMES if name.rpartition("__")[2] in (
    "dnp3-eve_input.pcap", "dnp3_en_spon.pcap", "dnp3_file_del.pcap", "dnp3_file_read.pcap",
    "dnp3_select_operate.pcap", "dnp3_write.pcap",
)]  # fmt: skip


def suricata(path: Path, test: str) -> list[Mapping[str, Any]]:
    """The filters of one of Suricata's tests."""
    text = next(expected(path).glob(f"suricata-verify_dnp3_{test}/test.yaml")).read_text(encoding="utf-8")
    return [check["filter"] for check in yaml.safe_load(text)["checks"] if "filter" in check]


@each(SURICATA)
def test_suricata_tells_the_same(name: str) -> None:
    """Every DNP3 event that Suricata's tests ask for: addresses, function, indications, object headers."""
    path = corpus.named(name)
    tests = [place.name.partition("_dnp3_")[2] for place in sorted(expected(path).glob("suricata-verify_*"))]
    matches = [one["match"] for test in tests for one in suricata(path, test)]
    asked = [match for match in matches if match.get("event_type") == "dnp3" and "pcap_cnt" in match]
    theirs = Counter(text for match in asked for text in event_texts(match))
    ours = Counter(text for line in messages.lines(path) for text in our_event(line))
    DECISIONS.hold(path, "suricata", differences(ours, theirs))


def event_texts(match: Mapping[str, Any]) -> Iterator[str]:
    """An event as texts: one for the fragment (confirmations aside), one for each object header. (Its packet is often a later one, at which
    Suricata saw the segment acknowledged, so it isn't compared.)"""
    own = {key.removeprefix("dnp3."): value for key, value in match.items()}
    code = own["application.function_code"]
    if code == CONFIRM:
        return
    head = f"{own['src']}>{own['dst']} {code}"
    yield " ".join([head, *sorted(value for key, value in own.items() if key.startswith("iin.indicators"))])
    for place in range(sum(key.endswith("].group") for key in own)):
        names = ("group", "variation", "qualifier", "start", "stop", "count")
        group, variation, qualifier, start, stop, number = (own[f"application.objects[{place}].{name}"] for name in names)
        limits = (start, stop) if qualifier & 15 < 3 else None
        count = number if limits is None and qualifier & 15 != 6 else None
        yield f"{head} {plain(header_text(group, variation, qualifier, limits, count))}"


def our_event(line: Line) -> Iterator[str]:
    """The same of a transaction."""
    own, code = line["dnp3"], line["function"]["code"]
    master, _, outstation = line["unit"].partition(">")
    if line["request"] is not None and code < LINK:
        head = f"{master}>{outstation} {code}"
        yield head
        yield from (f"{head} {plain(text)}" for text in messages.headers(own.get("request_objects", ())))
    if line["response"] is not None and code < LINK:
        head = f"{outstation}>{master} {messages.response_code(line)}"
        yield " ".join([head, *sorted(own["iin"])])
        yield from (f"{head} {plain(text)}" for text in messages.headers(own.get("response_objects", ())))


def test_suricata_keywords() -> None:
    """The counts that Suricata's own tests ask of its rules, asked of our transactions in the same words."""
    ours = messages.lines(corpus.named(EVE))
    reports = [line for line in ours if line["function"]["code"] == UNSOLICITED]
    answers = [line for line in ours if line["response"] is not None]
    assert sum(line["function"]["code"] == 21 for line in ours) == 1, "dnp3_func:21"
    assert sum("device_restart" in line["dnp3"]["iin"] for line in answers) == 2, "dnp3.ind:device_restart"
    assert sum(line["dnp3"]["iin_code"] != 0 for line in answers) == 2, "dnp3.ind:!0"
    assert sum("need_time" in line["dnp3"]["iin"] for line in answers) == 0, "dnp3.ind:need_time"
    assert sum(has(line, "g22v1") for line in answers) == 4, "dnp3_obj:22,1"
    assert sum(has(line, "g29v1") for line in answers) == 0, "dnp3_obj:29,1"
    assert sum(begins(line, "g2v1 28 #1") for line in reports) == 4, "dnp3_data |02 01 28 01 00|"


def has(line: Line, name: str) -> bool:
    return any(entry["object"] == name for entry in line["dnp3"].get("response_objects", ()))


def begins(line: Line, header: str) -> bool:
    return header in messages.headers(line["dnp3"].get("response_objects", ()))


def test_suricata_events_are_anomalies() -> None:
    """A fragment that never ends is given up with an anomaly, as Suricata's event says."""
    name = "dnp3/OISF+suricata-verify__dnp3-too-long-reassembly-request_input.pcap"
    assert flow_anomalies(name) == {"too_long_reassembly": 1}


def flow_anomalies(name: str) -> dict[str, int]:
    from dissectors import Engine

    path, found = corpus.named(name), Counter[str]()
    for batch in Engine(follow=True, threads=1, digest=False).replay(path):
        found.update(fact.name for fact in batch if fact.kind == "anomaly")
    return dict(found)
