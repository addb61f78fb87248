"""The controllers: `filter`, `dosing`, `safety`, for so many seconds.

`filter` is Snap7's server. What that refuses, block transfers, is answered by a front before it (`Front`), by hand; the front also gives
the controller a name of its own. `dosing` and `safety` are pymodbus.
"""

from __future__ import annotations

import asyncio
import ctypes
import math
import struct
from collections.abc import Callable, Coroutine
from typing import Any, Final

from pymodbus import ModbusDeviceIdentification
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import ModbusTcpServer

from pcaps.make.iso import data
from pcaps.make.mixed.places import DOSING, FILTER, SAFETY
from pcaps.make.s7_crafted import DB, LOGIC, block

BEHIND: Final = 1102
"""Snap7's own port, inside."""
THEIR_NAME: Final = b"SNAP7-SERVER"
NAME: Final = b"FILTER-PLC01"
SETPOINTS: Final = struct.pack(">ffhh", 4.2, 1.8, 450, 12)
PART: Final = 200
START_UPLOAD, UPLOAD, END_UPLOAD, REQUEST_DOWNLOAD, DOWNLOAD, DOWNLOAD_ENDED, SERVICE = 0x1D, 0x1E, 0x1F, 0x1A, 0x1B, 0x1C, 0x28
JOB, ACKNOWLEDGED = 1, 3


