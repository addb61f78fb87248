"""`--transactions` writes what the facts say, whatever the input: JSON that everybody can read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dissectors import Engine
from tests.corpus import PROJECT
from tests.robustness.frames import read, write
from tests.robustness.hostile import mutated

PLANT = PROJECT / "pcaps" / "plant"
FIELDS = [
    "time", "protocol", "flow", "vlan", "initiator", "client", "server", "unit", "function", "access", "points", "outcome", "anomalies",
    "latency_ns", "request", "response",
]  # fmt: skip
ACCESS = {"read", "write", "mode", "program", "configure", "identify", "session", "report"}
OUTCOMES = {"accepted", "rejected", "unanswered", "unknown"}


def written(capture: Path, folder: Path) -> tuple[list[bytes], list[str]]:
    """The lines of the file, and what the followed transactions say."""
    place = folder / "lines.jsonl"
    engine = Engine(follow=True, threads=1, transactions=place, digest=False)
    said = [t.to_json() for batch in engine.replay(capture) for t in batch.transactions]
    data = place.read_bytes()
    assert data.endswith(b"\n") or not data
    return data.splitlines(), said


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def assert_line(line: bytes) -> None:
    document: dict[str, Any] = json.loads(line.decode("utf-8", "strict"), parse_constant=refuse)
    names = [name for name in document if name not in ("sub_function", document["protocol"])]
    assert names == FIELDS
    assert document["access"] in ACCESS
    assert document["outcome"]["result"] in OUTCOMES
    assert document["time"].endswith("Z")
    assert len(document["time"]) == len("2026-03-04T08:15:21.118000123Z")
    assert document["unit"] is None or isinstance(document["unit"], str)
    for side in ("client", "server"):
        assert list(document[side]) == ["ip", "port", "mac"]
    for half in ("request", "response"):
        assert document[half] is None or list(document[half]) == ["capture", "packet", "time"]
    for point in document["points"]:
        assert list(point)[:3] == ["point", "kind", "first"] or {"point", "kind", "first", "last", "access", "values"} <= set(point)
        assert 0 <= point["first"] <= point["last"]


@pytest.mark.parametrize("name", ["normal.pcapng", "attack.pcapng", "umas.pcap"])
def test_lines_are_the_facts(name: str, tmp_path: Path) -> None:
    lines, said = written(PLANT / name, tmp_path)
    assert lines
    assert [line.decode() for line in lines] == said
    for line in lines:
        assert_line(line)


@pytest.mark.parametrize("seed", range(8))
def test_hostile_input_gives_lines_that_everybody_can_read(seed: int, tmp_path: Path) -> None:
    frames = mutated(read(PLANT / "attack.pcapng")[:1500] + read(PLANT / "umas.pcap"), seed)
    lines, said = written(write(tmp_path / "mutated.pcap", frames), tmp_path)
    assert lines
    assert [line.decode() for line in lines] == said
    for line in lines:
        assert_line(line)
