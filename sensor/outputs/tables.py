"""Assets, connections and findings as CSV (RFC 4180) that a spreadsheet can open without running anything.

A cell that begins like a formula (`=`, `+`, `-`, `@`, tab, carriage return) gets an apostrophe before it; numbers of ours stay numbers.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from sensor.inventory.known import Known
from sensor.outputs.cells import safe
from sensor.outputs.flat import ASSET, EDGE, FINDING, Plain, asset_fields, edge_fields, finding_fields


def write_assets_csv(known: Known, out: TextIO) -> None:
    """One asset a line."""
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(["asset", *ASSET])
    for asset in known.assets:
        rows.writerow([safe(asset["id"]), *_cells(asset_fields(asset), tuple(ASSET))])


def write_edges_csv(known: Known, out: TextIO) -> None:
    """One connection a line."""
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(["client", "server", *EDGE])
    names = tuple(EDGE)
    rows.writerows([safe(edge["client"]), safe(edge["server"]), *_cells(edge_fields(edge), names)] for edge in known.edges)


def write_findings_csv(findings: Iterable[Mapping[str, Any]], out: TextIO) -> None:
    """One finding a line."""
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(["finding", *FINDING])
    for finding in findings:
        rows.writerow([safe(finding["id"]), *_cells(finding_fields(finding), tuple(FINDING))])


def _cells(fields: Mapping[str, Plain], names: tuple[str, ...]) -> list[Plain]:
    values = (fields.get(name, "") for name in names)
    return [safe(value) if value and isinstance(value, str) else value for value in values]
