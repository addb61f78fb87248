"""How large may a network be? `python -m tests.bench.inventory` (100,000 assets, 1,000,000 edges; `--assets`, `--edges`).

Synthetic facts go into an inventory, as the engine would deliver them, and the same into a store, from which the graph is exported as users
do. Each step runs in a process of its own; what is printed is its greatest resident memory above that of an interpreter with everything
imported, and its CPU time. Limits: the inventory's own state 1 GiB, with a networkx graph 2 GiB in all, an export a minute.
"""

from __future__ import annotations

import argparse
import gc
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

MIB: Final = 1 << 20
START: Final = 1_700_000_000_000_000_000
PROTOCOLS: Final = ("modbus", "s7comm", "dnp3", "opcua")
LIMITS: Final = {"state": (1024, None), "networkx": (2048, None), "json": (None, 60), "graphml": (None, 60), "csv": (None, 60)}
"""MiB and seconds of each step."""


@dataclass(slots=True)
class Moment:
    capture: int
    packet: int
    time: int


@dataclass(slots=True)
class Party:
    ip: str
    mac: None
    port: int | None


@dataclass(slots=True)
class Operation:
    operation: int
    client: Party
    server: Party
    protocol: str
    unit: str | None
    access: str
    vlan: tuple[int, ...] = ()


@dataclass(slots=True)
class Tally:
    operation: int
    count: int
    first: Moment
    last: Moment
    outcomes: dict[str, int]
    rejections: dict[int, int]
    interval: None = None


@dataclass(slots=True)
class Seen:
    address: str
    attribute: str
    value: str
    protocol: str
    field: str
    moment: Moment
    unit: None = None


def address(number: int) -> str:
    """The address of an asset."""
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


def pairs(assets: int, edges: int) -> Iterator[tuple[int, int, str]]:
    """Client, server, protocol: each client asks its neighbours in turn, so that every pair and protocol comes once."""
    for number in range(edges):
        client, turn = number % assets, number // assets
        yield client, (client + 1 + turn // len(PROTOCOLS)) % assets, PROTOCOLS[turn % len(PROTOCOLS)]


def filled(assets: int, edges: int) -> Any:
    """An inventory with all facts in it."""
    from sensor.inventory import Inventory

    inventory = Inventory(max_hosts=assets, max_exchanges=edges)
    for number in range(assets):
        mac = f"00:80:f4:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
        moment = Moment(1, number + 1, START + number)
        inventory.observe(Seen(address(number), "mac", mac, "arp", "arp.sender", moment))  # type: ignore[arg-type]
    for number, (client, server, protocol) in enumerate(pairs(assets, edges), start=1):
        sides = Party(address(client), None, None), Party(address(server), None, 502)
        inventory.operation(Operation(number, *sides, protocol, None, "read"))  # type: ignore[arg-type]
    inventory.count(Tallies(edges))  # type: ignore[arg-type]
    assert not inventory.ceilings
    return inventory


class Tallies:
    """As the engine has them: each is made when it is read."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: int) -> Tally:
        return Tally(place + 1, 10, Moment(1, place + 1, START), Moment(1, place + 9, START + 10**9), {"accepted": 10}, {})

    def __iter__(self) -> Iterator[Tally]:
        return (self[place] for place in range(self._count))


def stored(place: Path, assets: int, edges: int) -> None:
    """A store with the same, as many runs would have left it."""
    import sqlite3

    from sensor.store import Store

    Store.open(place).close()
    connection = sqlite3.connect(place)
    connection.execute("INSERT INTO runs (id, finished, fieldtap) VALUES (1, '2026-01-01', 'bench')")
    connection.executemany(
        "INSERT INTO assets (id, place, kind, heard, first, last, addresses, roles, vlans, units)"
        " VALUES (?, ?, 'host', 1, ?, ?, ?, ?, '', '')",
        ((address(n), n, START, START, address(n), "server:modbus:502 client:modbus:") for n in range(assets)),
    )
    connection.executemany(
        "INSERT INTO attributes (asset, name, value, confidence, protocol, field, capture, packet, time)"
        " VALUES (?, 'vendor', '\"Schneider Electric\"', 0.95, 'modbus', 'vendor_name', 'c1', 7, ?)",
        ((address(n), START) for n in range(assets)),
    )
    connection.executemany(
        "INSERT INTO operations (client, server, port, protocol, unit, function, sub_function, access, function_name, first, last, count,"
        " run, points, capture, packet)"
        " VALUES (?, ?, 502, ?, '', 3, '', 'read', 'read_holding_registers', ?, ?, 10, 1, '[\"holding_register:0-9\"]', 'c1', 5)",
        ((address(client), address(server), protocol, START, START + 10**9) for client, server, protocol in pairs(assets, edges)),
    )
    connection.commit()
    connection.close()


def step(name: str, store: Path, assets: int, edges: int) -> None:
    """One step, in this process: prints MiB and seconds."""
    import networkx  # noqa: F401

    import sensor.inventory.resolve
    import sensor.outputs.graph
    import sensor.outputs.tables
    from sensor.inventory.known import known
    from sensor.store import Store

    empty, began = resident(), time.process_time()
    gc.disable()  # as the pipeline does
    kept: Any
    if name in ("state", "networkx"):
        kept = filled(assets, edges)
        if name == "networkx":
            graph = kept.graph()
            assert (graph.number_of_nodes(), graph.number_of_edges()) == (assets, edges)
    else:
        write = sensor.outputs.tables.write_edges_csv if name == "csv" else sensor.outputs.graph.FORMATS[name]
        with Store.open(store) as opened, store.with_suffix(f".{name}").open("w") as out:
            kept = known(opened)
            assert (len(kept.assets), len(kept.edges)) == (assets, edges)
            write(kept, out)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{max(resident(), peak) - empty:.0f} {time.process_time() - began:.1f}")


def resident() -> float:
    """MiB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / MIB


def main() -> int:
    """Runs every step in a process of its own; 1 where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=int, default=100_000)
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--step", choices=sorted(LIMITS))
    parser.add_argument("--store", type=Path)
    asked = parser.parse_args()
    if asked.step is not None:
        step(asked.step, asked.store, asked.assets, asked.edges)
        return 0
    passed = 0
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store.sqlite"
        stored(store, asked.assets, asked.edges)
        for name, limits in LIMITS.items():
            sizes = ["--assets", str(asked.assets), "--edges", str(asked.edges)]
            command = [sys.executable, "-m", "tests.bench.inventory", "--step", name, "--store", str(store), *sizes]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            used = [float(part) for part in done.stdout.split()]
            over = [limit is not None and value > limit for value, limit in zip(used, limits, strict=True)]
            passed += any(over)
            print(f"{name:10} {used[0]:8,.0f} MiB {used[1]:8.1f} s   {'over the limit' if any(over) else 'within'}", flush=True)
    return min(passed, 1)


if __name__ == "__main__":
    raise SystemExit(main())
