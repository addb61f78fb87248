"""What asyncua does not say: services that it does not have, reverse connections, floods, and everything that is wrong."""

from __future__ import annotations

from pathlib import Path

from pcaps.make.conversation import End
from pcaps.make.opcua import wire
from pcaps.make.opcua.talk import CHANNEL, Talk
from pcaps.make.opcua.wire import NULL, extension, f64, framed, listed, localized, named, node, qualified, request, response, text, u32

STATION = End("10.20.4.11", "00:14:22:40:00:11", 50_211)
HISTORIAN = End("10.20.3.12", "00:14:22:30:00:12", 50_311)
ATTACKER = End("10.20.9.66", "00:1d:9c:00:00:01", 41_000)
SERVER = End("10.20.1.31", "00:1b:1b:10:00:31", 4_840)
SPEED = named("Line/Speed")
DIAGNOSTICS = listed()
NOT_WRITABLE, NO_SUBSCRIPTION, TOO_LARGE = 0x803B_0000, 0x8028_0000, 0x80B8_0000


def services(path: Path) -> None:
    """One of each service that asyncua's client or server does not have, from the engineering station."""
    talk = Talk((STATION, SERVER))
    talk.begin("engineering", extension(940, text("issued") + text(b"a token of an identity provider") + text("urn:rsa")))
    browse(talk)
    query(talk)
    history(talk)
    subscriptions(talk)
    directory(talk)
    talk.call((479, 482), u32(3), u32(0))
    talk.end()
    talk.write(path)


def browse(talk: Talk) -> None:
    """Browsing that goes on, and stops."""
    reference = node(35) + b"\x01" + named("Line") + qualified(2, "Line") + localized("Line") + u32(1) + node(61)
    asked = b"\0\0" + wire.time(0) + u32(0, 1) + listed(node(85) + u32(0) + node(33) + b"\x01" + u32(0, 63))
    talk.call((527, 530), asked, listed(u32(0) + text("page 2") + listed(reference)) + DIAGNOSTICS)
    talk.call((533, 536), b"\0" + listed(text("page 2")), listed(u32(0) + NULL + listed(reference)) + DIAGNOSTICS)
    talk.call((494, 497), listed(node(85) + node(35) + b"\x01" + NULL + named("Line") + u32(1)), listed(u32(0)) + DIAGNOSTICS)


def query(talk: Talk) -> None:
    path = listed(node(47) + b"\0\x01" + qualified(2, "Speed"))
    types = listed(node(58) + b"\x01" + listed(path + u32(13) + NULL))
    where = listed(u32(0) + listed(extension(597, b"\x06" + u32(4))))
    found = listed(named("Line") + node(61) + listed(b"\x06" + u32(8)))
    talk.call((615, 618), b"\0\0" + wire.time(0) + u32(0) + types + where + u32(10, 0), found + text("more") + listed() * 4)
    talk.call((621, 624), b"\0" + text("more"), found + NULL)


def history(talk: Talk) -> None:
    """Values of the past are replaced and deleted; of another node they must not be."""
    done = listed(u32(0) + listed(u32(0)) + listed()) + DIAGNOSTICS
    refused = listed(u32(0x801F_0000) + listed() + listed()) + DIAGNOSTICS
    talk.call((700, 703), listed(extension(682, SPEED + u32(2) + listed(wire.double(1_450.0)))), done)
    talk.call((700, 703), listed(extension(688, SPEED + b"\0" + wire.time() + wire.time(wire.MOMENT + 600_000_000))), done)
    talk.call((700, 703), listed(extension(688, named("Line/Batch") + b"\0" + wire.time() + wire.time())), refused)


