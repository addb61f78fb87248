"""The roles of the S7 plant, each a program of its own: python -m pcaps.make.s7_actors ROLE ADDRESS SECONDS (real stack: Snap7)."""

from __future__ import annotations

import ctypes
import itertools
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from snap7.client import Client
from snap7.server import Server
from snap7.type import Area, Block, S7DataItem, SrvArea, WordLen

PLC_1, PLC_2 = "10.20.1.21", "10.20.1.22"
CONTROLLERS = (PLC_1, PLC_2)
PG, OP, BASIC = 1, 2, 3
RACK, SLOT = 0, 2
BLOCKS = {1: 64, 10: 128, 20: 256}
MONDAY = datetime(2026, 3, 2, 6, 30)


def serve(_address: str, seconds: float) -> None:
    """A controller whose inputs and counters move, with three data blocks."""
    server = Server(log=False)
    areas = {(SrvArea.DB, number): (ctypes.c_uint8 * size)() for number, size in BLOCKS.items()}
    areas |= {(area, 0): (ctypes.c_uint8 * 128)() for area in (SrvArea.PE, SrvArea.PA, SrvArea.MK, SrvArea.TM, SrvArea.CT)}
    for (area, number), memory in areas.items():
        server.register_area(area, number, memory)
    struct.pack_into(">fhi12s", areas[SrvArea.DB, 10], 0, 21.5, 1_450, 86_400, b"\x0a\x06pump-1")
    server.start(tcp_port=102)
    end = time.monotonic() + seconds + 120
    for turn in itertools.count():
        areas[SrvArea.PE, 0][0] = turn & 0xFF
        areas[SrvArea.PE, 0][1] = 1 << (turn & 7)
        struct.pack_into(">f", areas[SrvArea.DB, 20], 0, 20.0 + turn % 50 / 10)
        if time.monotonic() > end:
            break
        time.sleep(0.1)
    server.stop()


@contextmanager
def session(address: str, kind: int) -> Iterator[Client]:
    client = Client()
    client.set_connection_type(kind)
    client.connect(address, RACK, SLOT)
    try:
        yield client
    finally:
        client.disconnect()
        client.destroy()


def items(*wanted: tuple[Area, int, WordLen, int, int]) -> tuple[ctypes.Array[S7DataItem], list[object]]:
    """Items for one request, with the memory that they point to: area, DB, type, start (bits for bits), count."""
    array = (S7DataItem * len(wanted))()
    kept = []
    for item, (area, number, kind, start, count) in zip(array, wanted, strict=True):
        memory = (ctypes.c_uint8 * (count * 4))()
        kept.append(memory)
        item.Area, item.WordLen, item.DBNumber, item.Start, item.Amount = int(area), int(kind), number, start, count
        item.pData = ctypes.cast(memory, ctypes.POINTER(ctypes.c_uint8))
    return array, kept


PICTURE = (
    (Area.PE, 0, WordLen.Byte, 0, 4),
    (Area.PA, 0, WordLen.Bit, 3, 1),
    (Area.MK, 0, WordLen.Word, 10, 2),
    (Area.DB, 10, WordLen.Real, 0, 1),
    (Area.DB, 10, WordLen.Int, 4, 1),
    (Area.DB, 10, WordLen.DInt, 6, 1),
    (Area.TM, 0, WordLen.Timer, 0, 2),
    (Area.CT, 0, WordLen.Counter, 1, 1),
)


def hmi(seconds: float) -> None:
    """Polls each controller twice a second; now and then the operator changes a set point or presses a button."""
    end = time.monotonic() + seconds
    with session(PLC_1, OP) as one, session(PLC_2, OP) as two:
        for turn in itertools.count():
            for client in (one, two):
                wanted, _kept = items(*PICTURE)
                client.read_multi_vars(wanted)
                client.db_read(20, 0, 32)
            if turn % 8 == 3:
                one.db_write(10, 0, bytearray(struct.pack(">f", 21.5 + turn % 5)))
            if turn % 8 == 7:
                two.write_area(Area.MK, 0, 10, bytearray(struct.pack(">h", 100 + turn)))
            if time.monotonic() > end:
                return
            time.sleep(0.5)


def historian(seconds: float) -> None:
    """Collects once a second, one connection a controller."""
    end = time.monotonic() + seconds
    with session(PLC_1, BASIC) as one, session(PLC_2, BASIC) as two:
        while time.monotonic() < end:
            for client in (one, two):
                client.db_read(20, 0, 200)
                client.eb_read(0, 16)
            time.sleep(1)


def engineering(_seconds: float) -> None:
    """Maintenance of the first controller: what is it, which blocks, save, stop, delete one, start cold and warm."""
    with session(PLC_1, PG) as client:
        for identifier, index in ((0x0011, 0), (0x001C, 0), (0x0131, 1), (0x0132, 4), (0x0232, 4), (0x0424, 0), (0x0000, 0)):
            tried(lambda identifier=identifier, index=index: client.read_szl(identifier, index))
        client.list_blocks()
        client.list_blocks_of_type(Block.DB, 100)
        for number in BLOCKS:
            client.get_block_info(Block.DB, number)
        tried(lambda: client.upload(10))
        client.get_plc_datetime()
        client.set_plc_datetime(MONDAY)
        client.set_session_password("maint-01")
        time.sleep(0.5)
        client.plc_stop()
        client.get_cpu_state()
        client.delete(Block.DB, 1)
        client.compress(1_000)
        client.copy_ram_to_rom(1_000)
        client.plc_cold_start()
        time.sleep(0.5)
        client.plc_stop()
        client.plc_hot_start()
        client.get_cpu_state()
        client.clear_session_password()


def attacker(_seconds: float) -> None:
    """Finds the controllers, asks who they are, collects, tries to take the program, then interferes."""
    scan_ports()
    for address in CONTROLLERS:
        with session(address, PG) as client:
            for identifier in (0x0011, 0x001C, 0x0131, 0x0232):
                tried(lambda client=client, identifier=identifier: client.read_szl(identifier, 0))
            client.list_blocks()
            tried(lambda client=client: client.list_blocks_of_type(Block.DB, 100))
            tried(lambda client=client: client.upload(10))
    with session(PLC_1, PG) as client:
        for number in range(1, 40):
            tried(lambda number=number: client.db_read(number, 0, 16))
        for turn in range(64):
            tried(lambda turn=turn: client.write_area(Area.PA, 0, turn, bytearray([turn & 1])))
        tried(lambda: client.db_write(10, 0, bytearray(struct.pack(">f", 999.0))))
        tried(lambda: client.set_plc_datetime(datetime(1999, 12, 31, 23, 59, 58)))
        tried(lambda: client.delete(Block.DB, 20))
        client.plc_stop()
    time.sleep(2)


def tried(call: Callable[[], object]) -> None:
    """An attempt whose refusal is no reason to stop."""
    try:
        call()
    except RuntimeError as error:
        print(f"attempt: {error}", file=sys.stderr)


def scan_ports() -> None:
    for address in CONTROLLERS:
        for port in (21, 22, 23, 80, 102, 443, 502, 2404, 4840, 20_000, 44_818):
            with socket.socket() as probe:
                probe.settimeout(0.5)
                probe.connect_ex((address, port))


def main(role: str, address: str, seconds: float) -> None:
    """Plays a role until it is over or a signal ends it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    roles: dict[str, Callable[[float], None]] = {
        "plc": lambda seconds: serve(address, seconds),
        "hmi": hmi,
        "historian": historian,
        "engineering": engineering,
        "attacker": attacker,
    }
    roles[role](seconds)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
