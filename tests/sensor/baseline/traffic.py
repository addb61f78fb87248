"""Modbus traffic out of a few words, as a capture: who asks whom for what, how often, and what the capture lacks."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MS = 1_000_000
SECOND = 1_000 * MS
START = 1_700_000_040 * SECOND
"""A full minute."""
CLIENT, SERVER = "10.0.0.5", "10.0.0.9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """One connection in which the same is asked again and again.

    `function` 3 reads `count` registers from `first`, 16 writes `values` there (each time the next of them). `at` and the pauses (`every`,
    one for all or each its own) are in ms. `without` are the requests, by number, that the capture lacks with their answers.
    """

    client: str = CLIENT
    server: str = SERVER
    port: int = 502
    unit: int = 1
    function: int = 3
    first: int = 0
    count: int = 1
    values: Sequence[int] = (1,)
    at: float = 0
    every: float | Sequence[float] = 1_000
    times: int = 1
    without: Sequence[int] = ()

    def moments(self) -> list[int]:
        """When each request is sent, ns."""
        pauses = self.every if isinstance(self.every, Sequence) else [self.every] * (self.times - 1)
        found = [START + int(self.at * MS)]
        for pause in pauses:
            found.append(found[-1] + int(pause * MS))
        return found

    def _pdus(self, number: int) -> tuple[bytes, bytes]:
        if self.function == 3:
            return struct.pack(">BHH", 3, self.first, self.count), bytes((3, 2 * self.count)) + bytes(2 * self.count)
        value = self.values[number % len(self.values)]
        words = struct.pack(f">{self.count}H", *[value] * self.count)
        return struct.pack(">BHHB", 16, self.first, self.count, len(words)) + words, struct.pack(">BHH", 16, self.first, self.count)

    def frames(self, number: int) -> Iterable[tuple[int, bytes]]:
        """Time and bytes of each frame; the client's port is made from the talk's number."""
        sides = ((self.client, 40_000 + number), (self.server, self.port))
        sent = [1, 1]
        for turn, moment in enumerate(self.moments()):
            for side, pdu in enumerate(self._pdus(turn)):
                payload = struct.pack(">HHHB", turn & 0xFFFF, 0, len(pdu) + 1, self.unit) + pdu
                if turn not in self.without:
                    yield moment + side * MS, _tcp(sides[side], sides[1 - side], sent[side], sent[1 - side], payload)
                sent[side] += len(payload)


def _tcp(source: tuple[str, int], target: tuple[str, int], sequence: int, acknowledged: int, payload: bytes) -> bytes:
    ips = b"".join(bytes(map(int, ip.split("."))) for ip, _ in (source, target))
    tcp = struct.pack(">HHIIBBHHH", source[1], target[1], sequence, acknowledged, 0x50, 0x18, 8192, 0, 0) + payload
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), sequence & 0xFFFF, 0, 64, 6, 0) + ips
    macs = b"".join(b"\x02\x00" + bytes(map(int, ip.split("."))) for ip, _ in (target, source))
    return macs + b"\x08\x00" + head + tcp


def talk(fields: Mapping[str, Any]) -> Talk:
    """From a case."""
    return Talk(**fields)


def capture(path: Path, talks: Iterable[Talk]) -> Path:
    """Writes them by time, as a pcap with ns."""
    frames = sorted((frame for number, one in enumerate(talks) for frame in one.frames(number)), key=lambda frame: frame[0])
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65_535, 1))
        for time, frame in frames:
            file.write(struct.pack("<IIII", time // SECOND, time % SECOND, len(frame), len(frame)) + frame)
    return path
