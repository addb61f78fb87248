"""Lost, doubled and shuffled frames: the ledger says what happened, and no transaction is invented."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sensor.clock import SECOND
from sensor.pipeline import ReplayConfig, replay
from tests.robustness.frames import Frame, segment, write
from tests.robustness.runs import Line, Run, answered, asked, more_than, run_frames

MS = 1_000_000
PORTS = {102, 502, 4_840, 20_000}


def assert_nothing_invented(damaged: Run, whole: Run) -> None:
    """Every request was there before, every outcome is the same or not known, and no anomaly came from what the capture lacks."""
    before, after = whole.spoken(), damaged.spoken()
    asking = [line for line in after if line["request"] is not None]
    assert not more_than(map(asked, asking), map(asked, before)), "requests that nobody sent"
    complete = [answered(line) for line in after if line["request"] and line["response"]]
    assert not more_than(complete, map(answered, before)), "exchanges that did not happen"
    known = {name for line in before for name in line["anomalies"]}
    assert {name for line in after for name in line["anomalies"]} <= known
    assert not more_than(damaged.loose, whole.loose)
    units = {(line["flow"], line["unit"]) for line in before}
    assert {(line["flow"], line["unit"]) for line in after if line["unit"] is not None} <= units
    for line in after:
        assert_weaker(line)


def assert_weaker(line: Line) -> None:
    """Without its response an outcome isn't known; without its request nothing is claimed about what was asked."""
    if line["response"] is None:
        assert line["outcome"]["result"] in ("unknown", "unanswered"), line
        assert line["latency_ns"] is None
        assert all(point["values"] is None for point in line["points"] if point["access"] == "read"), line
    if line["request"] is None:
        assert line["latency_ns"] is None


def missing_bytes(whole: Sequence[Frame], kept: Sequence[Frame]) -> int:
    """Bytes of streams that lie between what was kept (from the first seen, or the SYN, to the last byte or FIN) and are not in it."""
    return sum(len(_covered(whole, flow) & _span(kept, flow)) - len(_covered(kept, flow) & _span(kept, flow)) for flow in _directions(kept))


def _directions(frames: Sequence[Frame]) -> set[tuple[object, object]]:
    return {(place.source, place.target) for place in map(segment, frames) if place is not None}


def _pieces(frames: Sequence[Frame], flow: tuple[object, object]) -> list[tuple[int, int, int]]:
    places = [place for place in map(segment, frames) if place is not None and (place.source, place.target) == flow]
    return [(place.sequence + bool(place.flags & 2), place.length, place.flags) for place in places]


def _covered(frames: Sequence[Frame], flow: tuple[object, object]) -> set[int]:
    return {byte for first, length, _ in _pieces(frames, flow) for byte in range(first, first + length)}


def _span(frames: Sequence[Frame], flow: tuple[object, object]) -> set[int]:
    ends = [(first, first + length) for first, length, flags in _pieces(frames, flow)]
    return set(range(min(first for first, _ in ends), max(end for _, end in ends)))


def rest_of_messages(whole: Sequence[Frame], gone: set[int]) -> int:
    """Bytes that are there of messages of which a segment is gone. A message ends with the segment that is pushed."""
    messages: dict[tuple[object, object], list[list[tuple[int, int]]]] = {}
    for number, place in enumerate(map(segment, whole)):
        if place is not None and place.length:
            flow = messages.setdefault((place.source, place.target), [[]])
            flow[-1].append((number, place.length))
            if place.flags & 8:
                flow.append([])
    broken = [message for flow in messages.values() for message in flow if any(number in gone for number, _ in message)]
    return sum(length for message in broken for number, length in message if number not in gone)


