"""DNP3 as bytes (IEEE 1815-2012), for what no stack sends: link frames with CRCs, transport segments, application fragments, objects."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Final

MASTER: Final = 0xC4
"""Link control octet of a master's unconfirmed user data (9.2.4.1.3): DIR, PRM, function 4."""
OUTSTATION: Final = 0x44
"""The same of an outstation."""
REQUEST_LINK_STATUS: Final = 0xC9
BROADCAST: Final = 0xFFFF
"""To all outstations, which need no confirmation (9.2.4.2)."""

CONFIRM, READ, WRITE, SELECT, OPERATE, DIRECT_OPERATE, DIRECT_OPERATE_NO_ACK = range(7)
FREEZE, COLD_RESTART, INITIALIZE, START, STOP, SAVE, ENABLE, DISABLE, ASSIGN = 7, 13, 16, 17, 18, 19, 20, 21, 22
OPEN, CLOSE, DELETE, FILE_INFO, AUTHENTICATE, ABORT, ACTIVATE, AUTHENTICATION = 25, 26, 27, 28, 29, 30, 31, 32
RESPONSE, UNSOLICITED, AUTHENTICATION_RESPONSE = 129, 130, 131

FIRST, FINAL, CONFIRMED, UNASKED = 0x80, 0x40, 0x20, 0x10
"""Bits of the application control octet (4.2.2.3)."""


def crc(data: bytes) -> bytes:
    """The link layer's check of a block (9.2.4.3): x16+x13+x12+x11+x10+x8+x6+x5+x2+1, reflected and inverted, low octet first."""
    value = 0
    for octet in data:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ (0xA6BC if value & 1 else 0)
    return (value ^ 0xFFFF).to_bytes(2, "little")


def frame(control: int, destination: int, source: int, data: bytes = b"") -> bytes:
    """A link frame: header, and data in blocks of 16, each with its CRC."""
    header = bytes((5, 0x64, 5 + len(data), control)) + destination.to_bytes(2, "little") + source.to_bytes(2, "little")
    blocks = [data[at : at + 16] for at in range(0, len(data), 16)]
    return header + crc(header) + b"".join(block + crc(block) for block in blocks)


def segments(fragment: bytes, first: int) -> Iterator[bytes]:
    """Transport segments of a fragment (8.2), at most 249 octets of it each, numbered from `first`."""
    pieces = [fragment[at : at + 249] for at in range(0, len(fragment), 249)] or [b""]
    for number, piece in enumerate(pieces):
        yield bytes(((0x80 if number == len(pieces) - 1 else 0) | (0x40 if number == 0 else 0) | (first + number) % 64,)) + piece


class Speaker:
    """One end of an association: keeps the transport's numbers."""

    def __init__(self, control: int, source: int, destination: int) -> None:
        self.control, self.source, self.destination = control, source, destination
        self.numbers = count()

    def frames(self, fragment: bytes, destination: int | None = None) -> bytes:
        """A fragment as link frames, one after another."""
        told = self.destination if destination is None else destination
        pieces = list(segments(fragment, next(self.numbers) % 64))
        for _ in pieces[1:]:
            next(self.numbers)
        return b"".join(frame(self.control, told, self.source, piece) for piece in pieces)


def request(sequence: int, function: int, *objects: bytes, control: int = FIRST | FINAL) -> bytes:
    """A request's fragment."""
    return bytes((control | sequence & 15, function)) + b"".join(objects)


def response(sequence: int, *objects: bytes, function: int = RESPONSE, indications: int = 0, control: int = FIRST | FINAL) -> bytes:
    """A response's fragment; `indications` has IIN1 in its low octet."""
    return bytes((control | sequence & 15, function)) + indications.to_bytes(2, "little") + b"".join(objects)


def everything(group: int, variation: int) -> bytes:
    """All objects (qualifier 6)."""
    return bytes((group, variation, 6))


def ranged(group: int, variation: int, start: int, stop: int, data: bytes = b"") -> bytes:
    """A range with one-octet numbers (qualifier 0)."""
    return bytes((group, variation, 0, start, stop)) + data


def counted(group: int, variation: int, data: bytes, number: int = 1) -> bytes:
    """So many objects without numbers (qualifier 7)."""
    return bytes((group, variation, 7, number)) + data


def indexed(group: int, variation: int, *points: tuple[int, bytes]) -> bytes:
    """Objects with their numbers of two octets (qualifier 0x28)."""
    data = b"".join(index.to_bytes(2, "little") + value for index, value in points)
    return bytes((group, variation, 0x28)) + len(points).to_bytes(2, "little") + data


def sized(group: int, variation: int, data: bytes) -> bytes:
    """One object with its size before it (qualifier 0x5B), as files and authentication have it."""
    return bytes((group, variation, 0x5B, 1)) + len(data).to_bytes(2, "little") + data


def crob(code: int, *, times: int = 1, on: int = 500, off: int = 500, status: int = 0) -> bytes:
    """A control relay output block (g12v1)."""
    return bytes((code, times)) + on.to_bytes(4, "little") + off.to_bytes(4, "little") + bytes((status,))


def time48(milliseconds: int) -> bytes:
    """DNP3 time: milliseconds since 1970 in six octets."""
    return milliseconds.to_bytes(6, "little")
