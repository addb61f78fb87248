"""Baselines in the store: what comes back, what is accepted, and what the log says of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from sensor.baseline.kept import BaselineError, accept, keep, load, log, names, reset
from sensor.baseline.model import Baseline
from sensor.store import Store
from tests.corpus import PROJECT
from tests.sensor.baseline.runs import alerts, judged, learned
from tests.sensor.baseline.traffic import Talk, capture

MIXED = PROJECT / "pcaps" / "mixed"


@pytest.mark.parametrize("plant", ["mixed", "opcua", "s7", "dnp3"])
def test_what_is_kept_comes_back(plant: str, tmp_path: Path) -> None:
    baseline = learned([PROJECT / "pcaps" / plant / "normal.pcapng"])
    with Store.open(tmp_path / "store.sqlite") as store:
        with store.transaction() as connection:
            keep(connection, baseline)
        assert load(store.connection, "test") == baseline


def test_one_name_is_kept_once_until_it_is_reset(tmp_path: Path) -> None:
    baseline = learned([MIXED / "normal.pcapng"])
    with Store.open(tmp_path / "store.sqlite") as store:
        keep(store.connection, baseline, "2026-01-01T00:00:00+00:00")
        with pytest.raises(BaselineError, match="there is a baseline 'test' already"):
            keep(store.connection, baseline)
        assert reset(store.connection, "test", "J. Smith", "rebuilt", "2026-01-02T00:00:00+00:00") == len(baseline.operations)
        assert names(store.connection) == []
        with pytest.raises(BaselineError, match="keeps no baseline 'test'"):
            load(store.connection, "test")
        keep(store.connection, baseline, "2026-01-03T00:00:00+00:00")
        said = [(entry["action"], entry["who"], entry["why"], entry["at"][:10]) for entry in log(store.connection, "test")]
    assert said == [("learn", "", "", "2026-01-01"), ("reset", "J. Smith", "rebuilt", "2026-01-02"), ("learn", "", "", "2026-01-03")]


CHANGES = [
    ("asset", Talk(client="10.0.0.66", count=3, times=2)),
    ("function", Talk(function=16, first=7, times=2)),
    ("points", Talk(first=40, count=3, times=2)),
    ("value", Talk(function=16, unit=2, first=100, values=[700, 3], times=4)),
    ("interval", Talk(unit=3, every=20, times=60)),
]


@pytest.mark.parametrize(("how", "new"), CHANGES, ids=[how for how, _ in CHANGES])
def test_what_is_accepted_is_not_told_again_and_stands_in_the_log(how: str, new: Talk, tmp_path: Path) -> None:
    usual = [
        Talk(count=10, times=50),
        Talk(function=16, unit=2, first=100, values=[10, 20], times=50, at=100),
        Talk(unit=3, times=50, at=200),
    ]
    before, after = capture(tmp_path / "before.pcap", usual), capture(tmp_path / "after.pcap", [new])
    more = capture(tmp_path / "more.pcap", [Talk(client="10.0.0.67"), Talk(first=90)])
    with Store.open(tmp_path / "store.sqlite") as store:
        keep(store.connection, learned([before]))
        found = alerts(judged([after], load(store.connection, "test")))
        assert [one["detail"]["baseline"]["how"] for one in found] == [how]
        said = accept(store.connection, found[0], "J. Smith", "ticket 4711")
        widened = load(store.connection, "test")
        assert alerts(judged([after], widened)) == []
        assert alerts(judged([before], widened)) == []
        others = [one["detail"]["baseline"]["how"] for one in alerts(judged([more], widened))]
        assert others == ["points", "asset"] or others == ["asset", "points"], "nothing else was accepted with it"
        *_, last = log(store.connection, "test")
    assert (last["action"], last["who"], last["why"], last["what"]["finding"]) == ("accept", "J. Smith", "ticket 4711", found[0]["id"])
    assert last["what"]["said"] == said == found[0]["detail"]["baseline"]["why"]


def test_a_finding_of_others_is_not_accepted(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.sqlite") as store, pytest.raises(BaselineError, match="is none of a baseline"):
        accept(store.connection, {"id": "0123", "detail": None}, "J. Smith", "why")


def test_nothing_of_a_write_that_fails_is_kept(tmp_path: Path) -> None:
    baseline = learned([MIXED / "normal.pcapng"])
    with Store.open(tmp_path / "store.sqlite") as store:
        with pytest.raises(BaselineError), store.transaction() as connection:
            _twice(connection, baseline)
        assert names(store.connection) == []
        assert list(log(store.connection)) == []


def _twice(connection: sqlite3.Connection, baseline: Baseline) -> None:
    keep(connection, baseline)
    keep(connection, baseline)


def test_an_empty_baseline_comes_back(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.sqlite") as store:
        keep(store.connection, Baseline(name="none"))
        assert load(store.connection, "none") == Baseline(name="none")
