"""S7comm-plus crafted with scapy, because no open server speaks it: a panel's day, an engineer's work, an intruder."""

from __future__ import annotations

import struct
from pathlib import Path

from pcaps.make import iso, plus
from pcaps.make.conversation import Recorder
from pcaps.make.plus import Session
from pcaps.make.plus import path as where

STATION = ("10.20.4.9", "00:14:22:40:00:09")
PANEL = ("10.20.3.8", "00:1b:1b:30:00:08")
ATTACKER = ("10.20.9.66", "00:1d:9c:00:00:01")
CONTROLLERS = (("10.20.1.31", "00:1b:1b:10:00:31"), ("10.20.1.32", "00:1b:1b:10:00:32"), ("10.20.1.33", "00:1b:1b:10:00:33"))
START = 1_772_700_000.0
ROOT, PROGRAM, DEVICE, EXECUTION = 1, 3, 49, 52
DB, MEMORY = 0x8A0E0000, 82
ACTUAL, AREA_ACTUAL = 2550, 3736
OPERATING_STATE_REQUEST, OPERATING_STATE, CLOCK = 2167, 3486, 2421
STOP, RUN = 1, 3
CODE, BODY, INTERFACE = 2580, 2533, 2544


def setpoint(number: int, identifier: int) -> plus.Place:
    return where(DB + number, ACTUAL, identifier, checksum=0x1F2E3D00 + identifier)


def identification(serial: str) -> bytes:
    """Identification and maintenance data 0."""
    record = struct.pack(">HHBBH", 0x20, 0x38, 1, 0, 42) + b"6ES7 215-1AG40-0XB0 " + serial.encode().ljust(16)
    record += struct.pack(">HcBBBHHHH", 7, b"V", 4, 2, 1, 0, 0, 0, 0x0101) + struct.pack(">H", 0x010E)
    return plus.blob(record)


def normal(path: Path) -> None:
    """An operator panel: session, subscription with notifications, polling, set points."""
    recorder = Recorder(START)
    panel = Session(recorder.connect(PANEL, CONTROLLERS[0], 49_920, 102), "HMI-1", "WinCC RT")
    panel.stream(panel.session, 300, plus.rid(0x80C3C901))
    subscription = 0x70400001
    listed = plus.array([0x80010000, 0, 2, 1, 2])
    attributes = {233: plus.text("Subscription_1"), 1040: plus.usint(4), 1041: plus.boolean(True), 1048: listed, 1049: plus.udint(500)}
    attributes |= {1051: plus.usint(0), 1053: plus.integer(10), 1054: plus.uint(65_535)}
    panel.create(panel.session, plus.thing(0x7FFFC001, 1001, attributes, flags=0), [subscription])
    for turn in range(1, 25):
        panel.notify(subscription, turn, {1: plus.real(20 + turn / 10), 2: plus.boolean(turn % 2 == 0)})
        state = where(EXECUTION, 2237, OPERATING_STATE)
        panel.get(
            [setpoint(10, 9), setpoint(10, 10), where(MEMORY, AREA_ACTUAL, 40), state],
            [plus.real(21.5), plus.integer(1_450), plus.boolean(True), plus.dint(8)],
        )
        if turn % 8 == 3:
            panel.write([setpoint(10, 9)], [plus.real(21.5 + turn / 8)])
        if turn % 10 == 9:
            panel.set(subscription, 1053, plus.integer(turn + 10), None, 0x74)
        recorder.pause(0.5)
    panel.delete(subscription)
    panel.end()
    recorder.write(path)


