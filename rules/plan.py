"""What rules become once they are read: plain data that is pickled, so that a run starts without reading YAML or loading pySigma."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rules.attack import Attack
from rules.expression import Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a rule, and where."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


class RuleErrors(Exception):
    """Rules could not be read. `problems` holds all that is wrong, by file and line."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What it means that a rule matched: the consequence of its clauses and windows, from which a finding is made.

    `severity` is info, low, medium, high or critical; `confidence` lies in 0 to 1. `evidence_class` is A (one message is the technique) or
    B (a message in its context). `file` is relative to the folder that was given, `line` is the rule's first. With `followed` the clause
    does not count: each delivered occurrence that the rule matches is one (Judge.follow gives them).
    """

    rule: str
    name: str
    title: str
    severity: str
    confidence: float
    reason: str
    attack: tuple[Attack, ...]
    evidence_class: str
    file: str
    line: int
    references: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()
    followed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A correlation: so many occurrences (`value` None), or distinct values of a field, within a span, for each group."""

    mode: str
    span_ns: int
    threshold: int
    group_by: tuple[str, ...]
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fires:
    """Evidence: on this capture a rule gives so many occurrences in its findings."""

    capture: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Evidence both ways, and what placeholders stand for on those captures."""

    fires_on: tuple[Fires, ...]
    silent_on: tuple[str, ...]
    placeholders: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule that can alert. `count` is None for a rule on single transactions."""

    id: str
    name: str
    title: str
    description: str
    status: str
    alert: Alert
    expr: Expr
    count: Count | None
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Inactive:
    """A rule that waits for a placeholder that nobody declared."""

    rule: str
    title: str
    placeholder: str
    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The active rules (lane number: place in `rules` + 1), those that are not active, and the kinds of points by protocol."""

    rules: tuple[Rule, ...]
    inactive: tuple[Inactive, ...]
    kinds: Mapping[str, tuple[str, ...]]
    digest: str
