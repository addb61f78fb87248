"""Connections crafted with scapy, for what no open stack speaks: segments with right sequence numbers, packets in the order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, Final

START: Final = 1_772_612_000.0
STEP: Final = 0.0021
"""Seconds from a packet to the next."""

Host = tuple[str, str]
"""Address and MAC."""


@dataclass(frozen=True, slots=True)
class End:
    """An end of a connection."""

    ip: str
    mac: str
    port: int


class Recorder:
    """The packets of one capture."""

    def __init__(self, start: float = START) -> None:
        self.packets: list[object] = []
        self.time = start
        self.numbers = count(101)

    def connect(self, client: Host, server: Host, client_port: int, server_port: int) -> Connection:
        """A connection, from its handshake on; all connections of a recorder number their packets in one row."""
        made = Connection((End(*client, client_port), End(*server, server_port)), self)
        made.sequence = [1_000 + client_port, 5_000 + client_port]
        made.numbers = (self.numbers, self.numbers)
        made.open()
        return made

    def pause(self, seconds: float) -> None:
        self.time += seconds

    def put(self, packet: Any) -> None:
        """The next packet."""
        packet.time = self.time
        self.packets.append(packet)
        self.time += STEP

    def write(self, path: Path) -> None:
        """The capture."""
        from scapy.utils import wrpcap

        wrpcap(str(path), self.packets)


class Conversation:
    """Packets between two ends; `ends[0]`, side 0, opens the connection. Without a recorder it has its own, for a capture of its own."""

    def __init__(self, ends: tuple[End, End], recorder: Recorder | None = None) -> None:
        self.ends = ends
        self.recorder = recorder or Recorder()
        self.sequence = [1_000, 5_000]
        self.numbers: tuple[Iterator[int], Iterator[int]] = (count(101), count(701))

    @property
    def time(self) -> float:
        """When the next packet is sent."""
        return self.recorder.time

    @time.setter
    def time(self, time: float) -> None:
        self.recorder.time = time

    def segment(self, side: int, flags: str, payload: bytes = b"") -> None:
        """The next segment of a side."""
        from scapy.layers.inet import TCP

        head = TCP(
            sport=self.ends[side].port, dport=self.ends[1 - side].port, flags=flags, seq=self.sequence[side],
            ack=self.sequence[1 - side] if "A" in flags else 0, window=8_192,
        )  # fmt: skip
        self._send(self.ends[side], side, head, payload)
        self.sequence[side] += len(payload) + ("S" in flags) + ("F" in flags)

    def datagram(self, side: int, payload: bytes, mac: str | None = None) -> None:
        """A datagram of a side; with a MAC address from another host that gives itself out as it."""
        from scapy.layers.inet import UDP

        source = self.ends[side]
        head = UDP(sport=source.port, dport=self.ends[1 - side].port)
        self._send(source if mac is None else replace(source, mac=mac), side, head, payload)

    def _send(self, source: End, side: int, head: Any, payload: bytes) -> None:
        from scapy.layers.inet import IP
        from scapy.layers.l2 import Ether
        from scapy.packet import Raw

        other = self.ends[1 - side]
        ip = IP(src=source.ip, dst=other.ip, id=next(self.numbers[side]) & 0xFFFF, flags="DF")
        packet = Ether(src=source.mac, dst=other.mac) / ip / head
        self.recorder.put(packet / Raw(payload) if payload else packet)

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
        self.recorder.write(path)


class Connection(Conversation):
    """One of several in a capture, whose sides say bytes."""

    def say(self, side: int, *payloads: bytes) -> None:
        """What a side says, in as many segments."""
        for payload in payloads:
            self.segment(side, "PA", payload)

    def exchange(self, request: bytes | Iterable[bytes], response: bytes | Iterable[bytes]) -> None:
        """What the client says, then what the server says, in one segment each or in several."""
        for side, said in ((0, request), (1, response)):
            self.say(side, *([said] if isinstance(said, bytes) else said))
        self.recorder.pause(0.03)
