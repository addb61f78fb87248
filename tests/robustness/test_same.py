"""The same packets, the same findings, byte for byte: whatever the batches, threads, cuts and processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sensor.pipeline import ReplayConfig, replay
from tests.corpus import PROJECT
from tests.robustness.frames import read, write

PLANT = PROJECT / "pcaps" / "plant"
POLICY = PROJECT / "zones" / "examples" / "small-plant.yml"
CAPTURES = ["attack.pcapng", "normal.pcapng", "umas.pcap"]


def replayed(captures: Sequence[Path], folder: Path, **options: Any) -> tuple[dict[str, Any], bytes]:
    """The document of a replay with policy and rules, and the lines of its transactions."""
    lines = folder / "transactions.jsonl"
    policy = POLICY if POLICY.is_file() else None
    result = replay(ReplayConfig(captures=captures, zones=policy, keep=False, transactions=str(lines), **options))
    return result.to_dict(), lines.read_bytes()


def as_text(document: dict[str, Any]) -> str:
    return json.dumps({key: document[key] for key in ("findings", "assets", "protocols", "ledger", "packets", "flows", "ceilings")})


@pytest.mark.parametrize("capture", CAPTURES)
def test_batches_and_threads_change_nothing(capture: str, tmp_path: Path) -> None:
    document, lines = replayed([PLANT / capture], tmp_path, threads=1)
    assert lines
    for threads in (1, 2):
        for batch in (1, 7, 1_000_000):
            again, same_lines = replayed([PLANT / capture], tmp_path, threads=threads, batch_packets=batch)
            assert as_text(again) == as_text(document), (threads, batch)
            assert same_lines == lines, (threads, batch)


@pytest.mark.parametrize("capture", CAPTURES)
def test_one_capture_or_the_same_cut_into_seven(capture: str, tmp_path: Path) -> None:
    frames = read(PLANT / capture)
    size = -(-len(frames) // 7)
    whole = write(tmp_path / "whole.pcap", frames)
    parts = [write(tmp_path / f"part-{n}.pcap", frames[n * size : (n + 1) * size]) for n in range(7)]
    document, lines = replayed([whole], tmp_path)
    in_parts, lines_in_parts = replayed(parts, tmp_path)
    renumbered = _renumber(in_parts, size)
    for part in ("findings", "assets", "protocols", "ledger", "flows", "ceilings"):
        assert json.dumps(renumbered[part]) == json.dumps(document[part]), part
    in_whole = [_renumber(json.loads(line), size) for line in lines_in_parts.splitlines()]
    assert in_whole == [json.loads(line) for line in lines.splitlines()]


def _renumber(value: Any, size: int) -> Any:
    """Numbers of packets as they were before the cut: capture 3, packet 5 of parts with `size` frames is packet 2 * size + 5."""
    if isinstance(value, dict):
        if "capture" in value and "packet" in value:
            return {**value, "capture": 1, "packet": (value["capture"] - 1) * size + value["packet"]}
        return {key: _renumber(inner, size) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renumber(inner, size) for inner in value]
    return value


@pytest.mark.parametrize("capture", CAPTURES)
def test_another_process_says_the_same(capture: str) -> None:
    script = (
        "import sys, json\nfrom pathlib import Path\nfrom tests.robustness.test_same import replayed, as_text\n"
        "from tempfile import mkdtemp\ndocument, lines = replayed([Path(sys.argv[1])], Path(mkdtemp()))\n"
        "sys.stdout.write(as_text(document) + lines.decode())"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", script, str(PLANT / capture)], capture_output=True, check=True, cwd=PROJECT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(path or str(PROJECT) for path in sys.path)},
        ).stdout
        for seed in ("1", "7919")
    ]  # fmt: skip
    assert said[0]
    assert said[0] == said[1]
