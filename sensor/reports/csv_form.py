"""CSV (RFC 4180), one table a file. A spreadsheet must not run what a device or a policy wrote."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Final

from sensor.reports.model import Report
from sensor.reports.tables import Cell, tables

RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""How a cell begins that a spreadsheet may take for a formula or a command (OWASP, CSV injection)."""


def render(report: Report, table: str = "violations") -> bytes:
    """One table with its heading. Text that a spreadsheet would run gets a quotation mark before it."""
    wanted = next(one for one in tables(report) if one.name == table)
    out = StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(wanted.columns)
    writer.writerows([safe(cell) for cell in row] for row in wanted.rows)
    return out.getvalue().encode("utf-8", "replace")


def safe(cell: Cell) -> Cell:
    """The cell; text that begins like a formula behind a quotation mark, as spreadsheets mark text."""
    if isinstance(cell, float):
        return f"{cell:.6g}"
    if isinstance(cell, str) and cell.lstrip(" ").startswith(RISKY):
        return f"'{cell}"
    return cell
