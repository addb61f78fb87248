"""Sigma correlations: event_count and value_count become windows, temporal and temporal_ordered are followed (rules.sequences)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rules.expression import Expr, Has, Some, atoms, fields_of, known_field, stage
from rules.fields import COUNTED_POINTS, Stage
from rules.header import keys
from rules.names import Names
from rules.plan import Count, Step
from rules.plan import Sequence as Chain
from rules.points import sayable
from rules.source import Document, Place

Wrong = Callable[[Place, str], None]

COUNTS = ("event_count", "value_count")
SEQUENCES = ("temporal", "temporal_ordered")
MODES = (*COUNTS, *SEQUENCES)
MAX_STEPS = 16
"""Rules of a sequence."""
MAX_SPAN_SECONDS = 86_400
"""Longest time span: a window keeps what lies within it."""
MAX_THRESHOLD = 100_000
"""Greatest threshold: a window keeps so many occurrences or values."""

_KEYS = frozenset(["type", "rules", "generate", "group-by", "timespan", "condition", "aliases"])


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
    aliases = _aliases(section, wrong)
    for name in _group_by(section):
        for field in aliases[name].values() if name in aliases else (name,):
            _groupable(section, field, (*place, "group-by"), names, wrong)
    if section["type"] in SEQUENCES:
        _steps(section, wrong)
    else:
        _threshold(section, names, wrong)


def _threshold(section: Mapping[str, Any], names: Names, wrong: Wrong) -> None:
    place: Place = ("correlation",)
    condition = section.get("condition")
    if not isinstance(condition, Mapping) or not {"gt", "gte"} & set(condition):
        wrong((*place, "condition"), "condition must be gte or gt: what stays below a number is not seen to happen")
    elif type(limit := _limit(condition)) is not int or not 1 <= limit <= MAX_THRESHOLD:
        wrong((*place, "condition"), f"the threshold must be a number from 1 to {MAX_THRESHOLD}")
    if section["type"] == "value_count" and isinstance(condition, Mapping):
        counted = condition.get("field")
        if not isinstance(counted, str):
            wrong((*place, "condition"), "value_count counts one field")
        elif counted != COUNTED_POINTS:
            _countable_field(counted, (*place, "condition", "field"), names, wrong)


def _steps(section: Mapping[str, Any], wrong: Wrong) -> None:
    place: Place = ("correlation",)
    number = len(references({"correlation": section}))
    if not 2 <= number <= MAX_STEPS:
        wrong((*place, "rules"), f"{section['type']} needs 2 to {MAX_STEPS} rules")
    condition = section.get("condition")
    least = number if condition is None else _limit(condition) if isinstance(condition, Mapping) else None
    if type(least) is not int or not 2 <= least <= number or set(condition or ()) - {"gt", "gte"}:
        wrong((*place, "condition"), "condition says how many of the rules: gte, from 2 to all of them; without it all")
    elif section["type"] == "temporal_ordered" and least != number:
        wrong((*place, "condition"), "an order is one of all rules: leave the condition out")


def _aliases(section: Mapping[str, Any], wrong: Wrong) -> Mapping[str, Mapping[str, str]]:
    """Alias → rule → field."""
    stated = section.get("aliases") or {}
    place: Place = ("correlation", "aliases")
    known = set(references({"correlation": section}))
    for name, fields in stated.items() if isinstance(stated, Mapping) else ():
        if not isinstance(fields, Mapping) or set(fields) != known:
            wrong((*place, name), f"an alias names a field of each rule: {', '.join(sorted(known))}")
        elif name not in _group_by(section):
            wrong((*place, name), f'alias "{name}" is not grouped by')
    return {name: fields for name, fields in stated.items() if isinstance(fields, Mapping)} if isinstance(stated, Mapping) else {}


def _groupable(section: Mapping[str, Any], name: Any, place: Place, names: Names, wrong: Wrong) -> None:
    """A window's group is known for the whole operation or signature; a sequence is looked at each time, so its points alone can't
    group."""
    if section["type"] in COUNTS:
        _countable_field(str(name), place, names, wrong)
        return
    field = names.field(str(name))
    if field is None:
        wrong(place, f'field "{name}" does not exist{names.suggestion(str(name))}')
    elif field.stage is Stage.POINT:
        wrong(place, f"{name} has several values in one transaction and cannot be grouped by")


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


def count(data: Mapping[str, Any], rule: str | None = None) -> Count | None:
    """The window of a correlation, for one of the rules that it counts where there are aliases; None where it is no such correlation, or
    cannot be read (the problems say why)."""
    section = data["correlation"]
    condition = section.get("condition") if isinstance(section, Mapping) else None
    limit = _limit(condition) if isinstance(condition, Mapping) else None
    if not isinstance(condition, Mapping) or type(limit) is not int or section.get("type") not in COUNTS:
        return None
    value = condition.get("field") if section["type"] == "value_count" else None
    return Count(
        mode=section["type"],
        span_ns=_seconds(section) * 1_000_000_000,
        threshold=limit,
        group_by=grouped_by(data, rule),
        value=value if isinstance(value, str) else None,
        names=_group_by(section) if has_aliases(data) else (),
    )


def has_aliases(data: Mapping[str, Any]) -> bool:
    """Whether groups are made of different fields of the rules."""
    section = data["correlation"]
    return isinstance(section, Mapping) and bool(section.get("aliases"))


def grouped_by(data: Mapping[str, Any], rule: str | None) -> tuple[str, ...]:
    """The fields that make the group of a rule's occurrence."""
    section = data["correlation"]
    stated = section.get("aliases")
    aliases = stated if isinstance(stated, Mapping) else {}
    found = (aliases.get(name, {}) for name in _group_by(section))
    fields = [
        alias.get(rule) if isinstance(alias, Mapping) and alias else name for name, alias in zip(_group_by(section), found, strict=True)
    ]
    return tuple(str(field) for field in fields)


def sequence(data: Mapping[str, Any], steps: Sequence[tuple[str, Expr]]) -> Chain | None:
    """The sequence of a correlation, from the names of its rules and what they ask; None where it is none, or cannot be read."""
    section = data["correlation"]
    if not isinstance(section, Mapping) or section.get("type") not in SEQUENCES:
        return None
    condition = section.get("condition")
    least = _limit(condition) if isinstance(condition, Mapping) else len(steps)
    return Chain(
        ordered=section["type"] == "temporal_ordered",
        span_ns=_seconds(section) * 1_000_000_000,
        steps=tuple(Step(name, expr, grouped_by(data, name)) for name, expr in steps),
        least=least if type(least) is int else len(steps),
    )


def reason(count: Count) -> str:
    """A correlation's condition in words."""
    what = "occurrences" if count.value is None else f"distinct {count.value}"
    return f"{count.threshold} or more {what} within {count.span_ns // 1_000_000_000} s{_by(count.groups)}"


def told(chain: Chain, groups: Sequence[str]) -> str:
    """A sequence in words."""
    what = (
        " then ".join(step.name for step in chain.steps) if chain.ordered else f"{chain.least} of {', '.join(s.name for s in chain.steps)}"
    )
    return f"{what} within {chain.span_ns // 1_000_000_000} s{_by(groups)}"


def groups(data: Mapping[str, Any]) -> tuple[str, ...]:
    """What a correlation groups by, aliases as they are called."""
    return _group_by(data["correlation"])


def _by(groups: Sequence[str]) -> str:
    return f" by {', '.join(groups)}" if groups else ""


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
