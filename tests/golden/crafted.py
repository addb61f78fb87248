"""Conversations from a case's `case.yml`, made with scapy: it crafts, it doesn't judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

CLIENT: Final = ("02:00:00:00:00:01", "10.0.0.1", 40_000)
SERVER: Final = ("02:00:00:00:00:02", "10.0.0.2", 502)
START: Final = 1_750_000_000
STEP: Final = 0.01
"""Seconds between two messages, unless one says `after`."""


def write(case: Mapping[str, Any], path: Path) -> None:
    """A capture of the case's messages: `{client|server: hex bytes, after: seconds}`, over `transport` tcp (with its handshake) or udp."""
    from scapy.layers.inet import IP, TCP, UDP
    from scapy.layers.l2 import Ether
    from scapy.utils import wrpcap

    over_tcp = case.get("transport", "tcp") == "tcp"
    port = case.get("port", SERVER[2])
    now, place, packets = float(START), [1_000, 5_000], []

    def send(side: int, flags: str, payload: bytes) -> None:
        ends = [CLIENT, (*SERVER[:2], port)]
        (mac, ip, own), (other_mac, other_ip, other) = ends[side], ends[1 - side]
        head = Ether(src=mac, dst=other_mac) / IP(src=ip, dst=other_ip, id=len(packets) + 1)
        if over_tcp:
            layer = TCP(sport=own, dport=other, flags=flags, seq=place[side], ack=0 if flags == "S" else place[1 - side])
        else:
            layer = UDP(sport=own, dport=other)
        packet = head / layer / payload
        packet.time = now
        packets.append(packet)
        place[side] += len(payload) + (flags in ("S", "SA", "FA"))

    if over_tcp:
        send(0, "S", b"")
        send(1, "SA", b"")
        send(0, "A", b"")
    for message in messages(case):
        now += message.get("after", STEP)
        side = 0 if "client" in message else 1
        send(side, "PA", bytes.fromhex(str(message["server" if side else "client"]).replace(" ", "")))
    if over_tcp and case.get("close", True):
        now += case.get("linger", STEP)
        send(0, "FA", b"")
        send(1, "FA", b"")
    wrpcap(str(path), packets)


def messages(case: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """What is said, in order."""
    said: Sequence[Mapping[str, Any]] = case["messages"]
    return said
