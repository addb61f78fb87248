"""What rules become once they are read: plain data that is pickled, so that a run starts without reading YAML or loading pySigma.

Records here are named tuples rather than dataclasses: making the classes takes a fifth of the time, and this is part of every start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from rules.attack import Attack
from rules.expression import Expr


class Problem(NamedTuple):
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


class Count(NamedTuple):
    """A correlation: so many occurrences (`value` None), or distinct values of a field, within a span, for each group."""

    mode: str
    span_ns: int
    threshold: int
    group_by: tuple[str, ...]
    value: str | None = None
    names: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """What the group's fields are called: their aliases, where there are."""
        return self.names or self.group_by


class Step(NamedTuple):
    """One of the rules of a sequence: its name, what it asks, and the fields of it that the group is made of."""

    name: str
    expr: Expr
    group_by: tuple[str, ...]


class Sequence(NamedTuple):
    """A correlation of several rules within a span: all of them in their order, or at least so many in any."""

    ordered: bool
    span_ns: int
    steps: tuple[Step, ...]
    least: int


class Fires(NamedTuple):
    """Evidence: on this capture a rule counts so many occurrences (a correlation: crosses so many windows)."""

    capture: str
    expected: int


class Evidence(NamedTuple):
    """Evidence both ways, and what placeholders stand for on those captures."""

    fires_on: tuple[Fires, ...]
    silent_on: tuple[str, ...]
    placeholders: Mapping[str, tuple[str, ...]]


class Rule(NamedTuple):
    """One rule that can alert. `counted` and `sequence` are None for a rule on single transactions. A correlation with aliases is several
    of
    the same id, one for each rule that it counts."""

    id: str
    name: str
    title: str
    description: str
    status: str
    alert: Alert
    expr: Expr
    counted: Count | None
    evidence: Evidence
    sequence: Sequence | None = None


class Inactive(NamedTuple):
    """A rule that waits for a placeholder that nobody declared."""

    rule: str
    title: str
    placeholder: str
    file: str
    line: int


class Change(NamedTuple):
    """What a site's file did to a rule: replaced it, or overrode part of it. `file` and `line` are those of the site's document."""

    rule: str
    title: str
    what: str
    file: str
    line: int


class Plan(NamedTuple):
    """The active rules (lane number: place in `rules` + 1), those that are not active, the kinds of points by protocol, and what a site
    changed."""

    rules: tuple[Rule, ...]
    inactive: tuple[Inactive, ...]
    kinds: Mapping[str, tuple[str, ...]]
    digest: str
    changes: tuple[Change, ...] = ()