def subscriptions(talk: Talk) -> None:
    """Two items of which one triggers the other; a notification that is fetched again."""
    talk.call((787, 790), f64(500) + u32(1_000, 10, 0) + b"\x01\0", u32(7) + f64(500) + u32(1_000, 10))
    items = [name + u32(13) + NULL + b"\0\0" + NULL + u32(2, handle) + f64(500) + b"\0\0\0" + u32(1) + b"\x01" for handle, name in
             enumerate((SPEED, named("Line/Temperature")), 1)]  # fmt: skip
    revised = [u32(0, number) + f64(500) + u32(1) + b"\0\0\0" for number in (1, 2)]
    talk.call((751, 754), u32(7, 2) + listed(*items), listed(*revised) + DIAGNOSTICS)
    talk.call((775, 778), u32(7, 1) + listed(u32(2)) + listed(), listed(u32(0)) + listed() * 3)
    changed = listed(u32(1) + wire.double(1_451.0), u32(2) + wire.double(180.5)) + listed()
    notification = u32(1) + wire.time() + listed(extension(811, changed))
    talk.call((826, 829), listed(), u32(7) + listed(u32(1)) + b"\0" + notification + listed() + DIAGNOSTICS)
    talk.call((832, 835), u32(7, 1), notification)
    talk.call((832, 397), u32(7, 9), b"", result=0x807A_0000)
    talk.call((841, 844), listed(u32(7)) + b"\0", listed(u32(NO_SUBSCRIPTION) + listed()) + DIAGNOSTICS)


def directory(talk: Talk) -> None:
    """What a discovery server is asked and told."""
    registered = text("urn:riverside:press") + text("urn:riverside:line") + listed(localized("Press")) + u32(0) + NULL
    registered += listed(text("opc.tcp://10.20.1.32:4840/")) + NULL + b"\x01"
    talk.call((437, 440), registered)
    heard = listed(u32(0) + text("press") + text("opc.tcp://10.20.1.32:4840/") + listed(text("DA")))
    talk.call((12_208, 12_209), u32(0, 0) + listed(), wire.time() + heard)


def reverse(path: Path) -> None:
    """A gateway outside opens the connection and asks the historian to be its client."""
    talk = Talk((End("10.20.9.66", ATTACKER.mac, 41_500), HISTORIAN))
    talk.open()
    talk.segment(0, "PA", framed(b"RHE", text("urn:riverside:gateway") + text("opc.tcp://10.20.9.66:4840/")))
    swapped = Talk((HISTORIAN, talk.ends[0]), talk.time, talk.packets, talk.sequence[::-1], talk.identification[::-1])
    swapped.hello()
    swapped.channel()
    swapped.session("historian", extension(324, text("username") + text("historian") + text("C0llect-all") + NULL))
    swapped.call((631, 634), f64(0) + u32(2) + listed(SPEED + u32(13) + NULL + b"\0\0" + NULL), listed(wire.double(1_450.0)) + DIAGNOSTICS)
    swapped.end()
    swapped.write(path)


def flood(path: Path) -> None:
    """Channels that are opened and left, then sessions on one connection until the server has enough."""
    packets: list[object] = []
    now = 1_772_612_400.0
    for number in range(80):
        talk = Talk((End(ATTACKER.ip, ATTACKER.mac, 42_000 + number), SERVER), now, packets)
        talk.open()
        talk.hello()
        talk.channel()
        now = talk.time
    talk = Talk((End(ATTACKER.ip, ATTACKER.mac, 43_000), SERVER), now, packets)
    talk.open()
    talk.hello()
    talk.channel()
    for number in range(40):
        create(talk, number, result=0 if number < 30 else 0x8056_0000)
    talk.write(path)


def create(talk: Talk, number: int, result: int) -> None:
    """A session that is not used."""
    talk.number += 1
    token = wire.node(number + 1, 1)
    asked = wire.application("attacker", 1) + NULL + text(talk.url) + text(f"s{number}") + NULL * 2 + f64(3_600_000) + u32(0)
    granted = node(number + 100, 1) + token + f64(3_600_000) + NULL * 2 + listed() + NULL * 3 + u32(0)
    talk.message(0, request(461, asked, talk.number, b"\0\0"))
    refused = response(397, b"", talk.number, result)
    talk.message(1, refused if result else response(464, granted, talk.number))


