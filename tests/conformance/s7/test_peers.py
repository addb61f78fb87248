"""Every open capture of S7comm, S7comm-plus and mixed plants: our messages against those of other decoders (STYLE.md, 24)."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from sensor.pipeline import ReplayConfig, replay
from tests import corpus
from tests.conformance import messages
from tests.conformance.decisions import Decisions
from tests.conformance.s7 import messages as s7

DECISIONS: Final = Decisions(Path(__file__).with_name("decisions.yml"))
LEAST: Final = 80
"""Captures that were here when this was written."""
SNAP7: Final = "s7comm/cisagov+icsnpp-s7comm__snap7.pcap"
IDENTITY: Final = "s7comm/cisagov+icsnpp-s7comm__s7ident.pcap"
PLUS: Final = "s7commplus/cisagov+icsnpp-s7comm__s7comm_plus.pcap"
ATTACKER: Final = "10.10.10.66"


def each(*folders: str) -> pytest.MarkDecorator:
    return messages.each([name for name in s7.names() if name.partition("/")[0] in folders] or ["-"])


def test_the_corpus_is_here() -> None:
    if corpus.folder() is None:
        pytest.skip(f"{LEAST} open captures are not compared: no corpus (set FIELDTAP_CORPUS)")
    assert len(s7.names()) >= LEAST


def need_tshark() -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")


@each("s7comm", "s7commplus", "mixed_plant")
def test_functions_are_those_of_tshark(name: str) -> None:
    """By frame: function, group and sub-function, acknowledgements."""
    path = corpus.named(name)
    need_tshark()
    DECISIONS.hold(path, "tshark", s7.function_differences(path, s7.tshark(path)))


@each("s7comm", "s7commplus", "mixed_plant")
def test_fields_are_those_of_tshark(name: str) -> None:
    """By frame: number of items, service, status list."""
    path = corpus.named(name)
    need_tshark()
    DECISIONS.hold(path, "tshark fields", s7.field_differences(path, s7.tshark(path)))


@each("s7commplus", "mixed_plant")
def test_messages_of_s7commplus_are_those_in_the_bytes(name: str) -> None:
    """By frame: operation code and function, told from the bytes by a reader that knows frames and nothing else."""
    path = corpus.named(name)
    need_tshark()
    theirs = Counter({(frame, what.replace("0x02 ", "0x32 ")): count for (frame, what), count in s7.tshark_plus(path).items()})
    ours = s7.plus_functions(path)
    differences = [f"{frame} ours {what}" for frame, what in (ours - theirs).elements()]
    differences += [f"{frame} theirs {what}" for frame, what in (theirs - ours).elements()]
    DECISIONS.hold(path, "bytes", differences)


@each("s7commplus")
def test_bodies_of_s7commplus_are_read_to_their_end(name: str) -> None:
    """Over all open captures no body is unreadable, and every response's integrity number is the sum that it has to be."""
    path = corpus.named(name)
    wrong = [(line["request"], line["response"], line["anomalies"]) for line in s7.lines(path) if line["anomalies"]]
    assert not wrong
    assert all(line["function"]["name"] for line in s7.lines(path))


def reference(line: s7.Line) -> str:
    """The PDU reference as Zeek reads it: the low byte first."""
    number: int = line["s7comm"]["pdu_reference"]
    return str(int.from_bytes(number.to_bytes(2), "little"))


@pytest.mark.parametrize("name", [SNAP7, IDENTITY, PLUS])
def test_zeek_logs_the_same_messages(name: str) -> None:
    """s7comm.log: direction, PDU reference, function; group and sub-function of userdata; service; error."""
    path = corpus.named(name)
    rows = messages.zeek_log(path, "s7comm")
    assert rows
    theirs = Counter((row["is_orig"], row["pdu_reference"], row["function_code"], row["subfunction_code"]) for row in rows)
    ours: Counter[tuple[str | None, ...]] = Counter()
    for line in s7.lines(path):
        if s7.is_message(line):
            ours.update((flag(side), reference(line), *zeek_function(line, side)) for side in logged(line))
    differences = [f"ours {' '.join(map(str, row))}" for row in (ours - theirs).elements()]
    differences += [f"theirs {' '.join(map(str, row))}" for row in (theirs - ours).elements()]
    DECISIONS.hold(path, "zeek", differences)


def logged(line: s7.Line) -> Iterator[str]:
    """The sides of a transaction that Zeek logs. It leaves out acknowledgements that carry nothing but a refusal (ROSCTR 2)."""
    bare = line["outcome"]["result"] == "rejected" and line["function"]["code"] not in (4, 5, 7)
    yield from (side for side, _ in s7.halves(line) if side == "request" or not bare)


def flag(side: str) -> str:
    return "T" if side == "request" else "F"


def zeek_function(line: s7.Line, side: str) -> tuple[str | None, str | None]:
    code, sub = line["function"]["code"], line.get("sub_function")
    if code == 7:
        return f"{(0x40 if side == 'request' else 0x80) | sub['group']:#04x}", f"{sub['code']:#04x}"
    service = line["s7comm"].get("service") if code == 0x28 and side == "request" else None
    return f"{code:#04x}", service


