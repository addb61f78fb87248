"""What commands show: sections of lines and tables, without a word on how they look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Align = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, on which side its text stands, and whether it gives way where the window is narrow (the highest first)."""

    head: str
    align: Align = "left"
    gives_way: int = 0
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text below columns."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]


@dataclass(slots=True)
class Section:
    """A title, sentences, a table, and sentences below it."""

    title: str
    lines: list[str] = field(default_factory=list)
    table: Table | None = None
    notes: list[str] = field(default_factory=list)
