"""Figures as a table in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEADS = ("capture", "program", "Mpackets/s", "ns a packet", "ratio", "peak MiB", "start-up CPU s", "start-up wall s", "runs")


def markdown(report: Mapping[str, Any]) -> str:
    """The table, with a line on how it came about, and what could not be measured."""
    rows = [_row(figure) for figure in report["figures"]]
    machine = report["processor"] or report["machine"]
    lines = [f"{machine}, Python {report['python']}. CPU time on one core, medians, programs in turns.", ""]
    lines += [_line(HEADS), _line(["---", "---", *("---:" for _ in HEADS[2:])]), *map(_line, rows)]
    lines += ["", *(f"Not measured: {said}" for said in report["failed"])] if report["failed"] else []
    return "\n".join(lines)


def _row(figure: Mapping[str, Any]) -> tuple[str, ...]:
    ratio = "" if figure["ratio"] is None else f"{figure['ratio']:.2f}"
    return (
        figure["capture"], figure["program"], f"{figure['per_second'] / 1e6:.2f}", f"{figure['ns']:.0f}", ratio, f"{figure['peak']:.0f}",
        f"{figure['start']:.3f}", f"{figure['start_wall']:.3f}", str(figure["runs"]),
    )  # fmt: skip


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"
