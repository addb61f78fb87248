"""Lakeside water works: who stands where. Each host has a MAC of a maker that builds such devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DOMAIN: Final = "lakeside.example"


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch of one level: its device (so the mirror port is named too), its network, and the router that its hosts ask."""

    name: str
    network: str
    gateway: str


CELL: Final = Switch("cell", "10.10.0", "10.10.0.1")
SUPERVISION: Final = Switch("supervision", "10.20.0", "10.20.0.1")
OPERATIONS: Final = Switch("operations", "10.30.0", "10.30.0.1")
DMZ: Final = Switch("dmz", "10.35.0", "10.35.0.1")
ENTERPRISE: Final = Switch("enterprise", "10.40.0", "10.40.0.1")
SWITCHES: Final = (CELL, SUPERVISION, OPERATIONS, DMZ, ENTERPRISE)
MIRRORED: Final = (CELL, SUPERVISION, OPERATIONS, DMZ)
"""Those with a mirror port: the enterprise's own traffic belongs to somebody else."""


@dataclass(frozen=True, slots=True)
class Place:
    """A host."""

    name: str
    switch: Switch
    number: int
    mac: str
    windows: bool = False
    """Whether its packets look like those of Windows, as far as a kernel can be told to."""

    @property
    def ip(self) -> str:
        return f"{self.switch.network}.{self.number}"

    @property
    def fqdn(self) -> str:
        return f"{self.name}.{DOMAIN}"


FILTER: Final = Place("plc-filter", CELL, 11, "28:63:36:52:3a:11")  # Siemens
DOSING: Final = Place("plc-dosing", CELL, 12, "00:00:54:1c:20:12")  # Schneider
INTAKE: Final = Place("rtu-intake", CELL, 13, "00:30:a7:0c:41:13")  # Schweitzer
SAFETY: Final = Place("sis-chlorine", CELL, 20, "00:e0:a1:07:12:20")  # HIMA
SWITCH: Final = Place("sw-cell", CELL, 2, "64:60:38:7a:01:02")  # Hirschmann
HMI: Final = Place("hmi-1", SUPERVISION, 21, "3c:d9:2b:61:20:21", windows=True)  # HP
SCADA: Final = Place("scada-1", SUPERVISION, 22, "b8:2a:72:aa:20:22", windows=True)  # Dell
GATEWAY: Final = Place("ua-gateway", SUPERVISION, 30, "00:90:e8:5d:30:30")  # Moxa
SERVER: Final = Place("ops-server", OPERATIONS, 10, "94:57:a5:10:30:10", windows=True)  # HP
HISTORIAN: Final = Place("historian", OPERATIONS, 31, "b8:2a:72:aa:30:31", windows=True)  # Dell
ENGINEERING: Final = Place("eng-station", OPERATIONS, 41, "54:bf:64:3e:30:41", windows=True)  # Dell
PORTAL: Final = Place("dmz-portal", DMZ, 51, "00:50:56:35:00:51")  # VMware
OFFICE: Final = Place("office-pc", ENTERPRISE, 66, "f4:30:b9:40:00:66", windows=True)  # HP
PLACES: Final = (FILTER, DOSING, INTAKE, SAFETY, SWITCH, HMI, SCADA, GATEWAY, SERVER, HISTORIAN, ENGINEERING, PORTAL, OFFICE)


BY_NAME: Final = {place.name: place for place in PLACES}


@dataclass(frozen=True, slots=True)
class Router:
    """A router: its legs with their MACs, and where it sends what it doesn't know."""

    name: str
    legs: tuple[tuple[Place, str], ...]
    routes: tuple[tuple[str, str], ...]


PLANT_ROUTER: Final = Router(
    "rt-plant",
    (
        (Place("rt-plant", CELL, 1, "00:80:63:7c:10:01"), "eth0"),  # Hirschmann
        (Place("rt-plant", SUPERVISION, 1, "00:80:63:7c:20:01"), "eth1"),
        (Place("rt-plant", OPERATIONS, 2, "00:80:63:7c:30:02"), "eth2"),
    ),
    (("default", "10.30.0.1"),),
)
FIREWALL: Final = Router(
    "firewall",
    (
        (Place("firewall", OPERATIONS, 1, "00:09:0f:30:00:01"), "eth0"),  # Fortinet
        (Place("firewall", DMZ, 1, "00:09:0f:35:00:01"), "eth1"),
        (Place("firewall", ENTERPRISE, 1, "00:09:0f:40:00:01"), "eth2"),
    ),
    (("10.10.0.0/24", "10.30.0.2"), ("10.20.0.0/24", "10.30.0.2")),
)
ROUTERS: Final = (PLANT_ROUTER, FIREWALL)