def program(number: int, name: str, size: int) -> bytes:
    """A data block on its way in or out."""
    attributes = {
        233: plus.text(name),
        2523: plus.uint(5),
        2521: plus.uint(number),
        INTERFACE: plus.blob(bytes(range(256)) * (size // 256 + 1)),
    }
    return plus.thing(DB + number, 2574, attributes)


def engineering(path: Path) -> None:
    """An engineering station: who is it, protection level, legitimation, what is in it, upload, stop, download, start, clock; a newer
    controller is spoken to in TLS."""
    recorder = Recorder(START + 3_600)
    station = Session(recorder.connect(STATION, CONTROLLERS[0], 49_930, 102), "ENG-4", "TIA Portal")
    station.stream(DEVICE, 3753, identification("S C-X7Y812345678"))
    station.stream(station.session, 1842, plus.udint(3))
    station.stream(station.session, 303, b"\x10\2\x14" + bytes(20))
    station.set(station.session, 1846, plus.blob(bytes(32)))
    inside = plus.thing(DB + 10, 2574, {233: plus.text("Setpoints")}) + plus.thing(DB + 20, 2574, {233: plus.text("Tank")})
    found = plus.thing(PROGRAM, 2520, {233: plus.text("PLCProgram")}, inside)
    station.explore(PROGRAM, [233, 2521], found)
    station.explore(DB + 10, [233, BODY, INTERFACE, CODE], program(10, "Setpoints", 1_500))
    station.stream(DB + 20, INTERFACE, plus.blob(bytes(range(200))))
    station.set(EXECUTION, OPERATING_STATE_REQUEST, plus.dint(STOP))
    recorder.pause(0.5)
    station.ask(plus.BEGIN, b"\x05\0\x12" + struct.pack(">I", PROGRAM), b"\0\0\x12" + struct.pack(">I", PROGRAM), 0x36, sets=True)
    for number, name, size in ((10, "Setpoints", 1_500), (20, "Tank", 5_000), (30, "Pumps", 300)):
        station.create(PROGRAM, program(number, name, size))
    station.create(ROOT, plus.thing(2, 2496, {233: plus.text("HWConfiguration"), 3744: plus.blob(bytes(2_000))}))
    station.stream_in(DB + 30, 2548, plus.blob(bytes(range(100))))
    station.delete(DB + 40)
    station.ask(plus.END, b"\0\0", b"\0", 0x36, sets=True)
    station.set(EXECUTION, OPERATING_STATE_REQUEST, plus.dint(RUN))
    station.set(DEVICE, CLOCK, plus.timestamp(1_772_703_700_000_000_000))
    station.ask(plus.INVOKE, struct.pack(">II", 0x70000005, 0xE1E3) + b"\0\0", b"\0" + b"\0\x09\0" + b"\0\0", sets=True)
    station.ask(plus.LINK, struct.pack(">I", 11) + plus.vlq(2699) + b"\0\0", b"\0\0")
    station.end()
    newer = recorder.connect(STATION, CONTROLLERS[2], 49_931, 102)
    iso.open_connection(newer, b"SIMATIC-ROOT-HMI", b"\x06\x00")
    head = struct.pack(">BHHHHIB", 0x31, 0, plus.INIT_SSL, 0, 1, 0, 0x30) + bytes(4)
    answer = struct.pack(">BHHHHB", 0x32, 0, plus.INIT_SSL, 0, 1, 0x30) + bytes(5)
    newer.exchange(plus.frames(plus.V1, head), plus.frames(plus.V1, answer))
    for kind, size in ((0x16, 200), (0x16, 700), (0x17, 90), (0x17, 300)):
        record = struct.pack(">BBBH", kind, 3, 3, size) + bytes(index * 37 & 0xFF for index in range(size))
        newer.exchange(iso.data(record), iso.data(record))
    newer.close()
    recorder.write(path)


def intrusion(path: Path) -> None:
    """A host of the enterprise network asks all controllers who they are, guesses a password, stops one, loads a block into it and
    writes set points."""
    recorder = Recorder(START + 7_200)
    for place, controller in enumerate(CONTROLLERS):
        visit = Session(recorder.connect(ATTACKER, controller, 52_000 + place, 102), "KALI", "", 0x3A0 + place)
        visit.stream(DEVICE, 3753, identification(f"S C-X7Y81234567{place}"))
        visit.explore(PROGRAM, [233], plus.thing(PROGRAM, 2520, {233: plus.text("PLCProgram")}))
        visit.end()
    session = Session(recorder.connect(ATTACKER, CONTROLLERS[0], 52_010, 102), "KALI", "", 0x3B0)
    for _ in range(6):
        session.stream(session.session, 303, b"\x10\2\x14" + bytes(20))
        session.set(session.session, 1846, plus.blob(bytes(32)), plus.refusal(-107))
        recorder.pause(0.5)
    session.explore(DB + 10, [233, CODE, BODY], program(10, "Setpoints", 400))
    session.set(EXECUTION, OPERATING_STATE_REQUEST, plus.dint(STOP))
    session.create(PROGRAM, program(10, "Setpoints", 400))
    session.create(PROGRAM, program(11, "Denied", 100), refused=plus.refusal(-255))
    session.delete(DB + 20)
    session.write([setpoint(10, identifier) for identifier in range(9, 13)], [plus.real(999.0)] * 4)
    session.end()
    recorder.write(path)
