"""Captures to measure with: made here, the same for everyone, so that figures can be compared. Nothing random but seeded.

`modbus` is a plant's polling (200 connections), `dnp3` that of 150 outstations, `s7` that of 100 S7 controllers, `opcua` sessions at 80
servers, `mixed` has other protocols and an office beside it, `flows` jumps at random among 200,000 connections so that no cache holds them.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator, Sequence
from heapq import heapify, heapreplace
from itertools import cycle
from pathlib import Path
from typing import BinaryIO, Final

from tests.bench.opcua_talk import opcua_talk
from tests.bench.talks import Talk, dnp3_talk, mbap, modbus_talk, s7_plant_talk, s7_talk, web_talk

PCAP_HEADER: Final = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
"""Little endian, µs, Ethernet (draft-ietf-opsawg-pcap, section 4)."""
EPOCH: Final = 1_750_000_000
"""Capture time begins here, s since 1970."""
SECOND: Final = 1_000_000

FIN, SYN, PSH, ACK = 1, 2, 8, 16
Timed = tuple[int, bytes]
"""Time in µs since EPOCH, and the frame."""
Source = Iterator[Timed]

_RECORD: Final = struct.Struct("<IIII")
_ETHERNET: Final = struct.Struct("!6s6sH")
_VLAN: Final = struct.Struct("!HHH")
_IP: Final = struct.Struct("!BBHHHBBH4s4s")
_TCP: Final = struct.Struct("!HHIIBBHHH")
_UDP: Final = struct.Struct("!HHHH")
_PSEUDO: Final = struct.Struct("!4s4sBBH")


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071). Its sum is a remainder by 65,535, which big integers give quickly."""
    if len(data) % 2:
        data += b"\0"
    return 0xFFFF ^ (int.from_bytes(data, "big") % 0xFFFF)


class Host:
    """An address with its MAC."""

    __slots__ = ("ip", "mac", "packets")

    def __init__(self, *octets: int) -> None:
        self.ip = bytes(octets)
        self.mac = b"\x02\x46" + self.ip
        self.packets = octets[-1] * 257

    def send(self, other: Host, protocol: int, payload: bytes, vlan: int = 0) -> bytes:
        """An Ethernet frame with IPv4 around `payload`, padded to 60 octets."""
        self.packets = self.packets + 1 & 0xFFFF
        plain = _IP.pack(0x45, 0, 20 + len(payload), self.packets, 0x4000, 64, protocol, 0, self.ip, other.ip)
        header = plain[:10] + checksum(plain).to_bytes(2, "big") + plain[12:]
        frame = _frame(self.mac, other.mac, 0x0800, vlan) + header + payload
        return frame.ljust(60, b"\0")

    def datagram(self, other: Host, ports: tuple[int, int], payload: bytes, vlan: int = 0) -> bytes:
        """UDP (RFC 768) from `ports[0]` to `ports[1]`."""
        plain = _UDP.pack(*ports, 8 + len(payload), 0) + payload
        total = checksum(_PSEUDO.pack(self.ip, other.ip, 0, 17, len(plain)) + plain)
        return self.send(other, 17, plain[:6] + (total or 0xFFFF).to_bytes(2, "big") + payload, vlan)


def _frame(source: bytes, destination: bytes, ethertype: int, vlan: int) -> bytes:
    if vlan:
        return _ETHERNET.pack(destination, source, 0x8100) + struct.pack("!HH", vlan, ethertype)
    return _ETHERNET.pack(destination, source, ethertype)


class Connection:
    """A TCP connection (RFC 9293); side 0 opens it."""

    __slots__ = ("hosts", "next", "ports", "vlan")

    def __init__(self, hosts: tuple[Host, Host], ports: tuple[int, int], start: int = 0, vlan: int = 0) -> None:
        self.hosts, self.ports, self.vlan = hosts, ports, vlan
        self.next = [start & 0xFFFFFFFF, start * 7 + 1 & 0xFFFFFFFF]

    def segment(self, side: int, flags: int, payload: bytes = b"") -> bytes:
        """The side's next segment."""
        other = 1 - side
        acknowledged = self.next[other] if flags & ACK else 0
        plain = _TCP.pack(self.ports[side], self.ports[other], self.next[side], acknowledged, 0x50, flags, 16_384, 0, 0) + payload
        one, two = self.hosts[side], self.hosts[other]
        total = checksum(_PSEUDO.pack(one.ip, two.ip, 0, 6, len(plain)) + plain)
        self.next[side] = self.next[side] + len(payload) + (1 if flags & (SYN | FIN) else 0) & 0xFFFFFFFF
        return one.send(two, 6, plain[:16] + total.to_bytes(2, "big") + plain[18:], self.vlan)

    def opening(self, at: int) -> Source:
        """The handshake."""
        yield at, self.segment(0, SYN)
        yield at + 300, self.segment(1, SYN | ACK)
        yield at + 420, self.segment(0, ACK)

    def closing(self, at: int) -> Source:
        """Both sides close."""
        yield at, self.segment(0, FIN | ACK)
        yield at + 300, self.segment(1, FIN | ACK)
        yield at + 420, self.segment(0, ACK)


