"""How many followed transactions go through 200 rules in a second: `python -m tests.bench.rules` (goal: 100,000; ends with 1 below it).

Followed is what no clause of the gate can say, so that Python looks at each occurrence. The rules are the catalog, all of it active, and
followed rules (free fields, sequences) to make 200, spread over what the captures speak: each transaction concerns several. The
transactions are the engine's own, of the project's captures; measured is the CPU time of `Judge.follow` on one core, once each operation
has its lanes.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import process_time
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import yaml

import dissectors
from rules.evidence import everything
from rules.judge import Judge
from rules.loader import catalog
from rules.plan import Plan
from sensor.plan import services
from tests.corpus import PROJECT

RULES: Final = 200
GOAL: Final = 100_000
CAPTURES: Final = ("mixed/attack.pcapng", "plant/attack.pcapng", "s7/attack.pcapng", "dnp3/attack.pcapng", "opcua/attack.pcapng")
_EVIDENCE: Final = {"fires_on": [{"capture": "a.pcap", "count": 1}], "silent_on": ["b.pcap"]}
_SPOKEN: Final = (
    *(("modbus", name) for name in ("read_holding_registers", "read_coils", "write_single_register", "read_input_registers")),
    *(("s7comm", name) for name in ("read_var", "write_var")),
    *(("dnp3", name) for name in ("read", "unsolicited_response")),
    *(("opcua", name) for name in ("publish", "read")),
)


def transactions() -> list[Any]:
    """All transactions of the captures, as the engine delivers them."""
    return [
        t for name in CAPTURES for batch in dissectors.Engine().replay(str(PROJECT / "pcaps" / name)) for t in batch.transactions
    ]  # fmt: skip


def followed(number: int) -> Iterator[dict[str, Any]]:
    """A rule that is followed, and for every tenth number a sequence with its two steps."""
    protocol, function = _SPOKEN[(number + number // 10) % len(_SPOKEN)]
    logsource = {"product": "fieldtap", "category": "transaction"}
    head = {"level": "low", "fieldtap": _EVIDENCE}
    where = {"protocol": protocol, "function.name": function}
    if number % 10:
        search = {**where, ("client.port|lt", "latency_ns|gt", "client.port|gte")[number % 3]: (1_024, 10**12, 65_000)[number % 3]}
        yield {**_named(f"followed-{number}"), **head, "logsource": logsource, "detection": {"x": search, "condition": "x"}}
        return
    steps = [f"step-{number}-{part}" for part in ("first", "second")]
    for step, low in zip(steps, (1, 65_000), strict=True):
        detection = {"x": {**where, "client.port|gte": low}, "condition": "x"}
        yield {**_named(step), "level": "informational", "logsource": logsource, "detection": detection}
    section = {"type": "temporal_ordered", "rules": steps, "group-by": ["client.ip", "server.ip"], "timespan": "10m"}
    yield {**_named(f"sequence-{number}"), **head, "correlation": section}


def _named(name: str) -> dict[str, str]:
    return {"title": name, "id": str(uuid5(NAMESPACE_URL, name)), "name": name}


def plan(number: int = RULES) -> Plan:
    """The catalog, all of it active, and followed rules to make so many."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "followed.yml"
        most = everything([catalog()], dissectors.protocols(), services())
        more = [document for index in range(number - len(most.rules)) for document in followed(index)]
        place.write_text(yaml.safe_dump_all(more, sort_keys=False), encoding="utf-8")
        return everything([catalog(), place], dissectors.protocols(), services())


class Followed:
    """A judge with the lanes of each operation, as the pipeline holds them."""

    def __init__(self, rules: Plan, seen: Sequence[Any]) -> None:
        numbers = iter(range(1, 1_000_000))
        self.judge = Judge(rules, lambda _mode, _span, _threshold: next(numbers))
        self.asked: list[tuple[Any, Any]] = []
        held: dict[tuple[Any, ...], Any] = {}
        for t in seen:
            sub = t.sub_function
            key = (
                t.client.ip,
                t.client.mac,
                t.server.ip,
                t.server.port,
                t.protocol,
                t.unit,
                t.function.code,
                sub and (sub.group, sub.code),
                t.access,
            )
            if key not in held:
                held[key] = self.judge.lanes(t, {})
            if any(entry.consequence is not None and entry.consequence.followed for entries in held[key].values() for entry in entries):
                self.asked.append((t, held[key]))

    def lanes(self) -> float:
        """How many followed rules look at a transaction, on average."""
        total = sum(
            any(entry.consequence is not None and entry.consequence.followed for entry in entries)
            for _, lanes in self.asked
            for entries in lanes.values()
        )
        return total / len(self.asked)

    def rate(self, turns: int) -> float:
        """Transactions a second of CPU time."""
        follow = self.judge.follow
        begin = process_time()
        for _ in range(turns):
            for t, lanes in self.asked:
                follow(t, lanes)
        return turns * len(self.asked) / (process_time() - begin)


def main() -> int:
    """Measures, and says whether the goal is met."""
    rules = plan()
    bench = Followed(rules, transactions())
    rate = sorted(bench.rate(3) for _ in range(5))[2]
    said = f"{len(bench.asked)} followed transactions, {bench.lanes():.1f} followed rules for each"
    print(f"{len(rules.rules)} rules, {said}: {rate:,.0f} a second (goal {GOAL:,})")
    return 0 if rate >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
