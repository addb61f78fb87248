"""The local store: what it keeps, and what it says when it can't."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from sensor import store as module
from sensor.places import default_store
from sensor.result import Result
from sensor.schema import MIGRATIONS
from sensor.store import Store, StoreError
from tests.sensor.cases import RESULT, ForbidsAll, happened, result_of, script
from tests.sensor.scripted import HOUR, SECOND, Observation, ScriptedEngine, at


@pytest.fixture(autouse=True)
def _folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def made(more: int = 0, firmware: str = "1.0") -> Result:
    events = [happened(0), happened(SECOND, 2), *(happened(2 * HOUR + n, 3 + n) for n in range(more))]
    observed = Observation(
        address="10.0.0.2", attribute="firmware", value=firmware, moment=at(0, 7), protocol="modbus", field="modbus.mei.2"
    )
    return result_of(ScriptedEngine([(0, observed), *script(*events)], RESULT), ForbidsAll())


def counts(path: Path) -> dict[str, int]:
    connection = sqlite3.connect(path)
    tables = ("runs", "captures", "assets", "attributes", "operations", "findings", "revisions", "outbox")
    found = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
    connection.close()
    return found


def test_a_fresh_store_is_made_at_the_default_place_for_its_owner_alone() -> None:
    result = made()
    result.keep(None)
    assert result.store_error is None
    assert result.stored == default_store()
    assert stat.S_IMODE(default_store().stat().st_mode) == 0o600
    assert stat.S_IMODE(default_store().parent.stat().st_mode) == 0o700


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    result = made()
    with Store.open(tmp_path / "s.sqlite") as store:
        run = store.write(result)
    with Store.open(tmp_path / "s.sqlite") as store:
        (finding,) = store.findings()
        assert finding == {**result.findings[0].to_dict(), "run": run}
        assert store.finding(finding["id"][:5]) == finding
        assert store.finding("zz") is None
        assert store.findings(kind="alert") == []
        assert store.findings(kind="violation", client="10.0.0.1", server=None) == [finding]
        assert [revision["revision"] for revision in store.revisions(finding["id"])] == [1]
        assert store.captures(run)[0] == {**store.captures()[0], "number": 1}
        device = next(asset for asset in store.assets() if asset["id"] == "10.0.0.2")
        assert device["attributes"]["firmware"]["value"] == "1.0"
        assert device["attributes"]["firmware"]["provenance"]["capture"] == "ab" * 32
        with pytest.raises(ValueError, match="colour"):
            store.findings(colour="red")


def test_an_ambiguous_prefix_is_an_error(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s.sqlite") as store:
        store.write(made(more=2))
        with pytest.raises(LookupError):
            store.finding("")


def test_the_same_run_twice_changes_nothing_but_the_runs(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with Store.open(path) as store:
        store.write(made())
        once = counts(path)
        store.write(made())
    assert counts(path) == {**once, "runs": 2, "outbox": once["outbox"] + 1}  # what each run says of the sensor


def test_more_of_the_same_traffic_adds_findings_revisions_and_history(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with Store.open(path) as store:
        store.write(made())
        store.write(made(more=3, firmware="2.0"))
        assert [(finding["count"], finding["state"], finding["revision"]) for finding in store.findings()] == [
            (2, "closed", 2),
            (3, "open", 1),
        ]
        device = next(asset for asset in store.assets() if asset["id"] == "10.0.0.2")
        versions = {device["attributes"]["firmware"]["value"], *(old["value"] for old in device["attributes"]["firmware"]["history"])}
        assert versions == {"1.0", "2.0"}
    assert counts(path)["outbox"] == 4 + 2  # revisions (the first one was told anew), and what each run says of the sensor


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer Fieldtap"):
        Store.open(path)
    assert path.read_bytes() == before


def test_no_store_at_all_is_said_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    path.write_bytes(b"this is no database at all, " * 100)
    with pytest.raises(StoreError, match=r"move s\.sqlite away"):
        Store.open(path)
    assert path.read_bytes().startswith(b"this is no")


def test_a_locked_store_is_said_and_the_analysis_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.05)
    path = tmp_path / "s.sqlite"
    Store.open(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    result = made()
    result.keep(path)
    other.close()
    assert "locked" in str(result.store_error)
    assert len(result.findings) == 1
    assert counts(path)["runs"] == 0


@pytest.mark.parametrize("place", ["file/under.sqlite", "folder"])
def test_an_impossible_place_is_said(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    result = made()
    result.keep(tmp_path / place)
    assert "--store" in str(result.store_error)


def test_a_run_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.sqlite"

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_insert_findings", fail)
    result = made()
    result.keep(path)
    assert "No space left" in str(result.store_error)
    assert set(counts(path).values()) == {0}


def test_names_that_are_no_unicode_are_kept(tmp_path: Path) -> None:
    result = made()
    result.engine = {**result.engine, "captures": [{"path": "plant-\udcff.pcap", "sha256": "cd" * 32}]}
    result.keep(tmp_path / "s.sqlite")
    assert result.store_error is None


def test_a_store_of_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    place = tmp_path / "old.sqlite"
    connection = sqlite3.connect(place)
    for statement in MIGRATIONS[0]:
        connection.execute(statement)
    connection.execute("INSERT INTO runs (id, finished, fieldtap) VALUES (1, '2026-01-01', '0.1.0')")
    for n, address in enumerate(("10.0.0.1", "10.0.0.2")):
        row = (address, n, None, "host", 1, 5, 9, address, "", "", "")
        connection.execute(f"INSERT INTO assets VALUES ({', '.join('?' * len(row))})", row)
    operation = ("10.0.0.1", "10.0.0.2", 502, "modbus", "1", 3, "", "read", "read_holding_registers", 5, 9, 4, 1)
    connection.execute(f"INSERT INTO operations VALUES ({', '.join('?' * len(operation))})", operation)
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    with Store.open(place) as store:
        (talk,) = store.conversations()
        assert (talk["transactions"], talk["points"], talk["ledger"], talk["rejections"]) == (4, [], None, {})
        assert talk["evidence"]["packet"] is None
        assert store.declared() == {}
