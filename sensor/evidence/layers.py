"""As much of a frame as slices need: to which exchange it belongs, and where its payload and checksum lie.

The engine judges; this only gathers. What is not recognised belongs to its outer addresses, so that a slice holds too much rather than
too little.
"""

from __future__ import annotations

from typing import Final, NamedTuple

_VLAN: Final = (0x8100, 0x88A8, 0x9100)
_IPV4, _IPV6 = 0x0800, 0x86DD
_TCP, _UDP = 6, 17
_EXTENSIONS: Final = (0, 43, 60)
_FRAGMENT: Final = 44
_MOST_HEADERS: Final = 8
Key = tuple[object, ...]


class Layers(NamedTuple):
    """`keys` name the exchange, the first one is the narrowest; a fragment without ports has only the wider one. `segment` is where the
    TCP or UDP header begins, `payload` what it carries, `checksum` the place of its checksum (None where there is none). `end` is where
    the packet ends, before what the link added; `source` the address and port that sent it."""

    keys: tuple[Key, ...]
    segment: int = 0
    payload: int = 0
    checksum: int | None = None
    transport: int = 0
    end: int = 0
    source: bytes = b""


def layers(link: int, data: bytes) -> Layers:
    """The layers of a frame of this link type."""
    ethertype, at = _link(link, data)
    if ethertype == _IPV4:
        return _ipv4(data, at)
    if ethertype == _IPV6:
        return _ipv6(data, at)
    macs = frozenset((data[:6], data[6:12])) if link == 1 else frozenset((b"",))
    return Layers((("link", macs, ethertype),), payload=at)


def _u16(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big") if at + 2 <= len(data) else -1


def _link(link: int, data: bytes) -> tuple[int, int]:
    """Ethertype, and where what it names begins."""
    if link == 1:
        kind, at = _u16(data, 12), 14
    elif link == 113:
        kind, at = _u16(data, 14), 16
    elif link == 276:
        kind, at = _u16(data, 0), 20
    else:
        at = 4 if link in (0, 108) else 0
        version = data[at] >> 4 if len(data) > at else 0
        return (_IPV4 if version == 4 else _IPV6 if version == 6 else -1), at
    while kind in _VLAN:
        kind, at = _u16(data, at + 2), at + 4
    return kind, at


def _ipv4(data: bytes, at: int) -> Layers:
    if at + 20 > len(data):
        return Layers((("short",),), payload=at)
    sides = (data[at + 12 : at + 16], data[at + 16 : at + 20])
    data = data[: at + (_u16(data, at + 2) or len(data))]  # a length of 0: the host's card was to cut it
    fragment = _u16(data, at + 6) & 0x3FFF
    return _transport(data, at + (data[at] & 15) * 4, data[at + 9], sides, fragment=fragment != 0)


def _ipv6(data: bytes, at: int) -> Layers:
    if at + 40 > len(data):
        return Layers((("short",),), payload=at)
    sides = (data[at + 8 : at + 24], data[at + 24 : at + 40])
    length, kind, at = _u16(data, at + 4), data[at + 6], at + 40
    data = data[: at + (length or len(data))]
    for _ in range(_MOST_HEADERS):
        if kind == _FRAGMENT:
            return _transport(data, at + 8, data[at] if at < len(data) else 0, sides, fragment=True)
        if kind not in _EXTENSIONS or at + 2 > len(data):
            break
        kind, at = data[at], at + (data[at + 1] + 1) * 8
    return _transport(data, at, kind, sides, fragment=False)


def _transport(data: bytes, at: int, kind: int, sides: tuple[bytes, bytes], *, fragment: bool) -> Layers:
    wide: Key = ("ip", frozenset(sides), kind, fragment)
    if fragment or kind not in (_TCP, _UDP) or at + 8 > len(data):
        return Layers((wide,), segment=at, payload=at)
    ports = (_u16(data, at), _u16(data, at + 2))
    narrow: Key = ("flow", frozenset(zip(sides, ports, strict=True)), kind)
    whole: Key = ("ip", frozenset(sides), kind, True)
    source = sides[0] + data[at : at + 2]
    if kind == _UDP:
        return Layers((narrow, whole), at, at + 8, at + 6, kind, len(data), source)
    length = (data[at + 12] >> 4) * 4 if at + 13 <= len(data) else 20
    return Layers((narrow, whole), at, min(at + max(length, 20), len(data)), at + 16, kind, len(data), source)
