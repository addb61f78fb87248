"""Sections as plain text: for pipes, files and NO_COLOR. Nothing is cut, so that it can be searched."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from sensor.cli.table import Section, Table

_CONTROL: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """What a device or a file name says may hold anything: control characters become visible, so that none reaches the terminal."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}" if ord(found[0]) < 256 else f"\\u{ord(found[0]):04x}", text)


def text(sections: Iterable[Section]) -> str:
    """All sections, an empty line between them."""
    return "\n".join("".join(f"{line}\n" for line in _lines(section)) for section in sections)


def _lines(section: Section) -> Iterator[str]:
    if section.title:
        yield section.title
    indent = "  " if section.title else ""
    for line in section.lines:
        yield f"{indent}{printable(line)}"
    if section.table is not None:
        for line in _table(section.table):
            yield f"{indent}{line}".rstrip()
    for line in section.notes:
        yield f"{indent}{printable(line)}"


def _table(table: Table) -> Iterator[str]:
    rows = [[column.head.upper() for column in table.columns], *([printable(cell) for cell in row] for row in table.rows)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(table.columns))]
    for row in rows:
        cells = zip(row, widths, table.columns, strict=True)
        yield "  ".join(cell.rjust(width) if column.align == "right" else cell.ljust(width) for cell, width, column in cells)
