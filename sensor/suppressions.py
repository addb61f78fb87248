"""Suppressions: what people know of and don't want to be told again, until a time, for a reason.

A suppressed finding is kept, counted and shipped like any other; it says who suppressed it and why, stands in no table of the summary and
fails no `--fail-on`. What a suppression covers is a filter (sensor.finding_selection). It ends by capture time: a finding that goes on
after the end speaks again, with all its counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sensor.clock import utc
from sensor.finding_selection import Test, selection
from sensor.terms import SelectionError, term

if TYPE_CHECKING:
    from sensor.findings import Finding
    from sensor.store import Store

_WIDE: Final = ("severity", "kind", "state", "count", "confidence", "outcome")
"""Names that alone would silence whatever comes: a suppression names what it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One suppression: `until` in ns of capture time, exclusive; `at` is when it was given, UTC text."""

    number: int
    terms: Sequence[str]
    until: int
    who: str
    why: str
    at: str

    def to_dict(self) -> dict[str, Any]:
        """As it stands in documents."""
        until = utc(self.until)
        return {"suppression": self.number, "terms": list(self.terms), "until": until, "who": self.who, "why": self.why, "at": self.at}


class Suppressed:
    """Tests findings against suppressions."""

    def __init__(self, held: Iterable[Suppression]) -> None:
        self._held: list[tuple[Suppression, Test]] = [(one, selection(one.terms)) for one in held]

    def __bool__(self) -> bool:
        return bool(self._held)

    def by(self, document: Mapping[str, Any], last: int) -> Suppression | None:
        """The suppression that covers a finding whose last occurrence was then (ns)."""
        if document["kind"] == "health":
            return None  # the sensor's own troubles, what goes beyond the alert budget among them
        return next((one for one, test in self._held if last < one.until and test(document)), None)

    def marked(self, finding: Finding) -> Finding:
        """The finding, saying by whom it is suppressed where it is."""
        found = self.by(finding.to_dict(), finding.last)
        return finding if found is None else replace(finding, suppressed=found.to_dict())


def checked(terms: Sequence[str]) -> None:
    """Raises SelectionError where filters can't be read, or would silence whatever comes."""
    if all(term(text, "rule=s7comm-plc-stop").name in _WIDE for text in terms):
        raise SelectionError("A suppression has to say what it is about: an id, a rule, a source … beside its severity or kind.")
    selection(terms)


def keep(store: Store, terms: Sequence[str], until: int, who: str, why: str, at: str) -> int:
    """Adds a suppression; gives its number. Raises SelectionError."""
    import json

    checked(terms)
    cursor = store.connection.execute(
        "INSERT INTO suppressions (terms, until, who, why, at) VALUES (?, ?, ?, ?, ?)", (json.dumps(list(terms)), until, who, why, at)
    )
    return int(cursor.lastrowid or 0)


def lift(store: Store, number: int, at: str) -> bool:
    """Ends a suppression for good; whether there was one. It stays in the store."""
    done = store.connection.execute("UPDATE suppressions SET lifted = ? WHERE id = ? AND lifted IS NULL", (at, number))
    return done.rowcount > 0


def kept(store: Store) -> list[Suppression]:
    """Those that were not lifted, the oldest first. Whether they have ended is decided by capture time."""
    import json

    rows = store.connection.execute("SELECT id, terms, until, who, why, at FROM suppressions WHERE lifted IS NULL ORDER BY id").fetchall()
    return [
        Suppression(number=number, terms=json.loads(terms), until=until, who=who, why=why, at=at)
        for number, terms, until, who, why, at in rows
    ]


def of_store(path: Path) -> list[Suppression]:
    """Those of the store at `path`, where there is one. One that can't be read has none: the run says so when it is kept there."""
    from sensor.store import Store, StoreError

    if not path.exists():
        return []
    try:
        with Store.open(path) as store:
            return kept(store)
    except StoreError:
        return []