def malformed(path: Path) -> None:
    """What is wrong in each way that a message, chunk or value can be, in the order of the anomalies."""
    talk = Talk((ATTACKER, SERVER))
    talk.open()
    talk.hello(asked=u32(1, 4_096, 4_096, 0, 0), granted=wire.limits(8_192, 16_384, 2))
    talk.channel()
    talk.session("attacker")
    wrong_chunks(talk)
    wrong_bodies(talk)
    wrong_calls(talk)
    talk.close()
    sealed = Talk((End(ATTACKER.ip, ATTACKER.mac, 41_001), SERVER), talk.time, talk.packets)
    sealed.open()
    sealed.hello()
    sealed.say(0, framed(b"OPN", u32(0) + text("urn:no:policy") + text(b"no certificate") + NULL + bytes(range(256))))
    sealed.say(1, framed(b"ERR", u32(0x8055_0000) + text("policy rejected")))
    sealed.close()
    sealed.write(path)


READ = f64(0) + u32(2) + listed(SPEED + u32(13) + NULL + b"\0\0" + NULL)
VALUE = listed(wire.double(1_450.0)) + DIAGNOSTICS


def wrong_chunks(talk: Talk) -> None:
    """Headers, sizes, sequence, tokens, channels."""
    talk.say(0, b"MSGX" + u32(24) + bytes(16))  # no kind of chunk
    talk.call((631, 634), READ, VALUE)
    talk.say(0, b"MSGF" + u32(12) + bytes(4))  # too small for its kind
    talk.call((631, 634), READ, VALUE)
    talk.number += 1
    whole = request(631, READ, talk.number)
    talk.chunks(0, whole[:30], whole[30:60], whole[60:])  # three where two were agreed upon
    talk.chunks(1, response(634, VALUE, talk.number), TOO_LARGE.to_bytes(4, "little") + text("too large"), last=b"A")
    talk.sent[0] += 5  # a gap
    talk.call((631, 634), READ, VALUE)
    talk.sent[0] -= 1  # used before
    talk.call((631, 634), READ, None)
    talk.message(0, whole)  # the request is still open
    talk.number += 1
    talk.message(0, whole, channel=CHANNEL + 1)
    talk.call((673, 676), listed(SPEED + u32(13) + NULL + b"\x01\x0f" + text(bytes(9_000))), listed(u32(NOT_WRITABLE)) + DIAGNOSTICS)
    talk.number += 1
    talk.message(0, whole[:30], part=b"C")  # and its end does not come
    talk.call((631, 634), READ, VALUE)
    talk.number += 1
    talk.message(0, whole, token=9)
    talk.number += 1
    talk.message(0, whole, token=1)


def wrong_bodies(talk: Talk) -> None:
    """Types, depths, ends, counts."""
    talk.call((673, 676), listed(SPEED + u32(13) + NULL + b"\x01\x3f" + bytes(8)), listed(u32(0)) + DIAGNOSTICS)  # no type has number 63
    deep = b"".join(b"\x98" + u32(1) for _ in range(120)) + b"\x01\x01"
    talk.call((673, 676), listed(SPEED + u32(13) + NULL + b"\x01" + deep), listed(u32(0)) + DIAGNOSTICS)
    talk.call((631, 634), f64(0) + u32(2, 1_000_000) + SPEED, VALUE)  # a million nodes in twenty octets
    talk.call((631, 634), READ + b"behind the end", VALUE)
    talk.call((631, 634), READ, listed(wire.double(1.0), wire.double(2.0)) + DIAGNOSTICS)
    talk.call((631, 634), f64(0) + u32(2) + listed(SPEED + u32(77) + NULL + b"\0\0" + NULL), VALUE)  # no attribute has number 77


def wrong_calls(talk: Talk) -> None:
    """Services and responses that do not belong there."""
    talk.call((9_999, 10_002), bytes(8), bytes(4))
    talk.call((631, 676), READ, listed(u32(0)) + DIAGNOSTICS)
    talk.number += 1
    talk.message(1, response(634, VALUE, talk.number))  # to nobody
    talk.number += 1
    talk.message(0, request(631, READ, talk.number, node(999, 1)))
    talk.message(1, response(634, VALUE, talk.number))
    talk.call((631, 634), READ, None)
    talk.time += 15
    talk.message(1, response(634, VALUE, talk.number))  # after the ten seconds that its client waits
