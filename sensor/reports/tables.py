"""The report as tables, for the forms that have rows and columns: CSV, XLSX, PDF."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sensor.reports.changes import WORDS
from sensor.reports.coverage import THRESHOLDS, Coverage
from sensor.reports.model import Alert, Chapter, Report, Verdict
from sensor.reports.references import references

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`name` is for file and sheet names and --table, `title` for people. Cells are typed: shares are 0 to 1, what is not known None."""

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


_COVERAGE: Final = (
    "flows", "seen both ways", "seen one way", "midstream", "missing bytes", "missing share", "gaps", "payload bytes", "undecoded share",
    "encrypted share", "duplicates", "retransmitted", "conflicting bytes",
)  # fmt: skip
_VERDICT: Final = (
    "id", "severity", "reasons", "from zone", "to zone", "client", "server", "protocol", "unit", "function", "access", "points",
    "least value", "greatest value", "count", "effect", "accepted", "rejected", "unanswered", "outcome unknown", "first", "last", "packets",
    "conduit", "policy file", "policy line", "policy sha256", "levels passed by", "references", "exception", "disposition", "decided by",
    "because", "suppressed until", "suppressed by", "suppressed because", "title",
)  # fmt: skip


def tables(report: Report) -> list[Table]:
    """All of them, in the order of the report."""
    made = [
        Table(name=name, title=title, columns=columns, rows=[tuple(row) for chapter in report.chapters for row in rows(chapter)])
        for name, title, columns, rows in _TABLES
    ]
    name, title, columns = _CHANGES
    return [*made, Table(name=name, title=title, columns=columns, rows=[tuple(row) for row in _changes(report)])]


def _summary(chapter: Chapter) -> Iterator[Sequence[Cell]]:
    yield "statement", chapter.statement.text, chapter.sha256
    for what in chapter.statement.because:
        yield "not stated because", what, chapter.sha256
    yield "policy", chapter.file, chapter.sha256
    yield "rules", chapter.rules, chapter.sha256
    for name, count in chapter.packets.items():
        yield f"packets {name}".replace("_", " "), count, chapter.sha256
    for name, count in chapter.ceilings.items():
        yield f"ceiling {name}".replace("_", " "), count, chapter.sha256
    for threshold in THRESHOLDS:
        yield f"threshold: {threshold.about}", threshold.bound, chapter.sha256


def _changes(report: Report) -> Iterator[Sequence[Cell]]:
    for name in WORDS:
        for title in (report.changes or {}).get(name, ()):
            yield WORDS[name], title, (report.changes or {})["since"]


def _captures(chapter: Chapter) -> Iterator[Sequence[Cell]]:
    for one in chapter.captures:
        yield one.number, one.path, one.sha256, one.packets, one.bytes, one.first, one.last, one.dropped, "; ".join(one.lacking)


def _zones(chapter: Chapter) -> Iterator[Sequence[Cell]]:
    for zone in chapter.zones:
        yield zone.name, zone.level, zone.security_level, zone.parent, zone.inside, zone.assets, zone.line or None, zone.description


def _pairs(chapter: Chapter) -> Iterator[Sequence[Cell]]:
    for pair in chapter.matrix:
        accesses = ", ".join(f"{count} {access}" for access, count in pair.accesses.items())
        counts = (pair.seen, pair.allowed, pair.violations, pair.insufficient, accesses)
        said = (pair.result, "; ".join(pair.because), _levels(pair.skips), ", ".join(pair.conduits))
        yield pair.source, pair.target, *counts, *said, *_coverage(pair.coverage)


def _violations(chapter: Chapter) -> Iterator[Sequence[Cell]]:
    return (_verdict(verdict, chapter) for verdict in chapter.violations)


def _insufficient(chapter: Chapter) -> Iterator[Sequence[Cell]]:
    return (_verdict(verdict, chapter) for verdict in chapter.insufficient)


def _skipping(chapter: Chapter) -> Iterator[Sequence[Cell]]:
    return (_verdict(verdict, chapter) for verdict in chapter.skipping)


def _verdict(one: Verdict, chapter: Chapter) -> Sequence[Cell]:
    outcomes = [one.outcomes.get(name, 0) for name in ("accepted", "rejected", "unanswered", "unknown")]
    return (
        one.id, one.severity, ", ".join(one.reasons), one.source, one.target, one.client, one.server, one.protocol, one.unit, one.function,
        one.access, ", ".join(one.points), *(one.values or (None, None)), one.count, one.effect, *outcomes, one.first, one.last,
        packets_of(one, chapter), one.conduit, one.file, one.line, one.sha256, _levels(one.skips), ", ".join(one.references),
        one.exception, one.disposition, one.decided_by, one.because, *_suppressed(one), one.title,
    )  # fmt: skip


def _suppressed(one: Verdict | Alert) -> Sequence[Cell]:
    by = one.suppressed or {}
    return by.get("until"), by.get("who"), by.get("why")


