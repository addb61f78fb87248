"""DNP3 that opendnp3 3.1.2 doesn't speak, crafted: files (IEEE 1815-2012, A.25), secure authentication (A.45), reports that are forged."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pcaps.make.conversation import START, Conversation, End, Recorder
from pcaps.make.dnp3 import wire

STATION: Final = End("10.20.4.7", "00:14:22:40:00:07", 50_112)
RTU: Final = End("10.20.1.21", "00:30:a7:10:00:21", 20_000)
STRANGER: Final = End("10.20.9.66", "00:50:56:20:09:66", 50_311)
STATION_LINK, RTU_LINK = 7, 10
FILE, FOLDER = 1, 0
READING, WRITING = 1, 2
SETTINGS: Final = b"".join(f"feeder.{index}.pickup={index * 35 + 120}\n".encode() for index in range(40))
IMAGE: Final = bytes((index * 7 + index // 256) & 0xFF for index in range(1_400))
BLOCK: Final = 512
LAST: Final = 0x8000_0000
"""In a block's number: no more follow."""


def little(value: int, octets: int) -> bytes:
    return value.to_bytes(octets, "little")


class Association(Conversation):
    """Requests and responses between a master and an outstation over one connection."""

    def __init__(self, ends: tuple[End, End], links: tuple[int, int], recorder: Recorder | None = None) -> None:
        super().__init__(ends, recorder)
        self.speakers = (wire.Speaker(wire.MASTER, *links), wire.Speaker(wire.OUTSTATION, *reversed(links)))
        self.number = 0

    def say(self, side: int, fragment: bytes) -> None:
        """A fragment of one side."""
        self.segment(side, "PA", self.speakers[side].frames(fragment))

    def exchange(self, function: int, request: bytes, response: bytes = b"", indications: int = 0) -> None:
        """A request with its response."""
        self.number = (self.number + 1) % 16
        self.say(0, wire.request(self.number, function, request))
        self.say(1, wire.response(self.number, response, indications=indications))
        self.time += 0.05


def command(name: bytes, mode: int, *, size: int = 0, key: int = 0, number: int = 1) -> bytes:
    """g70v3, what to open or delete."""
    fixed = little(26, 2) + little(len(name), 2) + wire.time48(int(START * 1_000)) + little(0o644, 2) + little(key, 4)
    return wire.sized(70, 3, fixed + little(size, 4) + little(mode, 2) + little(BLOCK, 2) + little(number, 2) + name)


def status(handle: int, size: int, code: int = 0, number: int = 1) -> bytes:
    """g70v4, what became of it."""
    return wire.sized(70, 4, little(handle, 4) + little(size, 4) + little(BLOCK, 2) + little(number, 2) + bytes((code,)))


def block(handle: int, number: int, data: bytes = b"") -> bytes:
    """g70v5, a block."""
    return wire.sized(70, 5, little(handle, 4) + little(number, 4) + data)


def block_status(handle: int, number: int, code: int = 0) -> bytes:
    """g70v6, whether a block was taken."""
    return wire.sized(70, 6, little(handle, 4) + little(number, 4) + bytes((code,)))


def descriptor(name: bytes, kind: int, size: int) -> bytes:
    """What g70v7 says of a file; folders list their files so."""
    fixed = little(20, 2) + little(len(name), 2) + little(kind, 2) + little(size, 4) + wire.time48(int(START * 1_000)) + little(0o644, 2)
    return fixed + little(1, 2) + name


def pieces(content: bytes) -> list[tuple[int, bytes]]:
    """Blocks of a file with their numbers; the last one is marked."""
    parts = [content[at : at + BLOCK] for at in range(0, len(content), BLOCK)]
    return [(number | (LAST if number == len(parts) - 1 else 0), part) for number, part in enumerate(parts)]


def read(talk: Association, name: bytes, content: bytes, handle: int, key: int) -> None:
    """Opens, reads to the end, closes."""
    talk.exchange(wire.OPEN, command(name, READING, key=key), status(handle, len(content)))
    for number, part in pieces(content):
        talk.exchange(wire.READ, block(handle, number & ~LAST), block(handle, number, part))
    talk.exchange(wire.CLOSE, status(handle, 0), status(handle, 0))


def write(talk: Association, name: bytes, content: bytes, handle: int, key: int) -> None:
    """Opens, writes, closes."""
    talk.exchange(wire.OPEN, command(name, WRITING, size=len(content), key=key), status(handle, len(content)))
    for number, part in pieces(content):
        talk.exchange(wire.WRITE, block(handle, number, part), block_status(handle, number))
    talk.exchange(wire.CLOSE, status(handle, 0), status(handle, 0))