def test_zeek_reads_the_same_status_lists() -> None:
    """s7comm_read_szl.log: list and index. It logs only some of the responses; each row that it has is ours."""
    path = corpus.named(SNAP7)
    rows = messages.zeek_log(path, "s7comm_read_szl")
    assert rows
    ours = Counter()
    for line in s7.lines(path):
        own = line["s7comm"]
        if "szl_id" in own:
            for side, _ in s7.halves(line):
                ours[side.title(), reference(line), f"{own['szl_id']:#06x}", f"{own['szl_index']:#06x}"] += 1
    theirs = Counter((row["method"] or "", row["pdu_reference"] or "", row["szl_id"] or "", row["szl_index"] or "") for row in rows)
    assert not theirs - ours


def test_zeek_sees_the_same_transfers() -> None:
    """s7comm_upload_download.log: a row a message; session, length, file, block."""
    path = corpus.named(SNAP7)
    rows = messages.zeek_log(path, "s7comm_upload_download")
    assert rows
    theirs = Counter((row["pdu_reference"], row["is_orig"], row["function_name"]) for row in rows)
    ours: Counter[tuple[str | None, ...]] = Counter()
    files, lengths = set(), set()
    for line in s7.lines(path):
        if line["function"]["code"] in range(0x1A, 0x20):
            ours.update((reference(line), flag(side), line["function"]["name"].replace("_", " ").title()) for side in logged(line))
            own = line["s7comm"]
            files |= {(own["file"], f"{own['block_number']:05d}")} if "file" in own else set()
            lengths |= {str(own["block_length"])} if "block_length" in own else set()
    assert ours == theirs
    assert files == {(row["filename"], row["block_number"]) for row in rows if row["filename"]}
    assert lengths == {row["blocklength"] for row in rows if row["blocklength"]}


def test_zeek_knows_the_same_device() -> None:
    """s7comm_known_devices.log: names, serial number, plant."""
    path = corpus.named(IDENTITY)
    (row,) = messages.zeek_log(path, "s7comm_known_devices") or []
    document = replay(ReplayConfig(captures=[path], keep=False, threads=1)).to_dict()
    said = json.dumps(document["assets"])
    for name in ("automation_system_name", "module_name", "module_serial"):
        assert row[name] is not None
        assert row[name] in said, name


def test_zeek_logs_the_same_connections() -> None:
    """cotp.log: connection requests and confirmations (that data packets come is told by what they carry)."""
    path = corpus.named(IDENTITY)
    rows = messages.zeek_log(path, "cotp")
    assert rows
    theirs = Counter((row["is_orig"], row["pdu_code"]) for row in rows if row["pdu_code"] != "0x0f")
    ours: Counter[tuple[str | None, str | None]] = Counter()
    for line in s7.lines(path):
        if line["function"]["name"] == "cotp_connect":
            ours.update((flag(side), "0x0e" if side == "request" else "0x0d") for side, _ in s7.halves(line))
    assert ours == theirs


def test_zeek_logs_the_same_messages_of_s7commplus() -> None:
    """s7comm_plus.log: direction, version, operation code, function."""
    path = corpus.named(PLUS)
    rows = messages.zeek_log(path, "s7comm_plus")
    assert rows
    theirs = Counter((row["is_orig"], row["version"], row["opcode"], row["function_code"]) for row in rows)
    ours: Counter[tuple[str | None, ...]] = Counter()
    for line in s7.lines(path):
        if line["protocol"] == "s7commplus":
            code, version = line["function"]["code"], str(line["s7commplus"]["version"])
            for side, _ in s7.halves(line):
                opcode = "0x33" if code == 0x33 else "0x31" if side == "request" else "0x32"
                ours[flag(side), version, opcode, None if code == 0x33 else f"{code:#06x}"] += 1
    assert ours == theirs


def labels(name: str) -> Iterator[tuple[int, str, str]]:
    """Labelled frames of a QUT capture: number, scapy's summary, phase."""
    folder = messages.expected(corpus.named(name)) / "labels"
    for place in (*folder.glob("*.csv"), *folder.glob("*.csv.gz")):
        text = (gzip.decompress(place.read_bytes()) if place.suffix == ".gz" else place.read_bytes()).decode()
        yield from ((int(row[0]), row[1], row[2]) for row in csv.reader(text.splitlines()) if row)


QUT: Final = [name for name in s7.names() if "2017QUT" in name and ".master." in name]


@pytest.mark.parametrize("name", QUT or ["-"], ids=[name.rpartition("__")[2] for name in QUT] or ["-"])
def test_the_phases_of_the_qut_attacks_are_found(name: str) -> None:
    """Each labelled frame that carries data is a request of the attacker's that we tell, and each of its writes is labelled."""
    path = corpus.named(name)
    labelled = {frame for frame, said, _ in labels(name) if "Raw" in said}
    assert labelled
    by_attacker = [line for line in s7.lines(path) if line["client"]["ip"] == ATTACKER and line["request"]]
    asked: dict[int, Any] = {line["request"]["packet"]: line for line in by_attacker}
    assert labelled <= set(asked)
    writes = {frame for frame, line in asked.items() if line["access"] == "write"}
    assert writes <= labelled
    assert all(asked[frame]["points"] for frame in labelled)


def test_the_flood_of_the_qut_attacks_raises_an_alert() -> None:
    """The longest phase is 18,905 writes in 83 seconds; the others are a few writes of a station that policy does not know."""
    (name,) = [name for name in QUT if "ChangeUpperThreshold_Flooding" in name] or ["-"]
    document = replay(ReplayConfig(captures=[corpus.named(name)], keep=False, threads=1)).to_dict()
    assert "Flood of S7 writes" in {finding["title"] for finding in document["findings"] if finding["kind"] == "alert"}
