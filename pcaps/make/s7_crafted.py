"""S7comm that no open server plays: blocks with real headers on their way in and out, test functions, alarms, refusals. Layouts as in
Wireshark's dissector and Snap7's sources; crafted with scapy."""

from __future__ import annotations

import struct
from pathlib import Path

from pcaps.make.conversation import Recorder
from pcaps.make.iso import OP, PG, S7, anything, data, refuse_connection, values

STATION = ("10.20.4.9", "00:14:22:40:00:09")
PANEL = ("10.20.3.8", "00:1b:1b:30:00:08")
ATTACKER = ("10.20.9.66", "00:1d:9c:00:00:01")
CONTROLLER = ("10.20.1.21", "00:1b:1b:10:00:21")
OTHERS = (("10.20.1.22", "00:1b:1b:10:00:22"), ("10.20.1.23", "00:1b:1b:10:00:23"))
START = 1_772_640_000.0
DAY = 24 * 60 * 60 * 1000
OB, DB, FC = "08", "0A", "0C"
LANGUAGES = {OB: 1, DB: 5, FC: 1}
PARTS = 200
DENIED = 0xD241
WRONG_PASSWORD = 0xD602


def stamp(day: int, milliseconds: int) -> bytes:
    """A time of a block: milliseconds of the day, days since 1984-01-01."""
    return struct.pack(">IH", milliseconds % DAY, day)


def block(kind: str, number: int, code: bytes, author: bytes = b"WATER", family: bytes = b"PUMPS", name: bytes = b"TANK") -> bytes:
    """A block as it is transferred: header of 36 bytes, code, end of 36 bytes with author, family, name, version and checksum."""
    length = 36 + len(code) + 36
    head = struct.pack(">2sBBBBHII", b"pp", 1, 1, LANGUAGES[kind], int(kind, 16), number, length, 0)
    head += stamp(15_400, 30_600_000) + stamp(15_390, 28_800_000) + struct.pack(">HHHH", 0, 0, 20, len(code))
    end = author.ljust(8, b"\0") + family.ljust(8, b"\0") + name.ljust(8, b"\0")
    end += bytes([0x12, 0]) + struct.pack(">H", sum(code) & 0xFFFF) + bytes(8)
    return head + code + end


def named(kind: str, number: int, to: str = "A") -> bytes:
    return f"_{kind}{number:05d}{to}".encode()


def upload(s7: S7, kind: str, number: int, content: bytes) -> None:
    """A block out of the controller."""
    name = named(kind, number)
    length = f"{len(content):07d}".encode()
    s7.job(b"\x1d\0\x01\0" + bytes(4) + b"\x09" + name, reply=b"\x1d\0\x01\0\0\0\0\x07\x07" + length)
    pieces = [content[at : at + PARTS] for at in range(0, len(content), PARTS)]
    for place, piece in enumerate(pieces):
        more = place + 1 < len(pieces)
        s7.job(b"\x1e\0\0\0\0\0\0\x07", reply=bytes([0x1E, more]), answer=struct.pack(">HH", len(piece), 0xFB) + piece)
    s7.job(b"\x1f\0\0\0\0\0\0\x07", reply=b"\x1f")


def download(s7: S7, kind: str, number: int, content: bytes, code: int) -> None:
    """A block into the controller, which fetches part by part; then it is activated."""
    name = named(kind, number, "P")
    lengths = f"1{len(content):06d}{code:06d}".encode()
    s7.job(b"\x1a\0\x01\0" + bytes(4) + b"\x09" + name + b"\x0d" + lengths, reply=b"\x1a")
    pieces = [content[at : at + PARTS] for at in range(0, len(content), PARTS)]
    for place, piece in enumerate(pieces):
        more = place + 1 < len(pieces)
        part = struct.pack(">HH", len(piece), 0xFB) + piece
        s7.reverse_job(b"\x1b\0\x01\0" + bytes(4) + b"\x09" + name, bytes([0x1B, more]), part)
    s7.reverse_job(b"\x1c\0\0\0" + bytes(4) + b"\x09" + name, b"\x1c")
    service(s7, b"_INSE", b"\x01\0" + name[1:])


