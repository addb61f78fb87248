"""What a site changes of rules that it did not write: disable one, say another level, name exceptions. Each with a reason.

    override: modbus-unit-sweep      # a rule's name or id
    level: low
    exceptions:
      - client.ip: 10.20.4.9
    why: the asset scanner looks for units behind gateways each night

Several of one rule add up; where two say the same thing the later wins. What changed is in the plan (`Plan.changes`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rules.correlation import countable
from rules.expression import Expr, conjunction, disjunction, negation
from rules.header import SEVERITIES, keys
from rules.names import Names, near
from rules.plan import Alert, Change, Count
from rules.sigma import Translator, placeholders_of, resolved
from rules.source import Document, Place

Wrong = Callable[[Place, str], None]

_KEYS = frozenset(["override", "disable", "level", "exceptions", "why"])


@dataclass(frozen=True, slots=True)
class Override:
    """One document: the rule that is meant, and what is said of it."""

    document: Document
    wrong: Wrong
    turn: int
    target: str
    disable: bool | None
    severity: str | None
    exceptions: tuple[Expr, ...]
    why: str

    def change(self, rule: str, title: str, what: str) -> Change:
        """What it did to a rule."""
        return Change(rule, title, f"{what}: {self.why}", self.document.file, self.document.line())


@dataclass(frozen=True, slots=True)
class Overrides:
    """All overrides of one rule, in the order in which they were read."""

    given: tuple[Override, ...] = ()

    @property
    def disabled(self) -> Override | None:
        """What disables the rule."""
        said = [one for one in self.given if one.disable is not None]
        return said[-1] if said and said[-1].disable else None

    def alert(self, alert: Alert, changes: list[Change]) -> Alert:
        """The alert with the level that was said last."""
        for one in self.given:
            if one.severity is not None and one.severity != alert.severity:
                changes.append(one.change(alert.rule, alert.title, f"level {alert.severity} became {one.severity}"))
                alert = replace(alert, severity=one.severity)
        return alert

    def expr(self, alert: Alert, expr: Expr, count: Count | None, placeholders: Mapping[str, Any], changes: list[Change]) -> Expr:
        """What is left of the rule's condition beside all exceptions. A placeholder that nobody declared excepts nobody."""
        for one in self.given:
            if not one.exceptions:
                continue
            said = disjunction(one.exceptions)
            if count is not None:
                countable(said, lambda _place, what, one=one: one.wrong(("exceptions",), what))  # type: ignore[misc]
            declared = dict.fromkeys(placeholders_of(said), ()) | dict(placeholders)
            try:
                expr = conjunction((expr, negation(resolved(said, declared))))
            except ValueError as error:
                one.wrong(("exceptions",), f"a placeholder has an impossible value: {error}")
            number = len(one.exceptions)
            changes.append(one.change(alert.rule, alert.title, f"{number} {'exception' if number == 1 else 'exceptions'}"))
        return expr


def is_override(data: Any) -> bool:
    """Whether a document changes a rule instead of being one."""
    return isinstance(data, Mapping) and "override" in data


def read(document: Document, turn: int, names: Names, wrong: Wrong) -> Override:
    """An override from its document, the `turn`th; what is wrong goes to `wrong`."""
    data = document.data
    keys(data, _KEYS, (), wrong)
    target, why = data["override"], data.get("why")
    if not isinstance(target, str) or not target:
        wrong(("override",), "override names a rule by its name or id")
    if not isinstance(why, str) or not why.strip():
        wrong(("why",), "why is missing: an override needs a reason")
    if not {"disable", "level", "exceptions"} & set(data):
        wrong((), "says nothing: disable, level or exceptions")
    disable, level = data.get("disable"), data.get("level")
    if disable is not None and not isinstance(disable, bool):
        wrong(("disable",), "disable is true or false")
    if level is not None and level not in SEVERITIES:
        wrong(("level",), f"level must be one of {', '.join(SEVERITIES)}")
    return Override(
        document=document,
        wrong=wrong,
        turn=turn,
        target=str(target).lower(),
        disable=disable if isinstance(disable, bool) else None,
        severity=SEVERITIES.get(level) if isinstance(level, str) else None,
        exceptions=_exceptions(document, names, wrong),
        why=" ".join(str(why).split()),
    )


def _exceptions(document: Document, names: Names, wrong: Wrong) -> tuple[Expr, ...]:
    stated = document.data.get("exceptions")
    if stated is None:
        return ()
    if not isinstance(stated, list) or not stated:
        wrong(("exceptions",), "exceptions is a list of searches: [{client.ip: 10.20.4.9}]")
        return ()
    translator = Translator(document, names, wrong)
    return tuple(translator.search(search, ("exceptions", index)) for index, search in enumerate(stated))


def by_target(overrides: Iterable[Override], known: Iterable[str]) -> Mapping[str, Overrides]:
    """Overrides by what they name, in lower case; says which name no rule. `known` are all names and ids, in lower case."""
    names = set(known)
    found: dict[str, Overrides] = {}
    for one in overrides:
        if one.target not in names:
            one.wrong(("override",), f'no rule has the name or id "{one.target}"{near(one.target, names)}')
        found[one.target] = Overrides((*found.get(one.target, Overrides()).given, one))
    return found


def joined(found: Mapping[str, Overrides], targets: Iterable[str]) -> Overrides:
    """All overrides of a rule, whether they call it by name or id, in the order in which they were read."""
    given = [one for target in dict.fromkeys(targets) for one in found.get(target, Overrides()).given]
    return Overrides(tuple(sorted(given, key=lambda one: one.turn)))
