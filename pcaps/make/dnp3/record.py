"""DNP3 recorded on the switch of a substation in network namespaces (pcaps/make/plant.py).

Masters and outstations are opendnp3's, driven by `stack.cpp`; FIELDTAP_DNP3_STACK names the program. What a right master never sends
comes from `roles.py`, and is answered by the same outstations.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pcaps.make.plant import ATTACKER, Host, mirror, network, program

VARIABLE: Final = "FIELDTAP_DNP3_STACK"
RTU_1 = Host(name="rtu-1", ip="10.20.1.21", mac="00:30:a7:10:00:21")
RTU_2 = Host(name="rtu-2", ip="10.20.1.22", mac="00:30:a7:10:00:22")
GATEWAY = Host(name="gateway", ip="10.20.1.23", mac="00:90:e8:10:00:23")
SCADA = Host(name="scada", ip="10.20.3.5", mac="00:1b:1b:30:00:05")
BACKUP = Host(name="backup", ip="10.20.3.8", mac="00:1b:1b:30:00:08")
ENGINEERING = Host(name="engineering", ip="10.20.4.7", mac="00:14:22:40:00:07")
SUBSTATION: Final = (RTU_1, RTU_2, GATEWAY, SCADA, BACKUP, ENGINEERING)
LINKS: Final = {RTU_1: "10", RTU_2: "11", GATEWAY: "21,22"}
PORT: Final = "20000"


@dataclass(frozen=True, slots=True)
class Play:
    """A program on a host."""

    host: Host
    words: tuple[str, ...]


def stack() -> str:
    """The program made of stack.cpp."""
    named = os.environ.get(VARIABLE)
    if not named:
        sys.exit(f"DNP3 is recorded between stations of opendnp3: compile pcaps/make/dnp3/stack.cpp and name it in {VARIABLE}")
    return named


def outstation(host: Host, seconds: int, *options: str) -> Play:
    """An outstation with its link addresses, for so long."""
    return Play(host, (stack(), "outstation", host.ip, PORT, "1", LINKS[host], str(seconds), *options))


def master(host: Host, to: Host, options: str, steps: str, source: int = 1) -> Play:
    """A master of all link addresses of an outstation's host."""
    return Play(host, (stack(), "master", to.ip, PORT, str(source), LINKS[to], *options.split(), "--", *steps.split()))


def role(name: str, host: Host, to: Host) -> Play:
    """A role of roles.py."""
    return Play(host, (sys.executable, "-m", "pcaps.make.dnp3.roles", name, to.ip))


def record(path: Path, outstations: Sequence[Play], acts: Sequence[Sequence[Play]]) -> None:
    """Records acts, one after another; the plays of an act run side by side."""
    with network(SUBSTATION), ExitStack() as running:
        for play in outstations:
            running.enter_context(program(play.host, *play.words))
        time.sleep(1)
        running.enter_context(mirror(path))
        for act in acts:
            with ExitStack() as playing:
                for process in [playing.enter_context(program(play.host, *play.words)) for play in act]:
                    process.wait(timeout=120)
                    if process.returncode != 0:
                        raise RuntimeError(f"{process.args!r} ended with {process.returncode}")


def normal(path: Path) -> None:
    """A shift: integrity and class polls, events, unsolicited responses, clocks set, switches operated with select."""
    shift = "wait=3000 select=3.3 wait=4000 setpoint=1.750 wait=4000 select=3.4 wait=3000 integrity wait=2000"
    outstations = [
        outstation(RTU_1, 40, "changing"),
        outstation(RTU_2, 40, "changing", "unsolicited", "every=900"),
        outstation(GATEWAY, 40, "changing"),
    ]
    scada = [
        master(SCADA, RTU_1, "lan classes=1000", shift),
        master(SCADA, RTU_2, "lan unsolicited", "wait=9000 read=30.0.0.5 wait=8000"),
        master(SCADA, GATEWAY, "serial classes=2000", "wait=5000 link=22 select=1.65 wait=12000"),
    ]
    record(path, outstations, [scada])


def polling(path: Path) -> None:
    """One outstation: events by class and all together, integrity polls, ranges, all variations of a group, a freeze."""
    steps = (
        "wait=1000 class=1 wait=900 class=2 wait=900 class=3 wait=500 events integrity read=1.2.0.7 read=30.1.0.2 read=30.5.3.5 "
        "all=30.0 all=40.0 all=10.0 all=110.0 freeze all=21.0 wait=1500 events integrity"
    )
    record(path, [outstation(RTU_1, 30, "changing", "every=150")], [[master(SCADA, RTU_1, "lan", steps)]])


def select_operate(path: Path) -> None:
    """Select and operate right, by a stack; then wrong in each way, by hand, with what the outstation says."""
    right = master(SCADA, RTU_1, "lan", "select=3.3 select=3.4 setpoint=2.900 direct=5.65 select=3.129")
    record(path, [outstation(RTU_1, 60)], [[right], [role("selects", SCADA, RTU_1)], [role("second-master", BACKUP, RTU_1)]])


def restart(path: Path) -> None:
    """An engineer restarts an outstation, warm and cold; the master clears the indication and sets the clock."""
    steps = "wait=6000 integrity"
    engineer = master(ENGINEERING, RTU_1, "quiet", "warm wait=800 cold wait=800", source=7)
    record(
        path,
        [outstation(RTU_1, 40)],
        [[master(SCADA, RTU_1, "lan", "wait=500 integrity")], [engineer], [master(SCADA, RTU_1, "lan", steps)]],
    )


def unsolicited(path: Path) -> None:
    """Unsolicited responses, enabled and confirmed by a stack, then by a master that confirms late; disabled at the end."""
    stacked = master(SCADA, RTU_2, "lan unsolicited", "wait=5000 disable wait=1500 enable wait=2500 disable")
    record(path, [outstation(RTU_2, 40, "changing", "unsolicited", "every=700")], [[stacked], [role("deaf-master", SCADA, RTU_2)]])


def two_outstations(path: Path) -> None:
    """Two outstations behind one address, polled and controlled over one connection."""
    polls = master(
        SCADA, GATEWAY, "serial", "link=21 events wait=500 link=22 events select=2.3 link=21 select=4.65 wait=800 events link=22 integrity"
    )
    record(path, [outstation(GATEWAY, 40, "changing")], [[polls]])


def broadcast(path: Path) -> None:
    """The time, a freeze and a control for all outstations behind an address, as broadcasts."""
    record(path, [outstation(GATEWAY, 40)], [[master(SCADA, GATEWAY, "serial", "integrity")], [role("broadcaster", SCADA, GATEWAY)]])


def time_sync(path: Path) -> None:
    """Clocks set over a LAN (recorded time) and over a serial line (measured delay), and once more after a restart."""
    lan = [master(SCADA, RTU_1, "lan", "wait=1000 events cold wait=2000 events")]
    serial = [master(SCADA, RTU_2, "serial", "wait=1000 events warm wait=2000 events")]
    record(path, [outstation(RTU_1, 30), outstation(RTU_2, 30)], [lan, serial])


def attack(path: Path) -> None:
    """The master polls; then a host of the enterprise network plays master."""
    outstations = [outstation(RTU_1, 60, "changing", "every=900"), outstation(RTU_2, 60), outstation(GATEWAY, 60)]
    polls = master(SCADA, RTU_1, "lan classes=1000", "wait=2500")
    record(path, outstations, [[polls], [role("attacker", ATTACKER, GATEWAY)]])
