"""Reports of captures, for the tests here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sensor.pipeline import ReplayConfig, replay
from sensor.reports.build import report_of
from sensor.reports.model import Chapter, Pair, Report
from sensor.result import Result
from tests.robustness.frames import Frame, write
from tests.sensor.cli.run import ATTACK, NORMAL, policy

MADE = "2026-11-24T12:00:00Z"


def judged(*captures: Path, zones: Path | None = None, **more: object) -> Result:
    """A run by the small plant's policy, or another."""
    return replay(ReplayConfig(captures=captures, zones=zones or policy(), keep=False, digest=True, cache=False, **more))  # type: ignore[arg-type]


def attack() -> Report:
    return report_of(judged(ATTACK), MADE)


def normal() -> Report:
    return report_of(judged(NORMAL), MADE)


def chapter(folder: Path, frames: Sequence[Frame]) -> Chapter:
    """What the report says of frames that a test made."""
    return report_of(judged(write(folder / "made.pcap", frames)), MADE).chapters[0]


def pair(found: Chapter, source: str, target: str) -> Pair:
    return next(one for one in found.matrix if (one.source, one.target) == (source, target))
