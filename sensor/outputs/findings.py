"""Findings for other programs: CSV, one JSON document, JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TextIO

from sensor.outputs.tables import write_findings_csv

Findings = Sequence[Mapping[str, Any]]


def write_json(findings: Findings, out: TextIO) -> None:
    """One document."""
    out.write(json.dumps(findings, indent=1, ensure_ascii=True, default=str) + "\n")


def write_lines(findings: Findings, out: TextIO) -> None:
    """A finding a line."""
    for finding in findings:
        out.write(json.dumps(finding, ensure_ascii=True, default=str) + "\n")


WRITERS: Final[Mapping[str, Callable[[Findings, TextIO], None]]] = {
    "csv": write_findings_csv, "json": write_json, "jsonl": write_lines,
}  # fmt: skip
