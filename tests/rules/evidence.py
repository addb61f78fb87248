"""Runs rules over a capture through the engine, and counts what they find: for the evidence that rules name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from dissectors import Expected, _native
from rules.judge import Judge
from rules.plan import Alert, Plan


class Evidence:
    """One capture through the engine, with these rules and nothing else."""

    def __init__(self, plan: Plan, capture: Path) -> None:
        self.engine = _native.Engine({"follow": False, "threads": 1})
        self.engine.open([str(capture)])
        self.judge = Judge(plan, self.engine.window)
        self.held: dict[int, dict[int, Sequence[Expected]]] = {}
        self.clauses: dict[int, dict[int, int]] = {}
        self.alerts: dict[int, Alert] = {}
        self.found: Counter[str] = Counter()

    def run(self) -> Counter[str]:
        """How many occurrences each rule counted (a correlation: how many windows it crossed), by name."""
        while (batch := self.engine.advance()) is not None:
            for fact in batch:
                if fact.kind == "transaction":
                    self.answer(fact)
                elif fact.kind == "crossing":
                    self.found[self.judge.crossed(fact).alert.name] += 1
        counted = {tally.clause: tally.count for tally in self.engine.tallies() if tally.clause in self.alerts}
        for clause, count in counted.items():
            self.found[self.alerts[clause].name] += count
        return self.found

    def answer(self, t: _native.Transaction) -> None:
        """Answers a delivered transaction as the product does."""
        held = self.held.get(t.operation, {})
        lanes = {**held, **self.judge.lanes(t, held)}
        known = self.clauses.get(t.operation, {})
        asked = [(number, [known.get(id(entry), entry.clause) for entry in entries]) for number, entries in lanes.items()]
        numbers = self.engine.expect(t.operation, asked)
        self.held[t.operation] = lanes
        self.clauses[t.operation] = {}
        for entries, ids in zip(lanes.values(), numbers, strict=True):
            for entry, number in zip(entries, ids, strict=True):
                self.clauses[t.operation][id(entry)] = number
                if entry.clause.tally and entry.consequence is not None:
                    self.alerts[number] = entry.consequence
        for alert in self.judge.follow(t, lanes):
            self.found[alert.name] += 1
