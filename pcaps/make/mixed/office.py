"""What every network has beside its purpose: what each host serves and asks, for so many seconds.

HTTP is Python's server, TLS is OpenSSL's. Names, time, addresses, SNMP and LLDP are messages made with scapy, the first words of SSH and
of remote desktop by hand: no stack of ours speaks them.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from pcaps.make.mixed import announced, asked, served
from pcaps.make.mixed.places import (
    BY_NAME,
    DOSING,
    ENGINEERING,
    FILTER,
    GATEWAY,
    HISTORIAN,
    HMI,
    INTAKE,
    OFFICE,
    PORTAL,
    SAFETY,
    SCADA,
    SERVER,
    SWITCH,
    Place,
)  # fmt: skip

Act = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Habit:
    """What a host does again and again: first after so many seconds, then every so many."""

    act: Act
    first: float
    every: float


@dataclass(frozen=True, slots=True)
class Life:
    """What a host serves, each in a thread of its own, and its habits."""

    serves: Sequence[Act] = ()
    habits: Sequence[Habit] = ()


def clock(place: Place, first: float) -> Habit:
    return Habit(partial(asked.time_of_day, place, SERVER), first, 32)


def look_up(place: Place, other: Place, first: float) -> Habit:
    return Habit(partial(asked.address_of, place, other, SERVER), first, 45)


def lives() -> dict[Place, Life]:
    """Each host's."""
    return {
        SERVER: Life(
            (partial(served.names, SERVER), partial(served.clock, SERVER), partial(served.leases, SERVER)),
            [Habit(partial(asked.description_of, SERVER, SWITCH), 6, 30)],
        ),
        SWITCH: Life(
            (partial(served.shell, SWITCH, "SSH-2.0-dropbear_2020.81"), partial(served.description, SWITCH)),
            [Habit(partial(announced.neighbour, SWITCH, announced.HIRSCHMANN), 3, 30), clock(SWITCH, 14)],
        ),
        FILTER: Life((), [Habit(partial(announced.neighbour, FILTER, announced.SIEMENS), 5, 30)]),
        DOSING: Life((partial(served.page, DOSING, "Schneider-WEB", "Modicon M340 BMX P34 2020"),), [clock(DOSING, 9)]),
        INTAKE: Life((), [clock(INTAKE, 11)]),
        SAFETY: Life(),
        GATEWAY: Life(
            (partial(served.secure_page, GATEWAY, "lighttpd/1.4.53", "Moxa UC-8220"),),
            [
                Habit(partial(announced.neighbour, GATEWAY, announced.MOXA), 7, 30),
                Habit(partial(announced.service, GATEWAY), 4, 60), clock(GATEWAY, 12), look_up(GATEWAY, SERVER, 11),
            ],
        ),
        HMI: Life((), [clock(HMI, 8), look_up(HMI, HISTORIAN, 10), Habit(partial(announced.asking, HMI, "wpad"), 9, 60)]),
        SCADA: Life((), [clock(SCADA, 7), look_up(SCADA, SERVER, 13), Habit(partial(announced.registering, SCADA, "WATER"), 10, 90)]),
        HISTORIAN: Life(
            (partial(served.remote_desktop, HISTORIAN),),
            [clock(HISTORIAN, 6), look_up(HISTORIAN, GATEWAY, 2), Habit(partial(announced.registering, HISTORIAN, "WATER"), 12, 90)],
        ),
        ENGINEERING: Life(
            (partial(served.remote_desktop, ENGINEERING),),
            [
                Habit(partial(asked.lease, ENGINEERING, SERVER), 1, 120), clock(ENGINEERING, 5), look_up(ENGINEERING, DOSING, 15),
                Habit(partial(announced.asking, ENGINEERING, "wpad"), 4, 60), Habit(partial(asked.page, DOSING), 17, 70),
                Habit(partial(asked.secure, ENGINEERING, GATEWAY), 24, 80), Habit(partial(asked.shell, SWITCH), 28, 90),
                Habit(partial(asked.remote_desktop, HISTORIAN, "lakeside-eng"), 33, 120),
            ],
        ),
        PORTAL: Life((partial(served.secure_page, PORTAL, "nginx", "Lakeside reports"), partial(served.remote_desktop, PORTAL))),
        OFFICE: Life((), [Habit(partial(asked.secure, OFFICE, PORTAL), 10, 25)]),
    }  # fmt: skip


def live(place: Place, seconds: float) -> None:
    """Serves at once, asks when it is time, until it is over."""
    life = lives()[place]
    for serve in life.serves:
        threading.Thread(target=serve, daemon=True).start()
    begun = time.monotonic()
    due = [(habit.first, habit) for habit in life.habits]
    while (now := time.monotonic() - begun) < seconds:
        for at, habit in [one for one in due if one[0] <= now]:
            due.remove((at, habit))
            due.append((at + habit.every, habit))
            attempt(habit.act)
        time.sleep(0.2)


def attempt(act: Act) -> None:
    """A habit that fails once isn't given up."""
    try:
        act()
    except OSError as error:
        print(f"{act}: {error}", file=sys.stderr)


def play(name: str, seconds: str) -> None:
    """Plays a host until it is over."""
    live(BY_NAME[name], float(seconds))
