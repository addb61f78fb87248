"""What the connections of the benchmark's captures say: requests with their responses."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from itertools import cycle
from typing import Final

Talk = Callable[[], tuple[bytes, bytes]]
"""The next request with its response."""


def modbus_talk(seed: int) -> Talk:
    """A scan list of six reads that goes round, now and then a write or a refusal (Modbus Application Protocol 1.1b3; MBAP 1.0b)."""
    chance = random.Random(seed)
    units = (1,) if seed % 3 else (1, 2, 3)
    scan = cycle([(chance.choice((1, 2, 3, 3, 3, 4)), chance.randrange(0, 4_000, 8), chance.choice((4, 8, 24, 64, 120))) for _ in range(6)])
    count = 0

    def answer(function: int, quantity: int) -> bytes:
        if count % 197 == 0:
            return bytes((function | 0x80, 2))
        size = (quantity + 7) // 8 if function < 3 else 2 * quantity
        return bytes((function, size)) + count.to_bytes(2, "big") * (size // 2) + bytes(size % 2)

    def talk() -> tuple[bytes, bytes]:
        nonlocal count
        count = count + 1 & 0xFFFF
        unit = units[count % len(units)]
        if count % 31 == 0:
            request = response = struct.pack("!BHH", 6, seed % 90, count)
        else:
            function, address, quantity = next(scan)
            request, response = struct.pack("!BHH", function, address, quantity), answer(function, quantity)
        return mbap(count, unit, request), mbap(count, unit, response)

    return talk


def mbap(number: int, unit: int, pdu: bytes) -> bytes:
    """A Modbus message with its header (MBAP)."""
    return struct.pack("!HHHB", number, 0, len(pdu) + 1, unit) + pdu


def _crc_of(octet: int) -> int:
    for _ in range(8):
        octet = octet >> 1 ^ (0xA6BC if octet & 1 else 0)
    return octet


_CRC: Final = tuple(map(_crc_of, range(256)))


def link_frame(control: int, destination: int, source: int, data: bytes) -> bytes:
    """A DNP3 link frame with its CRCs (IEEE 1815, 9.2.4)."""
    blocks = [struct.pack("<BBBBHH", 5, 0x64, 5 + len(data), control, destination, source)]
    blocks += [data[at : at + 16] for at in range(0, len(data), 16)]
    whole = bytearray()
    for block in blocks:
        value = 0
        for octet in block:
            value = value >> 8 ^ _CRC[(value ^ octet) & 0xFF]
        whole += block + (value ^ 0xFFFF).to_bytes(2, "little")
    return bytes(whole)


def dnp3_talk(seed: int, master: int) -> Talk:
    """Polls of the event classes, of which half bring analog events; now and then of all, a control; seldom a restart (IEEE 1815)."""
    chance = random.Random(seed)
    outstation = 2 + seed % 150
    analogs, binaries = chance.randrange(4, 24), chance.randrange(8, 40)
    count = 0

    def integrity() -> bytes:
        values = b"".join(struct.pack("<Bi", 1, (count * 37 + place) % 30_000) for place in range(analogs))
        states = bytes(1 | (count + place & 1) << 7 for place in range(binaries))
        return bytes((30, 1, 0, 0, analogs - 1)) + values + bytes((1, 2, 0, 0, binaries - 1)) + states

    def talk() -> tuple[bytes, bytes]:
        nonlocal count
        count += 1
        head = bytes((0xC0 | count & 63, 0xC0 | count & 15))
        given = b"\x81\0\0"
        if count % 4_999 == 0:
            asked, given = b"\x0d", b"\x81\x80\0\x34\x02\x07\x01\x10\x27"
        elif count % 50 == 0:
            control = struct.pack("<BBBHHBBIIB", 12, 1, 0x28, 1, seed % 8, 0x41, 1, 100, 100, 0)
            asked, given = bytes((5,)) + control, given + control
        elif count % 5:
            asked = b"\x01\x3c\x02\x06\x3c\x03\x06\x3c\x04\x06"
            given += struct.pack("<BBBHHBi", 32, 1, 0x28, 1, count % analogs, 1, count % 30_000) if count % 2 else b""
        else:
            asked, given = b"\x01\x3c\x01\x06", given + integrity()
        return link_frame(0xC4, outstation, master, head + asked), link_frame(0x44, master, outstation, head + given)

    return talk


def s7_talk(seed: int) -> Talk:
    """Reads of a data block (S7 communication over ISO on TCP, RFC 1006)."""
    reference = seed

    def talk() -> tuple[bytes, bytes]:
        nonlocal reference
        reference = reference + 1 & 0xFFFF
        item = struct.pack("!BBBBHHB", 0x12, 10, 0x10, 2, 32, seed % 60 + 1, 0x84) + bytes(3)
        data = struct.pack("!BBH", 0xFF, 4, 256) + reference.to_bytes(2, "big") * 16
        asked = struct.pack("!BBHHHH", 0x32, 1, 0, reference, 14, 0) + b"\x04\x01" + item
        given = struct.pack("!BBHHHHH", 0x32, 3, 0, reference, 2, len(data), 0) + b"\x04\x01" + data
        return _tpkt(asked), _tpkt(given)

    return talk


def s7_plant_talk(seed: int) -> Talk:
    """Lists of one to four items of data blocks that are read, now and then a write; the first exchanges set the connection up."""
    chance = random.Random(seed)
    items = [(chance.randrange(1, 60), chance.randrange(0, 400), chance.choice((4, 16, 32, 64))) for _ in range(chance.randrange(1, 5))]
    called = b"\xc0\x01\x0a\xc1\x02\x01\x00\xc2\x02\x01\x02"
    agreed = b"\xf0\x00\x00\x01\x00\x01\x01\xe0"
    count = 0

    def item(number: int, byte: int, size: int) -> bytes:
        return struct.pack("!BBBBHHB", 0x12, 10, 0x10, 2, size, number, 0x84) + (byte * 8).to_bytes(3, "big")

    def talk() -> tuple[bytes, bytes]:
        nonlocal count
        count = count + 1 & 0xFFFF
        if count == 1:
            return _set_up(b"\xe0\x00\x00\x00\x01\x00" + called), _set_up(b"\xd0\x00\x01\x00\x01\x00" + called)
        if count == 2:
            return _tpkt(_job(1, count, agreed)), _tpkt(_job(3, count, agreed, error=b"\0\0"))
        writes = count % 31 == 0
        chosen = items[:1] if writes else items
        asked = bytes((5 if writes else 4, len(chosen))) + b"".join(item(*one) for one in chosen)
        code = 0 if writes else 0xFF
        data = b"".join(struct.pack("!BBH", code, 4, size * 8) + count.to_bytes(2, "big") * (size // 2) for _, _, size in chosen)
        if writes:
            return _tpkt(_job(1, count, asked, data)), _tpkt(_job(3, count, asked[:2], b"\xff", b"\0\0"))
        return _tpkt(_job(1, count, asked)), _tpkt(_job(3, count, asked[:2], data, b"\0\0"))

    return talk


def _job(kind: int, reference: int, parameters: bytes, data: bytes = b"", error: bytes = b"") -> bytes:
    return struct.pack("!BBHHHH", 0x32, kind, 0, reference, len(parameters), len(data)) + error + parameters + data


def _set_up(body: bytes) -> bytes:
    """A TPKT with a connection request or confirmation (X.224, 13)."""
    return struct.pack("!BBHB", 3, 0, 5 + len(body), len(body)) + body


def _tpkt(pdu: bytes) -> bytes:
    return struct.pack("!BBH", 3, 0, 7 + len(pdu)) + b"\x02\xf0\x80" + pdu


def web_talk(seed: int) -> Talk:
    """TLS records of an office: a short request, a full segment back."""
    noise = random.Random(seed).randbytes(1_400)
    record = b"\x17\x03\x03"

    def talk() -> tuple[bytes, bytes]:
        return record + struct.pack("!H", 120) + noise[:120], record + struct.pack("!H", 1_400) + noise

    return talk
