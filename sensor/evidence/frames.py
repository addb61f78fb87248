"""Frames of a capture file with their numbers, as the engine counts them: what slices are cut from.

pcap and pcapng in both byte orders, plain or gzip or zstd (where Python has it). A damaged file is read as far as it is sound.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

_PCAP: Final = {
    b"\xd4\xc3\xb2\xa1": ("<", 1_000), b"\xa1\xb2\xc3\xd4": (">", 1_000), b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1),
}  # fmt: skip
_PCAPNG: Final = b"\x0a\x0d\x0d\x0a"
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_SECTION, _INTERFACE, _PACKET, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
_RESOLUTION, _OFFSET = 9, 14
_LARGEST: Final = 64 * 1024 * 1024
"""A longer block or frame is no such thing."""


class UnreadableError(Exception):
    """Frames of a capture can't be read again. The text says why."""


class Frame(NamedTuple):
    """A frame: number in its capture (from 1), capture time in ns, link type, its bytes, and how many it had on the wire."""

    number: int
    time: int
    link: int
    data: bytes
    wire: int


class _Interface(NamedTuple):
    link: int
    ticks: int
    offset: int
    snap: int


def frames(path: Path) -> Iterator[Frame]:
    """All frames, in the order of the file. Raises UnreadableError where it is none, or is packed in a way that can't be unpacked."""
    with path.open("rb") as raw:
        begin = raw.read(4)
        raw.seek(0)
        with suppress(EOFError, OSError, gzip.BadGzipFile):  # what was sound was given
            yield from _of(_unpacked(raw, begin, path), path)


def _unpacked(raw: IO[bytes], begin: bytes, path: Path) -> IO[bytes] | gzip.GzipFile:
    if begin[:2] == _GZIP:
        return gzip.GzipFile(fileobj=raw)
    return _zstd(raw, path) if begin == _ZSTD else raw


def _zstd(raw: IO[bytes], path: Path) -> IO[bytes]:
    from importlib import import_module

    for name in ("compression.zstd", "backports.zstd"):
        with suppress(ImportError):
            opened: IO[bytes] = import_module(name).ZstdFile(raw)
            return opened
    raise UnreadableError(f"{path}: cutting slices from zstd needs Python 3.14 or the package backports.zstd; or unpack it first: zstd -d")


def _of(file: IO[bytes] | gzip.GzipFile, path: Path) -> Iterator[Frame]:
    magic = file.read(4)
    if magic in _PCAP:
        return _pcap(file, *_PCAP[magic])
    if magic == _PCAPNG:
        return _pcapng(file)
    raise UnreadableError(f"{path}: no capture file")


def _pcap(file: IO[bytes] | gzip.GzipFile, order: str, unit: int) -> Iterator[Frame]:
    head = file.read(20)
    if len(head) < 20:
        return
    link = struct.unpack(f"{order}I", head[16:])[0] & 0xFFFF
    number = 0
    while len(record := file.read(16)) == 16:
        seconds, fraction, kept, wire = struct.unpack(f"{order}IIII", record)
        data = file.read(kept) if kept <= _LARGEST else b""
        if len(data) < kept:
            return
        number += 1
        yield Frame(number, seconds * 1_000_000_000 + fraction * unit, link, data, wire)


def _pcapng(file: IO[bytes] | gzip.GzipFile) -> Iterator[Frame]:
    order, number, interfaces, last = "<", 0, list[_Interface](), 0
    head = _PCAPNG + file.read(4)
    while len(head) == 8:
        kind = struct.unpack(f"{order}I", head[:4])[0]
        begin = b""
        if kind == _SECTION:
            begin = file.read(4)
            order, interfaces = "<" if begin == b"\x4d\x3c\x2b\x1a" else ">", []
        length = struct.unpack(f"{order}I", head[4:])[0]
        if not 12 + len(begin) <= length <= _LARGEST:
            return
        body = begin + file.read(length - 12 - len(begin))
        if len(body) < length - 12 or len(file.read(4)) < 4:
            return
        if kind == _INTERFACE:
            if len(body) < 8:
                return
            interfaces.append(_interface(body, order))
        elif kind in (_ENHANCED, _PACKET, _SIMPLE):
            number += 1
            frame = _frame(kind, body, order, interfaces)
            if frame is not None:
                last = frame[0] if kind != _SIMPLE else last
                yield Frame(number, last, *frame[1:])
        head = file.read(8)


def _interface(body: bytes, order: str) -> _Interface:
    link, _, snap = struct.unpack_from(f"{order}HHI", body)
    ticks, offset, at = 1_000_000, 0, 8
    while at + 4 <= len(body):
        code, length = struct.unpack_from(f"{order}HH", body, at)
        value = body[at + 4 : at + 4 + length]
        if code == _RESOLUTION and length == 1:
            ticks = 1 << (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
        elif code == _OFFSET and length == 8:
            offset = struct.unpack(f"{order}q", value)[0]
        at += 4 + length + -length % 4
        if code == 0:
            break
    return _Interface(link, ticks, offset, snap)


def _frame(kind: int, body: bytes, order: str, interfaces: list[_Interface]) -> tuple[Any, ...] | None:
    """Time, link type, bytes, length on the wire; None for a block of an interface that was never described."""
    if kind == _SIMPLE:
        if not interfaces or len(body) < 4:
            return None
        wire = struct.unpack_from(f"{order}I", body)[0]
        kept = min(wire, interfaces[0].snap or wire, len(body) - 4)
        return 0, interfaces[0].link, body[4 : 4 + kept], wire
    if len(body) < 20:
        return None
    place, high, low, kept, wire = struct.unpack_from(f"{order}IIIII", body)
    place = place if kind == _ENHANCED else struct.unpack_from(f"{order}H", body)[0]
    if place >= len(interfaces) or kept > len(body) - 20:
        return None
    one = interfaces[place]
    time = ((high << 32 | low) * 1_000_000_000) // one.ticks + one.offset * 1_000_000_000
    return time, one.link, body[20 : 20 + kept], wire
