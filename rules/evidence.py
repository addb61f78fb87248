"""A rule's evidence, run: does it fire on the captures that it names, with the count that it names, and is it silent on the others?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from rules.judge import Judge
from rules.loader import compile_rules, rule_files
from rules.names import Registry
from rules.plan import Alert, Plan, Rule
from rules.windows import NewWindow

Placeholders = Mapping[str, tuple[str, ...]]
_NOBODY = "192.0.2.1"
"""Stands for what a rule says nothing of on its captures: an address for documentation (RFC 5737)."""


class Tried(NamedTuple):
    """A rule on one of its captures. `found` is None where the capture is not here; `expected` is 0 where it has to be silent."""

    rule: str
    capture: str
    expected: int
    found: int | None

    @property
    def good(self) -> bool:
        """Whether it is as the rule says."""
        return self.found == self.expected


class Trial:
    """One capture through the engine, with these rules and nothing else."""

    def __init__(self, plan: Plan, capture: Path) -> None:
        from dissectors import _native

        self.engine: Any = _native.Engine({"follow": False, "threads": 1})
        self.engine.open([str(capture)])
        self.judge = Judge(plan, cast("NewWindow", self.engine.window))
        self.held: dict[int, dict[int, Any]] = {}
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

    def answer(self, t: Any) -> None:
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


def everything(
    paths: Sequence[Path | str], registry: Registry, services: Collection[str] = (), given: Placeholders | None = None
) -> Plan:  # fmt: skip
    """All rules, active: a placeholder stands for nobody where it is not `given`."""
    names = {waiting.placeholder for waiting in compile_rules(paths, registry, services=services).inactive}
    while True:
        made = compile_rules(paths, registry, {name: [_NOBODY] for name in names} | dict(given or {}), services)
        more = {waiting.placeholder for waiting in made.inactive} - names
        if not more:
            return made
        names |= more


def tried(
    paths: Sequence[Path | str],
    registry: Registry,
    services: Collection[str] = (),
    chosen: Callable[[Rule], bool] = lambda _rule: True,
    captures: Sequence[Path] = (),
) -> Iterator[Tried]:
    """Runs the evidence of the chosen rules. Captures are looked for in the folders `captures`, then beside the rule's own file.

    Rules that say the same of placeholders share a run over a capture. Raises RuleErrors.
    """
    known = everything(paths, registry, services)
    homes = {name: path.parent for path, name in rule_files(paths)}
    alike: dict[tuple[tuple[str, tuple[str, ...]], ...], list[Rule]] = {}
    for rule in filter(chosen, known.rules):
        alike.setdefault(tuple(sorted(rule.evidence.placeholders.items())), []).append(rule)
    for given, rules in alike.items():
        plan = everything(paths, registry, services, dict(given))
        yield from _on_captures(plan, rules, lambda rule, name: _place(name, [*captures, homes[rule.alert.file]]))


def _on_captures(plan: Plan, rules: Sequence[Rule], place: Callable[[Rule, str], Path | None]) -> Iterator[Tried]:
    wanted = {rule.name for rule in rules}
    own = plan._replace(rules=tuple(rule for rule in plan.rules if rule.name in wanted))
    known: dict[Path, Counter[str]] = {}
    for rule in rules:
        asked = [(fires.capture, fires.expected) for fires in rule.evidence.fires_on] + [(name, 0) for name in rule.evidence.silent_on]
        for name, expected in asked:
            capture = place(rule, name)
            if capture is not None and capture not in known:
                known[capture] = Trial(own, capture).run()
            yield Tried(rule.name, name, expected, None if capture is None else known[capture][rule.name])


def _place(name: str, folders: Sequence[Path]) -> Path | None:
    return next((folder / name for folder in folders if (folder / name).is_file()), None)
