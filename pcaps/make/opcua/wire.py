"""OPC UA's binary encoding and its messages (OPC 10000-6, 5.2, 6.7 and 7.1), as far as crafted captures need them."""

from __future__ import annotations

import struct

NONE = "http://opcfoundation.org/UA/SecurityPolicy#None"
BASIC256SHA256 = "http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256"
TRANSPORT = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"
MOMENT = 134_170_976_000_000_000
"""2026-03-03 08:13:20 as ticks of 100 ns since 1601."""
NULL = b"\xff\xff\xff\xff"
TOKEN = b"\x05\x01\x00" + struct.pack("<i", 16) + b"authentication!!"


def u32(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


def f64(number: float) -> bytes:
    return struct.pack("<d", number)


def time(ticks: int = MOMENT) -> bytes:
    return struct.pack("<q", ticks)


def text(said: str | bytes) -> bytes:
    octets = said.encode() if isinstance(said, str) else said
    return struct.pack("<i", len(octets)) + octets


def localized(said: str) -> bytes:
    return b"\x02" + text(said)


def qualified(namespace: int, name: str) -> bytes:
    return struct.pack("<H", namespace) + text(name)


def node(number: int, namespace: int = 0) -> bytes:
    return struct.pack("<BBH", 1, namespace, number)


def named(name: str, namespace: int = 2) -> bytes:
    return struct.pack("<BH", 3, namespace) + text(name)


def extension(type_id: int, body: bytes) -> bytes:
    return node(type_id) + b"\x01" + text(body)


def double(value: float) -> bytes:
    """A DataValue: a Double, good, with both times."""
    return b"\x0d\x0b" + f64(value) + time() + time()


def listed(*elements: bytes) -> bytes:
    return struct.pack("<i", len(elements)) + b"".join(elements)


def request(type_id: int, body: bytes, handle: int = 0, token: bytes = TOKEN) -> bytes:
    """A request: header with the session's token, timeout hint 10 s, then the service's own."""
    return node(type_id) + token + time() + u32(handle, 0) + NULL + u32(10_000) + b"\0\0\0" + body


def response(type_id: int, body: bytes, handle: int = 0, result: int = 0) -> bytes:
    return node(type_id) + time() + u32(handle, result) + b"\0" + u32(0) + b"\0\0\0" + body


def framed(kind: bytes, body: bytes, part: bytes = b"F") -> bytes:
    return kind + part + u32(len(body) + 8) + body


def limits(size: int = 65_536, message: int = 0, chunks: int = 0) -> bytes:
    return u32(0, size, size, message, chunks)


def application(name: str, kind: int) -> bytes:
    return text(f"urn:riverside:{name}") + text("urn:riverside:line") + localized(name) + u32(kind) + NULL + NULL + listed()


def endpoint(url: str, mode: int, policy: str) -> bytes:
    """An endpoint that takes anonymous users and names with passwords."""
    tokens = listed(*(text(name) + u32(kind) + NULL * 3 for name, kind in (("anonymous", 0), ("username", 1))))
    return text(url) + application("server", 0) + NULL + u32(mode) + text(policy) + tokens + text(TRANSPORT) + b"\0"
