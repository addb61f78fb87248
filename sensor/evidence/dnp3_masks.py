"""Passwords and keys of DNP3's file authentication (IEEE 1815-2012, A.25.2, g70v2), whose frames carry a checksum every sixteen bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

_START: Final = b"\x05\x64"
_AUTHENTICATE, _RESPONSE = 29, 129
_OBJECTS: Final = {_AUTHENTICATE: 3, _RESPONSE: 5}
"""Where the objects begin behind transport header, control and function (and indications)."""
_HEADER, _BLOCK, _CHECKSUM = 10, 16, 2
_MOST_FRAMES: Final = 64


class Block(NamedTuple):
    """Bytes of a frame under one checksum, which stands at `end`."""

    first: int
    end: int


def blocks(payload: bytes) -> Iterator[Sequence[Block]]:
    """The data blocks of each link frame that stands whole in a payload, from its beginning on."""
    at = 0
    for _ in range(_MOST_FRAMES):
        if payload[at : at + 2] != _START or at + _HEADER > len(payload):
            return
        left, place, found = payload[at + 2] - 5, at + _HEADER, []
        while left > 0:
            kept = min(left, _BLOCK)
            found.append(Block(place, place + kept))
            left, place = left - kept, place + kept + _CHECKSUM
        if place > len(payload):
            return
        yield found
        at = place


def split_at(payload: bytes) -> int | None:
    """Where the last link frame of a payload begins, if it goes on beyond its end; None where none does."""
    at = 0
    while payload[at : at + 2] == _START or (at + 1 == len(payload) and payload[at:] == _START[:1]):
        if at + 3 > len(payload):
            return at
        left = max(payload[at + 2] - 5, 0)
        end = at + _HEADER + left + -(-left // _BLOCK) * _CHECKSUM
        if end > len(payload):
            return at
        at = end
    return None


def secrets(payload: bytes) -> Iterator[int]:
    """Places of the bytes to be masked."""
    for frame in blocks(payload):
        places = [place for block in frame for place in range(block.first, block.end)]
        data = bytes(payload[place] for place in places)
        for at in _object(data):
            yield places[at]


def _object(data: bytes) -> Iterator[int]:
    begin = _OBJECTS.get(data[2]) if len(data) > 2 else None
    if begin is None or data[begin : begin + 3] != b"\x46\x02\x5b":
        return
    begin += 6  # group, variation, qualifier, one object, its size
    password, length = (int.from_bytes(data[begin + at : begin + at + 2], "little") for at in (4, 6))
    yield from (at for at in range(begin + 8, begin + 12) if at < len(data))  # the key
    yield from (at for at in range(begin + password, begin + password + length) if at < len(data))


def mend(payload: bytearray, changed: set[int]) -> None:
    """Makes the checksums of blocks right in which bytes were changed."""
    for frame in list(blocks(bytes(payload))):
        for block in frame:
            if changed & set(range(block.first, block.end)):
                payload[block.end : block.end + 2] = crc(payload[block.first : block.end]).to_bytes(2, "little")


def crc(data: bytes | bytearray) -> int:
    """DNP3's (IEEE 1815-2012, 9.2.4.3)."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA6BC if value & 1 else value >> 1
    return value ^ 0xFFFF
