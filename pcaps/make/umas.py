"""UMAS (Modbus function 90) crafted with scapy, because no open stack speaks it. Layouts after public write-ups of the protocol."""

from __future__ import annotations

from pathlib import Path

from pcaps.make.conversation import Conversation, End

ENDS = (End("10.20.4.7", "00:14:22:40:00:07", 49_800), End("10.20.1.12", "00:80:f4:10:00:12", 502))
OK = 0xFE

STRANGER = (End("10.20.9.66", "00:50:56:20:09:66", 49_911), ENDS[1])


class Umas(Conversation):
    """Requests and responses of UMAS, one at a time."""

    transaction_id = 0

    def exchange(self, key: int, function: int, request: bytes, response: bytes, status: int = OK) -> None:
        """A UMAS request and its response: key byte, function (status in the response), data."""
        self.transaction_id += 1
        for side, body in ((0, bytes([0, 0x5A, key, function]) + request), (1, bytes([0, 0x5A, key, status]) + response)):
            header = self.transaction_id.to_bytes(2, "big") + bytes(2) + len(body).to_bytes(2, "big")
            self.segment(side, "PA", header + body)
        self.time += 0.05


def craft(path: Path) -> None:
    """An engineering station takes a controller, loads a program into it, reads it back, stops and starts it."""
    talk = Umas(ENDS)
    talk.open()
    talk.exchange(0, 0x02, b"", bytes.fromhex("0e30080000000000020000000c") + b"BMX P34 2020")
    talk.exchange(0, 0x01, b"\x00", bytes.fromhex("fd03002500020000000000"))
    key = 0x2A
    talk.exchange(0, 0x10, bytes.fromhex("01000000") + b"\x04ENG1", bytes([key]))
    talk.exchange(key, 0x30, bytes.fromhex("0001"), bytes.fromhex("00fd03"))
    for block in range(1, 6):
        data = bytes((block * 16 + index) & 0xFF for index in range(128))
        talk.exchange(key, 0x31, b"\x00\x01" + block.to_bytes(2, "little") + len(data).to_bytes(2, "little") + data, b"")
    talk.exchange(key, 0x32, bytes.fromhex("00010600"), b"")
    talk.exchange(key, 0x41, bytes.fromhex("ff00"), b"")
    talk.exchange(key, 0x40, bytes.fromhex("ff00"), b"")
    talk.exchange(0, 0x33, bytes.fromhex("0001fd03"), bytes.fromhex("fd03"))
    for block in range(1, 4):
        talk.exchange(0, 0x34, b"\x00\x01" + block.to_bytes(2, "little"), block.to_bytes(2, "little") + bytes(range(64)))
    talk.exchange(0, 0x35, bytes.fromhex("000104"), b"")
    talk.exchange(0x77, 0x41, bytes.fromhex("ff00"), bytes.fromhex("8004"), status=0xFD)
    talk.exchange(key, 0x11, b"", b"")
    talk.close()
    talk.write(path)


def stranger(path: Path) -> None:
    """Somebody else asks a controller how it is, and writes to its inputs and outputs."""
    talk = Umas(STRANGER)
    talk.open()
    talk.exchange(0, 0x01, b"\x00", bytes.fromhex("fd03002500020000000000"))
    for _ in range(3):
        talk.exchange(0, 0x04, b"", bytes.fromhex("0400000000000000050001000000"))
        talk.exchange(0, 0x58, bytes.fromhex("ff00"), bytes.fromhex("0000"))
    for value in (1, 0, 1):
        talk.exchange(0, 0x71, bytes.fromhex("0001000200") + bytes([value]), b"")
    talk.close()
    talk.write(path)
