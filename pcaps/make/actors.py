"""The roles of the plant, each a program of its own: python -m pcaps.make.actors ROLE ADDRESS SECONDS (real stacks: pymodbus)."""

from __future__ import annotations

import asyncio
import itertools
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from pymodbus import ModbusDeviceIdentification, ModbusException
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import ModbusTcpServer

PLC_1, PLC_2, GATEWAY = "10.20.1.11", "10.20.1.12", "10.20.1.13"
CONTROLLERS = (PLC_1, PLC_2, GATEWAY)


def device() -> ModbusDeviceContext:
    """200 points of each kind; whatever lies beyond answers `illegal data address`."""
    return ModbusDeviceContext(
        di=ModbusSequentialDataBlock(1, [index % 2 for index in range(200)]),
        co=ModbusSequentialDataBlock(1, [False] * 200),
        hr=ModbusSequentialDataBlock(1, list(range(200))),
        ir=ModbusSequentialDataBlock(1, [1_000 + index for index in range(200)]),
    )


def identity(address: str) -> ModbusDeviceIdentification:
    product = "EGX300" if address == GATEWAY else "BMX P34 2020"
    return ModbusDeviceIdentification(
        info_name={
            "VendorName": "Schneider Electric",
            "ProductCode": product,
            "MajorMinorRevision": "v2.5" if address == PLC_2 else "v2.7",
            "VendorUrl": "http://www.example.com",
            "ProductName": "Gateway" if address == GATEWAY else "Modicon M340",
            "ModelName": product,
        }
    )


async def serve(address: str, seconds: float, units: tuple[int, ...]) -> None:
    """A controller (one unit) or a gateway with devices behind it."""
    context = ModbusServerContext(devices={unit: device() for unit in units}, single=False)
    server = ModbusTcpServer(context, identity=identity(address), address=(address, 502))
    try:
        await asyncio.wait_for(server.serve_forever(), timeout=seconds + 120)
    except TimeoutError:
        await server.shutdown()


@asynccontextmanager
async def session(address: str) -> AsyncIterator[AsyncModbusTcpClient]:
    client = AsyncModbusTcpClient(address, timeout=1, retries=0)
    await client.connect()
    try:
        yield client
    finally:
        client.close()


async def hmi(seconds: float) -> None:
    """Polls each controller twice a second; now and then the operator changes a set point or a switch."""
    end = time.monotonic() + seconds
    async with session(PLC_1) as one, session(PLC_2) as two, session(GATEWAY) as gateway:
        for turn in itertools.count():
            for client in (one, two):
                await client.read_coils(0, count=16, device_id=1)
                await client.read_holding_registers(100, count=20, device_id=1)
                await client.read_input_registers(0, count=30, device_id=1)
            for unit in (1, 2, 3):
                await gateway.read_holding_registers(0, count=10, device_id=unit)
            if turn % 8 == 3:
                await one.write_register(100 + turn % 10, 200 + turn, device_id=1)
            if turn % 8 == 7:
                await two.write_registers(104, [150, 160 + turn], device_id=1)
                await two.write_coil(turn % 8, True, device_id=1)
            if time.monotonic() > end:
                return
            await asyncio.sleep(0.5)


async def historian(seconds: float) -> None:
    """Collects once a second, over one connection a controller."""
    end = time.monotonic() + seconds
    async with session(PLC_1) as one, session(PLC_2) as two:
        while time.monotonic() < end:
            for client in (one, two):
                await client.read_input_registers(0, count=100, device_id=1)
                await client.read_discrete_inputs(0, count=120, device_id=1)
            await asyncio.sleep(1)


async def engineering(seconds: float) -> None:
    """Looks after the controllers: identification, a configuration mask, a read and write in one."""
    for address in (PLC_1, PLC_2):
        async with session(address) as client:
            await client.read_device_information(read_code=1, object_id=0, device_id=1)
            await client.report_device_id(device_id=1)
            await client.mask_write_register(address=110, and_mask=0xFFF0, or_mask=0x0005, device_id=1)
            await client.readwrite_registers(read_address=0, read_count=8, write_address=112, values=[7, 8], device_id=1)
            await client.diag_query_data(b"\x12\x34", device_id=1)
        await asyncio.sleep(min(2.0, seconds / 4))


async def attacker(_seconds: float) -> None:
    """Finds the controllers, looks around, then interferes."""
    await asyncio.to_thread(scan_ports)
    await asyncio.sleep(1)
    async with session(GATEWAY) as client:
        for unit in range(1, 41):
            await tried(lambda unit=unit: client.read_holding_registers(0, count=1, device_id=unit))
    for address in CONTROLLERS:
        async with session(address) as client:
            await tried(lambda client=client: client.read_device_information(read_code=3, object_id=0, device_id=1))
            await tried(lambda client=client: client.report_device_id(device_id=1))
    async with session(PLC_1) as client:
        for start in range(0, 6_000, 100):
            await tried(lambda start=start: client.read_holding_registers(start, count=10, device_id=1))
        await tried(lambda: client.read_exception_status(device_id=1))
        for coil in range(60):
            await tried(lambda coil=coil: client.write_coil(coil, coil % 2 == 0, device_id=1))
        await tried(lambda: client.write_registers(100, [9_999] * 4, device_id=1))
    async with session(PLC_2) as client:
        await tried(lambda: client.diag_clear_counters(device_id=1))
        await tried(lambda: client.diag_restart_communication(True, device_id=1))
        await tried(lambda: client.diag_force_listen_only(device_id=1))
    await asyncio.sleep(2)


async def tried(call: Callable[[], Awaitable[object]]) -> None:
    """An attempt whose refusal or silence is no reason to stop."""
    try:
        await call()
    except (ModbusException, OSError) as error:
        print(f"attempt: {error}", file=sys.stderr)


def scan_ports() -> None:
    for address in CONTROLLERS:
        for port in (21, 22, 23, 80, 102, 443, 502, 2404, 4840, 20_000, 44_818):
            with socket.socket() as probe:
                probe.settimeout(0.5)
                probe.connect_ex((address, port))


def main(role: str, address: str, seconds: float) -> None:
    """Plays a role until it is over or a signal ends it."""
    roles: dict[str, Callable[[float], Awaitable[None]]] = {
        "plc": lambda seconds: serve(address, seconds, (1,)),
        "gateway": lambda seconds: serve(address, seconds, (1, 2, 3)),
        "hmi": hmi,
        "historian": historian,
        "engineering": engineering,
        "attacker": attacker,
    }
    asyncio.run(roles[role](seconds))  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
