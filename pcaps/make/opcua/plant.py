"""The OPC UA plant: two servers, HMI, historian, engineering station, a second client, in the network of pcaps/make/plant.py."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pcaps.make import plant
from pcaps.make.opcua import certificates
from pcaps.make.plant import Host

ACTORS = "pcaps.make.opcua.actors"
PLANT = (
    Host(name="ua-gateway", ip="10.20.1.31", mac="00:1b:1b:10:00:31", role="plc", actors=ACTORS),
    Host(name="ua-press", ip="10.20.1.32", mac="00:01:05:10:00:32", role="plc", actors=ACTORS),
    Host(name="ua-mixer", ip="10.20.1.33", mac="00:01:05:10:00:33", role="plc", actors=ACTORS),
    Host(name="ua-hmi", ip="10.20.3.11", mac="00:1b:1b:30:00:11", role="hmi", actors=ACTORS),
    Host(name="ua-hist", ip="10.20.3.12", mac="00:14:22:30:00:12", role="historian", actors=ACTORS),
    Host(name="ua-eng", ip="10.20.4.11", mac="00:14:22:40:00:11", role="engineering", actors=ACTORS),
    Host(name="ua-tablet", ip="10.20.4.66", mac="00:0c:29:40:00:66", role="second", actors=ACTORS),
)
ATTACKER = replace(plant.ATTACKER, actors=ACTORS)


def hosts(*roles: str) -> tuple[Host, ...]:
    return tuple(host for host in PLANT if host.role in roles)


@contextmanager
def keys() -> Iterator[None]:
    """Keys and certificates for everybody, gone afterwards; the actors are told the folder by their environment."""
    with TemporaryDirectory() as folder:
        certificates.make(Path(folder))
        os.environ[certificates.FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[certificates.FOLDER]


def record(path: Path, seconds: float, *players: Host) -> None:
    """Record what the players do, as soon as all servers listen."""
    servers = hosts("plc")
    with keys(), plant.network(PLANT, ATTACKER), ExitStack() as stack:
        for host in servers:
            stack.enter_context(plant.actor(host, seconds))
        for host in servers:
            await_listening(host)
        stack.enter_context(plant.mirror(path))
        for player in [stack.enter_context(plant.actor(host, seconds)) for host in players]:
            player.wait(timeout=seconds + 60)


def await_listening(host: Host, patience: float = 60) -> None:
    """Return when the host's server listens; asyncua takes some seconds to build its address space."""
    end = time.monotonic() + patience
    while ":4840" not in subprocess.run(plant.inside(host.name, "ss", "-ltn"), capture_output=True, text=True, check=True).stdout:
        if time.monotonic() > end:
            raise TimeoutError(f"{host.name} does not listen")
        time.sleep(0.2)


def normal(path: Path) -> None:
    """Twelve seconds of an ordinary shift."""
    record(path, 12, *hosts("hmi", "historian"))


def engineering(path: Path) -> None:
    """Maintenance from the engineering station; the HMI goes on."""
    record(path, 5, *hosts("hmi", "engineering"))


def sessions(path: Path) -> None:
    """Each way to secure a channel with each kind of user, from the engineering station."""
    record(path, 1, *(replace(host, role="sessions") for host in hosts("engineering")))


def second(path: Path) -> None:
    """A second client writes the set point that the HMI writes."""
    record(path, 6, *hosts("hmi", "second"))


def attack(path: Path) -> None:
    """An attacker in the enterprise network, behind the router; the HMI goes on."""
    record(path, 6, *hosts("hmi"), ATTACKER)
