"""What is new, and how, on captures out of a few words: the whole way, with the engine's own gate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from sensor.baseline.course import Until
from sensor.result import Result
from tests.sensor.baseline.runs import alerts, in_one, judged, learned
from tests.sensor.baseline.traffic import Talk, capture, talk

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases" / "news.yml").read_text())
NAMES = [case["name"] for case in CASES]
MINUTE = 60 * 1_000_000_000


def talks(case: dict[str, Any]) -> tuple[list[Talk], list[Talk]]:
    """What is learned, and what comes after: from the full minute after the last of it."""
    before = [talk(fields) for fields in case["learn"]]
    end = max(moment for one in before for moment in one.moments())
    start = -(-(end + 100_000_000 - before[0].moments()[0]) // MINUTE) * MINUTE // 1_000_000
    return before, [talk({**fields, "at": fields.get("at", 0) + start}) for fields in case["then"]]


def check(case: dict[str, Any], result: Result) -> None:
    found = alerts(result)
    assert [one["detail"]["baseline"]["how"] for one in found] == [wanted["how"] for wanted in case["expect"]], found
    for one, wanted in zip(found, case["expect"], strict=True):
        assert one["count"] == wanted["count"], one
        assert wanted.get("why", "") in one["detail"]["baseline"]["why"]
        assert one["rule"] == f"baseline-{wanted['how']}"
        assert one["packets"]
        if "points" in wanted:
            assert [point["point"] for point in one["points"]] == wanted["points"]
        if "values" in wanted:
            assert one["detail"]["values"] == wanted["values"]
        assert wanted.get("severity", one["severity"]) == one["severity"]


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_learned_before(case: dict[str, Any], tmp_path: Path) -> None:
    before, then = talks(case)
    baseline = learned([capture(tmp_path / "before.pcap", before)])
    after = capture(tmp_path / "then.pcap", then)
    check(case, judged([after], baseline))


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_learned_first_in_the_same_run_with_any_batches_and_threads(case: dict[str, Any], tmp_path: Path) -> None:
    before, then = talks(case)
    both = capture(tmp_path / "both.pcap", [*before, *then])
    length = int(then[0].at - before[0].at - then[0].at % 60_000)
    whole: str | None = None
    for options in ({"threads": 1}, {"threads": 2}, {"threads": 1, "batch_packets": 1}, {"threads": 2, "batch_packets": 7}):
        result = in_one([both], Until(time=length * 1_000_000), **options)
        assert result.course is not None
        document = json.dumps([result.to_dict()["findings"], result.course.summary])
        assert document == (whole or document), options
        whole = document
        if case["name"] not in REGULAR_OVER_THE_SEAM:
            check(case, result)


REGULAR_OVER_THE_SEAM = ("hurried", "hurried for a little while", "slowed down", "a new register at a new pace")
"""The pause between both parts is an interval of the second, too: counts differ by one from those of two runs."""


def test_learning_by_packets_ends_at_the_next_full_minute(tmp_path: Path) -> None:
    both = capture(tmp_path / "both.pcap", [Talk(times=150), Talk(function=16, at=119_500), Talk(function=16, unit=2, at=120_500)])
    for packets, new in ((1, 2), (120, 2), (121, 1), (1_000, 0)):
        documents = []
        for options in ({"threads": 1}, {"threads": 2, "batch_packets": 3}):
            result = in_one([both], Until(packets=packets), **options)
            documents.append(json.dumps(result.to_dict()["findings"]))
            assert len(alerts(result)) == new, packets
        assert documents[0] == documents[1]
