"""A crafted connection of OPC UA: channel without security, session, calls, chunks."""

from __future__ import annotations

from dataclasses import dataclass, field

from pcaps.make.conversation import Conversation
from pcaps.make.opcua import wire

CHANNEL, SECURITY_TOKEN = 7, 1
ANONYMOUS = wire.extension(321, wire.text("anonymous"))


@dataclass(slots=True)
class Talk(Conversation):
    """Messages between a client (side 0) and a server; each request has the next number, and each side counts its chunks."""

    number: int = 0
    sent: list[int] = field(default_factory=lambda: [0, 0])

    @property
    def url(self) -> str:
        return f"opc.tcp://{self.ends[1].ip}:4840/"

    def say(self, side: int, *messages: bytes) -> None:
        for message in messages:
            self.segment(side, "PA", message)

    def next(self, side: int) -> int:
        """The next sequence number of a side."""
        self.sent[side] += 1
        return self.sent[side]

    def message(
        self, side: int, body: bytes, kind: bytes = b"MSG", part: bytes = b"F", channel: int = CHANNEL, token: int = SECURITY_TOKEN
    ) -> None:
        """A chunk, of a message that has no other where nothing is said."""
        numbers = wire.u32(channel, token, self.next(side), self.number)
        self.say(side, wire.framed(kind, numbers + body, part))

    def chunks(self, side: int, *parts: bytes, last: bytes = b"F") -> None:
        """A message of several chunks."""
        for place, part in enumerate(parts):
            self.message(side, part, part=last if place + 1 == len(parts) else b"C")

    def call(self, service: tuple[int, int], asked: bytes = b"", answered: bytes | None = b"", result: int = 0) -> None:
        """A service: type ids of request and response, and their bodies. No answer: None."""
        self.number += 1
        self.message(0, wire.request(service[0], asked, self.number))
        if answered is not None:
            self.message(1, wire.response(service[1], answered, self.number, result))
        self.time += 0.05

    def hello(self, asked: bytes = wire.limits(), granted: bytes = wire.limits()) -> None:
        self.say(0, wire.framed(b"HEL", asked + wire.text(self.url)))
        self.say(1, wire.framed(b"ACK", granted))

    def channel(self) -> None:
        """A channel without security."""
        self.number += 1
        head = wire.text(wire.NONE) + wire.NULL + wire.NULL
        asked = wire.request(446, wire.u32(0, 0, 1) + wire.NULL + wire.u32(3_600_000), self.number, b"\0\0")
        granted = wire.response(449, wire.u32(0, CHANNEL, SECURITY_TOKEN) + wire.time() + wire.u32(3_600_000) + wire.NULL, self.number)
        for side, (channel, body) in enumerate(((0, asked), (CHANNEL, granted))):
            self.say(side, wire.framed(b"OPN", wire.u32(channel) + head + wire.u32(self.next(side), self.number) + body))

    def session(self, name: str, user: bytes = ANONYMOUS) -> None:
        """A session; the server offers nothing but endpoints without security."""
        self.number += 1
        asked = wire.application(name, 1) + wire.NULL + wire.text(self.url) + wire.text(f"{name} at work") + wire.NULL * 2
        asked += wire.f64(60_000) + wire.u32(0)
        offers = wire.listed(wire.endpoint(self.url, 1, wire.NONE))
        granted = wire.node(4_711, 1) + wire.TOKEN + wire.f64(60_000) + wire.NULL * 2 + offers + wire.NULL * 3 + wire.u32(0)
        self.message(0, wire.request(461, asked, self.number, b"\0\0"))
        self.message(1, wire.response(464, granted, self.number))
        self.call((467, 470), wire.NULL * 2 + wire.listed() * 2 + user + wire.NULL * 2, wire.NULL + wire.listed() * 2)

    def begin(self, name: str, user: bytes = ANONYMOUS) -> None:
        """Everything from the handshake to the session."""
        self.open()
        self.hello()
        self.channel()
        self.session(name, user)

    def end(self) -> None:
        """Session, channel and connection are closed."""
        self.call((473, 476), b"\x01")
        self.number += 1
        self.message(0, wire.request(452, b"", self.number), kind=b"CLO")
        self.close()
