"""Each rule of the catalog fires on the captures that it names, with the count that it names, and stays silent on the others."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

import dissectors
from rules.loader import catalog, compile_rules
from rules.plan import Plan, Rule

PCAPS = Path(__file__).parents[2] / "pcaps"

pytestmark = pytest.mark.skipif(getattr(dissectors._native, "__file__", None) is None, reason="the native engine is not built")


@cache
def plan() -> Plan:
    """All rules, active: placeholders stand for what the rules say of the captures."""
    first = compile_rules([catalog()], dissectors.protocols())
    names = {inactive.placeholder for inactive in first.inactive}
    everything = compile_rules([catalog()], dissectors.protocols(), {name: ["192.0.2.1"] for name in names})
    values: dict[str, set[str]] = {}
    for rule in everything.rules:
        for name, given in rule.evidence.placeholders.items():
            values.setdefault(name, set()).update(given)
    return compile_rules([catalog()], dissectors.protocols(), {name: sorted(given) for name, given in values.items()})


@cache
def found(capture: str) -> dict[str, int]:
    """What all rules find on a capture, by rule name."""
    from rules.evidence import Trial

    return dict(Trial(plan(), PCAPS / capture).run())


def test_every_rule_is_active() -> None:
    assert not plan().inactive


def rules() -> list[Rule]:
    return list(plan().rules) if getattr(dissectors._native, "__file__", None) else []


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule.name))
def test_evidence(rule: Rule) -> None:
    for fires in rule.evidence.fires_on:
        assert found(fires.capture).get(rule.name, 0) == fires.expected, f"{rule.name} on {fires.capture}"
    for capture in rule.evidence.silent_on:
        assert found(capture).get(rule.name, 0) == 0, f"{rule.name} on {capture}"
