"""A Modbus gateway with devices on a serial line, crafted with scapy: polled, overwritten, and cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pcaps.make.conversation import Connection, Host, Recorder

HMI: Final[Host] = ("10.20.3.5", "00:1b:1b:20:03:05")
STRANGER: Final[Host] = ("10.20.9.66", "00:50:56:20:09:66")
GATEWAY: Final[Host] = ("10.20.1.14", "00:90:e8:10:00:14")
UNITS: Final = range(1, 7)
TARGET_FAILED: Final = 0x0B
READ, WRITE = 0x03, 0x10


class _Units:
    """Requests to the units behind the gateway, over one connection."""

    def __init__(self, talk: Connection) -> None:
        self.talk = talk
        self.number = 0

    def _ask(self, unit: int, request: bytes, response: bytes) -> None:
        self.number += 1
        head = self.number.to_bytes(2, "big") + bytes(2)
        asked, answered = (head + (len(body) + 1).to_bytes(2, "big") + bytes([unit]) + body for body in (request, response))
        self.talk.exchange(asked, answered)

    def poll(self, unit: int, *, fails: bool = False) -> None:
        """Two holding registers read from 100 on, or the gateway's word that the unit does not answer."""
        values = bytes([READ, 4]) + (unit * 256 + self.number).to_bytes(4, "big")
        self._ask(unit, bytes([READ, 0, 100, 0, 2]), bytes([READ | 0x80, TARGET_FAILED]) if fails else values)

    def overwrite(self, unit: int, first: int, count: int) -> None:
        """Holding registers written, all with zero."""
        place = first.to_bytes(2, "big") + count.to_bytes(2, "big")
        self._ask(unit, bytes([WRITE]) + place + bytes([count * 2]) + bytes(count * 2), bytes([WRITE]) + place)


def craft(path: Path) -> None:
    """An HMI polls six units; somebody else overwrites sixty set points of one; then no unit answers any more."""
    recorder = Recorder()
    polled = _Units(recorder.connect(HMI, GATEWAY, 49_700, 502))
    for _ in range(5):
        for unit in UNITS:
            polled.poll(unit)
        recorder.pause(1)
    writes = _Units(recorder.connect(STRANGER, GATEWAY, 49_801, 502))
    for first in range(100, 160, 20):
        writes.overwrite(3, first, 20)
    writes.talk.close()
    for _ in range(4):
        for unit in UNITS:
            polled.poll(unit, fails=True)
        recorder.pause(1)
    polled.talk.close()
    recorder.write(path)
