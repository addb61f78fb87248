"""Exceptions, denials, schedules and levels as a report shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensor.evidence.pack import packed
from sensor.reports.build import report_of
from sensor.reports.forms import FORMATS, made
from tests.sensor.cli.run import NORMAL
from tests.sensor.reports.made import MADE, judged

POLICY = """\
fieldtap: 1
site: Terms
timezone: UTC
zones:
  operations: {level: 3, networks: [10.20.3.0/24]}
  engineering: {level: 3, networks: [10.20.4.0/24], security_level: 2}
  cell: {level: 1, networks: [10.20.1.0/24]}
conduits:
  - id: reading
    from: operations
    to: cell
    allow:
      - {protocol: modbus, access: read}
    deny:
      - {protocol: modbus, access: write, points: ["coil:0-7"]}
exceptions:
  - {id: set-points, owner: J. Smith, ticket: OT-1, start: %s, end: %s, from: operations, to: cell,
     allow: [{protocol: modbus, access: write}]}
  - {id: never, owner: A. Miller, ticket: OT-2, start: 2020-01-01, end: 2040-01-01, from: engineering, to: cell,
     allow: [{protocol: ssh}]}
"""


def site(folder: Path, start: str, end: str) -> Path:
    path = folder / "site.yml"
    path.write_text(POLICY % (start, end))
    return path


@pytest.mark.parametrize(("end", "state"), [("2040-01-01", "used"), ("2020-02-01", "used after its end")])
def test_an_exception_says_how_it_was_used(tmp_path: Path, end: str, state: str) -> None:
    report = report_of(judged(NORMAL, zones=site(tmp_path, "2020-01-01", end)), MADE)
    (chapter,) = report.chapters
    states = {one.id: (one.state, one.ticket) for one in chapter.exceptions}
    assert states == {"set-points": (state, "OT-1"), "never": ("never used", "OT-2")}
    late = [verdict for verdict in chapter.violations if verdict.exception == "set-points"]
    assert bool(late) == (state == "used after its end")
    assert all(verdict.reason == "expired_exception" for verdict in late)
    assert [conduit.id for conduit in chapter.conduits] == ["reading"], "exceptions stand apart"
    text = made(report, "html").decode()
    assert "J. Smith" in text
    assert state in text


def test_a_denial_is_counted_at_its_line(tmp_path: Path) -> None:
    (chapter,) = report_of(judged(NORMAL, zones=site(tmp_path, "2020-01-01", "2040-01-01")), MADE).chapters
    (denial,) = chapter.conduits[0].denials
    denied = [verdict for verdict in chapter.violations if verdict.reason == "denied"]
    assert denial.seen == sum(verdict.count for verdict in denied) > 0
    assert {verdict.line for verdict in denied} == {denial.line}
    assert denial.says == "modbus write, points coil:0-7"
    assert {zone.name: zone.security_level for zone in chapter.zones if zone.line}["engineering"] == 2


def test_denials_of_two_conduits_on_one_line_are_counted_apart(tmp_path: Path) -> None:
    text = (POLICY % ("2020-01-01", "2040-01-01")).partition("conduits:\n")
    one = "{id: %s, from: operations, to: cell, deny: [{protocol: modbus, access: %s}]}"
    path = tmp_path / "site.yml"
    path.write_text(f"{text[0]}conduits: [{one % ('no-reads', 'read')}, {one % ('no-modes', 'mode')}]\n")
    (chapter,) = report_of(judged(NORMAL, zones=path), MADE).chapters
    counts = {conduit.id: conduit.denials[0].seen for conduit in chapter.conduits}
    assert counts["no-reads"] == sum(verdict.count for verdict in chapter.violations if verdict.conduit == "no-reads") > 0
    assert counts["no-modes"] == 0


def test_slices_of_such_violations_make_them_again_and_every_form_is_made(tmp_path: Path) -> None:
    result = judged(NORMAL, zones=site(tmp_path, "2020-01-01", "2020-02-01"))
    pack = packed(result)
    assert pack.slices
    assert all(one.occurrences for one in pack.slices), [one.why for one in pack.slices]
    for form in FORMATS:
        assert made(report_of(result, MADE), form)
