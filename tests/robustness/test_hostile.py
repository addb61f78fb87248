"""No input is fatal (DESIGN.md, 6): random bytes as captures, as frames, as payloads, as messages."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dissectors import CaptureError
from tests.corpus import PROJECT
from tests.robustness.frames import Frame, read, segment, to_bytes, with_payload
from tests.robustness.hostile import mutated
from tests.robustness.runs import Run, run, run_frames

PLANT = PROJECT / "pcaps" / "plant"
LENIENT = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
LINKS = st.sampled_from([0, 1, 101, 108, 113, 276])


def assert_sound(result: Run) -> None:
    """It came to its end, and the counts agree: what was read was decoded, held back or counted as undecoded."""
    packets = result.result["packets"]
    assert not result.result["errors"]
    assert not {"dissector_panic", "dissector_contract"} & set(result.result["packet_anomalies"])
    assert packets["decoded"] + sum(packets["undecoded"].values()) <= packets["read"] + sum(packets["duplicates"].values())


@LENIENT
@given(
    data=st.binary(max_size=400),
    magic=st.sampled_from([b"", b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x0a\x0d\x0d\x0a", b"\x1f\x8b\x08"]),
)
def test_random_bytes_as_a_capture(tmp_path: Path, data: bytes, magic: bytes) -> None:
    place = tmp_path / "random.pcap"
    place.write_bytes(magic + data)
    try:
        result = run(place)
    except CaptureError:
        return
    assert result.result["captures"]


@LENIENT
@given(frames=st.lists(st.binary(max_size=120), max_size=12), link=LINKS)
def test_random_bytes_as_frames(tmp_path: Path, frames: list[bytes], link: int) -> None:
    made = [Frame(time=1_000_000_000 + n * 1_000_000, data=data, link=link) for n, data in enumerate(frames)]
    if made:
        assert_sound(run_frames(tmp_path, made))


@LENIENT
@given(payloads=st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=12), port=st.sampled_from([502, 20_000]))
def test_random_bytes_as_payload(tmp_path: Path, payloads: list[bytes], port: int) -> None:
    assert_sound(run_frames(tmp_path, conversation(payloads, port)))


LIES = st.sampled_from([0, 0, 0, 0, 1, -1, 60_000])
mbap = st.builds(
    lambda tid, protocol, unit, pdu, lie: struct.pack(">HHHB", tid, protocol, max(0, min(65_535, len(pdu) + 1 + lie)), unit) + pdu,
    st.sampled_from([0, 1, 65_535]), st.sampled_from([0, 0, 0, 1]), st.sampled_from([0, 1, 255]),
    st.builds(lambda code, rest: bytes([code]) + rest, st.integers(0, 255), st.binary(max_size=40)), LIES,
)  # fmt: skip


@LENIENT
@given(payloads=st.lists(mbap, min_size=1, max_size=12))
def test_messages_with_random_content(tmp_path: Path, payloads: list[bytes]) -> None:
    result = run_frames(tmp_path, conversation(payloads, 502))
    assert_sound(result)
    asked = [line for line in result.spoken() if line["request"]]
    assert len(asked) <= sum(len(payload) // 8 for payload in payloads)


def conversation(payloads: list[bytes], port: int) -> list[Frame]:
    """A connection in which client and server say these in turn."""
    ethernet = bytes(5) + b"\x01" + bytes(5) + b"\x02\x08\x00"
    place = [1000, 5000]
    frames = []
    for number, payload in enumerate(payloads):
        side = number % 2
        ends = [(bytes([10, 0, 0, 1]), 40_000), (bytes([10, 0, 0, 2]), port)]
        (source, sport), (target, dport) = ends[side], ends[1 - side]
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 40, number + 1, 0, 64, 6, 0) + source + target
        tcp = struct.pack(">HHIIBBHHH", sport, dport, place[side], place[1 - side], 0x50, 0x18, 8192, 0, 0)
        bare = Frame(time=10**18 + number * 10**7, data=ethernet + ip + tcp)
        where = segment(bare)
        assert where is not None
        frames.append(with_payload(bare, where, payload, 0))
        place[side] += len(payload)
    return frames


@pytest.mark.parametrize("seed", range(30))
def test_mutated_messages(seed: int, tmp_path: Path) -> None:
    capture = ("attack.pcapng", "normal.pcapng", "umas.pcap")[seed % 3]
    frames = mutated(read(PLANT / capture)[:2000], seed)
    result = run_frames(tmp_path, frames)
    assert_sound(result)
    assert result.spoken()


@pytest.mark.parametrize("seed", range(10))
def test_mutated_captures(seed: int, tmp_path: Path) -> None:
    """Record headers, lengths, link headers: anything in the file."""
    import random

    chance = random.Random(seed)
    data = bytearray(to_bytes(read(PLANT / "umas.pcap")) if seed % 2 else (PLANT / "normal.pcapng").read_bytes()[:60_000])
    for _ in range(40):
        data[chance.randrange(len(data))] = chance.randrange(256)
    place = tmp_path / "mutated.pcap"
    place.write_bytes(bytes(data))
    try:
        result = run(place)
    except CaptureError:
        return
    assert result.result["packets"]["read"] >= 0
