"""What a rule asks of a transaction, as plain data: a tree of conditions on fields that can be pickled and decided in part.

An array (anomalies, vlan, points) fits a condition when one of its values does, as in Sigma. Conditions on `points.*` that stand in one
map of a rule are asked of one and the same point.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any, NamedTuple

from rules.fields import FIELDS, Field, Stage, own_field

if TYPE_CHECKING:
    from dissectors import Transaction


class Test(NamedTuple):
    """A condition on one value.

    `op`: in (value: a frozenset, text in lower case), is (text, with case), contains, startswith, endswith (text in lower case), regex (a
    pattern), cidr (a network), lt, lte, gt, gte (a number), placeholder (its name and the field's type; replaced before a rule is used).
    """

    op: str
    value: Any


class Has(NamedTuple):
    """One of the field's values passes one of the tests, or, with `every`, each test is passed by one of them. No tests: it has a value."""

    field: str
    tests: tuple[Test, ...] = ()
    every: bool = False


class Same(NamedTuple):
    """A value of one field equals (or with `how` starts or ends with) a value of another."""

    field: str
    other: str
    how: str = "is"


class Some(NamedTuple):
    """One of the points has all this."""

    items: tuple[Expr, ...]


class And(NamedTuple):
    """All of these."""

    parts: tuple[Expr, ...]


class Or(NamedTuple):
    """One of these."""

    parts: tuple[Expr, ...]


class Not(NamedTuple):
    """Not this."""

    part: Expr


Expr = bool | Has | Same | Some | And | Or | Not


def conjunction(parts: tuple[Expr, ...]) -> Expr:
    """All of these, with what is decided taken out."""
    left = tuple(part for part in parts if part is not True)
    if any(part is False for part in left):
        return False
    return left[0] if len(left) == 1 else And(left) if left else True


def disjunction(parts: tuple[Expr, ...]) -> Expr:
    """One of these, with what is decided taken out."""
    left = tuple(part for part in parts if part is not False)
    if any(part is True for part in left):
        return True
    return left[0] if len(left) == 1 else Or(left) if left else False


def negation(part: Expr) -> Expr:
    """Not this."""
    if isinstance(part, bool):
        return not part
    return part.part if isinstance(part, Not) else Not(part)


def known_field(name: str) -> Field:
    """The field of a name that was checked when the rule was loaded."""
    return FIELDS.get(name) or own_field(name)


def stage(expr: Expr) -> Stage:
    """When an atom is decided."""
    match expr:
        case Has(field=name):
            return known_field(name).stage
        case Same(field=name, other=other):
            return max(known_field(name).stage, known_field(other).stage)
        case Some():
            return max((stage(atom) for item in expr.items for atom in atoms(item)), default=Stage.POINT)
    raise TypeError(f"{expr!r} is no atom")


def atoms(expr: Expr) -> Iterator[Has | Same | Some]:
    """The conditions on fields in a tree, in order."""
    match expr:
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                yield from atoms(part)
        case Not(part=part):
            yield from atoms(part)
        case Has() | Same() | Some():
            yield expr


def fields_of(expr: Expr) -> Iterator[str]:
    """The names of the fields that a tree asks, those of points included."""
    for atom in atoms(expr):
        match atom:
            case Has(field=name):
                yield name
            case Same(field=name, other=other):
                yield name
                yield other
            case Some(items=items):
                for item in items:
                    yield from fields_of(item)


def reduce(expr: Expr, t: Transaction, upto: Stage) -> Expr:
    """The tree with every condition decided that is known at this stage; the same object where nothing was."""
    match expr:
        case bool():
            return expr
        case And(parts=parts):
            left = tuple(reduce(part, t, upto) for part in parts)
            return expr if all(a is b for a, b in zip(left, parts, strict=True)) else conjunction(left)
        case Or(parts=parts):
            left = tuple(reduce(part, t, upto) for part in parts)
            return expr if all(a is b for a, b in zip(left, parts, strict=True)) else disjunction(left)
        case Not(part=part):
            decided = reduce(part, t, upto)
            return expr if decided is part else negation(decided)
    return decide(expr, t) if stage(expr) <= upto else expr


def decide(atom: Has | Same | Some, record: Any) -> bool:
    """Whether a transaction (or a point, for conditions inside Some) fits one condition."""
    match atom:
        case Has(field=name, tests=tests, every=every):
            values = known_field(name).read(record)
            if not tests:
                return bool(values)
            each = (any(passes(test, value) for value in values) for test in tests)
            return all(each) if every else any(each)
        case Same(field=name, other=other, how=how):
            others = known_field(other).read(record)
            return any(_equal(a, b, how) for a in known_field(name).read(record) for b in others)
        case Some(items=items):
            return any(all(_of_point(item, point) for item in items) for point in record.points)


def _of_point(item: Expr, point: Any) -> bool:
    match item:
        case Not(part=part):
            return not _of_point(part, point)
        case Has() | Same() | Some():
            return decide(item, point)
        case And(parts=parts):
            return all(_of_point(part, point) for part in parts)
        case Or(parts=parts):
            return any(_of_point(part, point) for part in parts)
    return bool(item)


def _equal(a: Any, b: Any, how: str) -> bool:
    if how == "is":
        return bool(fold(a) == fold(b))
    return _part(how, str(a).casefold(), str(b).casefold())


def fold(value: Any) -> Any:
    """A value as `in` compares it: text without regard to case."""
    return value.casefold() if isinstance(value, str) else value


def passes(test: Test, value: Any) -> bool:
    """Whether a value passes a test; one of the wrong type does not."""
    match test.op:
        case "in":
            return fold(value) in test.value
        case "is":
            return bool(value == test.value)
        case "contains" | "startswith" | "endswith":
            return _part(test.op, str(value).casefold(), test.value)
        case "regex":
            return _compiled(test.value).search(str(value)) is not None
        case "cidr":
            address = _address(value) if isinstance(value, str) else None
            network = _network(test.value)
            return address is not None and address.version == network.version and address in network
        case "lt" | "lte" | "gt" | "gte":
            return isinstance(value, (int, float)) and _compare(test.op, value, test.value)
    raise ValueError(f"no such test: {test.op}")


def _part(op: str, text: str, part: str) -> bool:
    match op:
        case "contains":
            return part in text
        case "startswith":
            return text.startswith(part)
    return text.endswith(part)


def _compare(op: str, a: float, b: float) -> bool:
    match op:
        case "lt":
            return a < b
        case "lte":
            return a <= b
        case "gt":
            return a > b
    return a >= b


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    """RE2 takes linear time on any text: a rule's pattern meets what attackers send."""
    import re2  # type: ignore[import-untyped]

    return re2.compile(pattern)


@lru_cache(maxsize=4096)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def _network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text)
