"""Runs of the engine with a baseline and nothing else, and no budget of alerts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dissectors import Engine
from sensor.baseline.course import Course, Until
from sensor.baseline.model import Baseline
from sensor.pipeline import analyse
from sensor.plan import Plan
from sensor.result import Result

NOBODY = Plan(policy=None, rules=None, digest="")


def learned(captures: Sequence[Path], **options: Any) -> Baseline:
    """What is learned of captures as a whole."""
    engine = _opened(captures, options)
    course = Course(engine, name="test")
    analyse(engine, NOBODY, course=course)
    assert course.learned is not None
    return course.learned


def judged(captures: Sequence[Path], baseline: Baseline, **options: Any) -> Result:
    """What is new in captures."""
    engine = _opened(captures, options)
    return analyse(engine, NOBODY, alerts_per_hour=0, course=Course(engine, baseline))


def in_one(captures: Sequence[Path], until: Until, **options: Any) -> Result:
    """Learned first, then judged."""
    engine = _opened(captures, options)
    return analyse(engine, NOBODY, alerts_per_hour=0, course=Course(engine, name="test", until=until))


def _opened(captures: Sequence[Path], options: dict[str, Any]) -> Engine:
    engine = Engine(follow=False, digest=False, **options)
    engine.open(captures)
    return engine


def alerts(result: Result) -> list[dict[str, Any]]:
    """The baseline's findings, as documents."""
    return [document for finding in result.findings if (document := finding.to_dict())["kind"] == "alert"]


def news(result: Result) -> list[tuple[str, int, str]]:
    """How new, how often, and why, of each."""
    return [(found["detail"]["baseline"]["how"], found["count"], found["detail"]["baseline"]["why"]) for found in alerts(result)]
