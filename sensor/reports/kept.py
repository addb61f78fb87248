"""Reports over what the store holds: each run's chapter is kept as it was judged, by the policy that was in force then.

Nothing is judged again. Counts and coverage are those of whole runs; violations are limited to the times asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sensor.clock import nanoseconds
from sensor.reports.merging import merged
from sensor.reports.model import NONE_SEEN, NOT_STATED, VIOLATIONS, Alert, Chapter, Report, Statement, Verdict
from sensor.reports.standing import decided

if TYPE_CHECKING:
    import sqlite3

    from sensor.result import Result
    from sensor.store import Store

DISPOSITIONS: Final = ("open", "accepted", "fixed")
_Found = TypeVar("_Found", Verdict, Alert)


def keep_chapter(connection: sqlite3.Connection, run: int, result: Result) -> None:
    """Keeps what a run's report says, and its policy's bytes where they still are what was compiled."""
    from sensor.reports.build import chapter_of

    chapter = chapter_of(result)
    times = [None if text is None else nanoseconds(text) for text in (chapter.first, chapter.last)]
    connection.execute(
        "INSERT OR REPLACE INTO chapters (run, policy, first, last, document) VALUES (?, ?, ?, ?, ?)",
        (run, chapter.sha256, *times, json.dumps(chapter, default=_fields)),
    )
    try:
        text = Path(chapter.file).read_bytes()
    except OSError:
        return
    if hashlib.sha256(text).hexdigest() == chapter.sha256:
        connection.execute("INSERT OR IGNORE INTO policies (sha256, file, text) VALUES (?, ?, ?)", (chapter.sha256, chapter.file, text))


def _fields(part: Any) -> dict[str, Any]:
    """A dataclass for json; dataclasses.asdict would copy all that is in it, which costs more than writing it."""
    return {field.name: getattr(part, field.name) for field in fields(part)}


def report_of(store: Store, made: str, since: int | None = None, until: int | None = None) -> Report | None:
    """The report over the runs that overlap the time from `since` to before `until` (capture time, ns); None where there are none."""
    chapters = [_within(chapter, since, until) for chapter in _by_policy(_kept(store, since, until))]
    if not chapters:
        return None
    known = _decisions(store)
    chapters = [_disposed(chapter, known) for chapter in chapters]
    from sensor.outputs.json_result import fieldtap_version

    firsts = [chapter.first for chapter in chapters if chapter.first is not None]
    lasts = [chapter.last for chapter in chapters if chapter.last is not None]
    span = (min(firsts, default=None), max(lasts, default=None))
    return Report(fieldtap=fieldtap_version(), made=made, span=span, statement=_over_all(chapters), chapters=chapters)


def _kept(store: Store, since: int | None, until: int | None) -> list[Chapter]:
    """The chapters, oldest run first. Of runs over the same captures with the same policy the newest counts alone."""
    from pydantic import TypeAdapter

    rows = store.connection.execute(
        "SELECT run, policy, document FROM chapters WHERE (? IS NULL OR last >= ?) AND (? IS NULL OR first < ?) ORDER BY run",
        (since, since, until, until),
    ).fetchall()
    newest = {}
    for run, policy, document in rows:
        captures = tuple(capture["id"] for capture in store.captures(run))
        newest[policy, captures] = document
    adapter = TypeAdapter(Chapter)
    return [adapter.validate_json(document) for document in newest.values()]


def _by_policy(chapters: Iterable[Chapter]) -> list[Chapter]:
    together: dict[tuple[str, str], list[Chapter]] = {}
    for chapter in chapters:
        together.setdefault((chapter.sha256, chapter.file), []).append(chapter)
    made = [merged(same) for same in together.values()]
    return sorted(made, key=lambda chapter: (chapter.first or "", chapter.sha256))


def _within(chapter: Chapter, since: int | None, until: int | None) -> Chapter:
    def meant(one: Verdict | Alert) -> bool:
        return (since is None or nanoseconds(one.last) >= since) and (until is None or nanoseconds(one.first) < until)

    violations = [verdict for verdict in chapter.violations if meant(verdict)]
    insufficient = [verdict for verdict in chapter.insufficient if meant(verdict)]
    chapter = _with_alerts(chapter, [alert for alert in chapter.alert_list if meant(alert)])
    if len(violations) == len(chapter.violations) and len(insufficient) == len(chapter.insufficient):
        return chapter
    from sensor.reports.statement import stated

    return stated(replace(chapter, violations=violations, insufficient=insufficient))


def _with_alerts(chapter: Chapter, meant: Sequence[Alert]) -> Chapter:
    """With these of its alerts, counted anew. Chapters of older versions have counts alone, which stay."""
    if len(meant) == len(chapter.alert_list):
        return chapter
    counts = Counter(alert.severity for alert in meant)
    return replace(chapter, alert_list=meant, alerts={severity: counts[severity] for severity in chapter.alerts if counts[severity]})


def dispose(store: Store, finding: str, state: str, who: str, why: str, at: str) -> None:
    """Notes what was decided of a finding (one of DISPOSITIONS), by whom and why. `at` is UTC text."""
    if state not in DISPOSITIONS:
        raise ValueError(f"{state} is no disposition")
    store.connection.execute(
        "INSERT INTO dispositions (finding, state, who, why, at) VALUES (?, ?, ?, ?, ?)", (finding, state, who, why, at)
    )


def dispositions(store: Store) -> dict[str, tuple[str, str, str]]:
    """State, who and why by finding."""
    rows = store.connection.execute("SELECT finding, state, who, why FROM dispositions ORDER BY id").fetchall()
    return {finding: (state, who, why) for finding, state, who, why in rows}


def _decisions(store: Store) -> dict[str, dict[str, Any]]:
    """What people decided of findings, as the fields of a report, by finding."""
    from sensor.finding_listing import decided as as_decided

    known: dict[str, dict[str, Any]] = {
        finding: {"disposition": state, "decided_by": who, "because": why} for finding, (state, who, why) in dispositions(store).items()
    }
    for document in as_decided(store, store.findings()):
        if "suppressed" in document:
            known.setdefault(document["id"], {})["suppressed"] = document["suppressed"]
    return known


def _disposed(chapter: Chapter, known: Mapping[str, Mapping[str, Any]]) -> Chapter:
    def told(one: _Found) -> _Found:
        return replace(one, **known[one.id]) if one.id in known else one

    chapter = replace(
        chapter, violations=[*map(told, chapter.violations)], insufficient=[*map(told, chapter.insufficient)],
        alert_list=[*map(told, chapter.alert_list)],
    )  # fmt: skip
    from sensor.reports.statement import stated

    return stated(chapter) if decided(chapter.violations) else chapter


def _over_all(chapters: Sequence[Chapter]) -> Statement:
    if len(chapters) == 1:
        return chapters[0].statement
    results = [chapter.statement.result for chapter in chapters]
    policies = f"{len(chapters)} policies were in force one after the other or side by side"
    if VIOLATIONS in results:
        count = sum(verdict.count for chapter in chapters for verdict in chapter.violations)
        return Statement(result=VIOLATIONS, text=f"{count:,} occurrences violate the policies; {policies}.")
    if NOT_STATED in results:
        return Statement(result=NOT_STATED, text=f"This report does not state that there were no violations; {policies}.")
    return Statement(result=NONE_SEEN, text=f"No violation was seen; {policies}.")
