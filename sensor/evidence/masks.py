"""Secrets in slices: masked at equal length, so that every packet keeps its size and its place (DESIGN.md, promise 8).

A mask looks at one frame, and `streams` at what lies across TCP segments. What isn't found is told in `NOT_MASKED`, which stands in every
pack.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from sensor.evidence import dnp3_masks
from sensor.evidence.layers import Layers

MASK: Final = 0x78
"""The byte that stands in the place of each byte of a secret: `x`."""
MASKED: Final = (
    "passwords of FTP, POP3 and SMTP-like commands (PASS, ACCT), and what follows AUTH",
    "HTTP Authorization, Proxy-Authorization, Cookie and Set-Cookie values, and fields named like a password, token or secret",
    "SNMP version 1 and 2c community strings",
    "S7comm passwords (security function of userdata)",
    "DNP3 file authentication: passwords and keys",
    "OPC UA user names' passwords, where the session is not encrypted",
)
NOT_MASKED: Final = (
    "secrets that are split between IP fragments, or between chunks of OPC UA, or of which a part was not captured",
    "secrets in a part of a frame that another layer wraps (tunnels, compression)",
    "characters typed one by one (Telnet, rlogin), and passwords of protocols that are not named above",
    "DNP3 wrapped keys of secure authentication, S7comm-plus legitimation, UMAS reservations: they stand in the slice",
    "process values, names of points, user names, programs and files: they may be confidential, and are what the evidence is about",
)
_COMMAND: Final = rb"(?:PASS|ACCT|AUTH(?: [A-Z0-9-]+)?)[ \t]+([^\r\n]+)"
_BEGINNING: Final = re.compile(_COMMAND, re.IGNORECASE)
_LINES: Final = (
    re.compile(rb"(?:^|\r?\n)" + _COMMAND, re.IGNORECASE),
    re.compile(rb"\n(?:Proxy-)?Authorization:[ \t]*(?:[A-Za-z]+[ \t]+)?([^\r\n]+)", re.IGNORECASE),
    re.compile(rb"\n(?:Set-)?Cookie:[ \t]*([^\r\n]+)", re.IGNORECASE),
    re.compile(rb"(?:password|passwd|pwd|passphrase|token|secret|api_?key)=([^&\s;\"'<>]+)", re.IGNORECASE),
    re.compile(rb"\"(?:password|passwd|pwd|passphrase|token|secret|api_?key)\"\s*:\s*\"([^\"]+)\"", re.IGNORECASE),
)
_S7_PASSWORD: Final = re.compile(rb"\x00\x01\x12[\x04\x08]\x11\x45\x01.(?:.{4})?\xff\x09\x00\x08(.{8})", re.DOTALL)
_COMMUNITY: Final = re.compile(rb"^\x30(?:[\x00-\x7f]|\x81.|\x82..)\x02\x01[\x00\x01]\x04([\x01-\x7f])", re.DOTALL)
_USER_TOKEN: Final = re.compile(rb"\x01\x00\x44\x01\x01", re.DOTALL)
_SNMP_PORTS: Final = (161, 162)
_UDP: Final = 17


class Masked(NamedTuple):
    """A frame, and how many of its bytes are masked."""

    data: bytes
    bytes: int


class Split(NamedTuple):
    """A frame's part in what lies across frames: the places of secrets, and of checksums inside, with their new bytes."""

    secret: set[int]
    sums: dict[int, int]


def masked(data: bytes, found: Layers, split: Split | None = None) -> Masked:
    """The frame without its secrets; the checksum of its transport fits again where it did before."""
    places = {place for first, end in _secrets(data, found) for place in range(first, end)} | (split.secret if split else set())
    if not places:
        return Masked(data, 0) if split is None or not split.sums else _summed(data, data, found, split)
    new = bytearray(data)
    for place in places:
        new[place] = MASK
    _dnp3(data, new, found)
    return _summed(data, bytes(new), found, split)._replace(bytes=len(places))


def _summed(old: bytes, new: bytes, found: Layers, split: Split | None) -> Masked:
    """With the checksums of what lies across frames, and that of the transport."""
    made = bytearray(new)
    for place, byte in split.sums.items() if split else ():
        made[place] = byte
    if found.checksum is not None:
        _mend(old, made, found)
    return Masked(bytes(made), 0)


def in_payload(payload: bytes) -> Iterator[tuple[int, int]]:
    """Secrets that are known by what stands around them, in one frame's payload or in a stream."""
    for pattern in (*_LINES, _S7_PASSWORD):
        for match in pattern.finditer(payload):
            yield match.span(1)
    for match in _USER_TOKEN.finditer(payload):
        span = _token(payload, match.end())
        if span is not None:
            yield span


def starts_with(stream: bytes, starts: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Secrets of commands that stand at the beginning of a frame, wherever that is in a stream."""
    for start in starts:
        match = _BEGINNING.match(stream, start)
        if match is not None:
            yield match.span(1)


def _secrets(data: bytes, found: Layers) -> Iterator[tuple[int, int]]:
    payload, begin = data[found.payload : found.end or len(data)], found.payload
    for first, end in in_payload(payload):
        yield begin + first, begin + end
    if found.transport == _UDP and any(
        int.from_bytes(data[at : at + 2], "big") in _SNMP_PORTS for at in (found.segment, found.segment + 2)
    ):
        community = _COMMUNITY.match(payload)
        if community is not None:
            yield begin + community.end(), begin + min(len(payload), community.end() + community[1][0])
    for place in dict.fromkeys(dnp3_masks.secrets(payload)):
        yield begin + place, begin + place + 1


def _dnp3(old: bytes, new: bytearray, found: Layers) -> None:
    """DNP3's own checksums, where bytes under them were masked."""
    end = found.end or len(new)
    payload = new[found.payload : end]
    changed = {at for at in range(len(payload)) if payload[at] != old[found.payload + at]}
    dnp3_masks.mend(payload, changed)
    new[found.payload : end] = payload


def _token(payload: bytes, at: int) -> tuple[int, int] | None:
    """The password of a UserNameIdentityToken (OPC 10000-4, 7.40.4): after its length stand policy id, user name, password."""
    at += 4
    for _ in range(2):
        length = int.from_bytes(payload[at : at + 4], "little", signed=True)
        if not -1 <= length <= len(payload):
            return None
        at += 4 + max(length, 0)
    length = int.from_bytes(payload[at : at + 4], "little", signed=True)
    return (at + 4, at + 4 + length) if 0 < length <= len(payload) - at - 4 else None


def _mend(old: bytes, new: bytearray, found: Layers) -> None:
    """The new checksum from the old one and what changed (RFC 1624, eqn. 3): right even where the frame was cut off."""
    at = found.checksum
    if at is None or at + 2 > len(old):
        return
    before = int.from_bytes(old[at : at + 2], "big")
    if before == 0 and found.transport == _UDP:
        return
    total = ~before & 0xFFFF
    for place in range(found.segment, len(old), 2):
        was, now = old[place : place + 2].ljust(2, b"\0"), bytes(new[place : place + 2]).ljust(2, b"\0")
        if was != now:
            total += (~int.from_bytes(was, "big") & 0xFFFF) + int.from_bytes(now, "big")
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    mended = ~total & 0xFFFF
    new[at : at + 2] = (mended or 0xFFFF if found.transport == _UDP else mended).to_bytes(2, "big")