def files(path: Path) -> None:
    """An engineering station signs in, lists a folder, reads settings, writes a program and activates it, deletes and gives up files."""
    talk = Association((STATION, RTU), (STATION_LINK, RTU_LINK))
    talk.open()
    user, password, key = b"engineer", b"Not-A-Real-One", 0x2F1D_55A0
    signs = little(12, 2) + little(len(user), 2) + little(12 + len(user), 2) + little(len(password), 2)
    talk.exchange(
        wire.AUTHENTICATE,
        wire.sized(70, 2, signs + little(0, 4) + user + password),
        wire.sized(70, 2, little(12, 2) + little(0, 2) + little(12, 2) + little(0, 2) + little(key, 4)),
    )
    listing = descriptor(b"settings.cfg", FILE, len(SETTINGS)) + descriptor(b"old.cfg", FILE, 320)
    read(talk, b"/cfg", listing, 0x0101, key)
    talk.exchange(
        wire.FILE_INFO, wire.sized(70, 7, descriptor(b"/cfg/settings.cfg", FILE, 0)),
        wire.sized(70, 7, descriptor(b"/cfg/settings.cfg", FILE, len(SETTINGS))),
    )  # fmt: skip
    read(talk, b"/cfg/settings.cfg", SETTINGS, 0x0102, key)
    write(talk, b"/app/logic.bin", IMAGE, 0x0103, key)
    activated = little(2_000, 4) + b"\x01\x00"
    talk.exchange(wire.ACTIVATE, wire.sized(70, 8, b"/app/logic.bin"), wire.sized(91, 1, activated))
    talk.exchange(wire.DELETE, command(b"/cfg/old.cfg", 0, key=key), status(0, 0))
    talk.exchange(wire.OPEN, command(b"/cfg/missing.cfg", READING, key=key), status(0, 0, code=3))
    talk.exchange(wire.OPEN, command(b"/app/half.bin", WRITING, size=4_096, key=key), status(0x0104, 4_096))
    talk.exchange(wire.WRITE, block(0x0104, 0, IMAGE[:BLOCK]), block_status(0x0104, 0))
    talk.exchange(wire.ABORT, status(0x0104, 0), status(0x0104, 0))
    talk.exchange(wire.SAVE, b"", wire.counted(52, 2, little(500, 2)))
    talk.exchange(wire.STOP, wire.sized(90, 1, b"logic"))
    talk.exchange(wire.INITIALIZE, wire.sized(90, 1, b"logic"))
    talk.exchange(wire.START, wire.sized(90, 1, b"logic"))
    talk.close()
    talk.write(path)


def firmware(path: Path) -> None:
    """An engineering station writes a file of firmware to an outstation and restarts it; an intruder tries the same and is refused."""
    recorder = Recorder()
    talk = Association((STATION, RTU), (STATION_LINK, RTU_LINK), recorder)
    talk.open()
    write(talk, b"/firmware/rtu-4.2.img", IMAGE * 3, 0x0201, 0x2F1D_55A1)
    talk.exchange(wire.COLD_RESTART, b"", wire.counted(52, 2, little(8_000, 2)))
    talk.close()
    recorder.pause(20)
    other = Association((STRANGER, RTU), (STATION_LINK, RTU_LINK), recorder)
    other.open()
    other.exchange(wire.OPEN, command(b"/firmware/rtu-4.3.img", WRITING, size=9_000), status(0, 0, code=1))
    other.close()
    recorder.write(path)


USER: Final = 5
HMAC: Final = 4
"""HMAC-SHA-256, cut to 16 octets (A.45.1)."""


class Guarded(Association):
    """An association whose outstation challenges what is critical."""

    challenges = 0

    def challenged(self, function: int, objects: bytes, *, right: bool) -> None:
        """A critical request, the challenge, the reply; and the response where the reply is right, else the error."""
        self.number = (self.number + 1) % 16
        self.challenges += 1
        counter = little(self.challenges, 4)
        self.say(0, wire.request(self.number, function, objects))
        challenge = wire.sized(120, 1, counter + little(USER, 2) + bytes((HMAC, 1)) + bytes((self.challenges * 17 & 0xFF,)) * 16)
        self.say(1, wire.response(self.number, challenge, function=wire.AUTHENTICATION_RESPONSE))
        reply = wire.sized(120, 2, counter + little(USER, 2) + bytes((self.challenges * 29 & 0xFF,)) * 16)
        self.say(0, wire.request(self.number, wire.AUTHENTICATION, reply))
        if right:
            self.say(1, wire.response(self.number, objects))
        else:
            self.say(1, wire.response(self.number, self.error(1), function=wire.AUTHENTICATION_RESPONSE))
        self.time += 0.4

    def error(self, code: int) -> bytes:
        """g120v7: 1 is "authentication failed"."""
        fixed = little(self.challenges, 4) + little(USER, 2) + little(1, 2) + bytes((code,))
        return wire.sized(120, 7, fixed + wire.time48(int(self.time * 1_000)) + b"denied")


