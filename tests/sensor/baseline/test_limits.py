"""What a baseline costs and where it ends: counts instead of deliveries, ceilings that are said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dissectors import Engine
from sensor.baseline.course import Course
from sensor.baseline.learn import MAX_OF_CLIENT
from sensor.baseline.model import Baseline
from sensor.pipeline import analyse
from tests.sensor.baseline.runs import NOBODY, alerts, judged, learned, news
from tests.sensor.baseline.traffic import Talk, capture

SCANNER = "10.0.0.66"


class Asked(Course):
    """Counts how often the gate asks."""

    asked = 0

    def lanes(self, t: Any, held: Any) -> Any:
        self.asked += 1
        return super().lanes(t, held)


def run(path: Path, baseline: Baseline | None) -> tuple[Asked, list[Any]]:
    engine = Engine(follow=False, digest=False)
    engine.open([path])
    course = Asked(engine, baseline, name="test")
    result = analyse(engine, NOBODY, course=course)
    return course, [finding.to_dict() for finding in result.findings]


def test_what_was_learned_is_counted_and_not_delivered(tmp_path: Path) -> None:
    polls = [Talk(count=10, every=100, times=20_000), Talk(function=16, first=9, values=[1, 2], every=1_000, times=2_000, at=50)]
    path = capture(tmp_path / "polls.pcap", polls)
    learning, _ = run(path, None)
    assert learning.asked == 2, "once an operation while it learns"
    judging, findings = run(path, learning.learned)
    assert judging.asked == 2
    assert not [finding for finding in findings if finding["kind"] == "alert"]


def test_what_is_new_is_asked_for_once_and_counted_from_then_on(tmp_path: Path) -> None:
    baseline = learned([capture(tmp_path / "before.pcap", [Talk(count=10, times=50)])])
    new = [Talk(first=20 + n, at=n * 7, times=200) for n in range(10)]
    judging, findings = run(capture(tmp_path / "new.pcap", new), baseline)
    assert judging.asked == 1, "the first occurrence of the operation is the first of the new points"
    assert [(one["count"], len(one["points"])) for one in findings if one["kind"] == "alert"] == [(2_000, 1)]


def test_news_of_an_hour_ago_are_news_again(tmp_path: Path) -> None:
    """With something else in between, so that the clock does not jump."""
    minute = 60_000
    other = Talk(client="10.0.0.6", every=minute, times=200)
    baseline = learned([capture(tmp_path / "before.pcap", [Talk(count=10, times=50), other])])
    new = [Talk(first=50, times=3), Talk(first=51, at=30 * minute), Talk(first=60, at=95 * minute, times=2), other]
    found = [one for one in alerts(judged([capture(tmp_path / "new.pcap", new)], baseline)) if one["client"]["ip"] == "10.0.0.5"]
    assert [(one["count"], one["detail"]["baseline"]["why"].split()[0]) for one in found] == [
        (4, "holding_register:50"), (2, "holding_register:60"),
    ]  # fmt: skip


def test_a_scan_while_it_learns_leaves_room_for_the_others_and_is_said(tmp_path: Path) -> None:
    scan = [Talk(client=SCANNER, port=5_000 + n // 250, unit=n % 250, at=n) for n in range(MAX_OF_CLIENT + 404)]
    usual = [Talk(count=10, times=50, every=200), Talk(function=16, first=7, at=4_900, times=30)]
    path = capture(tmp_path / "scan.pcap", [*scan, *usual])
    learning, findings = run(path, None)
    baseline = learning.learned
    assert baseline is not None
    assert baseline.over == {SCANNER: 404}
    assert sum(key.client == SCANNER for key in baseline.operations) == MAX_OF_CLIENT
    assert {key.function for key in baseline.operations if key.client == "10.0.0.5"} == {3, 16}
    health = [(one["title"], one["count"]) for one in findings if one["kind"] == "health"]
    assert health == [("A ceiling of the sensor was reached: baseline operations", 404)]
    told = news(judged([path], baseline))
    assert sum(count for _, count, _ in told) == 404
    assert {how for how, _, _ in told} <= {"function", "protocol"}


def test_a_sweep_over_registers_is_kept_in_few_ranges_and_said(tmp_path: Path) -> None:
    sweep = [Talk(first=3 * n, at=n * 5) for n in range(200)]
    path = capture(tmp_path / "sweep.pcap", sweep)
    (operation,) = learned([path]).operations.values()
    assert operation.coarse
    assert len(operation.points or ()) == 32
    assert news(judged([path], learned([path]))) == []


def test_nobody_behind_an_address_makes_no_asset(tmp_path: Path) -> None:
    """What is asked and never answers was not there."""
    silent = capture(tmp_path / "silent.pcap", [Talk(times=30)])
    frames = silent.read_bytes()
    assert learned([silent]).assets == {"10.0.0.5", "10.0.0.9"}
    half = _only_from(frames, b"\x0a\x00\x00\x05")
    (tmp_path / "half.pcap").write_bytes(half)
    assert learned([tmp_path / "half.pcap"]).assets == {"10.0.0.5"}


def _only_from(pcap: bytes, source: bytes) -> bytes:
    made, at = pcap[:24], 24
    while at < len(pcap):
        length = int.from_bytes(pcap[at + 8 : at + 12], "little")
        frame = pcap[at : at + 16 + length]
        made += frame if frame[16 + 26 : 16 + 30] == source else b""
        at += 16 + length
    return made
