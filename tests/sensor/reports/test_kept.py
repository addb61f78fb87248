"""Reports over what the store holds: as it was judged then, by the policy of then."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import asdict, replace
from io import StringIO
from pathlib import Path

import pytest

from sensor.clock import nanoseconds
from sensor.pipeline import ReplayConfig, replay
from sensor.reports.forms import FORMATS, made
from sensor.reports.kept import dispose, report_of
from sensor.reports.model import VIOLATIONS
from sensor.store import Store
from sensor.suppressions import keep as suppress
from tests.sensor.cli.run import ATTACK, NORMAL, policy
from tests.sensor.reports.made import MADE, attack, normal


def kept(store: Path, *captures: Path, zones: Path | None = None) -> None:
    replay(ReplayConfig(captures=captures, zones=zones or policy(), store=store, digest=True, cache=False))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


def test_one_run_gives_the_report_of_its_captures(store: Path) -> None:
    kept(store, ATTACK)
    with Store.open(store) as opened:
        report = report_of(opened, MADE)
    assert report is not None
    for form in FORMATS:
        assert made(report, form) == made(attack(), form), form


def test_runs_under_one_policy_are_put_together(store: Path) -> None:
    kept(store, NORMAL)
    kept(store, ATTACK)
    kept(store, ATTACK)  # the same captures again count once
    with Store.open(store) as opened:
        report = report_of(opened, MADE)
    assert report is not None
    (chapter,) = report.chapters
    one, other = normal().chapters[0], attack().chapters[0]
    assert len(chapter.captures) == 2
    assert chapter.coverage == one.coverage + other.coverage
    seen = {(pair.source, pair.target): pair.seen for pair in chapter.matrix}
    for key in seen:
        assert seen[key] == sum(pair.seen for part in (one, other) for pair in part.matrix if (pair.source, pair.target) == key)
    assert len(chapter.violations) == 86
    assert {capture for verdict in chapter.violations for capture, _ in verdict.packets} == {2}
    assert chapter.captures[1].path == other.captures[0].path
    assert not chapter.unused, "each conduit was used in one of them"


def test_the_policy_of_then_speaks(store: Path, tmp_path: Path) -> None:
    """What was allowed then stays allowed, though the file says something else by now; its bytes are kept."""
    site = tmp_path / "site.yml"
    text = policy().read_text()
    extra = "  - {id: open, from: enterprise, to: cell, skip_level: for a week, allow: [{protocol: modbus}]}\n"
    site.write_text(text.replace("conduits:\n", f"conduits:\n{extra}", 1))
    kept(store, ATTACK, zones=site)
    then = site.read_bytes()
    site.write_text(text)
    kept(store, ATTACK, zones=site)
    with Store.open(store) as opened:
        report = report_of(opened, MADE)
        texts = dict(opened.connection.execute("SELECT sha256, text FROM policies").fetchall())
    assert report is not None
    assert {chapter.sha256 for chapter in report.chapters} == set(texts)
    assert texts[hashlib.sha256(then).hexdigest()] == then
    spoken = {chapter.sha256: {verdict.protocol for verdict in chapter.violations} for chapter in report.chapters}
    assert "modbus" in spoken[hashlib.sha256(text.encode()).hexdigest()]
    assert "modbus" not in spoken[hashlib.sha256(then).hexdigest()]
    assert report.statement.result == VIOLATIONS
    assert b"Policy 2 of 2" in made(report, "html")
    assert made(report, "pdf").startswith(b"%PDF")


def test_times_limit_runs_and_violations(store: Path) -> None:
    kept(store, ATTACK)
    (chapter,) = attack().chapters
    middle = nanoseconds(sorted(verdict.first for verdict in chapter.violations)[43])
    with Store.open(store) as opened:
        before, after = report_of(opened, MADE, None, middle), report_of(opened, MADE, middle, None)
        assert report_of(opened, MADE, nanoseconds("2030-01-01")) is None
        assert report_of(opened, MADE, None, nanoseconds("2020-01-01")) is None
    assert before is not None
    assert after is not None
    ids = [{verdict.id for verdict in report.chapters[0].violations} for report in (before, after)]
    assert ids[0] | ids[1] == {verdict.id for verdict in chapter.violations}
    assert all(nanoseconds(verdict.first) < middle for verdict in before.chapters[0].violations)
    assert all(nanoseconds(verdict.last) >= middle for verdict in after.chapters[0].violations)


def test_dispositions_stand_beside_their_violations(store: Path) -> None:
    kept(store, ATTACK)
    chosen = attack().chapters[0].violations[0].id
    with Store.open(store) as opened:
        dispose(opened, chosen, "fixed", "A. Miller", "cable", MADE)
        dispose(opened, chosen, "accepted", "J. Smith", "loading test", MADE)
        with pytest.raises(ValueError, match="no disposition"):
            dispose(opened, chosen, "gone", "", "", MADE)
        report = report_of(opened, MADE)
    assert report is not None
    found = next(verdict for verdict in report.chapters[0].violations if verdict.id == chosen)
    assert (found.disposition, found.decided_by, found.because) == ("accepted", "J. Smith", "loading test")
    assert {verdict.disposition for verdict in report.chapters[0].violations if verdict.id != chosen} == {"open"}
    assert report.statement.text.endswith("Decided already: 1 accepted.")
    assert b"accepted by J. Smith: loading test" in made(report, "html")
    plain = replace(found, disposition="open", decided_by=None, because=None)
    assert asdict(plain) in [asdict(verdict) for verdict in attack().chapters[0].violations] or plain.id == chosen


def test_suppressed_violations_and_alerts_say_so_and_keep_their_counts(store: Path) -> None:
    kept(store, ATTACK)
    (plain,) = attack().chapters
    violation, alert = plain.violations[1], plain.alert_list[0]
    with Store.open(store) as opened:
        for finding in (violation.id, alert.id):
            suppress(opened, [f"id={finding}"], nanoseconds("2040-01-01"), "J. Smith", "known, ticket 4711", MADE)
        dispose(opened, plain.alert_list[1].id, "fixed", "A. Miller", "replaced", MADE)
        report = report_of(opened, MADE)
    assert report is not None
    (chapter,) = report.chapters
    assert [(verdict.id, verdict.count) for verdict in chapter.violations] == [(one.id, one.count) for one in plain.violations]
    hidden = [one.id for one in (*chapter.violations, *chapter.alert_list) if one.suppressed is not None]
    assert hidden == [violation.id, alert.id]
    assert chapter.alert_list[1].disposition == "fixed"
    assert chapter.statement.text.endswith("Decided already: 1 suppressed.")
    for form in ("html", "json"):
        assert b"known, ticket 4711" in made(report, form)
    assert b"suppressed until 2040-01-01 by J. Smith: known, ticket 4711" in made(report, "html")
    rows = list(csv.DictReader(StringIO(made(report, "csv", table="alerts").decode())))
    assert [(row["id"], row["suppressed by"], row["disposition"]) for row in rows[:2]] == [
        (alert.id, "J. Smith", "open"), (plain.alert_list[1].id, "", "fixed"),
    ]  # fmt: skip
    assert made(report, "pdf").startswith(b"%PDF")


def test_chapters_of_older_versions_have_no_list_of_alerts(store: Path) -> None:
    kept(store, ATTACK)
    with Store.open(store) as opened:
        (document,) = opened.connection.execute("SELECT document FROM chapters").fetchone()
        old = json.loads(document)
        assert old.pop("alert_list")
        for verdict in old["violations"]:
            del verdict["suppressed"]
        opened.connection.execute("UPDATE chapters SET document = ?", (json.dumps(old),))
        report = report_of(opened, MADE, nanoseconds("2020-01-01"))
    assert report is not None
    assert sum(report.chapters[0].alerts.values()) == len(attack().chapters[0].alert_list)
    assert b"the run that was kept says no more of them" in made(report, "html")
    assert made(report, "pdf").startswith(b"%PDF")


def test_a_run_without_a_policy_is_no_part_of_reports(store: Path) -> None:
    replay(ReplayConfig(captures=[ATTACK], store=store, digest=True, catalog=False))
    with Store.open(store) as opened:
        assert report_of(opened, MADE) is None
