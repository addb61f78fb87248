"""`python -m tests.bench.shipping`: documents per second into a local Elasticsearch, and what of it is the client's share.

Transactions of the project's own capture fill the outbox of a store; the shipper empties it. The client's share is CPU time of this process
(building documents, the client, SQLite), whatever the server takes. Then a capture is replayed with a shipper at work beside it, in turns
with the same replay alone: what shipping costs the sensor.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sensor import outbox
from sensor.shipping.pump import Pump
from sensor.shipping.setup import set_up
from sensor.shipping.ship import keep_memory
from sensor.store import Store, atomic
from tests.bench.captures import make
from tests.bench.measure import Cost, middle, run
from tests.elastic.conftest import folder
from tests.elastic.looking import client, output
from tests.elastic.server import Server
from tests.sensor.cli.run import PCAPS, fieldtap

GOAL_US = 50.0
SLOWER = 1.1
"""So many times the CPU time that a replay takes alone it may take with a shipper beside it: caches and memory are shared."""


def filled(store: Path, lines: list[bytes], count: int) -> None:
    """So many transactions in an outbox of their own."""
    with Store.open(store) as kept, atomic(kept.connection):
        outbox.put(kept.connection, (("transaction", str(n), lines[n % len(lines)]) for n in range(count)))


@contextmanager
def shipping(home: Path, url: str, lines: list[bytes], count: int) -> Iterator[None]:
    """A shipper of its own at work on an outbox of its own."""
    store = home / "beside.sqlite"
    if not store.exists():
        filled(store, lines, count)
    config = home / "fieldtap.toml"
    config.write_text(f'[sensor]\nname = "bench"\n[elasticsearch]\nhosts = ["{url}"]\nnamespace = "beside"\n', encoding="utf-8")
    command = [sys.executable, "-m", "sensor.cli", "ship", "--store", str(store), "--config", str(config), "--quiet"]
    shipper = subprocess.Popen(command)
    try:
        time.sleep(2)
        yield
    finally:
        shipper.terminate()
        shipper.wait()


def beside(home: Path, url: str, lines: list[bytes], packets: int) -> float:
    """How many times the CPU time of a replay alone it takes with a shipper at work: medians of three turns."""
    capture = make("modbus", packets, home / "modbus.pcap")
    replay = [sys.executable, "-m", "sensor.cli", "replay", str(capture), "-q", "--threads", "1", "--store", str(home / "capture.sqlite")]
    alone: list[Cost] = []
    together: list[Cost] = []
    for _ in range(3):
        alone.append(run(replay))
        with shipping(home, url, lines, 300_000):
            together.append(run(replay))
    return middle(together).cpu / middle(alone).cpu


def main() -> int:
    """1 where the client's share is above the goal, or where shipping slows a replay."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.shipping", description=__doc__)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--packets", type=int, default=2_000_000, help="of the capture that is replayed beside")
    chosen = parser.parse_args()
    keep_memory()  # as `fieldtap ship` does
    server = Server(folder())
    server.start()
    shares: list[float] = []
    slower = 1.0
    try:
        es = client(server.url)
        list(set_up(es))
        with tempfile.TemporaryDirectory() as place:
            home = Path(place)
            fieldtap(home, "replay", PCAPS / "mixed" / "attack.pcapng", "-q", "--store", "none", "--transactions", home / "t.jsonl")
            lines = (home / "t.jsonl").read_bytes().splitlines()
            for run in range(chosen.runs):
                filled(home / f"{run}.sqlite", lines, chosen.documents)
                to = output(es, f"bench{run}", "transaction")
                with Store.open(home / f"{run}.sqlite") as kept:
                    pump = Pump(kept.connection, to, say=print)
                    wall, cpu = time.perf_counter(), time.process_time()
                    settled = pump.drain()
                    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
                shares.append(cpu / settled * 1e6)
                waiting = to.seconds_waited / wall
                print(f"{settled / wall:,.0f} documents/s, {waiting:.0%} of it waiting; client {shares[-1]:.1f} µs a document")
            slower = beside(home, server.url, lines, chosen.packets)
            print(f"a replay takes {slower:.2f} times its CPU time with a shipper at work beside it")
    finally:
        server.stop()
    return 1 if sorted(shares)[len(shares) // 2] > GOAL_US or slower > SLOWER else 0


if __name__ == "__main__":
    sys.exit(main())
