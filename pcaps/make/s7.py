"""The S7 plant: controllers, HMI, historian and engineering station with the Snap7 stack, in the network of pcaps/make/plant.py."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pcaps.make import plant
from pcaps.make.plant import Host

ACTORS = "pcaps.make.s7_actors"
PLANT = (
    Host(name="s7-1", ip="10.20.1.21", mac="00:1b:1b:10:00:21", role="plc", actors=ACTORS),
    Host(name="s7-2", ip="10.20.1.22", mac="00:1b:1b:10:00:22", role="plc", actors=ACTORS),
    Host(name="s7-hmi", ip="10.20.3.8", mac="00:1b:1b:30:00:08", role="hmi", actors=ACTORS),
    Host(name="s7-hist", ip="10.20.3.9", mac="00:14:22:30:00:09", role="historian", actors=ACTORS),
    Host(name="s7-eng", ip="10.20.4.9", mac="00:14:22:40:00:09", role="engineering", actors=ACTORS),
)
ATTACKER = replace(plant.ATTACKER, actors=ACTORS)


def roles(*names: str) -> tuple[Host, ...]:
    return tuple(host for host in PLANT if host.role in names)


def normal(path: Path) -> None:
    """Fifteen seconds of an ordinary shift."""
    plant.record(path, 15, roles("hmi", "historian"), PLANT, ATTACKER)


def engineering(path: Path) -> None:
    """Maintenance of a controller while the HMI goes on."""
    plant.record(path, 6, roles("hmi", "engineering"), PLANT, ATTACKER)


def attack(path: Path) -> None:
    """An attacker in the enterprise network, behind the router."""
    plant.record(path, 5, (*roles("hmi"), ATTACKER), PLANT, ATTACKER)
