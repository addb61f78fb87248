"""The people's stations, with pymodbus and Snap7: `hmi`, `engineering`, `loading`, for so many seconds.

`engineering` is a session as it should be; `loading` is what somebody does who has got hold of the station.
"""

from __future__ import annotations

import asyncio
import ctypes
import struct
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from pymodbus.client import AsyncModbusTcpClient
from snap7.client import Client
from snap7.type import Area, Block, S7DataItem, WordLen

from pcaps.make.mixed.places import DOSING, FILTER, SAFETY
from pcaps.make.s7_crafted import LOGIC, block

PG, OP = 1, 2


def s7(kind: int) -> Client:
    """A connection to the filters' controller."""
    client = Client()
    client.set_connection_type(kind)
    client.connect(FILTER.ip, 0, 2)
    return client


def modbus(address: str) -> AsyncModbusTcpClient:
    return AsyncModbusTcpClient(address, timeout=3, retries=0)


async def hmi(seconds: float) -> None:
    """Polls the controllers once a second; now and then the operator changes a set point or switches a pump."""
    filters = await asyncio.to_thread(s7, OP)
    async with modbus(DOSING.ip) as dosing, modbus(SAFETY.ip) as safety:
        end = time.monotonic() + seconds
        turn = 0
        while time.monotonic() < end:
            await dosing.read_input_registers(0, count=8, device_id=1)
            await dosing.read_holding_registers(100, count=10, device_id=1)
            await asyncio.to_thread(filters.db_read, 20, 0, 16)
            if turn % 3 == 0:
                await safety.read_holding_registers(0, count=6, device_id=1)
                await dosing.read_coils(0, count=8, device_id=1)
                await asyncio.to_thread(filters.eb_read, 0, 2)
            if turn % 20 == 8:
                await dosing.write_register(100, 170 + turn % 40, device_id=1)
            if turn % 30 == 15:
                await dosing.write_coil(2, turn % 60 == 15, device_id=1)
            if turn % 25 == 20:
                await asyncio.to_thread(set_real, filters, 10, 4, 2.0 + turn % 50 / 50)
            turn += 1
            await asyncio.sleep(1)
    filters.disconnect()


def set_real(client: Client, block: int, at: int, value: float) -> None:
    """Writes one value as what it is."""
    memory = (ctypes.c_uint8 * 4).from_buffer_copy(struct.pack(">f", value))
    item = (S7DataItem * 1)()
    item[0].Area, item[0].WordLen, item[0].DBNumber, item[0].Start, item[0].Amount = int(Area.DB), int(WordLen.Real), block, at, 1
    item[0].pData = ctypes.cast(memory, ctypes.POINTER(ctypes.c_uint8))
    client.write_multi_vars(item)


async def engineering(seconds: float) -> None:
    """Identifies the controllers, saves the filters' program, corrects a dosing parameter."""
    async with modbus(DOSING.ip) as dosing:
        await dosing.read_device_information(read_code=1, object_id=0, device_id=1)
        await dosing.read_holding_registers(100, count=10, device_id=1)
        await asyncio.sleep(seconds / 8)
        await dosing.write_registers(106, [95, 5], device_id=1)
    await asyncio.to_thread(saving, seconds)


def saving(seconds: float) -> None:
    """What is it, which blocks has it, take them out."""
    client = s7(PG)
    for identifier, index in ((0x0011, 0), (0x001C, 0), (0x0131, 1), (0x0232, 4), (0x0424, 0)):
        client.read_szl(identifier, index)
    client.get_cpu_state()
    time.sleep(seconds / 8)
    client.list_blocks()
    client.list_blocks_of_type(Block.DB, 100)
    client.get_plc_datetime()
    time.sleep(seconds / 8)
    client.full_upload(Block.DB, 10)
    client.full_upload(Block.OB, 1)
    client.disconnect()


async def loading(_seconds: float) -> None:
    """From the station that may: the dosing beyond its limits, another program into the controller, and stop."""
    async with modbus(DOSING.ip) as dosing:
        await dosing.write_registers(100, [2_500, 4_000], device_id=1)
        await asyncio.sleep(1)
    await asyncio.to_thread(replacing)


def replacing() -> None:
    """Loads a block over the running one, then stops the controller."""
    client = s7(PG)
    client.get_cpu_state()
    changed = bytearray(block("08", 1, LOGIC[::-1] + bytes(200), author=b"LAKESIDE", family=b"FILTER", name=b"MAIN"))
    client.download(changed, 1)
    time.sleep(1)
    client.write_area(Area.PA, 0, 0, bytearray(b"\xff\xff"))
    client.plc_stop()
    client.get_cpu_state()
    client.disconnect()


ROLES: Final[dict[str, Callable[[float], Coroutine[Any, Any, None]]]] = {"hmi": hmi, "engineering": engineering, "loading": loading}


def play(role: str, seconds: str) -> None:
    """Plays a role until it is over."""
    asyncio.run(ROLES[role](float(seconds)))
