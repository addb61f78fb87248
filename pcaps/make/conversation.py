"""A connection crafted with scapy, for what no open stack speaks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

START = 1_772_612_000.0


@dataclass(frozen=True, slots=True)
class End:
    """An end of a connection."""

    ip: str
    mac: str
    port: int


@dataclass(slots=True)
class Conversation:
    """Packets between two ends, segments with right sequence numbers; `ends[0]` opens the connection."""

    ends: tuple[End, End]
    time: float = START
    packets: list[object] = field(default_factory=list)
    sequence: list[int] = field(default_factory=lambda: [1_000, 5_000])
    identification: list[int] = field(default_factory=lambda: [100, 700])

    def segment(self, side: int, flags: str, payload: bytes = b"") -> None:
        """The next segment of a side."""
        from scapy.layers.inet import TCP

        head = TCP(
            sport=self.ends[side].port, dport=self.ends[1 - side].port, flags=flags, seq=self.sequence[side],
            ack=self.sequence[1 - side] if "A" in flags else 0, window=8_192,
        )  # fmt: skip
        self._send(self.ends[side], self.ends[1 - side], self._next(side), head, payload)
        self.sequence[side] += len(payload) + ("S" in flags) + ("F" in flags)

    def datagram(self, side: int, payload: bytes, mac: str | None = None) -> None:
        """A datagram of a side; with a MAC address from another host that gives itself out as it."""
        from scapy.layers.inet import UDP

        source, destination = self.ends[side], self.ends[1 - side]
        sender = source if mac is None else replace(source, mac=mac)
        self._send(sender, destination, self._next(side), UDP(sport=source.port, dport=destination.port), payload)

    def _next(self, side: int) -> int:
        self.identification[side] += 1
        return self.identification[side]

    def _send(self, source: End, destination: End, number: int, head: Any, payload: bytes) -> None:
        from scapy.layers.inet import IP
        from scapy.layers.l2 import Ether
        from scapy.packet import Raw

        ip = IP(src=source.ip, dst=destination.ip, id=number, flags="DF")
        packet = Ether(src=source.mac, dst=destination.mac) / ip / head
        packet = packet / Raw(payload) if payload else packet
        packet.time = self.time
        self.packets.append(packet)
        self.time += 0.0021

    def open(self) -> None:
        """The handshake."""
        self.segment(0, "S")
        self.segment(1, "SA")
        self.segment(0, "A")

    def close(self) -> None:
        """Both ends close."""
        self.segment(0, "FA")
        self.segment(1, "FA")
        self.segment(0, "A")

    def write(self, path: Path) -> None:
        """The capture."""
        from scapy.utils import wrpcap

        wrpcap(str(path), self.packets)
