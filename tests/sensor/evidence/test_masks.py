"""Secrets go, at equal length and with right checksums; everything else stays."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.evidence.dnp3_masks import crc
from sensor.evidence.frames import frames
from sensor.evidence.layers import layers
from sensor.evidence.masks import masked
from tests.robustness.frames import checksum
from tests.sensor.cli.run import PCAPS

TCP, UDP = 6, 17


def frame(payload: bytes, kind: int = TCP, ports: tuple[int, int] = (40_000, 21)) -> bytes:
    """An Ethernet frame with this payload and right checksums."""
    tcp, udp = struct.pack(">HHIIBBHHH", *ports, 1, 1, 0x50, 0x18, 1000, 0, 0), struct.pack(">HHHH", *ports, 8 + len(payload), 0)
    head = tcp if kind == TCP else udp
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(head) + len(payload), 1, 0, 64, kind, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    at = 16 if kind == TCP else 6
    total = struct.pack(">H", checksum(pseudo(ip, kind, head + payload)) or 0xFFFF)
    return b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\x00" + ip + head[:at] + total + head[at + 2 :] + payload


def pseudo(ip: bytes, kind: int, rest: bytes) -> bytes:
    return ip[12:20] + struct.pack(">HH", kind, len(rest)) + rest


def sums_up(data: bytes, kind: int) -> bool:
    return checksum(pseudo(data[14:34], kind, data[34:])) in (0, 0xFFFF)


CASES = [
    (b"PASS hunter2\r\n", b"hunter2", TCP, (40_000, 21)),
    (b"USER a\r\npass  hunter2\r\n", b"hunter2", TCP, (40_000, 110)),
    (b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic aHVudGVyMg==\r\n\r\n", b"aHVudGVyMg==", TCP, (40_000, 80)),
    (b"GET / HTTP/1.1\r\nCookie: session=hunter2\r\n\r\n", b"session=hunter2", TCP, (40_000, 80)),
    (b"POST /login HTTP/1.1\r\n\r\nuser=a&password=hunter2&x=1", b"hunter2", TCP, (40_000, 80)),
    (b'{"user": "a", "password": "hunter2"}', b"hunter2", TCP, (40_000, 8080)),
    (b"\x30\x26\x02\x01\x01\x04\x07hunter2\xa0\x18", b"hunter2", UDP, (40_000, 161)),
    (
        b"\x03\x00\x00\x25\x02\xf0\x80\x32\x07\x00\x00\x03\x00\x00\x08\x00\x0c\x00\x01\x12\x04\x11\x45\x01\x00\xff\x09\x00\x08hunter22",
        b"hunter22", TCP, (40_000, 102),
    ),
    (
        b"MSGF\0\0\0\0\x01\x00\x44\x01\x01" + struct.pack("<I", 30) + struct.pack("<i", 1) + b"u" + struct.pack("<i", -1)
        + struct.pack("<i", 7) + b"hunter2" + struct.pack("<i", -1), b"hunter2", TCP, (40_000, 4840),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("payload", "secret", "kind", "ports"), CASES, ids=range(len(CASES)))
def test_secrets_are_masked_and_nothing_else(payload: bytes, secret: bytes, kind: int, ports: tuple[int, int]) -> None:
    data = frame(payload, kind, ports)
    assert sums_up(data, kind)
    made = masked(data, layers(1, data))
    assert made.bytes == len(secret)
    assert made.data == made.data[: len(data) - len(payload)] + payload.replace(secret, b"x" * len(secret))
    assert sums_up(made.data, kind)
    changed = [at for at in range(34) if made.data[at] != data[at]]
    assert changed == [], "what stands before the transport stays"


@given(st.binary(min_size=1, max_size=40).filter(lambda secret: not set(secret) & set(b"\r\n \t")), st.booleans())
def test_checksums_fit_for_any_secret(secret: bytes, odd: bool) -> None:
    data = frame((b"a" if odd else b"") + b"\r\nPASS " + secret + b"\r\n")
    made = masked(data, layers(1, data))
    assert made.bytes == len(secret)
    assert sums_up(made.data, TCP)


def test_process_data_stays_as_it_is() -> None:
    for path in (PCAPS / "plant" / "attack.pcapng", PCAPS / "dnp3" / "attack.pcapng", PCAPS / "plant" / "umas.pcap"):
        for one in frames(path):
            assert masked(one.data, layers(one.link, one.data)) == (one.data, 0)


def test_passwords_in_our_own_captures_are_gone_from_slices() -> None:
    """S7 passwords of pcaps/s7/intrusion.pcap, as the wire has them."""
    path: Path = PCAPS / "s7" / "intrusion.pcap"
    found = [(one.data, masked(one.data, layers(one.link, one.data))) for one in frames(path)]
    hidden = [(data, made) for data, made in found if made.bytes]
    assert hidden
    for data, made in hidden:
        assert made.bytes % 8 == 0
        assert b"x" * 8 in made.data
        assert len(made.data) == len(data)


def dnp3(user: bytes) -> bytes:
    """A link frame with right checksums."""
    head = b"\x05\x64" + bytes([len(user) + 5]) + b"\xc4\x0a\x00\x01\x00"
    made = head + crc(head).to_bytes(2, "little")
    for at in range(0, len(user), 16):
        made += user[at : at + 16] + crc(user[at : at + 16]).to_bytes(2, "little")
    return made


@pytest.mark.parametrize("function", [b"\x1d", b"\x81\x00\x00"])
def test_file_passwords_of_dnp3_go_and_its_checksums_fit(function: bytes) -> None:
    def request(key: bytes, password: bytes) -> bytes:
        body = struct.pack("<HHHH", 12, 5, 17, len(password)) + key + b"smith" + password
        return dnp3(b"\xc0\xc1" + function + b"\x46\x02\x5b\x01" + struct.pack("<H", len(body)) + body)

    payload = request(b"\x01\x02\x03\x04", b"hunter2-hunter2-hunter2") + dnp3(b"\xc0\xc1\x01\x3c\x02\x06")
    data = frame(payload, TCP, (40_000, 20_000))
    made = masked(data, layers(1, data))
    wanted = request(b"xxxx", b"x" * 23) + dnp3(b"\xc0\xc1\x01\x3c\x02\x06")
    assert made == (made.data[: -len(payload)] + wanted, 27)
    assert sums_up(made.data, TCP)


def test_dnp3_file_authentication_in_our_captures_is_masked() -> None:
    found = [masked(one.data, layers(one.link, one.data)).bytes for one in frames(PCAPS / "dnp3" / "files.pcap")]
    assert sum(found) > 0
