"""What is left of a rule, as one Python function: for what is followed, where a tree walked for each occurrence costs too much.

The function says the same as `reduce(expr, t, Stage.FREE) is True`; a test holds them against each other. Only names of our own table of
fields get into its source, values of rules are handed over as constants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rules.addresses import Addresses
from rules.expression import And, Expr, Has, Not, Or, Test, decide, known_field, passes
from rules.fields import FIELDS, Stage

Predicate = Callable[[Any], bool]

_SEVERAL = frozenset(["anomalies", "vlan"])
_COMPARED = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


def predicate(expr: Expr) -> Predicate:
    """The function of a tree."""
    writer = _Writer()
    source = f"def matches(t):\n    return {writer.of(expr)}\n"
    names: dict[str, Any] = dict(writer.constants)
    exec(compile(source, "<rule>", "exec"), names)
    made: Predicate = names["matches"]
    return made


class _Writer:
    """Writes an expression, and keeps the constants that it needs."""

    def __init__(self) -> None:
        self.constants: dict[str, Any] = {"decide": decide, "passes": passes}
        self.locals = 0

    def constant(self, value: Any) -> str:
        """A name for a value of a rule."""
        name = f"k{len(self.constants)}"
        self.constants[name] = value
        return name

    def of(self, expr: Expr) -> str:
        """The source of a tree."""
        match expr:
            case bool():
                return str(expr)
            case And(parts=parts):
                return "(" + " and ".join(self.of(part) for part in parts) + ")"
            case Or(parts=parts):
                return "(" + " or ".join(self.of(part) for part in parts) + ")"
            case Not(part=part):
                return f"(not {self.of(part)})"
            case Has(field=name, tests=tests, every=every) if _single(name):
                return self.single(name, tests, every)
        return f"decide({self.constant(expr)}, t)"

    def single(self, name: str, tests: tuple[Test, ...], every: bool) -> str:
        """A condition on a field that has one value or none."""
        parts: list[str] = []
        value = "t"
        for attribute in name.split("."):
            self.locals += 1
            parts.append(f"(v{self.locals} := {value}.{attribute}) is not None")
            value = f"v{self.locals}"
        if tests and not every and known_field(name).type == "ip" and all(test.op in ("in", "cidr") for test in tests):
            parts.append(f"{value} in {self.constant(Addresses(tests))}")
        elif tests:
            asked = [self.test(test, value, known_field(name).type) for test in tests]
            parts.append("(" + (" and " if every else " or ").join(asked) + ")")
        return "(" + " and ".join(parts) + ")"

    def test(self, test: Test, value: str, kind: str) -> str:
        """One test of a value that is there."""
        if kind == "number" and test.op in _COMPARED:
            return f"{value} {_COMPARED[test.op]} {self.constant(test.value)}"
        if test.op == "in":
            return f"{value if kind == 'number' else f'{value}.casefold()'} in {self.constant(test.value)}"
        if test.op == "is":
            return f"{value} == {self.constant(test.value)}"
        return f"passes({self.constant(test)}, {value})"


def _single(name: str) -> bool:
    """Whether a transaction's attributes are called as the field is, and give one value."""
    field = FIELDS.get(name)
    return field is not None and field.stage is not Stage.POINT and name not in _SEVERAL and name.partition(".")[0] not in _OWNERS


_OWNERS = frozenset(["opcua"])
"""Fields of a protocol alone are read from its detail."""