def polling(connection: Connection, talk: Talk, period: int, start: int) -> Source:
    """A client that asks every `period` µs for ever; every other request is acknowledged apart, as stacks with delayed answers do."""
    yield from connection.opening(start)
    at = start + 2_000
    for turn in cycle(range(4)):
        request, response = talk()
        yield at, connection.segment(0, PSH | ACK, request)
        if turn == 1:
            yield at + 200, connection.segment(1, ACK)
        yield at + 1_500, connection.segment(1, PSH | ACK, response)
        if turn != 3:
            yield at + 41_500, connection.segment(0, ACK)
        at += period


def modbus() -> list[Source]:
    """200 connections of 20 clients to 100 servers."""
    clients = [Host(10, 20, 0, 10 + number) for number in range(20)]
    servers = [Host(10, 30, number // 50, 10 + number % 50) for number in range(100)]
    sources = []
    for number in range(200):
        connection = Connection((clients[number % 20], servers[number // 2]), (50_000 + number, 502), number * 99_991)
        sources.append(polling(connection, modbus_talk(number), (100_000, 200_000, 250_000, 500_000)[number % 4], number * 997))
    return sources


def dnp3() -> list[Source]:
    """150 outstations, polled by two masters each over a connection of its own every half second to two."""
    masters = [Host(10, 70, 0, 10 + number) for number in range(4)]
    outstations = [Host(10, 71, number // 50, 10 + number % 50) for number in range(150)]
    sources = []
    for number in range(300):
        connection = Connection((masters[number % 4], outstations[number // 2]), (51_000 + number, 20_000), number * 88_883)
        talk = dnp3_talk(number // 2, 1 + number % 2)
        sources.append(polling(connection, talk, (500_000, 1_000_000, 2_000_000)[number % 3], number * 1_499))
    return sources


def s7() -> list[Source]:
    """100 controllers, read by two stations each over a connection of its own, ten times a second to twice."""
    stations = [Host(10, 75, 0, 10 + number) for number in range(10)]
    controllers = [Host(10, 76, number // 50, 10 + number % 50) for number in range(100)]
    sources = []
    for number in range(200):
        connection = Connection((stations[number % 10], controllers[number // 2]), (53_000 + number, 102), number * 66_667)
        sources.append(polling(connection, s7_plant_talk(number), (100_000, 200_000, 500_000)[number % 3], number * 1_201))
    return sources


def opcua() -> list[Source]:
    """80 servers, each with two clients that read and are told of changes, ten times a second to twice."""
    clients = [Host(10, 77, 0, 10 + number) for number in range(10)]
    servers = [Host(10, 78, 0, 10 + number) for number in range(80)]
    sources = []
    for number in range(160):
        connection = Connection((clients[number % 10], servers[number // 2]), (54_000 + number, 4_840), number * 44_449)
        sources.append(polling(connection, opcua_talk(number), (100_000, 200_000, 500_000)[number % 3], number * 1_303))
    return sources


def short_lived(client: Host, server: Host, seed: int) -> Source:
    """Connections that come and go, one request each."""
    talk = web_talk(seed)
    at = seed * 7_919
    for number in cycle(range(15_000)):
        connection = Connection((client, server), (45_000 + number, 443), number * 65_537 + seed)
        yield from connection.opening(at)
        request, response = talk()
        yield at + 900, connection.segment(0, PSH | ACK, request)
        for piece in range(4):
            yield at + 2_000 + piece * 150, connection.segment(1, PSH | ACK, response)
        yield at + 3_000, connection.segment(0, ACK)
        yield from connection.closing(at + 9_000)
        at += 6 * SECOND


def datagrams(sides: tuple[Host, Host], port: int, payloads: tuple[bytes, bytes], period: int, start: int) -> Source:
    """Requests and answers over UDP, from another client port each time where the service does so."""
    (client, server), (asked, given) = sides, payloads
    at = start
    for number in cycle(range(10_000)):
        own = port if port == 123 else 50_000 + number % 900
        mark = number.to_bytes(2, "big")
        yield at, client.datagram(server, (own, port), mark + asked)
        yield at + 800, server.datagram(client, (port, own), mark + given)
        at += period


def cyclic(source: Host, target: Host, start: int) -> Source:
    """PROFINET real-time data every 32 ms, in a priority tag (IEC 61158-6-10)."""
    at = start
    for number in cycle(range(65_536)):
        head = _frame(source.mac, target.mac, 0x8892, 0xC000)
        yield at, head + struct.pack("!H", 0x8001) + bytes(40) + struct.pack("!HBB", number, 0x35, 0)
        at += 32_000


def asking(host: Host, start: int) -> Source:
    """ARP requests (RFC 826) every 20 s."""
    at = start
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + host.mac + host.ip + bytes(6) + host.ip[:3] + b"\x01"
    frame = (_frame(host.mac, b"\xff" * 6, 0x0806, 0) + body).ljust(60, b"\0")
    while True:
        yield at, frame
        at += 20 * SECOND


def mixed() -> list[Source]:
    """Modbus and S7 in VLANs, PROFINET, and an office: TLS, DNS, NTP, SNMP, ARP."""
    cell = [Host(10, 40, 1, 10 + number) for number in range(40)]
    office = [Host(10, 50, 0, 10 + number) for number in range(60)]
    servers = [Host(10, 50, 9, 10 + number) for number in range(6)]
    sources: list[Source] = [cyclic(cell[number], cell[0], number * 1_700) for number in range(1, 13)]
    for number in range(50):
        sides = (office[number], cell[number % 40])
        modbus_way = Connection(sides, (52_000 + number, 502), number * 77_777, 110)
        sources.append(polling(modbus_way, modbus_talk(number), 250_000, number * 1_009))
        s7_way = Connection(sides, (53_000 + number, 102), number * 55_555, 120)
        sources.append(polling(s7_way, s7_talk(number), 200_000, number * 1_013))
    name = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04hist\x05plant\x07invalid\x00\x00\x01\x00\x01"
    for number, host in enumerate(office):
        server = servers[number % 6]
        sources.append(asking(host, number * 333_333))
        sources.append(short_lived(host, server, number))
        long_lived = Connection((host, server), (54_000 + number, 443), number * 33_333)
        sources.append(polling(long_lived, web_talk(number), 150_000, number * 1_021))
        sources.append(datagrams((host, server), 53, (name, name + bytes(16)), 2 * SECOND, number * 31_337))
        sources.append(datagrams((host, server), 123, (bytes(46), bytes(46)), 16 * SECOND, number * 41_337))
        sources.append(datagrams((host, server), 161, (bytes(41), bytes(60)), 5 * SECOND, number * 51_337))
    return sources


def flows(number: int = 200_000) -> Source:
    """Modbus polls on one of `number` connections at random each time, begun before the capture; request and answer alternate."""
    chance = random.Random(number)
    ways: list[Connection | None] = [None] * number
    asked = bytearray(number)
    answer = bytes((3, 20)) + bytes(range(20))
    request = struct.pack("!BHH", 3, 0, 10)
    at = 0
    while True:
        place = chance.randrange(number)
        way = ways[place]
        if way is None:
            client = Host(10, 60 + (place >> 16), place >> 8 & 255, place & 255)
            server = Host(10, 90, chance.randrange(256), chance.randrange(1, 255))
            way = ways[place] = Connection((client, server), (chance.randrange(1_024, 60_000), 502), place * 641)
        asked[place] ^= 1
        side = 1 - asked[place]
        at += 10
        yield at, way.segment(side, PSH | ACK, mbap(place & 0xFFFF, 1, answer if side else request))


def merged(sources: Sequence[Source]) -> Source:
    """All frames in the order of time; of the same time, in the order of the sources."""
    waiting = [(*next(source), place, source) for place, source in enumerate(sources)]
    heap = [(at, place, frame, source) for at, frame, place, source in waiting]
    heapify(heap)
    while heap:
        at, place, frame, source = heap[0]
        yield at, frame
        after, following = next(source)
        heapreplace(heap, (after, place, following, source))


KINDS: Final[dict[str, Callable[[], Source]]] = {
    "modbus": lambda: merged(modbus()),
    "dnp3": lambda: merged(dnp3()),
    "s7": lambda: merged(s7()),
    "opcua": lambda: merged(opcua()),
    "mixed": lambda: merged(mixed()),
    "flows": flows,
}
"""What can be made, by name."""


def make(kind: str, packets: int, path: Path) -> Path:
    """Writes a capture of so many packets, unless it is there already."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".part")
        with half.open("wb", 1 << 20) as file:
            write(file, KINDS[kind](), packets)
        half.replace(path)
    return path


def write(file: BinaryIO, source: Source, packets: int) -> None:
    """A pcap of the first frames of a source."""
    file.write(PCAP_HEADER)
    for _, (at, frame) in zip(range(packets), source, strict=False):
        size = len(frame)
        file.write(_RECORD.pack(EPOCH + at // SECOND, at % SECOND, size, size) + frame)


def head(path: Path, packets: int, into: Path) -> tuple[Path, int]:
    """The first packets of a capture as one of its own, and how many packets the whole has. Only classic little-endian pcap."""
    content = path.read_bytes()
    if content[:4] not in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"):
        raise ValueError(f"{path}: the benchmark takes classic little-endian pcap only")
    at = cut = len(PCAP_HEADER)
    count = 0
    while at + _RECORD.size <= len(content):
        at += _RECORD.size + int.from_bytes(content[at + 8 : at + 12], "little")
        count += 1
        if count == packets:
            cut = at
    into.parent.mkdir(parents=True, exist_ok=True)
    into.write_bytes(content[: cut if count >= packets else at])
    return into, count
