"""Why a rule matched a transaction: which selections of its detection fit, what each asks, and what the transaction has there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rules import correlation
from rules.expression import Expr, Has, Same, Some, atoms, known_field, reduce
from rules.fields import Stage
from rules.loader import Placeholders, _drafts
from rules.names import Names, Registry
from rules.sigma import Translator, resolved

if TYPE_CHECKING:
    from dissectors import Transaction
    from rules.loader import Draft

_MOST = 8
"""Values of a field that are shown."""


class Selection(NamedTuple):
    """A selection of a detection: `asks` as the rule writes it, `has` what the transaction has in the fields that it asks."""

    rule: str
    name: str
    fits: bool
    asks: str
    has: Sequence[str]


class Explained(NamedTuple):
    """A rule's condition and its selections; `counted` says what a correlation counts, empty for other rules."""

    condition: str
    selections: Sequence[Selection]
    counted: str


def explained(
    file: Path, identifier: str, t: Transaction, registry: Registry, placeholders: Placeholders, services: Collection[str] = ()
) -> Explained | None:  # fmt: skip
    """Explains the rule of this id in a rule file by a transaction that it matched or counted; None where the file has no such rule."""
    names = Names(registry, services)
    drafts, _, _ = _drafts([file], names)
    by_reference = {ref: draft for draft in drafts for ref in (draft.data.get("id"), draft.data.get("name")) if isinstance(ref, str)}
    draft = by_reference.get(identifier)
    if draft is None:
        return None
    counted, bases = "", [draft]
    if "correlation" in draft.data:
        bases = [by_reference[ref] for ref in correlation.references(draft.data) if ref in by_reference]
        counted = _spelled(draft.data["correlation"])
    selections = [selection for base in bases for selection in _selections(base, t, names, placeholders)]
    conditions = dict.fromkeys(str(base.data.get("detection", {}).get("condition", "")) for base in bases)
    return Explained(" or ".join(conditions), selections, counted)


def _selections(draft: Draft, t: Transaction, names: Names, placeholders: Placeholders) -> Iterator[Selection]:
    detection = draft.data.get("detection")
    for name, asked in detection.items() if isinstance(detection, Mapping) else ():
        if name in ("condition", "timeframe"):
            continue
        expr = Translator(draft.document, names, _silent).search(asked, ("detection", name))
        declared = _Declared(placeholders)
        fits = reduce(resolved(expr, declared), t, Stage.FREE) is True
        yield Selection(str(draft.data.get("name", "")), str(name), fits, _spelled(asked), list(_values(expr, t)))


def _silent(*_: object) -> None:
    """What is wrong with a rule was said when it was loaded."""


class _Declared(dict[str, Sequence[str]]):
    """Placeholders; one that nobody declared stands for nothing."""

    def __missing__(self, _: str) -> Sequence[str]:
        return ()


def _values(expr: Expr, t: Transaction) -> Iterator[str]:
    """What the transaction has in each field that is asked, once."""
    for name in dict.fromkeys(_fields(expr)):
        read = known_field(name).read
        records = t.points if name.startswith("points.") else (t,)
        values = [value for record in records for value in read(record)]
        told = [str(value) for value in dict.fromkeys(map(_hashable, values))]
        more = f" and {len(told) - _MOST} more" if len(told) > _MOST else ""
        yield f"{name}: {', '.join(told[:_MOST])}{more}" if told else f"{name}: nothing"


def _hashable(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def _fields(expr: Expr) -> Iterator[str]:
    for atom in atoms(expr):
        match atom:
            case Has(field=name):
                yield name
            case Same(field=name, other=other):
                yield from (name, other)
            case Some(items=items):
                for item in items:
                    yield from _fields(item)


def _spelled(asked: Any) -> str:
    """As YAML on one line."""
    if isinstance(asked, Mapping):
        return ", ".join(f"{name}: {_spelled(value)}" for name, value in asked.items())
    if isinstance(asked, (list, tuple)):
        return f"[{' | '.join(_spelled(one) for one in asked)}]"
    return str(asked)
