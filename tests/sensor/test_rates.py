"""Rates over a capture: the findings' counts are those of whoever counts the transactions one by one."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from pathlib import Path

import pytest

from dissectors import Engine, Transaction
from sensor.pipeline import ReplayConfig, replay
from sensor.result import Result

ROOT = Path(__file__).parents[2]
CAPTURE = ROOT / "pcaps" / "mixed" / "normal.pcapng"
SECOND = 1_000_000_000
COILS = '{protocol: modbus, access: write, from: hmi-1, to: plc-dosing, points: ["coil:0-7"]}'
READS = "- {protocol: modbus, access: read}\n      - {protocol: s7comm, access: read}\n      # Chlorine"


def _policy(tmp_path: Path, before: str, after: str) -> Path:
    text = (ROOT / "zones" / "examples" / "lakeside.yml").read_text()
    assert before in text
    path = tmp_path / "lakeside.yml"
    path.write_text(text.replace(before, after))
    return path


def _judged(policy: Path, batch_packets: int = 65_536, threads: int = 0) -> Result:
    return replay(ReplayConfig(
        captures=[CAPTURE], zones=policy, catalog=False, keep=False, cache=False, batch_packets=batch_packets, threads=threads,
    ))  # fmt: skip


def _counted(meant: Callable[[Transaction], bool], most: int, span: int) -> dict[tuple[str | None, str | None], int]:
    """Occurrences that lay in a span with more than `most`, by client and server."""
    held: dict[tuple[str | None, str | None], deque[tuple[int, int]]] = defaultdict(deque)
    over: dict[tuple[str | None, str | None], set[int]] = defaultdict(set)
    number = 0
    for batch in Engine().replay(CAPTURE):
        for t in batch.transactions:
            if not meant(t):
                continue
            number += 1
            pair = (t.client.ip, t.server.ip)
            recent = held[pair]
            recent.append((t.completed, number))
            while t.completed - recent[0][0] > span or len(recent) > most + 1:
                recent.popleft()
            if len(recent) > most:
                over[pair].update(one for _, one in recent)
    return {pair: len(found) for pair, found in over.items()}


def _found(result: Result) -> dict[tuple[str, str], int]:
    assert {finding.statement.reason for finding in result.findings if finding.statement.kind == "violation"} == {"rate"}
    made = {}
    for finding in result.findings:
        if finding.statement.kind == "violation":
            client, server = finding.subject.client, finding.subject.server
            assert client is not None
            assert server is not None
            made[client["ip"], server["ip"]] = finding.count
    return made


@pytest.mark.parametrize(("most", "span", "per"), [(1, 60, "60s"), (2, 60, "1min"), (1, 3600, "1h")])
def test_writes_of_coils(tmp_path: Path, most: int, span: int, per: str) -> None:
    policy = _policy(tmp_path, COILS, COILS[:-1] + f", rate: {{max: {most}, per: {per}}}}}")
    expected = _counted(
        lambda t: t.access == "write" and t.protocol == "modbus" and t.points[0].kind == "coil", most, span * SECOND
    )  # fmt: skip
    if not expected:
        assert not [finding for finding in _judged(policy).findings if finding.statement.kind == "violation"]
        return
    assert _found(_judged(policy)) == expected


def test_polls_whatever_the_batches(tmp_path: Path) -> None:
    policy = _policy(tmp_path, READS, READS.replace("read}", "read, rate: {max: 10, per: 5s}}", 1))
    meant: Callable[[Transaction], bool] = lambda t: (  # noqa: E731
        t.protocol == "modbus" and t.access == "read" and (t.client.ip, t.server.ip) == ("10.20.0.21", "10.10.0.12")
    )
    expected = _counted(meant, 10, 5 * SECOND)
    assert expected == {("10.20.0.21", "10.10.0.12"): 350}
    found = [_found(_judged(policy, batch, threads)) for batch, threads in ((65_536, 2), (65_536, 1), (1, 1))]
    assert found == [expected] * 3


def test_the_report_tells_it_as_counted(tmp_path: Path) -> None:
    from sensor.reports.build import chapter_of, report_of
    from sensor.reports.forms import made

    result = _judged(_policy(tmp_path, COILS, COILS[:-1] + ", rate: {max: 1, per: 60s}}"))
    verdict = chapter_of(result).violations[0]
    assert (verdict.effect, verdict.access, verdict.count, verdict.outcomes) == ("counted", "write", 5, {})
    page = made(report_of(result, "2026-11-25T00:00:00Z"), "html").decode()
    assert "5 counted, whatever became of each" in page
    assert "at most 1 in 60s" in page


def test_a_violation_names_line_packets_and_times(tmp_path: Path) -> None:
    policy = _policy(tmp_path, COILS, COILS[:-1] + ", rate: {max: 1, per: 60s}}")
    finding = next(one for one in _judged(policy).findings if one.statement.kind == "violation")
    said = finding.to_dict()
    assert (said["reason"], said["access"], said["protocol"], said["conduit"]) == ("rate", "write", "modbus", "supervision-to-cell")
    assert "rate: {max: 1" in policy.read_text().splitlines()[said["policy"]["line"] - 1]
    assert said["title"] == "modbus write from hmi-1 (supervision) to plc-dosing (cell): more than 1 in 60s"
    times = {(t.request.packet): t.request.time for batch in Engine().replay(CAPTURE) for t in batch.transactions if t.request is not None}
    packets = [packet for _, packet in finding.packets]
    assert len(packets) == said["count"] == 5
    assert (times[packets[0]], times[packets[-1]]) == (finding.first, finding.last)