def snap7_server(tick: float) -> Callable[[int], None]:
    """Snap7's server with three data blocks; what it gives moves the measured values."""
    from snap7.server import Server
    from snap7.type import SrvArea

    server = Server(log=False)
    areas = {(SrvArea.DB, number): (ctypes.c_uint8 * size)() for number, size in {1: 64, 10: 64, 20: 128}.items()}
    areas |= {(area, 0): (ctypes.c_uint8 * 128)() for area in (SrvArea.PE, SrvArea.PA, SrvArea.MK, SrvArea.TM, SrvArea.CT)}
    for (area, number), memory in areas.items():
        server.register_area(area, number, memory)
    struct.pack_into(f">{len(SETPOINTS)}s", areas[SrvArea.DB, 10], 0, SETPOINTS)
    server.start_to("127.0.0.1", BEHIND)

    def move(turn: int, _kept: object = (server, areas)) -> None:
        at = turn * tick
        pressure, level, flow = 2.4 + 0.2 * math.sin(at / 9), 4.1 + 0.3 * math.sin(at / 31), 118 + 6 * math.sin(at / 14)
        struct.pack_into(">fffh", areas[SrvArea.DB, 20], 0, pressure, level, flow, turn % 1_000)
        areas[SrvArea.PE, 0][0] = 0b0110_0101 ^ (turn // 20 & 3)

    return move


class Front:
    """Hands everything on to Snap7 and back, but what moves blocks: that it answers itself."""

    def __init__(self) -> None:
        self.blocks = {b"0A00010": block(DB, 10, SETPOINTS + bytes(52), author=b"LAKESIDE", family=b"FILTER", name=b"SETPOINT")}
        self.blocks[b"0800001"] = block("08", 1, LOGIC, author=b"LAKESIDE", family=b"FILTER", name=b"MAIN")
        self.blocks[b"0C00001"] = block("0C", 1, LOGIC * 2, author=b"LAKESIDE", family=b"FILTER", name=b"BACKWASH")

    async def serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """One connection."""
        server, to_server = await asyncio.open_connection("127.0.0.1", BEHIND)
        transfer = Transfer(self.blocks)
        back = asyncio.create_task(self.back(server, to_client))
        try:
            while message := await message_of(client):
                answers = transfer.answers(message)
                for answer in answers or ():
                    to_client.write(answer)
                if answers is None:
                    to_server.write(message)
        finally:
            back.cancel()
            to_server.close()
            to_client.close()

    async def back(self, server: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """What Snap7 says, under the controller's name."""
        while message := await message_of(server):
            to_client.write(message.replace(THEIR_NAME, NAME))


async def message_of(reader: asyncio.StreamReader) -> bytes:
    """A TPKT message; empty at the end."""
    try:
        head = await reader.readexactly(4)
        return head + await reader.readexactly(int.from_bytes(head[2:4]) - 4)
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


class Transfer:
    """Block transfers of one connection (layouts as in Wireshark's dissector and Snap7's sources)."""

    def __init__(self, blocks: dict[bytes, bytes]) -> None:
        self.blocks = blocks
        self.left = b""
        self.loading = b""
        self.reference = 0x4000

    def answers(self, message: bytes) -> list[bytes] | None:
        """What to say to a message; None where it isn't ours."""
        if len(message) < 18 or message[7] != 0x32:
            return None
        kind, reference, parameters = message[8], message[11:13], message[17:] if message[8] == JOB else message[19:]
        if kind == ACKNOWLEDGED and parameters[0] in (DOWNLOAD, DOWNLOAD_ENDED):
            return self.loaded(parameters)
        if kind != JOB or parameters[0] not in (START_UPLOAD, UPLOAD, END_UPLOAD, REQUEST_DOWNLOAD, SERVICE):
            return None
        if parameters[0] == SERVICE and b"_INSE" not in parameters:
            return None
        return self.job(parameters, reference)

    def job(self, parameters: bytes, reference: bytes) -> list[bytes]:
        """A job of the programming device."""
        function = parameters[0]
        if function == START_UPLOAD:
            self.left = self.blocks.get(parameters[10:17], b"")
            length = f"{len(self.left):07d}".encode()
            return [pdu(ACKNOWLEDGED, reference, b"\x1d\0\x01\0\0\0\0\x07\x07" + length)] if self.left else [refused(reference)]
        if function == UPLOAD:
            part, self.left = self.left[:PART], self.left[PART:]
            return [pdu(ACKNOWLEDGED, reference, bytes([UPLOAD, bool(self.left)]), struct.pack(">HH", len(part), 0xFB) + part)]
        if function == REQUEST_DOWNLOAD:
            self.loading = parameters[8:18]
            return [pdu(ACKNOWLEDGED, reference, bytes([function])), self.ask(DOWNLOAD)]
        return [pdu(ACKNOWLEDGED, reference, bytes([function]))]

    def loaded(self, parameters: bytes) -> list[bytes]:
        """A part has come: ask for the next one, or say that it was the last."""
        if parameters[0] == DOWNLOAD_ENDED:
            return []
        return [self.ask(DOWNLOAD if parameters[1] & 1 else DOWNLOAD_ENDED)]

    def ask(self, function: int) -> bytes:
        """A job of the controller."""
        self.reference += 1
        head = bytes([function, 0, function == DOWNLOAD, 0]) + bytes(4)
        return pdu(JOB, self.reference.to_bytes(2), head + self.loading)


def pdu(kind: int, reference: bytes, parameters: bytes, payload: bytes = b"", error: int = 0) -> bytes:
    head = struct.pack(">BBH2sHH", 0x32, kind, 0, reference, len(parameters), len(payload))
    return data(head + (struct.pack(">H", error) if kind == ACKNOWLEDGED else b"") + parameters + payload)


def refused(reference: bytes) -> bytes:
    return pdu(ACKNOWLEDGED, reference, b"\x1d", error=0xD209)


async def filter_plc(seconds: float) -> None:
    """The S7 controller of the filters."""
    move = snap7_server(0.5)
    front = Front()
    async with await asyncio.start_server(front.serve, FILTER.ip, 102):
        for turn in range(int(seconds * 2)):
            move(turn)
            await asyncio.sleep(0.5)


def device(values: list[int]) -> ModbusDeviceContext:
    """Measured values from register 0 on, set points from 100 on, 16 coils."""
    return ModbusDeviceContext(
        di=ModbusSequentialDataBlock(1, [index % 3 == 0 for index in range(32)]),
        co=ModbusSequentialDataBlock(1, [index in (0, 2, 5) for index in range(16)]),
        hr=ModbusSequentialDataBlock(1, values),
        ir=ModbusSequentialDataBlock(1, [2_000 + 7 * index for index in range(40)]),
    )


async def modbus_server(address: str, values: list[int], identity: dict[str, str], seconds: float) -> None:
    """A controller with one unit, whose input registers move."""
    context = ModbusServerContext(devices={1: device(values)}, single=False)
    server = ModbusTcpServer(context, identity=ModbusDeviceIdentification(info_name=identity), address=(address, 502))
    serving = asyncio.create_task(server.serve_forever())
    for turn in range(int(seconds * 2)):
        await server.async_setValues(
            1, 4, 0, [2_000 + int(40 * math.sin(turn / 11)), 730 + turn % 5, 81, int(150 + 9 * math.sin(turn / 7))]
        )
        await asyncio.sleep(0.5)
    serving.cancel()


async def dosing_plc(seconds: float) -> None:
    """The Modbus controller of the dosing: chlorine in 0.01 mg/l at register 100."""
    values = [0] * 100 + [180, 420, 75, 60, 300, 15, 90, 0, 0, 0] + [0] * 10
    identity = {
        "VendorName": "Schneider Electric", "ProductCode": "BMX P34 2020", "MajorMinorRevision": "v2.7",
        "ProductName": "Modicon M340", "ModelName": "BMX P34 2020",
    }  # fmt: skip
    await modbus_server(DOSING.ip, values, identity, seconds)


async def safety_controller(seconds: float) -> None:
    """The safety controller that shuts off the chlorine gas. It is to be read, never written."""
    identity = {
        "VendorName": "HIMA", "ProductCode": "HIMatrix F35", "MajorMinorRevision": "V11.2",
        "ProductName": "HIMatrix", "ModelName": "F35 03",
    }  # fmt: skip
    await modbus_server(SAFETY.ip, [0, 1, 1, 0, 350, 500] + [0] * 20, identity, seconds)


ROLES: Final[dict[str, Callable[[float], Coroutine[Any, Any, None]]]] = {
    "filter": filter_plc, "dosing": dosing_plc, "safety": safety_controller,
}  # fmt: skip


def play(role: str, seconds: str) -> None:
    """Plays a role until it is over."""
    asyncio.run(ROLES[role](float(seconds)))
