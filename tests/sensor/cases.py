"""Transactions, judges and runs for the tests of this folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sensor.clock import utc
from sensor.findings import Statement
from sensor.pipeline import Pipeline
from sensor.plan import Plan
from sensor.result import Result
from tests.sensor.scripted import HOUR, START, Clause, Expected, ScriptedEngine
from tests.synthetic import Moment, Outcome, Transaction, transaction

NOBODY = Plan(policy=None, rules=None, digest="")
CAPTURE = {
    "path": "plant.pcap",
    "sha256": "ab" * 32,
    "packets": 9,
    "bytes": 900,
    "first": utc(START),
    "last": utc(START + HOUR),
    "anomalies": {},
}
RESULT = {
    "captures": [CAPTURE],
    "packets": {"read": 9, "decoded": 9, "duplicates": {}, "undecoded": {}}, "flows": 1,
    "protocols": {"modbus": {"transactions": 4, "operations": 1, "functions": {"3": 4}, "anomalies": {}}}, "ledger": {}, "ceilings": {},
}  # fmt: skip


def happened(
    time: int, packet: int = 1, *, operation: int = 1, outcome: str = "accepted", code: int | None = None, **fields: Any
) -> Transaction:
    """A transaction `time` ns after the start."""
    made = transaction({"operation": operation, **fields})
    from dataclasses import replace

    moment = Moment(capture=1, packet=packet, time=START + time)
    return replace(made, time=moment.time, completed=moment.time, request=moment, outcome=Outcome(result=outcome, code=code))


def script(*transactions: Transaction, until: int = 0) -> list[tuple[int, Any]]:
    """In the order of time."""
    ordered: list[tuple[int, Any]] = [(t.time - START, t) for t in transactions]
    return [*ordered, (until, None)] if until else ordered


@dataclass(slots=True)
class ForbidsAll:
    """A judge that gives each operation's lane one clause with its statement, renewed after an hour of quiet."""

    statement: Statement = field(
        default_factory=lambda: Statement(kind="violation", title="Not allowed", reason="no_conduit", severity="high", zones=("a", "b"))
    )
    lane: int = 0
    fresh: int | None = HOUR
    calls: list[tuple[Transaction, Mapping[int, Any]]] = field(default_factory=list)

    def lanes(self, t: Any, held: Mapping[int, Sequence[Any]]) -> Mapping[int, Sequence[Any]]:
        self.calls.append((t, dict(held)))
        return {self.lane: [Expected(clause=Clause(name=f"v{len(self.calls)}", fresh=self.fresh), consequence=self.statement)]}


def run(engine: ScriptedEngine, *judges: Any, watcher: Any = None) -> Pipeline:
    """A finished pipeline."""
    pipeline = Pipeline(engine, judges, watcher)  # type: ignore[arg-type]
    pipeline.run()
    return pipeline


def result_of(engine: ScriptedEngine, *judges: Any, watcher: Any = None) -> Result:
    """The result of a run."""
    return Result.of(run(engine, *judges, watcher=watcher), NOBODY)
