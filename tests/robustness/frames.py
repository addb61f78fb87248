"""Captures as lists of frames, so that a test can damage them: read, take apart, put together, write."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

NANOSECOND_PCAP: Final = 0xA1B23C4D
MICROSECOND_PCAP: Final = 0xA1B2C3D4
PCAPNG: Final = 0x0A0D0D0A
ETHERNET: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A frame: capture time in ns, its bytes, the link type they begin with, and the bytes it had on the wire."""

    time: int
    data: bytes
    link: int = ETHERNET
    wire: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Where a frame's TCP segment lies. `ip` and `tcp` are offsets of the headers, `payload` and `end` those of what it carries."""

    ip: int
    tcp: int
    payload: int
    end: int
    source: tuple[bytes, int]
    target: tuple[bytes, int]
    sequence: int
    flags: int

    @property
    def length(self) -> int:
        return self.end - self.payload


def read(path: Path) -> list[Frame]:
    """The frames of a pcap (either byte order, µs or ns) or pcapng file."""
    data = path.read_bytes()
    if struct.unpack_from("<I", data)[0] == PCAPNG:
        return list(_pcapng(data))
    return list(_pcap(data))


def _pcap(data: bytes) -> Iterator[Frame]:
    order = "<" if struct.unpack_from("<I", data)[0] in (NANOSECOND_PCAP, MICROSECOND_PCAP) else ">"
    unit = 1 if struct.unpack_from(order + "I", data)[0] == NANOSECOND_PCAP else 1_000
    link = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, kept, wire = struct.unpack_from(order + "IIII", data, at)
        at += 16
        if at + kept > len(data):
            return
        yield Frame(time=seconds * 10**9 + fraction * unit, data=data[at : at + kept], link=link, wire=wire)
        at += kept


def _pcapng(data: bytes) -> Iterator[Frame]:
    order, at = "<", 0
    interfaces: list[tuple[int, int]] = []
    while at + 12 <= len(data):
        if struct.unpack_from("<I", data, at)[0] == PCAPNG:
            order = "<" if struct.unpack_from("<I", data, at + 8)[0] == 0x1A2B3C4D else ">"
            interfaces = []
        kind, length = struct.unpack_from(order + "II", data, at)
        body = data[at + 8 : at + length - 4]
        if kind == 1:
            interfaces.append((struct.unpack_from(order + "H", body)[0], _resolution(order, body[8:])))
        elif kind == 6:
            interface, high, low, kept, wire = struct.unpack_from(order + "IIIII", body)
            link, per_second = interfaces[interface]
            ticks = high << 32 | low
            yield Frame(time=ticks * 10**9 // per_second, data=body[20 : 20 + kept], link=link, wire=wire)
        at += length


def _resolution(order: str, options: bytes) -> int:
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack_from(order + "HH", options, at)
        if code == 9:
            value = options[at + 4]
            return 1 << (value & 0x7F) if value & 0x80 else 10**value
        at += 4 + (length + 3) // 4 * 4
    return 10**6


def to_bytes(frames: Sequence[Frame]) -> bytes:
    """A pcap with ns of these frames (all of one link type)."""
    link = frames[0].link if frames else ETHERNET
    out = bytearray(struct.pack("<IHHiIII", NANOSECOND_PCAP, 2, 4, 0, 0, 262_144, link))
    for frame in frames:
        wire = max(frame.wire or 0, len(frame.data))
        out += struct.pack("<IIII", *divmod(frame.time, 10**9), len(frame.data), wire) + frame.data
    return bytes(out)


def write(path: Path, frames: Sequence[Frame]) -> Path:
    """Writes them as a pcap with ns; gives the path back."""
    path.write_bytes(to_bytes(frames))
    return path


def segment(frame: Frame) -> Segment | None:
    """The TCP segment in a frame (Ethernet with VLANs, loopback, raw, Linux cooked; IPv4 without fragments, IPv6 without extensions)."""
    data, ip = frame.data, _network(frame)
    if ip is None or ip + 40 > len(data):
        return None
    if data[ip] >> 4 == 4:
        tcp, end, protocol = ip + (data[ip] & 15) * 4, ip + int.from_bytes(data[ip + 2 : ip + 4]), data[ip + 9]
        source, target = data[ip + 12 : ip + 16], data[ip + 16 : ip + 20]
        if int.from_bytes(data[ip + 6 : ip + 8]) & 0x3FFF:
            return None
    else:
        tcp, end, protocol = ip + 40, ip + 40 + int.from_bytes(data[ip + 4 : ip + 6]), data[ip + 6]
        source, target = data[ip + 8 : ip + 24], data[ip + 24 : ip + 40]
    if protocol != 6 or tcp + 20 > len(data) or end > len(data):
        return None
    ports = struct.unpack_from(">HH", data, tcp)
    payload = tcp + (data[tcp + 12] >> 4) * 4
    return None if payload > end else Segment(
        ip=ip, tcp=tcp, payload=payload, end=end, source=(source, ports[0]), target=(target, ports[1]),
        sequence=int.from_bytes(data[tcp + 4 : tcp + 8]), flags=data[tcp + 13],
    )  # fmt: skip


def _network(frame: Frame) -> int | None:
    data = frame.data
    if frame.link in (0, 101):
        return 4 if frame.link == 0 else 0
    at = {1: 12, 113: 14}.get(frame.link)
    if at is None or len(data) < at + 2:
        return None
    while data[at : at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    return at + 2 if data[at : at + 2] in (b"\x08\x00", b"\x86\xdd") else None


def with_payload(frame: Frame, place: Segment, payload: bytes, advance: int) -> Frame:
    """The same segment with other bytes, its sequence number moved forward by `advance`; lengths and checksums are made right."""
    data = bytearray(frame.data[: place.payload] + payload)
    struct.pack_into(">I", data, place.tcp + 4, (place.sequence + advance) & 0xFFFFFFFF)
    ip, tcp = place.ip, place.tcp
    if data[ip] >> 4 == 4:
        struct.pack_into(">H", data, ip + 2, len(data) - ip)
        struct.pack_into(">H", data, ip + 10, 0)
        struct.pack_into(">H", data, ip + 10, checksum(bytes(data[ip:tcp])))
    else:
        struct.pack_into(">H", data, ip + 4, len(data) - tcp)
    struct.pack_into(">H", data, tcp + 16, 0)
    pseudo = place.source[0] + place.target[0] + struct.pack(">HH", 6, len(data) - tcp)
    struct.pack_into(">H", data, tcp + 16, checksum(pseudo + bytes(data[tcp:])))
    return replace(frame, data=bytes(data), wire=None)


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def split(frame: Frame, cuts: Sequence[int]) -> list[Frame]:
    """A TCP segment as several, its payload cut at these places (flags that end a connection stay with the last)."""
    place = segment(frame)
    if place is None:
        return [frame]
    inner = [0, *(cut for cut in cuts if 0 < cut < place.length), place.length]
    if len(inner) == 2:
        return [frame]
    payload = frame.data[place.payload : place.end]
    pieces = [with_payload(frame, place, payload[start:end], start) for start, end in itertools.pairwise(inner)]
    return [_without_end(piece, place) for piece in pieces[:-1]] + [pieces[-1]]


def _without_end(frame: Frame, place: Segment) -> Frame:
    if not place.flags & 0x0B:
        return frame
    data = bytearray(frame.data)
    data[place.tcp + 13] &= ~0x09
    data = bytearray(data)
    fixed = replace(frame, data=bytes(data))
    now = segment(fixed)
    assert now is not None
    return with_payload(fixed, now, fixed.data[now.payload : now.end], 0)
