"""What a report says was not seen equals what was taken away, pair by pair; and it then refuses to say that there was nothing."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sensor.reports.build import report_of
from sensor.reports.coverage import Coverage, share
from sensor.reports.merging import merged
from sensor.reports.model import NONE_SEEN, NOT_STATED, VIOLATIONS
from tests.robustness.frames import Frame, read, segment, write
from tests.sensor.cli.run import NORMAL, policy
from tests.sensor.reports.made import MADE, chapter, judged, normal, pair

HMI, PLC = b"\x0a\x14\x03\x05", b"\x0a\x14\x01\x0b"


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return read(NORMAL)


def between(frame: Frame, one: bytes, other: bytes) -> bool:
    place = segment(frame)
    return place is not None and {place.source[0], place.target[0]} == {one, other}


def payloads(frames: Sequence[Frame], source: bytes, target: bytes) -> list[int]:
    """Indices of segments with payload from one to the other."""
    found = []
    for index, frame in enumerate(frames):
        place = segment(frame)
        if place is not None and place.length and (place.source[0], place.target[0]) == (source, target):
            found.append(index)
    return found


def test_a_clean_capture_is_stated_clean(tmp_path: Path, frames: list[Frame]) -> None:
    whole = chapter(tmp_path, frames)
    assert whole.statement.result == NONE_SEEN, whole.statement
    assert {one.result for one in whole.matrix if one.coverage.flows} == {NONE_SEEN}
    assert whole.coverage.gap_bytes == whole.coverage.half == whole.coverage.duplicates == 0


@pytest.mark.parametrize("step", [3, 7])
def test_lost_bytes_are_those_that_were_taken_away(tmp_path: Path, frames: list[Frame], step: int) -> None:
    answers = payloads(frames, PLC, HMI)[2:-2:step]
    lost = sum(place.length for index in answers if (place := segment(frames[index])) is not None)
    found = chapter(tmp_path, [frame for index, frame in enumerate(frames) if index not in set(answers)])
    seen = pair(found, "operations", "cell")
    assert (seen.coverage.gap_bytes, seen.coverage.gaps) == (lost, len(answers))
    assert pair(found, "engineering", "cell").coverage.gap_bytes == 0, "the other pair lost nothing"
    assert seen.result == NOT_STATED
    assert any("of payload is missing" in what for what in seen.because)
    assert found.statement.result == NOT_STATED
    assert not found.violations


def test_a_missing_direction_is_that_of_the_flows_that_lack_it(tmp_path: Path, frames: list[Frame]) -> None:
    flows = {frozenset((place.source, place.target)) for frame in frames if between(frame, HMI, PLC) and (place := segment(frame))}

    def kept(frame: Frame) -> bool:
        place = segment(frame)
        return place is None or (place.source[0], place.target[0]) != (PLC, HMI)

    found = chapter(tmp_path, [frame for frame in frames if kept(frame)])
    seen = pair(found, "operations", "cell")
    assert seen.coverage.half == len(flows)
    assert seen.coverage.both_ways == 1 - len(flows) / seen.coverage.flows
    assert seen.result == found.statement.result == NOT_STATED
    assert any(f"{share(seen.coverage.both_ways)} of flows were seen both ways" in what for what in seen.because)
    conduit = next(one for one in found.conduits if one.id == "operations-to-cell")
    assert (conduit.coverage.half, conduit.result) == (len(flows), NOT_STATED)


def test_frames_shown_twice_are_counted_and_change_nothing_else(tmp_path: Path, frames: list[Frame]) -> None:
    def again(frame: Frame) -> Frame:
        return replace(frame, time=frame.time + 1_000, data=frame.data[:12] + struct.pack(">HH", 0x8100, 7) + frame.data[12:], wire=None)

    mirrored = set(payloads(frames, HMI, PLC)[:25])
    doubled = [twin for index, frame in enumerate(frames) for twin in ((frame, again(frame)) if index in mirrored else (frame,))]
    whole, found = chapter(tmp_path, frames), chapter(tmp_path, doubled)
    seen = pair(found, "operations", "cell")
    assert seen.coverage.duplicates == len(mirrored) == found.packets["duplicates"]
    assert (seen.seen, seen.result) == (pair(whole, "operations", "cell").seen, NONE_SEEN)
    assert found.statement.result == NONE_SEEN


def test_sums_of_the_pairs_are_the_ledger(tmp_path: Path, frames: list[Frame]) -> None:
    broken = [frame for index, frame in enumerate(frames) if index % 11]
    found = chapter(tmp_path, broken)
    ledger = judged(tmp_path / "made.pcap").engine["ledger"]
    total = sum((one.coverage for one in found.matrix), Coverage())
    assert total == found.coverage
    assert total.gap_bytes == ledger["gap_bytes"] > 0
    assert (total.gaps, total.midstream) == (ledger["gaps"], ledger["midstream"])


def pcapng(frames: Sequence[Frame], dropped: int) -> bytes:
    """These frames with the statistics of an interface that lost some."""

    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    made = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack("<HHIHHB3x", 1, 0, 0, 9, 1, 9))
    for frame in frames:
        head = struct.pack("<IIIII", 0, frame.time >> 32, frame.time & 0xFFFFFFFF, len(frame.data), len(frame.data))
        made += block(6, head + frame.data)
    time = frames[-1].time
    return made + block(5, struct.pack("<III", 0, time >> 32, time & 0xFFFFFFFF) + struct.pack("<HHQHH", 5, 8, dropped, 0, 0))


def cut_short(content: bytes) -> bytes:
    return content[:-9]


@pytest.mark.parametrize(
    ("dropped", "damage", "because"),
    [(0, None, None), (1, None, None), (40, None, "the capturing host lost"), (0, cut_short, "it ends in the middle of a record")],
)
def test_what_the_capturing_host_lost_is_stated(
    tmp_path: Path, frames: list[Frame], dropped: int, damage: Callable[[bytes], bytes] | None, because: str | None
) -> None:
    content = pcapng(frames, dropped)
    path = tmp_path / "made.pcapng"
    path.write_bytes(damage(content) if damage else content)
    report = report_of(judged(path), "")
    (found,) = report.chapters
    assert found.captures[0].dropped == found.packets["dropped"] == (0 if damage else dropped)
    if because is None:
        assert report.statement.result == NONE_SEEN, report.statement
    else:
        assert report.statement.result == NOT_STATED
        assert any(because in what for what in report.statement.because), report.statement.because


def test_shares_are_never_rounded_to_nothing_or_all() -> None:
    assert [share(part) for part in (None, 0, 1, 0.0001, 0.99999, 0.5)] == ["–", "0 %", "100 %", "< 0.1 %", "> 99.9 %", "50.0 %"]


def test_violations_over_what_was_seen_badly_are_not_said_to_be_all(tmp_path: Path, frames: list[Frame]) -> None:
    """The historian may not be there; of its answers a third is gone."""
    zones = tmp_path / "p.yml"
    zones.write_text(policy().read_text().replace("from: [hmi, historian]", "from: hmi"))
    answers = [index for client in (b"\x0a\x14\x03\x06",) for index in payloads(frames, PLC, client)[2:-2:3]]
    made = write(tmp_path / "made.pcap", [frame for index, frame in enumerate(frames) if index not in set(answers)])
    (found,) = report_of(judged(made, zones=zones), "").chapters
    seen = pair(found, "operations", "cell")
    assert seen.result == found.statement.result == VIOLATIONS
    assert any("of payload is missing" in what for what in seen.because)
    assert any(what.startswith("operations to cell: ") and "of payload is missing" in what for what in found.statement.because)


def test_lines_that_stand_on_one_line_are_counted_apart_and_an_occurrence_once(tmp_path: Path) -> None:
    zones = tmp_path / "p.yml"
    zones.write_text(
        "fieldtap: 1\nzones: {a: {level: 2, networks: [10.20.3.0/24, 10.20.4.0/24]}, b: {level: 1, networks: [10.20.1.0/24]}}\nconduits:\n"
        "  - {id: c, from: a, to: b, allow: [{protocol: modbus, access: read}, {protocol: modbus, access: write}, "
        "{protocol: modbus, access: [read, identify], units: [1]}]}\n"
    )
    (found,) = report_of(judged(NORMAL, zones=zones), "").chapters
    (conduit,) = found.conduits
    read, written, first = (line.seen for line in conduit.lines)
    assert 0 < written < first < read
    assert conduit.seen == pair(found, "a", "b").seen
    assert conduit.seen < read + written + first
    twice = merged([found, found])
    assert [line.seen for line in twice.conduits[0].lines] == [2 * read, 2 * written, 2 * first]


def test_what_cannot_be_violated_is_said_so(tmp_path: Path) -> None:
    """Traffic inside a zone that allows everything, and assets of which the policy knows nothing."""
    site = tmp_path / "site.yml"
    site.write_text("fieldtap: 1\nzones: {office: {level: 4, networks: [172.31.0.0/16]}}\n")
    said = report_of(judged(NORMAL, zones=site), MADE).statement
    assert said.result == NONE_SEEN
    assert "all traffic stayed inside zones in which it allows everything" in said.text
    assert re.search(r" \d+ assets that were heard stand in no zone of the policy\.$", said.text)
    assert normal().statement.text.endswith("at or above the thresholds of this report.")
