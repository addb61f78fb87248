"""What a report says of the small plant under attack, and of policies that are used in part."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from pathlib import Path

import pytest

from sensor.reports.build import report_of
from sensor.reports.changes import NoReport, compared
from sensor.reports.forms import made
from sensor.reports.model import NONE_SEEN, NOT_SEEN, VIOLATIONS, Report
from sensor.reports.references import CHECKED, SECTIONS, references
from tests.sensor.cli.run import ATTACK, NORMAL, policy
from tests.sensor.reports.made import MADE, attack, judged, normal, pair


@pytest.fixture(scope="module")
def report() -> Report:
    return attack()


def test_the_matrix_adds_up_with_the_run(report: Report) -> None:
    result = judged(ATTACK)
    (chapter,) = report.chapters
    judged_traffic = sum(tally.count for tally in result.tallies)
    assert sum(one.seen for one in chapter.matrix) == judged_traffic > 0
    violations = [finding for finding in result.findings if finding.statement.kind == "violation"]
    assert sum(one.violations for one in chapter.matrix) == sum(finding.count for finding in violations) == 204
    assert all(one.allowed + one.violations + one.insufficient == one.seen for one in chapter.matrix)


def test_each_pair_says_what_can_be_stated(report: Report) -> None:
    (chapter,) = report.chapters
    results = {(one.source, one.target): one.result for one in chapter.matrix}
    assert results == {("enterprise", "cell"): VIOLATIONS, ("operations", "cell"): NONE_SEEN, ("engineering", "cell"): NOT_SEEN}
    assert report.statement.result == VIOLATIONS
    assert pair(chapter, "enterprise", "cell").skips == [3.0] or tuple(pair(chapter, "enterprise", "cell").skips) == (3.0,)
    assert len(chapter.skipping) == len(chapter.violations) == 86


def test_a_verdict_names_line_digest_packets_times_and_effect(report: Report) -> None:
    (chapter,) = report.chapters
    one = next(verdict for verdict in chapter.violations if verdict.function.startswith("write_single_coil"))
    text = Path(one.file).read_text().splitlines()
    assert text[one.line - 1].startswith("conduits:")
    assert one.sha256 == chapter.sha256
    assert one.packets
    assert one.first <= one.last
    assert (one.effect, one.count, one.points) == ("accepted", 60, ["coil:0-59"])
    rejected = [verdict for verdict in chapter.violations if verdict.effect == "rejected"]
    assert rejected
    assert all(set(verdict.outcomes) == {"rejected"} for verdict in rejected)


def test_assets_that_no_zone_declares_are_listed(tmp_path: Path) -> None:
    site = tmp_path / "site.yml"
    site.write_text(policy().read_text().replace("  enterprise: {level: 4, networks: [10.20.9.0/24]}\n", ""))
    (chapter,) = report_of(judged(ATTACK, zones=site), MADE).chapters
    stranger = next(one for one in chapter.strangers if one.id == "10.20.9.66")
    assert (stranger.zone, "modbus client" in stranger.acts_as) == ("unknown", True)
    assert pair(chapter, "unknown", "cell").violations == 204


def test_conduits_that_nothing_used_are_listed(report: Report) -> None:
    (chapter,) = report.chapters
    assert [conduit.id for conduit in chapter.unused] == ["engineering-to-cell"]
    (quiet,) = normal().chapters
    assert not quiet.unused
    assert not quiet.violations


def test_a_line_for_points_that_nothing_touched_is_idle(tmp_path: Path) -> None:
    text = policy().read_text().replace('points: ["coil:0-7"]', 'points: ["coil:0-7", "coil:5000"]')
    extra = '      - {protocol: modbus, access: write, from: hmi, points: ["coil:9000-9001"]}\n    severity: high'
    site = tmp_path / "site.yml"
    site.write_text(text.replace("    severity: high", extra, 1))
    (chapter,) = report_of(judged(NORMAL, zones=site), MADE).chapters
    assert [line.says for _, line in chapter.idle_lines if "9000" in line.says] == ["modbus write from hmi, points coil:9000-9001"]
    assert not [line for _, line in chapter.idle_lines if "coil:0-7" in line.says]


def test_two_runs_differ_in_the_time_of_making_alone(report: Report) -> None:
    again = report_of(judged(ATTACK), "2031-01-01T00:00:00Z")
    assert replace(again, made=MADE) == report
    for form in ("html", "csv", "xlsx", "json", "pdf"):
        assert made(replace(again, made=MADE), form) == made(report, form), form
    assert made(again, "html") != made(report, "html")


def test_without_a_policy_there_is_no_report() -> None:
    from sensor.pipeline import ReplayConfig, replay

    with pytest.raises(ValueError, match="needs a policy"):
        report_of(replay(ReplayConfig(captures=[NORMAL], keep=False, catalog=False)), MADE)


def test_changes_since_an_earlier_report() -> None:
    quiet, loud = normal(), attack()
    told = compared(loud, json.loads(made(quiet, "json")))
    assert told.changes is not None
    assert (len(told.changes["new"]), told.changes["again"], told.changes["gone"]) == (86, [], [])
    back = compared(quiet, json.loads(made(loud, "json")))
    assert back.changes is not None
    assert (len(back.changes["gone"]), back.changes["new"]) == (86, [])
    same = compared(loud, json.loads(made(loud, "json")))
    assert same.changes is not None
    assert len(same.changes["again"]) == 86
    for form in ("html", "pdf", "xlsx", "csv"):
        assert made(told, form) != made(loud, form) or form == "csv", form
    page = html.unescape(made(told, "html").decode())
    assert "Since the last report" in page
    assert all(f"<li>{title}</li>" in page for title in told.changes["new"][:50])
    assert "and 36 more" in page
    rows = made(told, "csv", table="changes").decode().splitlines()
    assert len(rows) == 1 + 86


def test_what_was_decided_since_is_a_change() -> None:
    loud = attack()
    (chapter,) = loud.chapters
    first, *rest = chapter.violations
    accepted = replace(first, disposition="accepted", decided_by="J. Smith", because="loading test")
    after = replace(loud, chapters=[replace(chapter, violations=[accepted, *rest])])
    told = compared(after, json.loads(made(loud, "json")))
    assert told.changes is not None
    assert told.changes["decided"] == [f"{first.title} (accepted by J. Smith: loading test)"]
    back = compared(loud, json.loads(made(after, "json")))
    assert back.changes is not None
    assert back.changes["decided"] == [f"{first.title} (open again)"]
    same = compared(after, json.loads(made(after, "json")))
    assert same.changes is not None
    assert same.changes["decided"] == []


def test_alerts_of_rules_are_listed_beside_the_violations(report: Report) -> None:
    (chapter,) = report.chapters
    alerts = {finding.id: finding for finding in judged(ATTACK).findings if finding.statement.kind == "alert"}
    assert {one.id for one in chapter.alert_list} == set(alerts)
    assert sum(chapter.alerts.values()) == len(alerts) > 3
    for one in chapter.alert_list:
        found = alerts[one.id]
        assert (one.count, one.severity, one.title) == (found.count, found.statement.severity, found.statement.title)
        assert one.client or one.server
    for form in ("html", "json"):
        text = html.unescape(made(report, form).decode())
        assert all(one.title in text for one in chapter.alert_list), form


@pytest.mark.parametrize(
    "document", [{}, {"fieldtap_report": 2}, {"fieldtap_report": 1}, {"fieldtap_report": 1, "chapters": 7, "made": ""}]
)
def test_what_is_no_report_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(NoReport):
        compared(normal(), document)


def test_references_are_whole_and_claim_nothing() -> None:
    found = references()
    assert {one.standard for one in found} == {"IEC 62443-3-3", "NERC CIP-005-7", "NERC CIP-007-6", "NERC CIP-015-1", "NIST SP 800-82r3"}
    assert len({(one.standard, one.id) for one in found}) == len(found)
    for one in found:
        assert set(one.uses) <= set(SECTIONS)
        assert one.supports.endswith(".")
        assert one.leaves.endswith(".")
        assert one.about.endswith(".")
        assert one.checked in CHECKED
        assert not {"complies", "compliant", "fulfils", "satisfies", "certifies"} & set(f"{one.supports} {one.leaves}".lower().split())


def test_a_title_is_shown_only_where_it_was_confirmed() -> None:
    """What was compared with a translation alone claims no words of the standard; what has a title says what that was compared with."""
    for one in references():
        assert (one.title is None) == (one.checked == "translation"), one.id
    assert [one.id for one in references() if one.title is None] == ["5.2.3.3"]
    for form in ("html", "json"):
        text = made(normal(), form).decode()
        assert "in our words" in text
        assert "with a translation, so no title is given" in text
    rows = made(normal(), "csv", table="references").decode().splitlines()
    assert rows[0] == "standard,edition,reference,title,about,supports,leaves open,checked"
    assert {line.rpartition(",")[2] for line in rows[1:]} == set(CHECKED)


def test_no_form_says_compliant() -> None:
    for form in ("html", "json", "csv"):
        text = made(normal(), form).decode().lower()
        assert "compliant" not in text
        assert "no violations were found" not in text
