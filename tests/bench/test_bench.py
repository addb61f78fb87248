"""The harness keeps working, its captures are what they say, and memory doesn't grow with a capture."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import decisions
from tests.bench.captures import KINDS, PCAP_HEADER, checksum, head, make
from tests.bench.harness import Settings, measure
from tests.bench.measure import RunFailed, run
from tests.bench.programs import ours
from tests.bench.table import markdown

TINY = 20_000
GROWTH = 6.0
"""MiB that a capture five times as long may add: noise of the allocator, not memory per packet."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


def test_the_harness_measures_and_compares(folder: Path) -> None:
    report = measure(Settings(folder=folder, packets=TINY + 2_000, runs=1, only="modbus", with_peers=False))
    assert report["failed"] == []
    by_name = {figure["program"]: figure for figure in report["figures"]}
    replay = by_name["fieldtap replay"]
    assert replay["packets"] == TINY + 2_000
    assert replay["cpu"] > 0
    assert replay["start_wall"] > 0
    assert replay["peak"] > 10
    if shutil.which("cc"):
        assert by_name["reference.c"]["ratio"] == pytest.approx(1.0)
        assert replay["ratio"] is not None
    table = markdown(report)
    assert table.count("\n| modbus |") == len(by_name)
    assert json.loads(json.dumps(report)) == report


@pytest.mark.parametrize("kind", KINDS)
def test_captures_are_the_same_each_time(kind: str, tmp_path: Path) -> None:
    one, other = make(kind, 3_000, tmp_path / "one.pcap"), make(kind, 3_000, tmp_path / "other.pcap")
    assert one.read_bytes() == other.read_bytes()
    _, packets = head(one, 1_000, tmp_path / "head.pcap")
    assert packets == 3_000
    assert head(tmp_path / "head.pcap", 5_000, tmp_path / "whole.pcap")[1] == 1_000


def test_captures_are_dissected_without_fault(tmp_path: Path) -> None:
    from dissectors import Engine

    for kind in KINDS:
        engine = Engine(follow=False, threads=1)
        operations = sum(1 for batch in engine.replay(make(kind, 30_000, tmp_path / f"{kind}.pcap")) for _ in batch.transactions)
        result = engine.result()
        said = result["protocols"][{"dnp3": "dnp3", "s7": "s7comm", "opcua": "opcua"}.get(kind, "modbus")]
        assert operations > 0
        assert result["packets"]["decoded"] == 30_000
        assert result["packets"]["duplicates"] == {}
        assert result["packet_anomalies"] == {}
        assert said["anomalies"] == {}
        assert said["transactions"] > 1_000
        assert result["ledger"].get("gap_bytes", 0) == 0


def test_checksum_is_the_internet_checksum() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF ^ 0xDDF2  # RFC 1071, section 3


def test_a_program_that_fails_is_told_with_its_last_words() -> None:
    with pytest.raises(RunFailed, match="no such thing"):
        run([sys.executable, "-c", "import sys; sys.exit('no such thing')"])


def test_the_reference_counts_right(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    program = tmp_path / "reference"
    subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, Path(__file__).with_name("reference.c")], check=True)
    capture = make("modbus", 5_000, tmp_path / "modbus.pcap")
    said = subprocess.run([program, capture], check=True, capture_output=True, text=True).stdout
    assert said.startswith("5000 packets, 200 flows, ")
    from dissectors import Engine

    engine = Engine(threads=1)
    answered = sum(t.outcome.result in ("accepted", "rejected") for batch in engine.replay(capture) for t in batch.transactions)
    assert f" {answered} pairs" in said


def test_memory_does_not_grow_with_the_capture(folder: Path, tmp_path: Path) -> None:
    short = make("modbus", 40_000, folder / "short.pcap")
    piece = short.read_bytes()[len(PCAP_HEADER) :]
    peaks = []
    for times in (5, 25):
        path = tmp_path / f"times-{times}.pcap"
        with path.open("wb") as file:
            file.write(PCAP_HEADER)
            for turn in range(times):
                file.write(_later(piece, turn * 3_600))
        replay = ours(folder)[0]
        run(replay.command(short), replay.environment)
        peaks.append(run(replay.command(path), replay.environment).peak)
        path.unlink()
    assert peaks[1] - peaks[0] <= GROWTH, f"peak memory in MiB for 200,000 and 1,000,000 packets: {peaks}"


def _later(records: bytes, seconds: int) -> bytes:
    """The same records so much later."""
    moved = bytearray(records)
    at = 0
    while at < len(moved):
        when = int.from_bytes(moved[at : at + 4], "little") + seconds
        moved[at : at + 4] = when.to_bytes(4, "little")
        at += 16 + int.from_bytes(moved[at + 8 : at + 12], "little")
    return bytes(moved)


def test_the_bench_of_the_inventory_works() -> None:
    command = [sys.executable, "-m", "tests.bench.inventory", "--assets", "500", "--edges", "4000"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["state", "networkx", "json", "graphml", "csv"]
    assert "over" not in done.stdout


def test_decisions_are_the_same_by_both_policies_and_one_in_ten_forbids() -> None:
    rows = decisions.measured(5_000, 500)
    assert [row["said"] for row in rows] == [500, 500]
    assert all(row["per_second"] > 1_000 for row in rows)
    assert "5,000 operations, 500 conduits by networks: " in decisions.line(rows[0])
