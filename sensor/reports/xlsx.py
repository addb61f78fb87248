"""A workbook, one sheet a table. Every text is written as a string, so that none can be a formula."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final

from sensor.reports.model import Report
from sensor.reports.tables import Cell, Table, tables

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""The workbook's own date: the run time stands in the sheet `summary` and nowhere else."""
_SEVERITIES: Final = {"critical": "#8f1d14", "high": "#c4391d", "medium": "#8a6100", "low": "#0072b2", "info": "#5a6875"}
_WIDEST: Final = 60
MOST_ROWS: Final = 1_048_000
"""A sheet ends at row 1,048,576."""


def render(report: Report) -> bytes:
    """The workbook."""
    import xlsxwriter

    out = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, options)
    book.set_properties({"title": "Zones and conduits report", "author": f"Fieldtap {report.fieldtap}", "created": _EPOCH})
    formats = _formats(book)
    for table in tables(report):
        _sheet(book.add_worksheet(table.name), table, formats, report)
    book.close()
    return out.getvalue()


def _formats(book: Any) -> dict[str, Any]:
    base = {"valign": "top", "font_name": "Calibri", "font_size": 10}
    made = {
        "head": book.add_format({**base, "bold": True, "font_color": "#ffffff", "bg_color": "#22323f", "text_wrap": True}),
        "text": book.add_format({**base, "text_wrap": True}), "number": book.add_format({**base, "num_format": "#,##0"}),
        "share": book.add_format({**base, "num_format": "0.0 %"}), "level": book.add_format({**base, "num_format": "0.0"}),
    }  # fmt: skip
    for name, colour in _SEVERITIES.items():
        made[name] = book.add_format({**base, "bold": True, "font_color": colour})
    return made


def _sheet(sheet: Any, table: Table, formats: dict[str, Any], report: Report) -> None:
    rows = [*table.rows[:MOST_ROWS]]
    if table.name == "summary":
        rows = [("made", report.made, None), ("fieldtap", report.fieldtap, None), *rows]
    for place, name in enumerate(table.columns):
        sheet.write_string(0, place, name, formats["head"])
        widest = max([len(name), *(len(str(row[place] or "")) for row in rows[:200])])
        sheet.set_column(place, place, min(_WIDEST, max(8, widest + 2)))
    for line, row in enumerate(rows, start=1):
        for place, cell in enumerate(row):
            _write(sheet, (line, place), cell, table.columns[place], formats)
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    if rows:
        sheet.autofilter(0, 0, len(rows), len(table.columns) - 1)


def _write(sheet: Any, at: tuple[int, int], cell: Cell, column: str, formats: dict[str, Any]) -> None:
    if cell is None:
        return
    if isinstance(cell, bool):
        sheet.write_boolean(*at, cell, formats["text"])
    elif isinstance(cell, int | float):
        share = column.endswith("share") or column == "seen both ways"
        kind = "share" if share else "level" if column == "level" else "number"
        sheet.write_number(*at, cell, formats[kind])
    else:
        sheet.write_string(*at, cell[:32_000], formats.get(cell if column == "severity" else "", formats["text"]))
