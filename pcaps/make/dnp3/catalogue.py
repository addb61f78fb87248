"""DNP3 captures that go through what there is: objects of every fixed size, and functions and answers that plants seldom show (crafted)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pcaps.make.conversation import End
from pcaps.make.dnp3 import wire
from pcaps.make.dnp3.crafted import RTU, RTU_LINK, STATION, STATION_LINK, Association, Guarded, block, command, little, status

SIZES: Final[dict[int, tuple[int, ...]]] = {
    2: (1, 7, 3), 4: (1, 7, 3), 11: (1, 7), 13: (1, 7), 20: (5, 3, 5, 3, 4, 2, 4, 2), 21: (5, 3, 5, 3, 11, 9, 11, 9, 4, 2, 4, 2),
    22: (5, 3, 5, 3, 11, 9, 11, 9), 23: (5, 3, 5, 3, 11, 9, 11, 9), 30: (5, 3, 4, 2, 5, 9), 31: (5, 3, 11, 9, 4, 2, 5, 9),
    32: (5, 3, 11, 9, 5, 9, 11, 15), 33: (5, 3, 11, 9, 5, 9, 11, 15), 34: (2, 4, 4), 40: (5, 3, 5, 9), 42: (5, 3, 11, 9, 5, 9, 11, 15),
    43: (5, 3, 11, 9, 5, 9, 11, 15), 101: (2, 4, 8), 102: (1,), 121: (7,), 122: (7, 13),
}  # fmt: skip
"""Octets of an object of each variation from 1 on (IEEE 1815-2012, annex A)."""
EVENTS: Final = frozenset({2, 4, 11, 13, 22, 23, 32, 33, 42, 43, 122})
BARE: Final = frozenset({(20, 5), (20, 6), (20, 7), (20, 8), (21, 9), (21, 10), (21, 11), (21, 12), (30, 3), (30, 4), (31, 5), (31, 6)})
"""Static objects without flags."""
MOMENT: Final = 1_772_612_000_000


SINGLE: Final = frozenset({(30, 5), (31, 7), (34, 3), (40, 3), *((group, variation) for group in (32, 33, 42, 43) for variation in (5, 7))})
DOUBLE: Final = frozenset({(30, 6), (31, 8), (40, 4), *((group, variation) for group in (32, 33, 42, 43) for variation in (6, 8))})
TIMED: Final = frozenset({
    (2, 2), (4, 2), (11, 2), (13, 2), (31, 3), (31, 4), (122, 2), *((21, variation) for variation in range(5, 9)),
    *((group, variation) for group in (22, 23) for variation in range(5, 9)),
    *((group, variation) for group in (32, 33, 42, 43) for variation in (3, 4, 7, 8)),
})  # fmt: skip


def value(group: int, variation: int, size: int, place: int) -> bytes:
    """An object: flags (or a status of 0) where it has them, a value, the time where it has one."""
    kind = (group, variation)
    first = b"" if kind in BARE or group in (34, 101, 102) else b"\0" if group in (13, 43) else b"\x01"
    time = wire.time48(MOMENT + place) if kind in TIMED else b""
    room = size - len(first) - len(time)
    if kind in SINGLE or kind in DOUBLE:
        return first + struct.pack("<f" if kind in SINGLE else "<d", place + 1.5) + time
    if group in (121, 122):  # an association before the count
        return first + bytes(2) + little(place + 1, room - 2) + time
    if kind in ((2, 3), (4, 3)):
        return first + little(place, 2)
    return first + (little(place + 1, room) if room else b"") + time


def objects(path: Path) -> None:
    """Each group is read, and each of its variations answered with two points: events with their numbers, static ones in a range."""
    talk = Association((STATION, RTU), (STATION_LINK, RTU_LINK))
    talk.open()
    packed = wire.ranged(3, 1, 0, 3, b"\x1b") + wire.ranged(1, 1, 0, 9, b"\x55\x02") + wire.ranged(10, 1, 0, 7, b"\x0f")
    talk.exchange(wire.READ, wire.everything(60, 1), packed)
    for group, sizes in SIZES.items():
        for variation, size in enumerate(sizes, 1):
            points = [value(group, variation, size, place) for place in range(2)]
            if group in EVENTS:
                common = wire.counted(51, 1 + variation % 2, wire.time48(MOMENT)) if size == 3 and group in (2, 4) else b""
                said = common + wire.indexed(group, variation, *enumerate(points, 5))
            else:
                said = wire.ranged(group, variation, 5, 6, b"".join(points))
            talk.exchange(wire.READ, wire.everything(group, variation), said)
    for group, text in ((110, b"text"), (111, b"event"), (112, b"prompt"), (113, b"answer")):
        said = wire.ranged(group, len(text), 0, 0, text) if group == 110 else wire.indexed(group, len(text), (0, text))
        talk.exchange(wire.READ, wire.everything(group, 0), said)
    talk.exchange(wire.READ, wire.everything(50, 4), wire.ranged(50, 4, 0, 0, wire.time48(MOMENT) + little(60, 4) + b"\x01"))
    talk.close()
    talk.write(path)


STATUSES: Final = (*range(1, 19), 126, 127)


def commands(talk: Association) -> None:
    """Analog commands of each size; then a relay refused for each reason there is."""
    for variation, octets in enumerate((little(7, 4), little(7, 2), bytes((0, 0, 224, 64)), bytes((0, 0, 0, 0, 0, 0, 28, 64))), 1):
        output = wire.indexed(41, variation, (1, octets + b"\0"))
        talk.exchange(wire.DIRECT_OPERATE, output, output)
    pattern = wire.counted(12, 2, wire.crob(0x41)) + wire.ranged(12, 3, 0, 7, b"\xff")
    talk.exchange(wire.DIRECT_OPERATE, pattern, pattern)
    for number in STATUSES:
        asked, said = (wire.indexed(12, 1, (2, wire.crob(3, status=code))) for code in (0, number))
        talk.exchange(wire.DIRECT_OPERATE, asked, said)


def rare(talk: Association) -> None:
    """Functions that plants seldom show."""
    talk.exchange(wire.FREEZE + 2, wire.everything(20, 0))
    talk.exchange(wire.FREEZE + 4, wire.counted(50, 2, wire.time48(MOMENT) + little(3_600_000, 4)) + wire.everything(20, 0))
    for function in (wire.FREEZE + 1, wire.FREEZE + 3, wire.FREEZE + 5):
        interval = wire.counted(50, 2, wire.time48(MOMENT) + little(0, 4)) if function == wire.FREEZE + 5 else b""
        talk.number = (talk.number + 1) % 16
        talk.say(0, wire.request(talk.number, function, interval + wire.everything(20, 0)))
        talk.time += 0.05
    talk.exchange(wire.INITIALIZE - 1, b"", indications=0x0100)
    talk.exchange(wire.READ, wire.everything(60, 2), indications=0x1000)  # already executing
    for code in (1, 2, 4, 5, 6, 7, 8, 9, 16, 17, 18, 19, 20, 255):
        talk.exchange(wire.OPEN, command(b"/cfg/settings.cfg", 1 + code % 3), status(0, 0, code=code))


def links(talk: Association) -> None:
    """Frames of the link layer alone, and user data that the link layer confirms."""
    primary, secondary = STATION_LINK, RTU_LINK
    for asked, answered in ((0xC0, 0x00), (0xF2, 0x00), (0xC9, 0x0B), (0xC1, 0x0F), (0xD2, 0x01)):
        talk.segment(0, "PA", wire.frame(asked, secondary, primary))
        talk.segment(1, "PA", wire.frame(answered, primary, secondary))
        talk.time += 0.05
    talk.segment(0, "PA", wire.frame(0xF3, secondary, primary, b"\xc0" + wire.request(9, wire.READ, wire.everything(60, 1))))
    talk.segment(1, "PA", wire.frame(0x00, primary, secondary))
    talk.say(1, wire.response(9, wire.ranged(1, 2, 0, 0, b"\x81")))


def functions(path: Path) -> None:
    """Commands with every status, rare functions, file refusals, link frames; then authentication with every error."""
    talk = Association((STATION, RTU), (STATION_LINK, RTU_LINK))
    talk.open()
    commands(talk)
    rare(talk)
    links(talk)
    talk.close()
    talk.recorder.pause(2)
    guarded = Guarded((End(STATION.ip, STATION.mac, 50_113), RTU), (STATION_LINK, RTU_LINK), talk.recorder)
    guarded.open()
    for code, request in zip(range(1, 13), refused(), strict=False):
        guarded.number = (guarded.number + 1) % 16
        guarded.say(0, request.replace(b"\xc0", bytes((0xC0 | guarded.number,)), 1))
        guarded.say(1, wire.response(guarded.number, guarded.error(code), function=wire.AUTHENTICATION_RESPONSE))
        guarded.time += 0.1
    guarded.close()
    talk.write(path)


def refused() -> Iterator[bytes]:
    """Authentication requests, one of each variation that a master sends."""
    user = little(5, 2)
    for variation in (2, 6, 8, 10, 11, 13, 14, 15, 2, 6, 2, 6):
        yield wire.request(0, wire.AUTHENTICATION, wire.sized(120, variation, little(1, 4) + user + bytes(24)))


def wrong_requests(talk: Association) -> None:
    """Requests that are wrong in their transport, fragment or objects."""
    pieces = [bytes((0x45,)) + wire.request(1, wire.READ, wire.everything(60, 1)), bytes((0x89,)) + wire.everything(60, 2)]
    for piece in pieces:  # segments 5 and 9 of one fragment
        talk.segment(0, "PA", wire.frame(wire.MASTER, RTU_LINK, STATION_LINK, piece))
    talk.exchange(wire.READ, wire.ranged(1, 2, 5, 2), indications=0x0440)  # a wrong parameter, and trouble
    output = wire.indexed(12, 1, (1, wire.crob(0x0F)))
    talk.exchange(wire.DIRECT_OPERATE, output, output)
    talk.say(0, wire.response(3, wire.ranged(1, 2, 0, 0, b"\x81")))  # a response from a master
    talk.number = (talk.number + 1) % 16
    talk.say(0, wire.request(talk.number, wire.READ, wire.everything(60, 1), control=wire.FINAL))
    talk.say(1, wire.response(talk.number))


def wrong_responses(talk: Association) -> None:
    """Responses that don't fit, are out of order, or can't be."""
    asked, said = (wire.indexed(12, 1, (index, wire.crob(3))) for index in (1, 2))
    talk.exchange(wire.DIRECT_OPERATE, asked, said)
    talk.exchange(wire.READ, wire.everything(60, 2), wire.indexed(2, 3, (4, b"\x81\x05\x00")), indications=0xC000)
    talk.number = (talk.number + 1) % 16
    talk.say(0, wire.request(talk.number, wire.READ, wire.everything(60, 1)))
    talk.say(1, wire.response(talk.number, wire.ranged(1, 2, 0, 0, b"\x81"), control=wire.FIRST))
    talk.say(1, wire.response(talk.number + 2, wire.ranged(1, 2, 1, 1, b"\x81"), control=wire.FINAL))
    talk.exchange(wire.OPEN, command(b"/cfg/a.cfg", 1), status(7, 4_096))
    for number in (0, 5):
        asked, said = block(7, number), block(7, number, bytes(16))
        talk.exchange(wire.READ, asked, said)


def malformed(path: Path) -> None:
    """What is wrong in each way that one frame or fragment can be: transport, ranges, values, directions, bits, echoes, numbers, times."""
    talk = Association((STATION, RTU), (STATION_LINK, RTU_LINK))
    talk.open()
    wrong_requests(talk)
    wrong_responses(talk)
    talk.number = (talk.number + 1) % 16
    talk.say(0, wire.request(talk.number, wire.READ, wire.everything(60, 4)))
    talk.time += 45
    talk.exchange(wire.READ, wire.everything(60, 3))
    talk.say(1, wire.response(talk.number - 1))  # 45 s late
    talk.segment(0, "PA", bytes(20))
    for link in range(140):
        talk.segment(0, "PA", wire.frame(wire.REQUEST_LINK_STATUS, link, STATION_LINK))
    talk.close()
    talk.write(path)