def keys(talk: Guarded) -> None:
    """Session keys are asked for, found not initialised, and changed."""
    for turn, known in ((1, 2), (2, 1)):
        talk.number = (talk.number + 1) % 16
        state = little(turn, 4) + little(USER, 2) + bytes((1, known, HMAC)) + little(16, 2) + bytes((0x40 + turn,)) * 16
        if turn == 1:
            talk.say(0, wire.request(talk.number, wire.AUTHENTICATION, wire.counted(120, 4, little(USER, 2))))
        else:
            change = little(1, 4) + little(USER, 2) + bytes((0x99,)) * 40
            talk.say(0, wire.request(talk.number, wire.AUTHENTICATION, wire.sized(120, 6, change)))
        talk.say(1, wire.response(talk.number, wire.sized(120, 5, state), function=wire.AUTHENTICATION_RESPONSE))
        talk.time += 0.1


def authentication(path: Path) -> None:
    """Session keys are changed and a control is authenticated; then somebody who hasn't the key tries eight times."""
    talk = Guarded((STATION, RTU), (STATION_LINK, RTU_LINK))
    talk.open()
    keys(talk)
    control = wire.indexed(12, 1, (3, wire.crob(3)))
    talk.challenged(wire.DIRECT_OPERATE, control, right=True)
    talk.close()
    talk.recorder.pause(2)
    stranger = Guarded((End("10.20.9.66", "00:1d:9c:00:00:01", 41_206), RTU), (STATION_LINK, RTU_LINK), talk.recorder)
    stranger.challenges = talk.challenges
    stranger.open()
    for _ in range(8):
        stranger.challenged(wire.DIRECT_OPERATE, control, right=False)
    stranger.close()
    talk.write(path)


ATTRIBUTES: Final = (
    (212, 2, little(2_048, 2)), (216, 2, little(10, 1)), (219, 2, little(64, 1)),
    (242, 1, b"R214-V2"), (243, 1, b"rev C"), (245, 1, b"Bay 7"), (246, 1, b"S7-F03"), (247, 1, b"rtu-1"),
    (248, 1, b"1180350417"), (250, 1, b"SEL-3530 RTAC"), (252, 1, b"Schweitzer Engineering"),
)  # fmt: skip
"""Device attributes (A.1): variation, type (1 text, 2 unsigned), value."""


def attribute(variation: int, kind: int, value: bytes) -> bytes:
    """g0, an attribute of the default set."""
    return wire.ranged(0, variation, 0, 0, bytes((kind, len(value))) + value)


def attributes(path: Path) -> None:
    """An engineering station asks for all device attributes at once, for one alone, and writes the device's name."""
    talk = Association((STATION, RTU), (STATION_LINK, RTU_LINK))
    talk.open()
    talk.exchange(wire.READ, wire.ranged(0, 254, 0, 0), b"".join(attribute(*one) for one in ATTRIBUTES))
    talk.exchange(wire.READ, wire.ranged(0, 242, 0, 0), attribute(*ATTRIBUTES[3]))
    talk.exchange(wire.WRITE, attribute(247, 1, b"rtu-1-new"))
    talk.close()
    talk.write(path)


FORGER: Final = "00:0c:29:90:00:66"


class Datagrams(Association):
    """The same over UDP."""

    mac: str | None = None

    def say(self, side: int, fragment: bytes) -> None:
        """A fragment of one side; where `mac` is set, the outstation's come from that host."""
        self.datagram(side, self.speakers[side].frames(fragment), self.mac if side == 1 else None)


def forged_reports(path: Path) -> None:
    """A master switches reports off; another host then sends some in the outstation's name, and the master confirms them."""
    master = End("10.20.3.5", "00:1b:1b:30:00:05", 20_000)
    talk = Datagrams((master, RTU), (1, RTU_LINK))
    talk.exchange(
        wire.READ, b"".join(wire.everything(60, variation) for variation in (2, 3, 4, 1)), wire.ranged(1, 2, 0, 3, b"\x01\x81\x01\x01")
    )
    talk.exchange(wire.DISABLE, b"".join(wire.everything(60, variation) for variation in (2, 3, 4)))
    talk.time += 60
    talk.mac = FORGER
    for number in range(4):
        talk.time += 1.5
        moment = wire.time48(int(talk.time * 1_000))
        event = wire.indexed(2, 2, (number, bytes((0x81,)) + moment))
        control = wire.FIRST | wire.FINAL | wire.CONFIRMED | wire.UNASKED
        talk.say(1, wire.response(number, event, function=wire.UNSOLICITED, control=control))
        talk.say(0, wire.request(number, wire.CONFIRM, control=wire.FIRST | wire.FINAL | wire.UNASKED))
    talk.mac = None
    talk.exchange(wire.READ, b"".join(wire.everything(60, variation) for variation in (2, 3, 4)))
    talk.write(path)
