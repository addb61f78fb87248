"""A capture cut off anywhere, and streams cut into segments anywhere (STYLE.md, 17)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from dissectors import CaptureError
from tests.robustness.frames import Frame, read, segment, split, to_bytes, write
from tests.robustness.runs import SWEPT, Run, answered, more_than, run, without_numbers

MAX_CUTS = 144
"""A file of so many bytes is cut at every one."""
LONG = 64 * 1024
"""Of such files fewer places are looked at."""
MAX_FRAMES = 1_500
"""Frames that are split at each byte."""


def cuts(length: int) -> Iterator[int]:
    """Every byte of a short file; of a longer one the first and last and some in between, always the same."""
    if length <= MAX_CUTS:
        yield from range(length)
        return
    edge = 48 if length < LONG else 16
    between = random.Random(length).sample(range(edge, length - edge), 24)
    yield from (*range(edge), *sorted(between), *range(length - edge, length))


def test_a_capture_cut_anywhere_gives_what_stands_before_the_cut(small_capture: Path, tmp_path: Path) -> None:
    data = small_capture.read_bytes()
    whole = run(small_capture)
    place = tmp_path / "cut.pcap"
    seen = 0
    for end in cuts(len(data)):
        place.write_bytes(data[:end])
        try:
            part = run(place)
        except CaptureError:
            assert end < 64, end
            assert seen == 0
            continue
        (capture,) = part.result["captures"]
        assert seen <= capture["packets"] <= whole.result["captures"][0]["packets"]
        seen = capture["packets"]
        assert_part_of(part, whole)
        assert not part.result["errors"]
        assert set(capture["anomalies"]) <= {"capture_truncated"} | set(whole.result["captures"][0]["anomalies"])
    place.write_bytes(data[:-1])
    assert run(place).result["captures"][0]["anomalies"].get("capture_truncated") == 1


def assert_part_of(part: Run, whole: Run) -> None:
    """What the cut capture says, the whole one says as well; what had no answer yet is not known."""
    complete = {answered(line) for line in whole.lines}
    for line in part.lines:
        if line["request"] is None or line["response"] is None:
            assert line["outcome"]["result"] in ("unknown", "unanswered", "accepted", "rejected")
        elif line["protocol"] in SWEPT and line["outcome"]["result"] != "unknown":
            assert answered(line) in complete


def test_the_cut_is_told_with_its_place(tmp_path: Path, plant: list[Frame]) -> None:
    data = to_bytes(plant[:50])
    place = tmp_path / "cut.pcap"
    start = 24
    for number, frame in enumerate(plant[:50]):
        for inside in (1, 15, 16, 16 + len(frame.data) - 1):
            place.write_bytes(data[: start + inside])
            result = run(place).result
            (capture,) = result["captures"]
            assert capture["packets"] == number
            assert capture["anomalies"] == {"capture_truncated": 1}
            assert capture["anomaly_offsets"] == {"capture_truncated": start}
        start += 16 + len(frame.data)


def test_streams_cut_into_segments_at_each_byte_say_the_same(small_capture: Path, tmp_path: Path) -> None:
    """Each payload is split in two at byte k for k = 1, 2, … until no payload is longer, and once into single bytes."""
    frames = read(small_capture)[:MAX_FRAMES]
    frames = [frame for frame in frames if frame.link == frames[0].link]
    whole = run(write(tmp_path / "whole.pcap", frames))
    for pieces in resegmented(frames):
        again = run(write(tmp_path / "split.pcap", pieces))
        if readable(whole):
            assert comparable(again) == comparable(whole)
        elif not whole.ledger["time_jumps"]:
            complete = [answered(line) for line in again.spoken() if line["request"] and line["response"]]
            assert not more_than(complete, [answered(line) for line in whole.spoken()])


def resegmented(frames: list[Frame]) -> Iterator[list[Frame]]:
    """The same streams, cut in all the ways that this test looks at."""
    longest = max((place.length for place in map(segment, frames) if place is not None), default=0)
    for cut in range(1, min(longest, 300)) if len(frames) < 200 else (1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 13, 17, 100):
        yield [piece for frame in frames for piece in split(frame, [cut])]
    if len(frames) < 600:
        yield [piece for frame in frames for piece in split(frame, range(1, 300))]


def readable(whole: Run) -> bool:
    """Streams that are there and can be read. Where bytes are missing or unreadable, the next message is searched for, and the ends of
    segments help to find it; where capture time jumps by hours, a hundred packets have to confirm it."""
    ledger = whole.ledger
    return not (whole.loose or ledger["gap_bytes"] or ledger["conflicts"] or ledger["time_jumps"] or ledger["set_aside_packets"])


def comparable(result: Run) -> list[object]:
    """Transactions without numbers of packets. A connection that nobody claims is told when recognition has given up, which takes some
    segments; so those are left out."""
    return [without_numbers(line) for line in result.spoken()] + [result.loose]
