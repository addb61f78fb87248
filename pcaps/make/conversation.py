"""A TCP connection crafted with scapy, for what no open stack speaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

START = 1_772_612_000.0


@dataclass(frozen=True, slots=True)
class End:
    """An end of a connection."""

    ip: str
    mac: str
    port: int


@dataclass(slots=True)
class Conversation:
    """Segments between two ends with right sequence numbers; `ends[0]` opens the connection."""

    ends: tuple[End, End]
    time: float = START
    packets: list[object] = field(default_factory=list)
    sequence: list[int] = field(default_factory=lambda: [1_000, 5_000])
    identification: list[int] = field(default_factory=lambda: [100, 700])

    def segment(self, side: int, flags: str, payload: bytes = b"") -> None:
        """The next segment of a side."""
        from scapy.layers.inet import IP, TCP
        from scapy.layers.l2 import Ether
        from scapy.packet import Raw

        source, destination = self.ends[side], self.ends[1 - side]
        self.identification[side] += 1
        packet = (
            Ether(src=source.mac, dst=destination.mac)
            / IP(src=source.ip, dst=destination.ip, id=self.identification[side], flags="DF")
            / TCP(
                sport=source.port, dport=destination.port, flags=flags, seq=self.sequence[side],
                ack=self.sequence[1 - side] if "A" in flags else 0, window=8_192,
            )
        )  # fmt: skip
        if payload:
            packet = packet / Raw(payload)
        packet.time = self.time
        self.packets.append(packet)
        self.time += 0.0021
        self.sequence[side] += len(payload) + ("S" in flags) + ("F" in flags)

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