def service(s7: S7, name: bytes, argument: bytes = b"", error: int = 0) -> None:
    """A program invocation service."""
    parameters = b"\x28" + bytes(6) + b"\xfd" + struct.pack(">H", len(argument)) + argument + bytes([len(name)]) + name
    s7.job(parameters, reply=b"" if error else b"\x28", error=error)


def stop(s7: S7) -> None:
    s7.job(b"\x29" + bytes(5) + b"\x09P_PROGRAM", reply=b"\x29")


LOGIC = bytes.fromhex("7000 0014 00100065") + bytes(range(64)) * 6


def blocks(path: Path) -> None:
    """The engineering station takes a block, loads two changed ones and activates them, and deletes an old one."""
    recorder = Recorder(START)
    s7 = S7(recorder.connect(STATION, CONTROLLER, 49_900, 102))
    upload(s7, DB, 10, block(DB, 10, bytes(range(128)) * 3))
    recorder.pause(1)
    content = block(FC, 1, LOGIC, name=b"FILL")
    download(s7, FC, 1, content, len(LOGIC))
    content = block(OB, 1, LOGIC[:96], author=b"ENG-4", family=b"CYCLE", name=b"MAIN")
    download(s7, OB, 1, content, 96)
    service(s7, b"_DELE", b"\x01\0" + named(FC, 5)[1:])
    recorder.pause(0.5)
    service(s7, b"P_PROGRAM", b"C ", error=0x8104)
    s7.connection.close()
    recorder.write(path)


def table(trigger: int, variables: list[tuple[int, int, int, bytes]]) -> bytes:
    """A job of the test functions: parameters, then addresses (area and size, data block, byte) and values."""
    addresses = b"".join(struct.pack(">BBHH", place, 1, number, byte) for place, number, byte, _ in variables)
    given = values((0, 9, value) for *_, value in variables if value)
    parameters = struct.pack(">II", 1, trigger) + bytes.fromhex("0001 0001 0001 0001 0001 0200")
    body = struct.pack(">H", len(variables)) + addresses + given + b"\0" * (len(given) % 2)
    return struct.pack(">HH", len(parameters), len(body)) + parameters + body


RESET = bytes.fromhex("00140000 00000000 00000001 0000 0000 0001 0001 0001 0000")


def services(path: Path) -> None:
    """A panel reads other addresses, subscribes to values and alarms and acknowledges; the station watches, modifies, forces and resets."""
    recorder = Recorder(START + 3_600)
    panel = S7(recorder.connect(PANEL, CONTROLLER, 49_910, 102), OP)
    symbol = bytes.fromhex("12 12 b2 ff 0000 8a0e0000") + struct.pack(">II", 0xC0FFEE01, 0x2000000A) + struct.pack(">I", 0x20000002)
    symbol = symbol[:1] + bytes([len(symbol) - 2]) + symbol[2:]
    many = bytes.fromhex("12 07 b0 01 08 000a 0004")
    panel.job(
        b"\x04\x02" + anything(4, 2, 10, 0x84, 16) + many,
        reply=b"\x04\x02",
        answer=values([(0xFF, 4, b"\0\x07\0\x08"), (0xFF, 9, b"\xff" + bytes(8))]),
    )
    panel.job(b"\x04\x01" + symbol, reply=b"\x04\x01", answer=values([(0x0A, 0, b"")]))
    cyclic = struct.pack(">HBB", 1, 1, 2) + anything(2, 4, 0, 0x83, 80)
    panel.userdata(2, 1, cyclic, struct.pack(">H", 1) + values([(0xFF, 4, b"\1\2\3\4")]), job=5)
    for turn in range(4):
        recorder.pause(2)
        panel.push(2, 1, struct.pack(">H", 1) + values([(0xFF, 4, bytes([turn, 2, 3, 4]))]), job=5)
    panel.userdata(2, 4, b"\x01\x05", b"\x01\x05")
    panel.userdata(4, 2, b"\x01\x00HmiRtm  ", b"\x02\x00")
    alarm = bytes.fromhex("26030408300512520001") + bytes.fromhex("12 06 13 00 6000000a") + bytes.fromhex("0000 0000")
    panel.push(4, 0x12, alarm)
    panel.userdata(4, 0x0B, bytes.fromhex("0801 12 06 19 00 6000000a 0001".replace(" ", "")), bytes.fromhex("0801ff"))
    panel.userdata(4, 0x13, bytes.fromhex("00 01 12 08 1a 00 01 34 00000000".replace(" ", "")), bytes.fromhex("00010a000000"))
    panel.push(0, 2, b"\x00\x00")
    station = S7(recorder.connect(STATION, CONTROLLER, 49_911, 102))
    station.userdata(
        1, 2, table(0x12, [(0x11, 0, 4, b""), (0x02, 0, 10, b"")]), bytes.fromhex("0004 000e 00000001 0002 ff09 0001 05 00 ff09 0002 002a")
    )
    station.userdata(1, 8, table(6, [(0x02, 0, 10, b"\0\x2a"), (0x72, 10, 4, b"\x05\xaa")]), b"")
    station.userdata(1, 9, table(6, [(0x21, 0, 0, b"\1")]), b"", ok=False)
    station.userdata(7, 3, b"", bytes.fromhex("0019 26 03 04 08 30 05 12 34".replace(" ", "")))
    station.userdata(7, 4, bytes.fromhex("0019 26 03 04 08 31 00 00 04".replace(" ", "")), b"", ok=False)
    panel.push(0, 0, b"\x00\x00")
    station.userdata(1, 0x0C, RESET, b"", ok=False)
    for talk in (panel, station):
        talk.connection.close()
    recorder.write(path)


