"""Secrets that lie across TCP segments go from every frame that has a part of them, and nothing else does."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from sensor.evidence.layers import layers
from sensor.evidence.masks import Masked, masked
from sensor.evidence.streams import runs, splits
from tests.robustness.frames import Frame, checksum, write
from tests.sensor.cli.run import fieldtap
from tests.sensor.evidence.test_masks import CASES, TCP, dnp3, pseudo, sums_up

CLIENT, SERVER = (b"\x0a\0\0\1", 40_000), (b"\x0a\0\0\2", 21)
Side = tuple[bytes, int]


def segment(payload: bytes, sequence: int = 1, sides: tuple[Side, Side] = (CLIENT, SERVER), flags: int = 0x18) -> bytes:
    """An Ethernet frame with right checksums, filled up to sixty bytes as a card does."""
    (source, port), (target, to) = sides
    tcp = struct.pack(">HHIIBBHHH", port, to, sequence % 2**32, 1, 0x50, flags, 1000, 0, 0)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(payload), 1, 0, 64, TCP, 0, source, target)
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    total = struct.pack(">H", checksum(pseudo(ip, TCP, tcp + payload)) or 0xFFFF)
    return (b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\x00" + ip + tcp[:16] + total + tcp[18:] + payload).ljust(60, b"\0")


def hidden(frames: Sequence[bytes]) -> list[Masked]:
    found = [(frame, layers(1, frame)) for frame in frames]
    across = splits(found)
    return [masked(frame, one, across.get(index)) for index, (frame, one) in enumerate(found)]


def payload_of(frame: bytes) -> bytes:
    one = layers(1, frame)
    return frame[one.payload : one.end]


SPLIT = [(payload, secret) for payload, secret, kind, _ in CASES if kind == TCP]


@pytest.mark.parametrize(("payload", "secret"), SPLIT, ids=range(len(SPLIT)))
@pytest.mark.parametrize("before", [b"", b"\x01\x02\x03binary", b"220 ready\r\n"])
def test_a_secret_that_is_cut_anywhere_is_gone_from_both_parts(payload: bytes, secret: bytes, before: bytes) -> None:
    wanted = payload.replace(secret, b"x" * len(secret))
    for cut in range(1, len(payload)):
        frames = [segment(before, 1)] if before else []
        at = 1 + len(before)
        frames += [segment(payload[:cut], at), segment(payload[cut:], at + cut)]
        made = hidden(frames)
        found = b"".join(payload_of(one.data) for one in made)
        assert len(found) == at - 1 + len(payload)
        assert bytes(b if b == a else 0x78 for a, b in zip(before + wanted, found, strict=True)) == found, "what changed became a mask"
        more = [a for a, b in zip(before + wanted, found, strict=True) if a != b]
        assert bytes(more).strip() in b"Basic ", "a part alone hides at most the word before the secret"
        assert all(sums_up(one.data[: layers(1, one.data).end], TCP) for one in made), cut
        assert sum(one.bytes for one in made) == len(secret) + len(more)
        assert [one.data[:34] for one in made] == [frame[:34] for frame in frames]
        assert [one.data[layers(1, one.data).end :].strip(b"\0") for one in made] == [b""] * len(made)


def test_order_twins_retransmissions_and_the_other_direction_do_not_matter() -> None:
    parts = [(b"USER bob\r\nPA", 1), (b"SS hun", 13), (b"ter2", 19), (b"\r\nLIST\r\n", 23)]
    frames = [segment(text, at) for text, at in parts]
    again = segment(b"unter2\r\n", 17)
    answer = segment(b"331 tell me\r\n", 9_000, (SERVER, CLIENT))
    made = hidden([frames[2], answer, frames[0], again, frames[3], frames[1], frames[1], segment(b"", 31)])
    assert [payload_of(one.data) for one in made] == [
        b"xxxx", b"331 tell me\r\n", b"USER bob\r\nPA", b"xxxxxx\r\n", b"\r\nLIST\r\n", b"SS xxx", b"SS xxx", b"",
    ]  # fmt: skip
    assert made[1].data == answer


def test_sequence_numbers_that_begin_anew_are_followed() -> None:
    first = 2**32 - 15
    made = hidden([segment(b"USER bob\r\nPASS h", first), segment(b"unter2\r\n", first + 16)])
    assert [payload_of(one.data) for one in made] == [b"USER bob\r\nPASS x", b"xxxxxx\r\n"]


def test_a_new_connection_between_the_same_ports_is_another_stream() -> None:
    old = [segment(b"", 100, flags=2), segment(b"PASS hunter2", 101)]
    new = [segment(b"", 113, flags=2), segment(b"harmless\r\n", 113)]
    assert [payload_of(one.data) for one in hidden([*old, *new])] == [b"", b"PASS xxxxxxx", b"", b"harmless\r\n"]


def test_a_gap_parts_a_stream_and_filling_bytes_are_none_of_it() -> None:
    frames = [segment(b"ab", 1), segment(b"cd", 3), segment(b"ef", 9)]
    assert [run.data for run in runs([(frame, layers(1, frame)) for frame in frames])] == [b"abcd", b"ef"]


@pytest.mark.parametrize("function", [b"\x1d", b"\x81\x00\x00"])
def test_a_dnp3_password_that_is_split_goes_and_its_checksums_fit(function: bytes) -> None:
    def request(key: bytes, password: bytes) -> bytes:
        body = struct.pack("<HHHH", 12, 5, 17, len(password)) + key + b"smith" + password
        return dnp3(b"\xc0\xc1" + function + b"\x46\x02\x5b\x01" + struct.pack("<H", len(body)) + body)

    before, after = dnp3(b"\xc0\xc1\x01\x3c\x02\x06"), dnp3(b"\xc0\xc2\x01\x3c\x02\x06")
    payload = before + request(b"\x01\x02\x03\x04", b"hunter2-hunter2-hunter2") + after
    wanted = before + request(b"xxxx", b"x" * 23) + after
    for cut in range(len(before), len(payload) - len(after) + 1):
        made = hidden([segment(payload[:cut], 1), segment(payload[cut:], 1 + cut)])
        assert b"".join(payload_of(one.data) for one in made) == wanted, cut
        assert sum(one.bytes for one in made) == 27
        assert all(sums_up(one.data[: layers(1, one.data).end], TCP) for one in made), cut


POLICY = """fieldtap: 1
zones: {a: {level: 1, networks: [10.0.0.1/32]}, b: {level: 1, networks: [10.0.0.2/32]}}
conduits: [{id: c, from: b, to: a, allow: [{protocol: ssh}]}]
"""


def test_no_part_of_a_split_password_is_in_a_pack(tmp_path: Path) -> None:
    frames = [segment(b"", 0, flags=2), segment(b"", 0, (SERVER, CLIENT), 0x12), segment(b"", 1, flags=0x10)]
    frames += [segment(b"USER bob\r\nPASS hun", 1), segment(b"ter2\r\n", 19), segment(b"230 in\r\n", 1, (SERVER, CLIENT))]
    capture, policy = tmp_path / "made.pcap", tmp_path / "p.yml"
    write(capture, [Frame(time=10**18 + 10**6 * at, data=frame) for at, frame in enumerate(frames)])
    policy.write_text(POLICY)
    packed = {}
    for name, options in (("masked", ()), ("raw", ("--raw-evidence",))):
        done = fieldtap(tmp_path, "evidence", "pack", capture, "--zones", policy, "-o", tmp_path / f"{name}.zip", *options)
        assert done.code == 0, done.err
        with zipfile.ZipFile(tmp_path / f"{name}.zip") as pack:
            slices = [entry for entry in pack.namelist() if entry.endswith(".pcap")]
            packed[name] = b"".join(pack.read(entry) for entry in slices)
    assert b"PASS hun" in packed["raw"]
    assert b"ter2" in packed["raw"]
    assert b"PASS xxx" in packed["masked"]
    assert b"xxxx\r\n" in packed["masked"]
    assert b"ter2" not in packed["masked"]
