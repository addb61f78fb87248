"""Each rule of the catalog fires on the captures that it names, with the count that it names, and stays silent on the others."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

import dissectors
from rules.evidence import Tried, everything, tried
from rules.loader import catalog
from sensor.plan import services

PCAPS = Path(__file__).parents[2] / "pcaps"

pytestmark = pytest.mark.skipif(getattr(dissectors._native, "__file__", None) is None, reason="the native engine is not built")


@cache
def found() -> dict[str, list[Tried]]:
    """What each rule found on its captures, by the rule's name."""
    by_rule: dict[str, list[Tried]] = {}
    for one in tried([catalog()], dissectors.protocols(), services(), captures=[PCAPS]):
        by_rule.setdefault(one.rule, []).append(one)
    return by_rule


def names() -> list[str]:
    plan = everything([catalog()], dissectors.protocols(), services())
    assert not plan.inactive
    return [rule.name for rule in plan.rules]


@pytest.mark.parametrize("rule", names())
def test_evidence(rule: str) -> None:
    wrong = [f"{one.capture}: {one.found} instead of {one.expected}" for one in found()[rule] if not one.good]
    assert not wrong
    assert any(one.expected for one in found()[rule])
    assert any(not one.expected for one in found()[rule])
