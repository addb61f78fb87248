"""Filters on findings, and suppressions that are made of them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sensor.clock import nanoseconds
from sensor.finding_listing import listing
from sensor.finding_selection import NAMES, selection
from sensor.findings import Finding, Statement, Subject, finding_id
from sensor.store import Store
from sensor.suppressions import Suppressed, Suppression, checked, keep, kept, lift
from sensor.terms import SelectionError
from tests.sensor.cases import ForbidsAll, happened, result_of, script
from tests.sensor.scripted import SECOND, START, ScriptedEngine

FINDING: dict[str, Any] = {
    "id": "3e0d32c5aa", "kind": "alert", "severity": "high", "rule": "0b1f", "confidence": 0.9, "count": 3,
    "title": "S7 controller stopped",
    "client": {"ip": "10.20.1.9"}, "server": {"ip": "10.20.1.7", "port": 102}, "protocol": "s7comm", "access": "mode",
    "unit": "0/2",
    "function": {"code": 41, "name": "plc_stop"}, "sub_function": None, "points": [{"point": "DB10.DBW2"}], "reason": "stop",
    "zones": {"from": "office", "to": "cell"}, "outcomes": {"accepted": 3}, "state": "open",
    "attack": {"id": "T0858", "legacy_id": "T0858"},
    "last": "2026-03-04T08:15:21.000000000Z",
    "detail": {"rule": {"name": "s7comm-plc-stop"}, "evidence_class": "A", "to_asset": "plc-1"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("term", "fits"),
    [
        ("severity>=high", True), ("severity>=critical", False), ("severity=high,low", True), ("severity<high", False),
        ("severity!=low", True),
        ("rule=s7comm-plc-stop", True), ("rule=0b1f", True), ("rule~STOP", True), ("client=10.20.0.0/16", True),
        ("client=10.20.1.7", False),
        ("source=10.20.1.9", True), ("server=plc-1", True), ("address=10.20.1.7", True),
        ("access=write,mode", True), ("count>2", True),
        ("count>=4", False), ("point~db10", True), ("technique=t0858", True), ("function=41", True), ("function=plc_stop", True),
        ("zone=cell", True), ("from=cell", False), ("title~stopped", True), ("id=3e0d", True), ("evidence_class=a", True),
        ("disposition=open", True), ("outcome=accepted", True), ("confidence>=0.95", False), ("conduit=x", False), ("conduit!=x", True),
    ],
)  # fmt: skip
def test_filters(term: str, fits: bool) -> None:
    assert selection([term])(FINDING) is fits


@pytest.mark.parametrize("term", ["severity=grave", "severity>=", "colour=red", "no filter", "count>many", "client=10.0.0.0/99"])
def test_wrong_filters_say_how_to_write_them(term: str) -> None:
    with pytest.raises(SelectionError):
        selection([term])


def test_a_name_with_a_typing_mistake_is_suggested() -> None:
    with pytest.raises(SelectionError, match="did you mean severity"):
        selection(["severty=high"])
    assert all(selection([f"{name}!=nothing"]) for name in NAMES if name not in ("severity",))


def suppression(*terms: str, until: str = "2026-04-01", number: int = 1) -> Suppression:
    return Suppression(number=number, terms=terms, until=nanoseconds(until), who="JS", why="a test", at="2026-03-01T00:00:00Z")


def test_a_suppression_ends_by_capture_time() -> None:
    last = nanoseconds(FINDING["last"])
    assert Suppressed([suppression("rule=s7comm-plc-stop")]).by(FINDING, last) is not None
    assert Suppressed([suppression("rule=s7comm-plc-stop", until="2026-03-04T08:15:21")]).by(FINDING, last) is None
    assert Suppressed([suppression("rule=other")]).by(FINDING, last) is None


def test_the_sensors_own_health_is_never_suppressed() -> None:
    assert Suppressed([suppression("rule=s7comm-plc-stop")]).by({**FINDING, "kind": "health"}, 0) is None


@pytest.mark.parametrize("terms", [["severity>=info"], ["kind=alert", "severity=high"], ["count>0"]])
def test_what_would_silence_whatever_comes_is_refused(terms: list[str]) -> None:
    with pytest.raises(SelectionError, match="what it is about"):
        checked(terms)


def result() -> Any:
    return result_of(ScriptedEngine(script(*(happened(n, n + 1) for n in range(5)))), ForbidsAll())


def test_a_run_marks_what_is_suppressed_and_counts_it_all_the_same(tmp_path: Path) -> None:
    made = result()
    made.suppress([suppression("reason=no_conduit", until="2099-01-01")])
    (finding,) = made.findings
    assert (finding.count, finding.suppressed["why"], finding.suppressed["suppression"]) == (5, "a test", 1)
    assert made.at_or_above("info") == []
    made.keep(tmp_path / "s.sqlite")
    connection = sqlite3.connect(tmp_path / "s.sqlite")
    (document,) = connection.execute("SELECT document FROM revisions").fetchone()
    connection.close()
    assert json.loads(document)["suppressed"]["who"] == "JS"


def test_the_store_says_what_is_suppressed_now(tmp_path: Path) -> None:
    made = result()
    with Store.open(tmp_path / "s.sqlite") as store:
        store.write(made)
        number = keep(store, ["reason=no_conduit"], nanoseconds("2099-01-01"), "JS", "a test", "now")
        hidden = listing(store)
        assert (hidden.findings, hidden.suppressed, hidden.occurrences) == ([], 1, 5)
        assert listing(store, suppressed=True).findings[0]["suppressed"]["suppression"] == number
        assert [one.number for one in kept(store)] == [number]
        assert lift(store, number, "now")
        assert not lift(store, number, "now")
        assert [one["count"] for one in listing(store).findings] == [5]
        assert "suppressed" not in listing(store).findings[0]


def test_stories_are_told_over_all_runs_and_without_what_is_suppressed(tmp_path: Path) -> None:
    from sensor.finding_listing import stories

    def run(access: str, second: int) -> Any:
        engine = ScriptedEngine(script(happened(second * SECOND, second + 1, access=access)))
        return result_of(engine, ForbidsAll(Statement(kind="violation", title=access, reason=access, severity="high", zones=("a", "b"))))

    with Store.open(tmp_path / "s.sqlite") as store:
        store.write(run("read", 0))
        assert stories(store) == []
        store.write(run("mode", 5))
        (story,) = stories(store)
        assert [stage["stage"] for stage in story["stages"]] == ["collection", "disruption"]
        assert stories(store, since=START + 10 * SECOND) == []
        keep(store, ["reason=read"], nanoseconds("2099-01-01"), "JS", "a test", "now")
        assert stories(store) == []


def test_listing_by_time(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s.sqlite") as store:
        store.write(result())
        assert len(listing(store, since=START, until=START + 1).findings) == 1
        assert listing(store, since=START + 10).findings == []
        assert listing(store, until=START).findings == []


def test_exports_are_safe_in_spreadsheets() -> None:
    import csv
    from io import StringIO

    from sensor.outputs.findings import WRITERS

    statement = Statement(kind="alert", title='=cmd|"/c calc"!A1', reason="+1", rule="@r")
    about = Subject(client={"ip": "10.0.0.1"}, unit="-1", access="write")
    found = Finding(
        id=finding_id(statement, about, 0), revision=1, state="open", revised=0, statement=statement, subject=about, count=2, first=0,
        last=1, suppressed=suppression("rule=@r").to_dict(),
    ).to_dict()  # fmt: skip
    out = StringIO(newline="")
    WRITERS["csv"]([found], out)
    head, row = csv.reader(StringIO(out.getvalue()))
    cells = dict(zip(head, row, strict=True))
    assert (cells["title"], cells["reason"], cells["rule"], cells["unit"]) == ('\'=cmd|"/c calc"!A1', "'+1", "'@r", "'-1")
    assert (cells["count"], cells["confidence"], cells["suppressed_why"]) == ("2", "1.0", "a test")
    for form in ("json", "jsonl"):
        out = StringIO()
        WRITERS[form]([found], out)
        said = json.loads(out.getvalue())
        assert (said if form == "jsonl" else said[0])["title"] == statement.title
