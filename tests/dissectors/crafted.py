"""Captures made for a test: datagrams and TCP segments between two hosts, written as pcap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import dpkt

CLIENT, SERVER = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
MACS = {CLIENT: bytes([2, 0, 0, 0, 0, 1]), SERVER: bytes([2, 0, 0, 0, 0, 2])}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One payload: who sent it, when (seconds), and how."""

    payload: bytes
    up: bool
    time: float
    ports: tuple[int, int] = (40_000, 161)


def _frame(payload: dpkt.Packet, up: bool, protocol: int, number: int) -> bytes:
    source, destination = (CLIENT, SERVER) if up else (SERVER, CLIENT)
    ip = dpkt.ip.IP(src=source, dst=destination, p=protocol, id=number, ttl=64, data=payload, len=20 + len(payload))
    return bytes(dpkt.ethernet.Ethernet(src=MACS[source], dst=MACS[destination], data=bytes(ip)))


def _write(path: Path, frames: Iterable[tuple[float, bytes]]) -> Path:
    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file)
        for time, frame in frames:
            writer.writepkt(frame, 1_700_000_000 + time)
    return path


def udp(path: Path, sent: Iterable[Sent]) -> Path:
    """A capture of datagrams; `ports` are the client's and the server's."""
    frames = []
    for number, piece in enumerate(sent, start=1):
        client, server = piece.ports
        ports = (client, server) if piece.up else (server, client)
        datagram = dpkt.udp.UDP(sport=ports[0], dport=ports[1], ulen=8 + len(piece.payload), data=piece.payload)
        frames.append((piece.time, _frame(datagram, piece.up, dpkt.ip.IP_PROTO_UDP, number)))
    return _write(path, frames)


def tcp(path: Path, sent: Iterable[Sent], *, lose: frozenset[int] = frozenset()) -> Path:
    """A connection with its handshake and a segment for each piece; segments whose places are in `lose` were not seen."""
    sent = list(sent)
    client, server = sent[0].ports
    sequence = {True: 1000, False: 5000}
    frames: list[tuple[float, bytes]] = []

    def segment(up: bool, flags: int, payload: bytes, time: float, *, seen: bool = True) -> None:
        ports = (client, server) if up else (server, client)
        part = dpkt.tcp.TCP(sport=ports[0], dport=ports[1], seq=sequence[up], ack=sequence[not up], flags=flags, data=payload)
        if seen:
            frames.append((time, _frame(part, up, dpkt.ip.IP_PROTO_TCP, len(frames) + 1)))
        sequence[up] += len(payload) + (1 if flags & dpkt.tcp.TH_SYN else 0)

    start = sent[0].time - 0.01
    segment(True, dpkt.tcp.TH_SYN, b"", start)
    segment(False, dpkt.tcp.TH_SYN | dpkt.tcp.TH_ACK, b"", start)
    segment(True, dpkt.tcp.TH_ACK, b"", start)
    for place, piece in enumerate(sent):
        segment(piece.up, dpkt.tcp.TH_ACK | dpkt.tcp.TH_PUSH, piece.payload, piece.time, seen=place not in lose)
    return _write(path, frames)
