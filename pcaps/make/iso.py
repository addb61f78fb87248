"""TPKT and COTP (RFC 1006, X.224), and S7comm on it, as far as the crafted captures need them."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from pcaps.make.conversation import Connection

PG, OP = 1, 2


def tpkt(payload: bytes) -> bytes:
    return b"\x03\x00" + struct.pack(">H", len(payload) + 4) + payload


def data(payload: bytes, last: bool = True) -> bytes:
    return tpkt(b"\x02\xf0" + (b"\x80" if last else b"\x00") + payload)


def setup(code: int, destination: int, source: int, calling: bytes, called: bytes) -> bytes:
    """A connection request (0xE0) or confirmation (0xD0)."""
    parameters = b"".join(
        (b"\xc0\x01\x0a", b"\xc1" + bytes([len(calling)]) + calling, b"\xc2" + bytes([len(called)]) + called),
    )
    body = struct.pack(">BHHB", code, destination, source, 0) + parameters
    return tpkt(bytes([len(body)]) + body)


def open_connection(connection: Connection, called: bytes, calling: bytes = b"\x01\x00") -> None:
    connection.exchange(setup(0xE0, 0, 6, calling, called), setup(0xD0, 6, 9, calling, called))


def refuse_connection(connection: Connection, called: bytes, calling: bytes = b"\x01\x00", reason: int = 3) -> None:
    """A request that is answered by a disconnect request with a reason."""
    connection.exchange(setup(0xE0, 0, 6, calling, called), tpkt(b"\x06\x80" + struct.pack(">HHB", 6, 0, reason)))


class S7:
    """S7comm on a connection: jobs, acknowledgements, userdata."""

    def __init__(self, connection: Connection, kind: int = PG, rack: int = 0, slot: int = 2) -> None:
        self.connection = connection
        self.reference = 0x0100
        open_connection(connection, bytes([kind, rack << 5 | slot]))
        parameters = b"\xf0\x00" + struct.pack(">HHH", 1, 1, 480)
        self.job(parameters, reply=b"\xf0\x00" + struct.pack(">HHH", 1, 1, 240))

    def pdu(self, kind: int, reference: int, parameters: bytes, payload: bytes = b"", error: int | None = None) -> bytes:
        head = struct.pack(">BBHHHH", 0x32, kind, 0, reference, len(parameters), len(payload))
        return data(head + (b"" if error is None else struct.pack(">H", error)) + parameters + payload)

    def next(self) -> int:
        self.reference += 0x0100
        return self.reference & 0xFFFF

    def job(self, parameters: bytes, payload: bytes = b"", reply: bytes = b"", answer: bytes = b"", error: int = 0) -> None:
        """A job of the client and its answer."""
        reference = self.next()
        said = self.pdu(1, reference, parameters, payload)
        kind = 3 if reply or answer else 2
        self.connection.exchange(said, self.pdu(kind, reference, reply, answer, error))

    def reverse_job(self, parameters: bytes, reply: bytes, answer: bytes = b"") -> None:
        """A job of the controller, which the client answers: so a download goes on."""
        reference = self.next()
        self.connection.say(1, self.pdu(1, reference, parameters))
        self.connection.say(0, self.pdu(3, reference, reply, answer, 0))

    def userdata(
        self, group: int, code: int, asked: bytes, answered: bytes, error: int = 0, ok: bool = True, sequence: int = 0, job: int = 1
    ) -> None:
        """A request of a group and its answer. Those of the programming device have the longer head."""
        reference = self.next()
        head = bytes([0, 1, 0x12, 4, 0x11, 0x40 | group, code, sequence])
        if group == 1:
            head = bytes([0, 1, 0x12, 8, 0x12, 0x40 | group, code, sequence, 0, 0, 0, 0])
        request = self.pdu(7, reference, head, item(asked))
        head = bytes([0, 1, 0x12, 8, 0x12, 0x80 | group, code, job, 0, 0]) + struct.pack(">H", error)
        self.connection.exchange(request, self.pdu(7, reference, head, item(answered) if ok else b"\x0a\x00\x00\x00"))

    def push(self, group: int, code: int, said: bytes, job: int = 0) -> None:
        """What the controller sends unasked. Alarms have the shorter head."""
        head = bytes([0, 1, 0x12, 8, 0x12, group, code, job, 0, 0, 0, 0])
        if group == 4:
            head = bytes([0, 1, 0x12, 4, 0x11, group, code, job])
        self.connection.say(1, self.pdu(7, 0, head, item(said)))


def item(payload: bytes) -> bytes:
    """Userdata's data: return code, octets, length."""
    return (b"\xff\x09" if payload else b"\x0a\x00") + struct.pack(">H", len(payload)) + payload


def anything(kind: int, count: int, block: int, area: int, bit_address: int) -> bytes:
    """An item with an address of the usual form (ANY)."""
    return struct.pack(">BBBBHHB", 0x12, 10, 0x10, kind, count, block, area) + bit_address.to_bytes(3, "big")


def values(parts: Iterable[tuple[int, int, bytes]]) -> bytes:
    """Return codes, sizes and bytes of values, each on an even place but the last."""
    out, parts = b"", list(parts)
    for place, (code, size, value) in enumerate(parts):
        length = len(value) * 8 if size in (4, 5) else len(value)
        out += struct.pack(">BBH", code, size, length) + value
        if len(value) % 2 and place + 1 < len(parts):
            out += b"\0"
    return out
