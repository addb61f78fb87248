"""The captures of the mixed plant: what is in them, how they were made, and by which function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from pcaps.make.mixed import record

STACKS: Final = (
    "recorded on four mirror ports of a plant with two routers in network namespaces: Snap7 (python-snap7 2), pymodbus, opendnp3 3.1.2, "
    "asyncua, OpenSSL, Python's web server; S7 block transfers answered, and the messages of DNS, NTP, DHCP, SNMP, LLDP, mDNS, LLMNR and "
    "NetBIOS and the first words of SSH and remote desktop made, by pcaps/make/mixed; intervals are shorter than a plant's"
)

CAPTURES: Final[dict[str, tuple[str, str, Callable[[Path], None]]]] = {
    "mixed/normal.pcapng": (
        "Lakeside water works without incidents: HMI, SCADA server, OPC UA gateway, historian and a report server poll an S7 and a Modbus "
        "controller, a safety controller and an RTU over five levels; set points, switches, the RTU's clock, an engineering session that "
        "identifies controllers and saves a program; names, time, leases, web pages",
        STACKS,
        record.normal,
    ),
    "mixed/attack.pcapng": (
        "the same shift while somebody gets from an office onto the host in the DMZ, scans the cell, writes Modbus set points far beyond "
        "their limits and to the safety controller, writes as nobody through the OPC UA gateway, opens breakers and restarts the RTU over "
        "DNP3, and from the engineering station loads another program into the S7 controller and stops it",
        STACKS + "; the intruder's DNP3 by hand",
        record.attack,
    ),
}
