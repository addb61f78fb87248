"""Sections and progress on a terminal. The only module that loads `rich`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Final, TextIO

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table as RichTable
from rich.text import Text

from sensor.cli.plain import printable
from sensor.cli.table import Column, Section, Table

_STYLES: Final = {"critical": "bold white on red", "high": "bold red", "medium": "yellow", "low": "cyan", "info": "dim"}
"""Severities; the word always stands there too."""
_REFRESH: Final = 0.25


def show(sections: Iterable[Section], stream: TextIO) -> None:
    """Sections, an empty line between them, as wide as the terminal."""
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    for place, section in enumerate(sections):
        if place:
            console.print()
        if section.title:
            console.print(Text(section.title, style="bold"))
        indent = 2 if section.title else 0
        _lines(console, section.lines, indent)
        if section.table is not None:
            console.print(Padding(_table(section.table, console.width - indent), (0, 0, 0, indent), expand=False))
        _lines(console, section.notes, indent)


def _lines(console: Console, lines: Iterable[str], indent: int) -> None:
    for line in lines:
        console.print(Padding(Text(printable(line), overflow="fold"), (0, 0, 0, indent)))


def _table(table: Table, width: int) -> RichTable:
    columns, rows = _fitting(table, width)
    made = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        made.add_column(column.head.upper(), justify=column.align, no_wrap=column.keep, overflow="fold")
    for row in rows:
        made.add_row(*(Text(printable(cell), style=_STYLES.get(cell, "")) for cell in row))
    return made


def _fitting(table: Table, width: int) -> tuple[list[Column], list[list[str]]]:
    """Leaves out columns that give way until the rest has room: what is left out stands in the plain and JSON forms."""
    places = list(range(len(table.columns)))
    while _needed(table, places) > width:
        gives = [place for place in places if table.columns[place].gives_way]
        if not gives:
            break
        places.remove(max(gives, key=lambda place: table.columns[place].gives_way))
    return [table.columns[place] for place in places], [[row[place] for place in places] for row in table.rows]


def _needed(table: Table, places: list[int]) -> int:
    """Wide enough where cells that may be folded have two thirds of their greatest width."""
    total = 0
    for place in places:
        column = table.columns[place]
        widest = max([len(column.head), *(len(row[place]) for row in table.rows)])
        total += 2 + (widest if column.keep else max(len(column.head), min(widest, 28)))
    return total


class Bar:
    """Progress on standard error: bytes, packets a second, time left. Call it as the pipeline calls its progress."""

    def __init__(self, stream: TextIO) -> None:
        self._progress = Progress(
            SpinnerColumn(), BarColumn(None), DownloadColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn(compact=True),
            console=Console(file=stream), transient=True, auto_refresh=False,
        )  # fmt: skip
        self._task: TaskID | None = None
        self._began = time.monotonic()
        self._shown = 0.0

    def __call__(self, done: int, total: int, packets: int) -> None:
        """Shows how far it is, a few times a second."""
        now = time.monotonic()
        if now - self._shown < _REFRESH:
            return
        self._shown = now
        rate = f"{packets / max(now - self._began, 1e-3):,.0f} packets/s"
        if self._task is None:
            self._task = self._progress.add_task("", total=total or None, rate=rate)
            self._progress.start()
        fields: dict[str, Any] = {"rate": rate}
        self._progress.update(self._task, completed=done, total=total or None, refresh=True, **fields)

    def close(self) -> None:
        """Takes the bar away."""
        if self._task is not None:
            self._progress.stop()