def _alerts(chapter: Chapter) -> Iterator[Sequence[Cell]]:
    for one in chapter.alert_list:
        about = (one.id, one.severity, one.rule, one.title, one.client, one.server, one.protocol, one.access, ", ".join(one.attack))
        when = (one.count, one.first, one.last, packets_of(one, chapter))
        yield *about, *when, one.disposition, one.decided_by, one.because, *_suppressed(one)


def packets_of(verdict: Verdict | Alert, chapter: Chapter) -> str:
    """`25, 28`, with the capture's number where there are several: `1:25, 2:7`."""
    if len(chapter.captures) == 1:
        return ", ".join(str(packet) for _, packet in verdict.packets)
    return ", ".join(f"{capture}:{packet}" for capture, packet in verdict.packets)


def _levels(levels: Sequence[float]) -> str:
    return ", ".join(f"{level:g}" for level in levels)


def _conduits(chapter: Chapter) -> Iterator[Sequence[Cell]]:
    for one in chapter.conduits:
        sides = (one.id, one.line, ", ".join(one.sources), ", ".join(one.targets), one.severity, one.skip_level, ", ".join(one.references))
        yield *sides, one.seen, one.violations, one.insufficient, one.result, "; ".join(one.because), *_coverage(one.coverage)


def _lines(chapter: Chapter) -> Iterator[Sequence[Cell]]:
    for conduit in chapter.conduits:
        for does, lines in (("allows", conduit.lines), ("denies", conduit.denials)):
            for line in lines:
                yield conduit.id, line.line, does, line.says, line.seen, line.seen > 0


def _strangers(chapter: Chapter) -> Iterator[Sequence[Cell]]:
    for one in chapter.strangers:
        yield one.id, one.kind, ", ".join(one.addresses), one.zone, one.vendor, ", ".join(one.acts_as), one.first, one.last


def _exceptions(chapter: Chapter) -> Iterator[Sequence[Cell]]:
    for one in chapter.exceptions:
        yield one.id, one.owner, one.ticket, one.start, one.end, one.state, one.uses, one.line


def _coverage(seen: Coverage) -> Sequence[Cell]:
    return (
        seen.flows, seen.both_ways, seen.one_way, seen.midstream, seen.gap_bytes, seen.lost, seen.gaps, seen.payload_bytes, seen.undecoded,
        seen.hidden, seen.duplicates, seen.retransmitted, seen.conflicts,
    )  # fmt: skip


def _references(_: Chapter) -> Iterator[Sequence[Cell]]:
    for one in references():
        yield one.standard, one.edition, one.id, one.title, one.about, one.supports, one.leaves, one.checked


_Rows = Callable[[Chapter], Iterator[Sequence[Any]]]
_TABLES: Final[Sequence[tuple[str, str, Sequence[str], _Rows]]] = (
    ("summary", "Summary", ("what", "says", "policy sha256"), _summary),
    ("violations", "Violations", _VERDICT, _violations),
    ("insufficient", "Insufficient evidence", _VERDICT, _insufficient),
    (
        "alerts", "Alerts of rules",
        ("id", "severity", "rule", "title", "client", "server", "protocol", "access", "ATT&CK", "count", "first", "last", "packets",
         "disposition", "decided by", "because", "suppressed until", "suppressed by", "suppressed because"), _alerts,
    ),
    ("skip_level", "Traffic that passes by a level", _VERDICT, _skipping),
    (
        "matrix", "Zones: seen and allowed",
        ("from zone", "to zone", "seen", "allowed", "violations", "insufficient", "accesses", "result", "because", "levels passed by",
         "conduits", *_COVERAGE), _pairs,
    ),
    (
        "conduits", "Conduits",
        ("conduit", "policy line", "from", "to", "severity", "skip level", "references", "seen", "violations", "insufficient", "result",
         "because", *_COVERAGE), _conduits,
    ),
    ("lines", "What conduits allow", ("conduit", "policy line", "does", "says", "seen", "used"), _lines),
    ("zones", "Zones", ("zone", "level", "SL-T", "inside of", "traffic inside", "assets heard", "policy line", "description"), _zones),
    ("strangers", "Assets without a zone", ("asset", "kind", "addresses", "zone", "vendor", "acts as", "first", "last"), _strangers),
    ("exceptions", "Exceptions", ("exception", "owner", "ticket", "start", "end", "state", "uses", "policy line"), _exceptions),
    ("captures", "Captures", ("number", "path", "sha256", "packets", "bytes", "first", "last", "dropped", "lacking"), _captures),
    ("references", "Standards", ("standard", "edition", "reference", "title", "about", "supports", "leaves open", "checked"), _references),
)  # fmt: skip
_CHANGES: Final = ("changes", "Since the last report", ("what", "violation", "since"))
NAMES: Final[Mapping[str, str]] = {name: title for name, title, _, _ in _TABLES} | {_CHANGES[0]: _CHANGES[1]}
"""Names of the tables, for --table."""
