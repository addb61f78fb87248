"""What the connections of the benchmark's OPC UA capture say: a session that reads, hears of changes, and now and then writes."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from pcaps.make.opcua import wire

CHANNEL, SUBSCRIPTION = 7, 7
LIMITS = wire.limits()
HEAD = wire.text(wire.NONE) + wire.NULL + wire.NULL


class Session:
    """One session of an operator; messages are counted, and the first ones set it up."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        self.server = f"server-{seed % 80}"
        self.url = f"opc.tcp://{self.server}:4840/"
        self.nodes = [self.node(chance) for _ in range(chance.choice((4, 10, 10, 24)))]
        self.token = wire.TOKEN[:-4] + seed.to_bytes(4, "big")
        self.ids = b"".join(node + wire.u32(13) + wire.NULL + b"\0\0" + wire.NULL for node in self.nodes)
        self.count = 0

    @staticmethod
    def node(chance: random.Random) -> bytes:
        number = chance.randrange(1_000, 9_000)
        return wire.node(number, 2) if number % 2 else wire.named(f"Line/Drive{number}/Speed")

    def message(self, kind: bytes, head: bytes, body: bytes) -> bytes:
        return wire.framed(kind, head + wire.u32(self.count, self.count) + body)

    def call(self, service: tuple[int, int], asked: bytes, answered: bytes, token: bytes | None = None) -> tuple[bytes, bytes]:
        """A service: type ids of request and response, and their bodies."""
        head, count = wire.u32(CHANNEL, 1), self.count
        request = wire.request(service[0], asked, count, self.token if token is None else token)
        return self.message(b"MSG", head, request), self.message(b"MSG", head, wire.response(service[1], answered, count))

    def value(self, place: int) -> bytes:
        ticks = wire.MOMENT + self.count * 1_000_000
        return b"\x0d\x0b" + struct.pack("<dqq", self.count * 0.25 + place, ticks, ticks)

    def set_up(self) -> tuple[bytes, bytes]:
        """Hello, channel, session, user, subscription, items: what comes first."""
        return (self.hello, self.channel, self.create, self.activate, self.subscribe, self.watch)[self.count - 1]()

    def hello(self) -> tuple[bytes, bytes]:
        return wire.framed(b"HEL", LIMITS + wire.text(self.url)), wire.framed(b"ACK", LIMITS)

    def channel(self) -> tuple[bytes, bytes]:
        asked = wire.request(446, wire.u32(0, 0, 1) + wire.NULL + wire.u32(3_600_000), self.count, b"\0\0")
        granted = wire.response(449, wire.u32(0, CHANNEL, 1) + wire.time() + wire.u32(3_600_000) + wire.NULL, self.count)
        return self.message(b"OPN", wire.u32(0) + HEAD, asked), self.message(b"OPN", wire.u32(CHANNEL) + HEAD, granted)

    def create(self) -> tuple[bytes, bytes]:
        asked = wire.application("hmi", 1) + wire.NULL + wire.text(self.url) + wire.text("bench") + wire.NULL * 2
        offers = wire.listed(wire.endpoint(self.url, 1, wire.NONE))
        granted = wire.node(4_711, 1) + self.token + wire.f64(60_000) + wire.NULL * 2 + offers + wire.NULL * 3 + wire.u32(0)
        return self.call((461, 464), asked + wire.f64(60_000) + wire.u32(0), granted, b"\0\0")

    def activate(self) -> tuple[bytes, bytes]:
        user = wire.extension(321, wire.text("anonymous"))
        return self.call((467, 470), wire.NULL * 2 + wire.listed() * 2 + user + wire.NULL * 2, wire.NULL + wire.listed() * 2)

    def subscribe(self) -> tuple[bytes, bytes]:
        granted = wire.u32(SUBSCRIPTION) + wire.f64(500) + wire.u32(1_000, 10)
        return self.call((787, 790), wire.f64(500) + wire.u32(1_000, 10, 0) + b"\x01\0", granted)

    def watch(self) -> tuple[bytes, bytes]:
        head, tail = wire.u32(13) + wire.NULL + b"\0\0" + wire.NULL, wire.f64(500) + b"\0\0\0" + wire.u32(1) + b"\x01"
        items = [node + head + wire.u32(2, handle) + tail for handle, node in enumerate(self.nodes)]
        granted = [wire.u32(0, number + 1) + wire.f64(500) + wire.u32(1) + b"\0\0\0" for number in range(len(items))]
        return self.call((751, 754), wire.u32(SUBSCRIPTION, 2) + wire.listed(*items), wire.listed(*granted) + wire.listed())

    def read(self) -> tuple[bytes, bytes]:
        values = b"".join(self.value(place) for place in range(len(self.nodes)))
        counted = struct.pack("<i", len(self.nodes))
        return self.call((631, 634), wire.f64(0) + wire.u32(2) + counted + self.ids, counted + values + wire.listed())

    def publish(self) -> tuple[bytes, bytes]:
        """A third of the items have changed."""
        changed = wire.listed(*(wire.u32(place) + self.value(place) for place in range(0, len(self.nodes), 3))) + wire.listed()
        told = wire.u32(self.count) + wire.time() + wire.listed(wire.extension(811, changed))
        answered = wire.u32(SUBSCRIPTION) + wire.listed() + b"\0" + told + wire.listed(wire.u32(0)) + wire.listed()
        return self.call((826, 829), wire.listed(wire.u32(SUBSCRIPTION, self.count - 1)), answered)

    def write(self) -> tuple[bytes, bytes]:
        asked = self.nodes[0] + wire.u32(13) + wire.NULL + b"\x01\x0b" + wire.f64(self.count % 90)
        return self.call((673, 676), wire.listed(asked), wire.listed(wire.u32(0)) + wire.listed())


def opcua_talk(seed: int) -> Callable[[], tuple[bytes, bytes]]:
    """Reads of 4 to 24 values and notifications in turn, a write in 31 (OPC 10000-4 and 10000-6)."""
    session = Session(seed)

    def talk() -> tuple[bytes, bytes]:
        session.count += 1
        if session.count <= 6:
            return session.set_up()
        if session.count % 31 == 0:
            return session.write()
        return session.publish() if session.count % 2 else session.read()

    return talk
