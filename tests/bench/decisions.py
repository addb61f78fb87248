"""How fast does a policy decide? `python -m tests.bench.decisions` (1,000,000 operations, 500 conduits; `--operations`, `--conduits`).

Each operation is met for the first time, as after a start or in a sweep: what comes again is counted by the gate and asks nobody. Of
ten, six read, two write points that are limited to registers and values, one opens a connection that has no dissector, one does what
nothing allows. They are made in blocks outside of what is measured; what is measured is the CPU time of `Decider.lanes`, in one
process, the garbage collector off as in the pipeline. Two policies: one whose zones are networks, and one that has zones by MAC and
VLAN, schedules and denials as well. The aim of 200,000 a second is the first one's; below it this ends with 1.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.synthetic import Code, Moment, Outcome, Party, Point
from zones import compile_policy
from zones.decision import Decider

AIM: Final = 200_000
"""Decisions a second, by a policy whose zones are networks."""
BLOCK: Final = 20_000
ZONES: Final = 100
HOSTS: Final = 50
"""Hosts of each zone that talk."""
START: Final = 1_700_000_000_000_000_000
READ = Code(code=3, name="read_holding_registers")
WRITE = Code(code=16, name="write_multiple_registers")
CONNECT = Code(code=0, name="connect")
ACCEPTED = Outcome(result="accepted")


@dataclass(slots=True)
class Occurrence:
    """What a decider reads of a delivered transaction."""

    client: Party
    server: Party
    protocol: str
    unit: str | None
    function: Code
    access: str
    points: tuple[Point, ...]
    request: Moment
    vlan: tuple[int, ...] = (7,)
    sub_function: None = None
    initiator: str = "client"
    outcome: Outcome = ACCEPTED
    response: None = None
    lanes: int = 2**32 - 1
    completed: int = START


def policy_text(conduits: int, *, everything: bool) -> str:
    """A policy of ZONES zones, each the client of as many others. With `everything` by MAC and VLAN too, with schedules and denials."""
    lines = ["fieldtap: 1", "timezone: Europe/Berlin", "zones:"]
    lines += [f"  z{zone}: {{level: 1, networks: [10.{zone}.0.0/16]}}" for zone in range(ZONES)]
    if everything:
        lines += ['  carts: {level: 1, macs: ["00:80:f4:00:00:01"]}', "  guests: {level: 1, vlans: [900]}"]
        lines += ["schedules:", '  shift: {days: mon-fri, hours: "06:00-18:00"}']
    lines.append("conduits:")
    for number in range(conduits):
        client, server = _pair(number)
        lines += [
            f"  - id: c{number}", f"    from: z{client}", f"    to: z{server}", "    allow:",
            "      - {protocol: modbus, access: read}", "      - {protocol: https}",
            '      - {protocol: modbus, access: write, points: ["holding_register:100-119", "coil:0-7"], values: {min: 0, max: 500}}',
        ]  # fmt: skip
        if everything:
            lines.append("      - {protocol: s7comm, access: write, schedule: shift}")
            lines += ["    deny:", "      - {protocol: modbus, access: program}"]
    return "\n".join(lines) + "\n"


def _pair(number: int) -> tuple[int, int]:
    """The zones that a conduit joins."""
    return number % ZONES, (number % ZONES + 1 + number // ZONES) % ZONES


def occurrences(count: int, conduits: int) -> Iterator[Occurrence]:
    """`count` first occurrences, each of an operation of its own."""
    random = Random(8)
    hosts = [[Party(ip=f"10.{zone}.{host >> 6}.{host & 63}", port=502, mac=f"00:1b:1b:{zone:02x}:00:{host:02x}") for host in range(HOSTS)]
             for zone in range(ZONES)]  # fmt: skip
    web = [[Party(ip=one.ip, port=443, mac=one.mac) for one in zone] for zone in hosts]
    points = [Point(text="", kind="holding_register", first=100 + n, last=101 + n, access="write", values=[n, 2 * n]) for n in range(8)]
    for number in range(count):
        one, other = _pair(random.randrange(conduits))
        host = random.randrange(HOSTS)
        client, server, unit = hosts[one][random.randrange(HOSTS)], hosts[other][host], str(number % 247 + 1)
        moment = Moment(capture=1, packet=number + 1, time=START + number * 1_000)
        share = number % 10
        if share < 6:
            yield Occurrence(client, server, "modbus", unit, READ, "read", (), moment)
        elif share < 8:
            yield Occurrence(client, server, "modbus", unit, WRITE, "write", (points[number & 7],), moment)
        elif share < 9:
            yield Occurrence(client, web[other][host], "https", None, CONNECT, "session", (), moment)
        else:
            yield Occurrence(server, client, "modbus", unit, WRITE, "write", (points[number & 7],), moment)


def decided(decider: Decider, count: int, conduits: int) -> tuple[float, int]:
    """CPU seconds for `count` decisions, and how many of them say something (the rest is allowed)."""
    spent, said, held = 0.0, 0, {}  # type: float, int, dict[int, Any]
    made = occurrences(count, conduits)
    while True:
        block = list(islice(made, BLOCK))
        if not block:
            return spent, said
        began = time.process_time()
        answers = [decider.lanes(t, held) for t in block]
        spent += time.process_time() - began
        said += sum(any(entry.consequence is not None for entry in answer[0]) for answer in answers)


def measured(operations: int, conduits: int) -> list[dict[str, Any]]:
    """Decisions a second of each policy, with what they were."""
    rows = []
    gc.disable()
    with tempfile.TemporaryDirectory() as folder:
        for name, everything in (("networks", False), ("networks, MACs, VLANs, schedules, denials", True)):
            path = Path(folder) / "policy.yml"
            path.write_text(policy_text(conduits, everything=everything))
            spent, said = decided(Decider(compile_policy(str(path))), operations, conduits)
            rows.append({"policy": name, "operations": operations, "conduits": conduits, "said": said, "per_second": operations / spent})
    return rows


def line(row: dict[str, Any]) -> str:
    """A row for people."""
    asked = f"{row['operations']:,} operations, {row['conduits']} conduits by {row['policy']}"
    return f"{asked}: {row['per_second']:,.0f} decisions/s ({row['said']:,} violations)"


def main() -> int:
    """Measures and prints; 1 where the aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=1_000_000)
    parser.add_argument("--conduits", type=int, default=500)
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    rows = measured(asked.operations, asked.conduits)
    print(json.dumps(rows, indent=1) if asked.json else "\n".join(map(line, rows)))
    return int(rows[0]["per_second"] < AIM)


if __name__ == "__main__":
    raise SystemExit(main())
