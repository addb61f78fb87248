"""Sigma correlations that become windows: event_count and value_count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rules.expression import Expr, Has, Some, atoms, fields_of, known_field, stage
from rules.fields import COUNTED_POINTS, Stage
from rules.header import keys
from rules.names import Names
from rules.plan import Count
from rules.points import sayable
from rules.source import Document, Place

Wrong = Callable[[Place, str], None]

MODES = ("event_count", "value_count")
MAX_SPAN_SECONDS = 86_400
"""Longest time span: a window keeps what lies within it."""
MAX_THRESHOLD = 100_000
"""Greatest threshold: a window keeps so many occurrences or values."""

_KEYS = frozenset(["type", "rules", "generate", "group-by", "timespan", "condition"])


def check(document: Document, names: Names, wrong: Wrong) -> None:
    """Says what is wrong with a correlation, for Sigma (by pySigma) and for us."""
    from sigma.correlations import SigmaCorrelationRule
    from sigma.exceptions import SigmaError

    data = document.data
    section = data["correlation"]
    place: Place = ("correlation",)
    if not isinstance(section, Mapping):
        wrong(place, "correlation must be a map")
        return
    if "detection" in data:
        wrong(("detection",), "a correlation has no detection of its own")
    keys(section, _KEYS, place, wrong)
    if section.get("type") not in MODES:
        wrong((*place, "type"), f"type must be one of {', '.join(MODES)}")
        return
    try:
        errors = SigmaCorrelationRule.from_dict({"title": "-", "correlation": dict(section)}, collect_errors=True).errors
    except (SigmaError, TypeError, ValueError, AttributeError) as error:
        wrong((*place, "condition"), str(error))
        return
    for problem in errors:
        wrong(place, str(problem))
    if not errors:
        _limits(section, names, wrong)


def _limits(section: Mapping[str, Any], names: Names, wrong: Wrong) -> None:
    place: Place = ("correlation",)
    if _seconds(section) > MAX_SPAN_SECONDS:
        wrong((*place, "timespan"), f"timespan can be at most {MAX_SPAN_SECONDS} seconds")
    condition = section.get("condition")
    if not isinstance(condition, Mapping) or not {"gt", "gte"} & set(condition):
        wrong((*place, "condition"), "condition must be gte or gt: what stays below a number is not seen to happen")
    elif type(limit := _limit(condition)) is not int or not 1 <= limit <= MAX_THRESHOLD:
        wrong((*place, "condition"), f"the threshold must be a number from 1 to {MAX_THRESHOLD}")
    for name in _group_by(section):
        _countable_field(name, (*place, "group-by"), names, wrong)
    if section["type"] == "value_count" and isinstance(condition, Mapping):
        counted = condition.get("field")
        if not isinstance(counted, str):
            wrong((*place, "condition"), "value_count counts one field")
        elif counted != COUNTED_POINTS:
            _countable_field(counted, (*place, "condition", "field"), names, wrong)


def _countable_field(name: str, place: Place, names: Names, wrong: Wrong) -> None:
    field = names.field(name)
    if field is None:
        wrong(place, f'field "{name}" does not exist{names.suggestion(name)}')
    elif field.stage > Stage.SIGNATURE:
        hint = f"; {COUNTED_POINTS} counts the addresses of points" if field.stage is Stage.POINT else ""
        wrong(place, f"{name} differs within an operation and cannot be counted or grouped by{hint}")


def countable(expr: Expr, wrong: Wrong) -> None:
    """Says which conditions of the counted rules cannot be decided where occurrences are counted."""
    searches = list(dict.fromkeys(atom for atom in atoms(expr) if isinstance(atom, Some)))
    if not sayable(searches, tuple(sorted(_kinds(searches)))):
        wrong(("correlation", "rules"), "a counted rule asks of points what no range can say (see rules/README.md)")
    for atom in atoms(expr):
        if not isinstance(atom, Some) and stage(atom) > Stage.SIGNATURE:
            free = ", ".join(name for name in fields_of(atom) if known_field(name).stage > Stage.SIGNATURE)
            wrong(("correlation", "rules"), f"a counted rule asks for {free}, which differs within an operation")


def _kinds(searches: list[Some]) -> set[str]:
    """The kinds of points that are named, and one more that stands for all others."""
    asked = (
        atom for some in searches for item in some.items for atom in atoms(item) if isinstance(atom, Has) and atom.field == "points.kind"
    )
    return {""} | {name for atom in asked for test in atom.tests if test.op == "in" for name in test.value}


def references(data: Mapping[str, Any]) -> tuple[str, ...]:
    """The names or ids of the rules that a correlation counts."""
    section = data["correlation"]
    found = section.get("rules") if isinstance(section, Mapping) else None
    return tuple(str(item) for item in (found if isinstance(found, list) else [found] if found is not None else []))


def generates(data: Mapping[str, Any]) -> bool:
    """Whether the counted rules alert as well."""
    section = data["correlation"]
    return isinstance(section, Mapping) and section.get("generate") is True


def count(data: Mapping[str, Any]) -> Count | None:
    """The window of a correlation; None where it cannot be read (the problems say why)."""
    section = data["correlation"]
    condition = section.get("condition") if isinstance(section, Mapping) else None
    limit = _limit(condition) if isinstance(condition, Mapping) else None
    if not isinstance(condition, Mapping) or type(limit) is not int or section.get("type") not in MODES:
        return None
    value = condition.get("field") if section["type"] == "value_count" else None
    return Count(
        mode=section["type"],
        span_ns=_seconds(section) * 1_000_000_000,
        threshold=limit,
        group_by=_group_by(section),
        value=value if isinstance(value, str) else None,
    )


def reason(count: Count) -> str:
    """A correlation's condition in words."""
    what = "occurrences" if count.value is None else f"distinct {count.value}"
    groups = f" by {', '.join(count.group_by)}" if count.group_by else ""
    return f"{count.threshold} or more {what} within {count.span_ns // 1_000_000_000} s{groups}"


def _group_by(section: Mapping[str, Any]) -> tuple[str, ...]:
    found = section.get("group-by")
    return tuple(str(name) for name in (found if isinstance(found, list) else [found] if found is not None else []))


def _limit(condition: Mapping[str, Any]) -> Any:
    """The least count that crosses."""
    if "gt" in condition:
        return condition["gt"] + 1 if type(condition["gt"]) is int else None
    return condition.get("gte")


def _seconds(section: Mapping[str, Any]) -> int:
    from sigma.correlations import SigmaCorrelationTimespan
    from sigma.exceptions import SigmaError

    try:
        return SigmaCorrelationTimespan(section.get("timespan")).seconds  # type: ignore[arg-type]
    except SigmaError:
        return 0
