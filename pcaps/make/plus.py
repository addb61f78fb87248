"""S7comm-plus on ISO on TCP, as far as the crafted captures need it: frames, messages, values, objects. Layouts as in S7CommPlusDriver
and the Wireshark plugin S7comm-plus."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from typing import NamedTuple

from pcaps.make import iso
from pcaps.make.conversation import Connection

V1, V2, V3 = 1, 2, 3
EXPLORE, CREATE, DELETE, SET, LINK = 0x04BB, 0x04CA, 0x04D4, 0x04F2, 0x0524
SET_MULTI, GET_MULTI, BEGIN, END, INVOKE = 0x0542, 0x054C, 0x0556, 0x0560, 0x056B
SET_STREAM, GET_STREAM, INIT_SSL = 0x057C, 0x0586, 0x05B3
DIGEST = 32
PART = 900


def vlq(number: int) -> bytes:
    """Seven bits a byte, the highest first."""
    out = [number & 0x7F]
    while number := number >> 7:
        out.append(0x80 | number & 0x7F)
    return bytes(reversed(out))


def signed(number: int) -> bytes:
    """The same with a sign in the second bit, for small numbers."""
    assert -64 <= number < 64
    return bytes([number & 0x7F])


def null() -> bytes:
    return b"\0\0"


def boolean(value: bool) -> bytes:
    return bytes([0, 1, value])


def usint(value: int) -> bytes:
    return bytes([0, 2, value])


def uint(value: int) -> bytes:
    return struct.pack(">BBH", 0, 3, value)


def udint(value: int) -> bytes:
    return b"\0\4" + vlq(value)


def integer(value: int) -> bytes:
    return struct.pack(">BBh", 0, 7, value)


def dint(value: int) -> bytes:
    return b"\0\x08" + signed(value)


def real(value: float) -> bytes:
    return struct.pack(">BBf", 0, 0x0E, value)


def timestamp(value: int) -> bytes:
    return struct.pack(">BBQ", 0, 0x10, value)


def rid(value: int) -> bytes:
    return struct.pack(">BBI", 0, 0x12, value)


def blob(value: bytes) -> bytes:
    return b"\0\x14\0" + vlq(len(value)) + value


def text(value: str) -> bytes:
    return b"\0\x15" + vlq(len(value.encode())) + value.encode()


def array(values: Iterable[int]) -> bytes:
    """An array of addresses."""
    values = list(values)
    return b"\x20\4" + vlq(len(values)) + b"".join(map(vlq, values))


def structure(kind: int, elements: dict[int, bytes]) -> bytes:
    return struct.pack(">BBI", 0, 0x17, kind) + b"".join(vlq(key) + value for key, value in elements.items()) + b"\0"


def thing(identifier: int, kind: int, attributes: dict[int, bytes], inside: bytes = b"", flags: int = 0x20) -> bytes:
    """An object with what is inside of it."""
    head = b"\xa1" + struct.pack(">I", identifier) + vlq(kind) + vlq(flags) + b"\0"
    return head + b"".join(b"\xa3" + vlq(key) + value for key, value in attributes.items()) + inside + b"\xa2"


class Place(NamedTuple):
    """Where a variable lies: its address, and of how many numbers that consists."""

    address: bytes
    numbers: int


def path(area: int, *identifiers: int, checksum: int = 0) -> Place:
    numbers = (checksum, area, len(identifiers), *identifiers)
    return Place(b"".join(map(vlq, numbers)), len(numbers))


def addressed(places: list[Place]) -> bytes:
    """No object, how many places, of how many numbers they consist, the places."""
    numbers = sum(place.numbers for place in places)
    return bytes(4) + vlq(len(places)) + vlq(numbers) + b"".join(place.address for place in places)


QUALIFIER = struct.pack(">I", 1256) + vlq(1257) + rid(0) + vlq(1258) + b"\0\x13\0" + vlq(1259) + udint(0) + b"\0"
FILL = bytes(4)


def frames(version: int, message: bytes) -> list[bytes]:
    """A message as TPKTs: parts, each with a digest in version 3, and a trailer behind the last."""
    parts = [message[at : at + PART] for at in range(0, len(message), PART)]
    said = []
    for place, part in enumerate(parts):
        digest = bytes([DIGEST]) + hashlib.sha256(b"not a key" + part).digest() if version == V3 else b""
        trailer = struct.pack(">BBH", 0x72, version, 0) if place + 1 == len(parts) else b""
        said.append(iso.data(struct.pack(">BBH", 0x72, version, len(digest) + len(part)) + digest + part + trailer))
    return said


class Session:
    """A session of a client: set up in version 1, proved in version 2, then in version 3 with integrity numbers."""

    def __init__(
        self, connection: Connection, station: str, application: str, session: int = 0x392, device: str = "6ES7 215-1AG40-0XB0 ;V4.2"
    ) -> None:
        self.connection = connection
        self.version = V1
        self.sequence = 0
        self.integrity = {True: 0, False: 0}
        self.session = 288
        iso.open_connection(connection, b"SIMATIC-ROOT-HMI", b"\x06\x00")
        request = {
            233: text(f"ServerSession_{session:X}"),
            289: text("0.0.0.0:0"),
            296: text(""),
            297: text(application),
            298: text(station),
        }
        request |= {299: udint(1), 300: rid(0x80C3C901), 301: text("")}
        subscriptions = thing(211, 255, {233: text("SubscriptionContainer")}, flags=0)
        asked = struct.pack(">I", 285) + udint(0) + bytes(4) + thing(211, 287, request, subscriptions, flags=0) + FILL
        version = structure(314, {315: udint(0), 317: udint(0), 319: text(f"1;{device}"), 320: text("2;1084")})
        given = {
            233: text("101:AB"),
            299: udint(0x80002),
            301: text("OMSP_REL.8089.26"),
            303: b"\x10\2\x14" + bytes(range(20)),
            306: version,
        }
        answered = b"\0\2" + vlq(session) + vlq(session + 1) + thing(288, 287, given, flags=0) + FILL
        self.ask(CREATE, asked, answered, flags=0x36, tail=b"")
        self.session, self.version = session, V2
        key = structure(1800, {1801: udint(1), 1805: blob(hashlib.sha512(b"not a key either").digest() * 2)})
        body = struct.pack(">I", session) + vlq(2) + vlq(2) + vlq(1830) + vlq(306) + vlq(1) + key + vlq(2) + version + b"\0" + QUALIFIER
        self.ask(SET_MULTI, body + FILL, b"\0\0" + FILL, tail=b"")
        self.version = V3

    def ask(
        self, function: int, body: bytes, answer: bytes | None, flags: int = 0x34, tail: bytes | None = None, sets: bool = False
    ) -> None:
        """A request and its response; integrity numbers and fill follow both bodies where no other tail is given."""
        self.sequence += 1
        number = self.integrity[sets]
        if tail is None:
            self.integrity[sets] += 1
            end, answered_end = vlq(number) + FILL, vlq(number + self.sequence) + FILL
        else:
            end = answered_end = tail
        self.tell(function, body + end, None if answer is None else answer + answered_end, flags)

    def tell(self, function: int, body: bytes, answer: bytes | None, flags: int = 0x34) -> None:
        head = struct.pack(">BHHHHIB", 0x31, 0, function, 0, self.sequence, self.session, flags)
        said = frames(self.version, head + body)
        if answer is None:
            self.connection.say(0, *said)
            return
        head = struct.pack(">BHHHHB", 0x32, 0, function, 0, self.sequence, flags)
        self.connection.exchange(said, frames(self.version, head + answer))

    def set(self, target: int, attribute: int, value: bytes, answer: bytes | None = b"\0", flags: int = 0x34) -> None:
        """SetVariable."""
        body = struct.pack(">I", target) + vlq(1) + vlq(attribute) + value + QUALIFIER + b"\0"
        self.ask(SET, body, answer, flags, sets=True)

    def get(self, places: list[Place], values: list[bytes]) -> None:
        """GetMultiVariables."""
        answer = b"\0" + b"".join(vlq(number) + value for number, value in enumerate(values, 1)) + b"\0\0"
        self.ask(GET_MULTI, addressed(places) + QUALIFIER, answer)

    def write(self, places: list[Place], values: list[bytes]) -> None:
        """SetMultiVariables."""
        listed = b"".join(vlq(number) + value for number, value in enumerate(values, 1))
        self.ask(SET_MULTI, addressed(places) + listed + b"\0" + QUALIFIER, b"\0\0", sets=True)

    def stream(self, target: int, attribute: int, value: bytes) -> None:
        """GetVarSubStreamed."""
        body = struct.pack(">I", target) + array([attribute]) + QUALIFIER + b"\0\1"
        self.ask(GET_STREAM, body, b"\0\0" + value)

    def stream_in(self, target: int, attribute: int, value: bytes) -> None:
        """SetVarSubStreamed."""
        body = struct.pack(">I", target) + array([attribute]) + QUALIFIER + b"\0\1" + value + b"\0"
        self.ask(SET_STREAM, body, b"\0", sets=True)

    def explore(self, target: int, attributes: list[int], found: bytes, recursive: bool = True) -> None:
        body = struct.pack(">IBBBBBB", target, 0, recursive, 0, 1, 0, len(attributes)) + b"".join(map(vlq, attributes))
        self.sequence += 1
        number = self.integrity[False]
        self.integrity[False] += 1
        answer = b"\0" + struct.pack(">I", target) + vlq(number + self.sequence) + found + FILL
        self.tell(EXPLORE, body + vlq(number) + FILL + b"\0", answer)

    def create(self, parent: int, what: bytes, created: list[int] | None = None, refused: bytes = b"\0") -> None:
        self.sequence += 1
        number = self.integrity[True]
        self.integrity[True] += 1
        body = struct.pack(">I", parent) + udint(0) + bytes(4) + vlq(number) + what + FILL
        given = created or []
        answer = refused + bytes([len(given)]) + b"".join(map(vlq, given)) + vlq(number + self.sequence) + FILL
        self.tell(CREATE, body, answer)

    def delete(self, target: int) -> None:
        self.ask(DELETE, struct.pack(">I", target) + bytes(4), b"\0" + struct.pack(">I", target), sets=True)

    def notify(self, subscription: int, number: int, values: dict[int, bytes]) -> None:
        listed = b"".join(b"\x92" + struct.pack(">I", key) + value for key, value in values.items())
        head = struct.pack(">BIHHHB", 0x33, subscription, 0x0400, 0, 0, 0)
        self.connection.say(1, *frames(self.version, head + vlq(number) + b"\1" + listed + b"\0" + FILL))

    def end(self) -> None:
        """Deletes the session and closes the connection."""
        self.delete(self.session)
        self.connection.close()


def refusal(code: int) -> bytes:
    """A return value that says no."""
    value = 0xC000_0000_0000_0000 | 0xFF_FFFF_0000 | code & 0xFFFF
    head, last = value >> 8, value & 0xFF
    parts = [0x80 | head >> shift & 0x7F for shift in range(49, -7, -7)]
    return bytes(parts) + bytes([last])
