"""Standards that the report supports: data in references.yml, here put into order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

DISCLAIMER: Final = (
    "These references say where this report can serve as evidence. The report does not claim that a requirement is met: that is for those "
    "to decide who know the system, its risks and everything that no packet shows."
)
SECTIONS: Final = ("zones", "matrix", "violations", "skip_level", "conduits", "strangers", "coverage", "evidence")
"""What an entry may name under `uses`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A requirement or section of a standard: what of the report `supports` it, and what the report `leaves` open."""

    standard: str
    edition: str
    id: str
    title: str
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