def intrusion(path: Path) -> None:
    """A host of the enterprise network asks controllers who they are, tries slots of one until it answers, guesses the password, loads an
    organisation block, locks alarms, forces outputs, resets the memory and deletes what is left."""
    recorder = Recorder(START + 7_200)
    port = 51_000
    for controller in (CONTROLLER, *OTHERS):
        visit = S7(recorder.connect(ATTACKER, controller, port, 102))
        record = struct.pack(">H20sHHH", 1, b"6ES7 315-2EH14-0AB0 ", 0xC0, 1, 0x3203)
        visit.userdata(4, 1, struct.pack(">HH", 0x11, 1), struct.pack(">HHHH", 0x11, 1, len(record), 1) + record)
        visit.connection.close()
        port += 1
    for slot in (0, 1, 3, 4, 5, 6, 7, 8, 9, 10):
        refused = recorder.connect(ATTACKER, CONTROLLER, port, 102)
        refuse_connection(refused, bytes([PG, slot]))
        refused.close()
        port += 1
    s7 = S7(recorder.connect(ATTACKER, CONTROLLER, port, 102))
    for guess in ("0000", "1234", "admin", "siemens", "basisk", "s7"):
        secret = bytearray(byte ^ 0x55 for byte in guess.ljust(8).encode())
        for place in range(2, 8):
            secret[place] ^= secret[place - 2]
        s7.userdata(5, 1, bytes(secret), b"", error=WRONG_PASSWORD, ok=False)
        recorder.pause(0.4)
    s7.job(b"\x1a\0\x01\0" + bytes(4) + b"\x09" + named(OB, 1, "P") + b"\x0d1000400000300", error=DENIED)
    content = block(OB, 1, LOGIC[:96], author=b"", family=b"", name=b"")
    download(s7, OB, 1, content, 96)
    s7.userdata(4, 7, bytes.fromhex("0801 12 06 13 00 6000000a".replace(" ", "")), bytes.fromhex("0801ff"))
    s7.userdata(1, 9, table(6, [(0x21, 0, byte, b"\1") for byte in range(8)]), b"")
    service(s7, b"_DELE", b"\x01\0" + named(DB, 10)[1:])
    stop(s7)
    s7.userdata(1, 0x0C, RESET, b"", ok=False)
    s7.connection.say(0, data(b"\x32\x01\0\0\0\0"))
    s7.connection.close()
    recorder.write(path)


def flood(path: Path) -> None:
    """A host of the enterprise network writes the same set point over and over, five times a second and faster."""
    recorder = Recorder(START + 10_800)
    s7 = S7(recorder.connect(ATTACKER, CONTROLLER, 51_100, 102))
    for turn in range(320):
        value = struct.pack(">f", 80.0 + turn % 2)
        s7.job(b"\x05\x01" + anything(4, 2, 10, 0x84, 0), values([(0, 4, value)]), reply=b"\x05\x01", answer=b"\xff")
    s7.connection.close()
    recorder.write(path)
