"""TCP connections with right sequence numbers, for captures that are crafted because no open stack speaks a protocol that far."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

Host = tuple[str, str]
"""Address and MAC."""


class Recorder:
    """Packets in the order of their time."""

    def __init__(self, start: float) -> None:
        self.packets: list[object] = []
        self.time = start
        self.identification = 100

    def connect(self, client: Host, server: Host, client_port: int, server_port: int) -> Connection:
        """A connection, from its handshake on."""
        connection = Connection(self, (*client, client_port), (*server, server_port))
        connection.segment(0, "S")
        connection.segment(1, "SA")
        connection.segment(0, "A")
        return connection

    def pause(self, seconds: float) -> None:
        self.time += seconds

    def write(self, path: Path) -> None:
        from scapy.utils import wrpcap

        wrpcap(str(path), self.packets)


class Connection:
    """One connection; side 0 is the client."""

    def __init__(self, recorder: Recorder, client: tuple[str, str, int], server: tuple[str, str, int]) -> None:
        self.recorder = recorder
        self.ends = (client, server)
        self.sequence = [1_000 + client[2], 5_000 + client[2]]

    def segment(self, side: int, flags: str, payload: bytes = b"") -> None:
        from scapy.layers.inet import IP, TCP
        from scapy.layers.l2 import Ether
        from scapy.packet import Raw

        (ip, mac, port), (other_ip, other_mac, other_port) = self.ends[side], self.ends[1 - side]
        self.recorder.identification += 1
        packet = (
            Ether(src=mac, dst=other_mac)
            / IP(src=ip, dst=other_ip, id=self.recorder.identification & 0xFFFF, flags="DF")
            / TCP(
                sport=port, dport=other_port, flags=flags, seq=self.sequence[side],
                ack=self.sequence[1 - side] if "A" in flags else 0, window=8_192,
            )
        )  # fmt: skip
        if payload:
            packet = packet / Raw(payload)
        packet.time = self.recorder.time
        self.recorder.packets.append(packet)
        self.recorder.time += 0.0021
        self.sequence[side] += len(payload) + ("S" in flags) + ("F" in flags)

    def say(self, side: int, *payloads: bytes) -> None:
        for payload in payloads:
            self.segment(side, "PA", payload)

    def exchange(self, request: bytes | Iterable[bytes], response: bytes | Iterable[bytes]) -> None:
        """What the client says, then what the server says, in one segment each or in several."""
        for side, said in ((0, request), (1, response)):
            self.say(side, *([said] if isinstance(said, bytes) else said))
        self.recorder.pause(0.03)

    def close(self) -> None:
        self.segment(0, "FA")
        self.segment(1, "FA")
        self.segment(0, "A")