@pytest.mark.parametrize(("lost", "seed"), [(1, 1), (1, 2), (5, 3), (20, 4), (100, 5), (400, 6)])
def test_lost_frames_are_gaps_and_nothing_else(plant: list[Frame], plant_run: Run, tmp_path: Path, lost: int, seed: int) -> None:
    loaded = [number for number, frame in enumerate(plant) if (place := segment(frame)) and place.length]
    lost = min(lost, len(loaded) // 3)
    gone = set(random.Random(seed).sample(loaded, lost))
    kept = [frame for number, frame in enumerate(plant) if number not in gone]
    damaged = run_frames(tmp_path, kept)
    assert damaged.ledger["gap_bytes"] == missing_bytes(plant, kept)
    assert damaged.ledger["packets"] == plant_run.ledger["packets"] - lost
    assert damaged.ledger["undecoded_bytes"] <= plant_run.ledger["undecoded_bytes"] + rest_of_messages(plant, gone)
    assert_nothing_invented(damaged, plant_run)


@pytest.mark.parametrize("kept_side", ["client", "server"])
def test_one_direction_alone_gives_transactions_with_unknown_outcome(
    plant: list[Frame], plant_run: Run, tmp_path: Path, kept_side: str
) -> None:
    def is_kept(frame: Frame) -> bool:
        place = segment(frame)
        port = place and (place.target if kept_side == "client" else place.source)[1]
        return place is None or not {place.source[1], place.target[1]} & PORTS or port in PORTS

    damaged = run_frames(tmp_path, [frame for frame in plant if is_kept(frame)])
    spoken = damaged.spoken()
    half = "request" if kept_side == "client" else "response"
    assert len(spoken) == len([line for line in plant_run.spoken() if line[half]])
    if kept_side == "client":
        assert all(line["response"] is None and line["outcome"]["result"] == "unknown" for line in spoken)
    else:
        assert all(line["request"] is None for line in spoken)
    known = {name for line in plant_run.spoken() for name in line["anomalies"]}
    assert not [line for line in spoken if set(line["anomalies"]) - known]
    assert damaged.ledger["one_way"] > 0
    assert damaged.ledger["gap_bytes"] == 0
    assert_nothing_invented(damaged, plant_run)


def vlan(frame: Frame) -> Frame:
    return replace(frame, data=frame.data[:12] + b"\x81\x00\x00\x2a" + frame.data[12:], wire=None)


def hop(frame: Frame) -> Frame:
    """What a router sends on: another TTL, and a header checksum to match."""
    from tests.robustness.frames import checksum

    data = bytearray(frame.data)
    data[22] -= 1
    data[24:26] = b"\0\0"
    data[24:26] = checksum(bytes(data[14 : 14 + (data[14] & 15) * 4])).to_bytes(2)
    return replace(frame, data=bytes(data))


def stations(frame: Frame) -> Frame:
    return replace(frame, data=bytes([frame.data[0] ^ 2]) + frame.data[1:6] + bytes([frame.data[6] ^ 2]) + frame.data[7:])


@pytest.mark.parametrize("change", [vlan, hop, stations], ids=["vlan", "ttl", "mac"])
def test_a_second_look_at_the_same_frame_changes_nothing(plant: list[Frame], plant_run: Run, tmp_path: Path, change) -> None:
    doubled, count = [], 0
    for frame in plant:
        doubled.append(frame)
        if frame.data[12:14] == b"\x08\x00":
            doubled.append(replace(change(frame), time=frame.time + 20_000))
            count += 1
    again = run_frames(tmp_path, doubled)
    assert sum(again.result["packets"]["duplicates"].values()) == count
    assert again.ledger["retransmitted_packets"] == plant_run.ledger["retransmitted_packets"]
    assert sorted(map(answered, again.spoken())) == sorted(map(answered, plant_run.spoken()))


def test_the_same_bytes_once_more_are_twins_only_with_evidence(plant: list[Frame], plant_run: Run, tmp_path: Path) -> None:
    """Frame by frame the same bytes: where the sender counts its IP identification up, that proves it; elsewhere they stay in, and TCP
    knows them as retransmissions."""
    doubled = [copy for frame in plant for copy in (frame, replace(frame, time=frame.time + 20_000))]
    again = run_frames(tmp_path, doubled)
    twins = sum(again.result["packets"]["duplicates"].values())
    loaded = sum(1 for frame in plant if (place := segment(frame)) and place.length)
    assert twins + again.ledger["retransmitted_packets"] >= loaded
    assert sorted(map(answered, again.spoken())) == sorted(map(answered, plant_run.spoken()))


@pytest.mark.parametrize("seed", range(6))
def test_shuffled_within_a_tenth_of_a_second(plant: list[Frame], plant_run: Run, tmp_path: Path, seed: int) -> None:
    """Frames overtake each other, of one direction or of both."""
    noise = random.Random(seed)
    order = sorted(range(len(plant)), key=lambda number: plant[number].time + noise.randrange(100 * MS))
    shuffled = [replace(plant[number], time=plant[place].time) for place, number in enumerate(order)]
    damaged = run_frames(tmp_path, shuffled)
    before = plant_run.spoken()
    assert not more_than(map(asked, (line for line in damaged.spoken() if line["request"])), map(asked, before))
    complete = [answered(line) for line in damaged.spoken() if line["request"] and line["response"]]
    assert not more_than(complete, map(answered, before))
    assert damaged.ledger["packets"] == plant_run.ledger["packets"]
    assert damaged.ledger["payload_bytes"] == plant_run.ledger["payload_bytes"]
    assert damaged.ledger["conflicts"] == 0


def polls(client: list[bytes], server: list[bytes], seconds: int) -> list[tuple[int, Frame]]:
    """A Modbus poll a second, with acknowledgements: which side sent a frame, and the frame."""
    sent, at = [], 1_700_000_000 * SECOND
    asked, answered = 1_000, 5_000
    for turn in range(seconds):
        question = struct.pack(">HHHBBHH", turn, 0, 6, 1, 3, 0, 2)
        answer = struct.pack(">HHHBBBHH", turn, 0, 7, 1, 3, 4, turn, 2)
        sent.append((0, tcp(at, client, server, asked, answered, question)))
        asked += len(question)
        sent.append((1, tcp(at + 10_000_000, server, client, answered, asked, answer)))
        answered += len(answer)
        sent.append((0, tcp(at + 20_000_000, client, server, asked, answered, b"")))
        at += SECOND
    return sent


def tcp(at: int, source: list[bytes], target: list[bytes], sequence: int, acknowledged: int, payload: bytes) -> Frame:
    (source_ip, source_port), (target_ip, target_port) = source, target
    segment = source_port + target_port + struct.pack(">IIBBHHH", sequence, acknowledged, 0x50, 0x18, 8192, 0, 0) + payload
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), sequence & 0xFFFF, 0, 64, 6, 0) + source_ip + target_ip
    return Frame(time=at, data=b"\x00\x01\x02\x03\x04\x05" * 2 + b"\x08\x00" + header + segment)


@pytest.mark.parametrize(("lost", "missing"), [(0, 200 * 12), (1, 200 * 13)])
def test_a_direction_that_vanishes_midway_is_counted_to_the_byte_and_told(tmp_path: Path, lost: int, missing: int) -> None:
    client, server = [b"\x0a\x00\x00\x01", b"\x9c\x40"], [b"\x0a\x00\x00\x02", b"\x01\xf6"]
    frames = [frame for number, (side, frame) in enumerate(polls(client, server, 300)) if side != lost or number < 300]
    if lost == 0:
        frames.append(tcp(1_700_000_300 * SECOND, server, client, 5_000 + 300 * 13, 1_000 + 300 * 12, b""))
    result = replay(ReplayConfig(captures=[write(tmp_path / "vanished.pcap", frames)], keep=False))
    (conversation,) = result.conversations
    assert conversation[f"from_{('client', 'server')[lost]}"]["gap_bytes"] == missing
    (told,) = [finding for finding in result.findings if finding.statement.reason == "vanished"]
    (example,) = told.to_dict()["detail"]["examples"]
    assert (example["no_longer_seen"], example["missing_bytes"]) == (("client", "server")[lost], missing)
