"""Standards that the report supports: data in references.yml, here put into order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

DISCLAIMER: Final = (
    "These references say where this report can serve as evidence. The report does not claim that a requirement is met: that is for those "
    "to decide who know the system, its risks and everything that no packet shows."
)
CHECKED: Final[Mapping[str, str]] = {
    "published": "with the published text, word for word",
    "listed": "with public lists of the requirements, the standard itself was not read",
    "translation": "with a translation, so no title is given",
}
"""What an entry was compared with. A part of a requirement carries the title of its requirement."""
WORDING: Final = (
    "Titles are the standards' own, and a part has that of its requirement. All else is in our words. What number and title were compared "
    "with: " + "; ".join(f"{name}: {says}" for name, says in CHECKED.items()) + "."
)
SECTIONS: Final = ("zones", "matrix", "violations", "skip_level", "conduits", "strangers", "coverage", "evidence")
"""What an entry may name under `uses`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A requirement or section of a standard: its own `title` (None where its words were not confirmed), what it is `about` in our words,
    what of the report `supports` it, what the report `leaves` open, and what it was `checked` against (a key of CHECKED)."""

    standard: str
    edition: str
    id: str
    title: str | None = None
    about: str
    checked: str
    uses: Sequence[str]
    supports: str
    leaves: str


@lru_cache(maxsize=1)
def references() -> tuple[Reference, ...]:
    """All of them, in the order of the file."""
    import yaml

    groups = yaml.safe_load(Path(__file__).with_name("references.yml").read_text("utf-8"))
    return tuple(
        Reference(standard=group["standard"], edition=str(group["edition"]), **{name: entry[name] for name in entry})
        for group in groups
        for entry in group["entries"]
    )
