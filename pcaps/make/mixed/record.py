"""The mixed plant recorded on its mirror ports: a shift, and the same shift with an intruder (root; opendnp3 as in pcaps/make/dnp3)."""

from __future__ import annotations

import struct
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pcaps.make.dnp3.record import PORT, stack
from pcaps.make.mixed.network import as_host, network
from pcaps.make.mixed.places import (
    DOSING,
    ENGINEERING,
    FILTER,
    GATEWAY,
    HISTORIAN,
    HMI,
    INTAKE,
    MIRRORED,
    OFFICE,
    PLACES,
    PORTAL,
    SAFETY,
    SCADA,
    Place,
)  # fmt: skip
from pcaps.make.plant import Host, mirror, program

SHIFT: Final = 150
"""Seconds. A plant polls more slowly and its people take longer: what takes a shift there is done in minutes here."""
LOADING: Final = 40
"""Seconds in which all roles get ready."""
SETTLE: Final = 4
SECTION, INTERFACE, STATISTICS, PACKET = 0x0A0D0D0A, 1, 5, 6
"""Blocks of pcapng."""
MASTER, OUTSTATION = "1", "10"
OPERATING: Final = "wait=30000 select=2.3 wait=25000 setpoint=1.750 wait=25000 select=2.4 wait=20000 integrity"


@dataclass(frozen=True, slots=True)
class Act:
    """What a host does, and after how many seconds of the shift it begins. Controllers begin before it, at less than 0."""

    at: float
    place: Place
    module: str
    role: str
    words: tuple[object, ...] = ()

    def command(self, begun: float) -> tuple[str, ...]:
        """Its program."""
        words = map(str, self.words)
        return (sys.executable, "-m", "pcaps.make.mixed.play", str(begun + self.at), self.module, self.role, *words)


def shift(seconds: float) -> list[Act]:
    """Normal work."""
    return [
        Act(-SETTLE, FILTER, "controllers", "filter", (seconds + 20,)),
        Act(-SETTLE, DOSING, "controllers", "dosing", (seconds + 20,)),
        Act(-SETTLE, SAFETY, "controllers", "safety", (seconds + 20,)),
        *(Act(0, place, "office", place.name, (seconds,)) for place in PLACES),
        Act(1, GATEWAY, "gateway", "gateway", (seconds + 20,)),
        Act(4, HMI, "stations", "hmi", (seconds + 20,)),
        Act(10, HISTORIAN, "gateway", "historian", (seconds + 20,)),
        Act(24, PORTAL, "gateway", "portal", (seconds - 30,)),
        Act(30, ENGINEERING, "stations", "engineering", (40,)),
    ]


def intrusion() -> list[Act]:
    """From the office onto the host in the DMZ, from there into the cell, and by the engineering station to the controller's program."""
    return [
        Act(38, OFFICE, "intruder", "desktop", (PORTAL.name, "svc-backup")),
        Act(44, PORTAL, "intruder", "scan"),
        Act(60, PORTAL, "intruder", "dosing"),
        Act(80, PORTAL, "intruder", "gateway"),
        Act(95, PORTAL, "intruder", "intake"),
        Act(110, PORTAL, "intruder", "desktop", (ENGINEERING.name, "lakeside-eng")),
        Act(118, ENGINEERING, "stations", "loading", (0,)),
    ]


def host(place: Place) -> Host:
    return Host(name=place.name, ip=place.ip, mac=place.mac)


def record(path: Path, seconds: float, acts: Sequence[Act]) -> None:
    """Records acts, and the RTU with its master beside them."""
    outstation = (stack(), "outstation", INTAKE.ip, PORT, MASTER, OUTSTATION, str(int(seconds + LOADING + 20)))
    master = (stack(), "master", INTAKE.ip, PORT, MASTER, OUTSTATION, "lan", "unsolicited", "classes=5000", "--", *OPERATING.split())
    begun = time.monotonic() + LOADING
    with network(), ExitStack() as running:
        for act in acts:
            running.enter_context(program(host(act.place), *as_host(act.place, act.command(begun))))
        running.enter_context(program(host(INTAKE), *outstation, "changing", "unsolicited", "every=1500"))
        time.sleep(max(0.0, begun - SETTLE + 1 - time.monotonic()))
        running.enter_context(mirror(path, *(switch.name for switch in MIRRORED)))
        time.sleep(max(0.0, begun + 3 - time.monotonic()))
        running.enter_context(program(host(SCADA), *master, f"wait={max(1, int(seconds - 110)) * 1_000}"))
        time.sleep(max(0.0, begun + seconds + 4 - time.monotonic()))
    in_order(path)


def normal(path: Path) -> None:
    """A shift."""
    record(path, SHIFT, shift(SHIFT))


def attack(path: Path) -> None:
    """The same with an intruder."""
    record(path, SHIFT, [*shift(SHIFT), *intrusion()])


def in_order(path: Path) -> None:
    """The mirror ports' packets by their times (each port is written as its ring is read), without a word on the recording machine."""
    data = path.read_bytes()
    blocks = []
    while data:
        length = int.from_bytes(data[4:8], "little")
        blocks.append(data[:length])
        data = data[length:]
    heads = [without_machine(block) for block in blocks if kind(block) in (SECTION, INTERFACE)]
    packets = sorted((block for block in blocks if kind(block) == PACKET), key=lambda block: struct.unpack_from("<II", block, 12))
    counts = [block for block in blocks if kind(block) == STATISTICS]
    path.write_bytes(b"".join([*heads, *packets, *counts]))


def kind(block: bytes) -> int:
    return int.from_bytes(block[:4], "little")


def without_machine(block: bytes) -> bytes:
    """A head without the options that name the recording machine's parts and system (pcapng, 3.1, 4.1 and 4.2)."""
    at, named = (24, {2, 3}) if kind(block) == SECTION else (16, {12})
    body, options = block[8:at], b""
    while at < len(block) - 4:
        code, length = struct.unpack_from("<HH", block, at)
        padded = 4 + (length + 3) // 4 * 4
        options += b"" if code in named else block[at : at + padded]
        at += padded
    total = struct.pack("<I", 12 + len(body) + len(options))
    return block[:4] + total + body + options + total
