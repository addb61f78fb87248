"""HTML: one file without scripts that loads nothing, for screen and print alike. Its parts are report.html.j2 and report.css."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from sensor.findings import SEVERITIES
from sensor.reports.changes import WORDS
from sensor.reports.coverage import THRESHOLDS, share
from sensor.reports.method import LIMITS, METHOD
from sensor.reports.model import INSIDE, NONE_SEEN, NOT_SEEN, NOT_STATED, VIOLATIONS, Alert, Chapter, Pair, Report, Verdict, span
from sensor.reports.references import DISCLAIMER, WORDING, references
from sensor.reports.standing import decided, is_open, standing
from sensor.reports.tables import packets_of

_FOLDER: Final = Path(__file__).parent
MOST_ROWS: Final = 2_000
"""Verdicts that a chapter lists; the rest stands in the other forms, and the report says so."""
RESULTS: Final[Mapping[str, str]] = {
    VIOLATIONS: "Violations",
    NONE_SEEN: "No violation seen",
    NOT_STATED: "Not stated",
    NOT_SEEN: "No traffic seen",
    INSIDE: "Inside a zone",
}
EFFECTS: Final[Mapping[str, str]] = {
    "accepted": "accepted by the device", "rejected": "rejected", "attempted": "attempted, no answer", "unknown": "answer not seen",
    "counted": "counted, whatever became of each",
}  # fmt: skip


class Matter(NamedTuple):
    """Verdicts that say the same thing of the same client."""

    lead: Verdict
    verdicts: Sequence[Verdict]
    times: int
    servers: str
    effects: str


def render(report: Report) -> bytes:
    """The whole file."""
    import jinja2

    style = (_FOLDER / "report.css").read_text("utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": _number, "share": share, "clock": _clock, "levels": _levels, "short": _short, "span": span}
    template = environment.from_string((_FOLDER / "report.html.j2").read_text("utf-8"))
    text = template.render(
        report=report, style=style, style_digest=_digest(style), thresholds=THRESHOLDS, method=METHOD, limits=LIMITS,
        references=references(), disclaimer=DISCLAIMER, wording=WORDING, results=RESULTS, effects=EFFECTS, grid=grid, matters=matters,
        packets_of=packets_of, by_severity=_by_severity, most_rows=MOST_ROWS, words=WORDS, standing=standing,
        decided=decided, is_open=is_open,
    )  # fmt: skip
    return text.encode("utf-8", "replace")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _number(count: float) -> str:
    return f"{count:,}"


def _clock(text: str | None) -> str:
    """UTC without the fractions of a second; the exact time stands in JSON, CSV and XLSX."""
    return "–" if text is None else text[:19].replace("T", " ")


def _levels(levels: Iterable[float]) -> str:
    return ", ".join(f"{level:g}" for level in levels)


def _short(digest: str | None) -> str:
    return "not worked out" if digest is None else digest


def grid(chapter: Chapter) -> dict[str, Any]:
    """The zone matrix: names from the upper level down, and its cells by (from, to)."""
    cells = {(pair.source, pair.target): pair for pair in chapter.matrix}
    met = {name for key in cells for name in key}
    zones = [zone for zone in chapter.zones if zone.line or zone.name in met]
    known = {zone.name for zone in zones}
    return {
        "zones": [(zone.name, zone.level) for zone in zones] + [(name, None) for name in sorted(met - known)],
        "cells": cells, "kind": _kind,
    }  # fmt: skip


def _kind(pair: Pair | None, source: str, target: str) -> str:
    """How a cell looks: what was seen, against what is allowed."""
    if pair is None:
        return "same" if source == target else "none"
    if pair.violations:
        return "bad"
    if pair.insufficient or pair.result == NOT_STATED:
        return "unsure"
    if pair.seen or pair.coverage.flows:
        return "inside" if pair.inside else "good"
    return "idle"


def matters(verdicts: Sequence[Verdict]) -> list[Matter]:
    """Verdicts put together by what a reader would call the same matter, the gravest first."""
    same: dict[tuple[Any, ...], list[Verdict]] = {}
    for verdict in verdicts:
        client = verdict.client.split(" (")[0]
        key = (
            verdict.severity,
            verdict.source,
            verdict.target,
            verdict.reasons[0],
            verdict.conduit,
            client,
            _line(verdict),
            verdict.access,
        )
        same.setdefault(key, []).append(verdict)
    made = [_matter(found) for found in same.values()]
    return sorted(
        made, key=lambda one: (-SEVERITIES.index(one.lead.severity), _GRAVITY.index(one.lead.access), one.lead.first, one.lead.id)
    )


_GRAVITY: Final = ("program", "mode", "write", "configure", "read", "identify", "report", "session", "")


def _line(verdict: Verdict) -> tuple[str, str | None]:
    """Sessions differ in their protocols only by the port that was tried."""
    return (verdict.file, None if verdict.access == "session" else verdict.protocol)


def _matter(found: Sequence[Verdict]) -> Matter:
    servers = list(dict.fromkeys(_without_port(verdict.server) for verdict in found))
    effects = Counter[str]()
    for verdict in found:
        effects[verdict.effect] += verdict.count
    said = ", ".join(f"{count:,} {EFFECTS[name]}" for name, count in effects.most_common())
    named = ", ".join(servers[:3]) + (f" and {len(servers) - 3} more" if len(servers) > 3 else "")
    return Matter(found[0], sorted(found, key=lambda one: (one.first, one.id)), sum(one.count for one in found), named, said)


def _without_port(side: str) -> str:
    name, bracket, rest = side.partition(" (")
    return name if bracket and rest else side.rpartition(":")[0] if side.count(":") == 1 else side


def _by_severity(verdicts: Sequence[Verdict | Alert]) -> list[tuple[str, int, int]]:
    """Severity, kinds of operation, occurrences; the gravest first."""
    kinds, counts = Counter[str](), Counter[str]()
    for verdict in verdicts:
        kinds[verdict.severity] += 1
        counts[verdict.severity] += verdict.count
    return [(severity, kinds[severity], counts[severity]) for severity in reversed(SEVERITIES) if kinds[severity]]
