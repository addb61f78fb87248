"""`python -m tests.bench.shipping`: documents per second into a local Elasticsearch, and what of it is the client's share.

Transactions of the project's own capture fill the outbox of a store; the shipper empties it. The client's share is CPU time of this process
(building documents, the client, SQLite), whatever the server takes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from sensor import outbox
from sensor.shipping.pump import Pump, atomic
from sensor.shipping.setup import set_up
from sensor.store import Store
from tests.elastic.conftest import folder
from tests.elastic.looking import client, output
from tests.elastic.server import Server
from tests.sensor.cli.run import PCAPS, fieldtap

GOAL_US = 50.0


def filled(store: Path, lines: list[bytes], count: int) -> None:
    """So many transactions in an outbox of their own."""
    with Store.open(store) as kept, atomic(kept.connection):
        outbox.put(kept.connection, (("transaction", str(n), lines[n % len(lines)]) for n in range(count)))


def main() -> int:
    """1 where the client's share is above the goal."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.shipping", description=__doc__)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    server = Server(folder())
    server.start()
    shares = []
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
    finally:
        server.stop()
    return 1 if sorted(shares)[len(shares) // 2] > GOAL_US else 0


if __name__ == "__main__":
    sys.exit(main())
