"""The alert budget, measured: alerts per hour of clean traffic, with every rule of the catalog active. CI prints it (tests/conftest.py)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import dissectors
from dissectors import Engine
from rules.evidence import everything
from rules.loader import catalog
from rules.plan import Plan as Rules
from sensor.clock import HOUR, MINUTE
from sensor.evidence.frames import frames
from sensor.pipeline import analyse
from sensor.plan import Plan, load, services
from tests import corpus
from tests.conformance.test_clean import CLEAN
from tests.rules.test_evidence import PCAPS

OWN = ("plant/normal.pcapng", "dnp3/normal.pcapng", "s7/normal.pcapng", "s7/plus-normal.pcap", "opcua/normal.pcapng", "mixed/normal.pcapng")
"""The project's own captures of ordinary days."""
BUDGET = 0.0
"""Alerts per hour that clean traffic may give."""

pytestmark = pytest.mark.skipif(getattr(dissectors._native, "__file__", None) is None, reason="the native engine is not built")


def measured(captures: Sequence[Path], whole: Plan) -> tuple[Counter[str], float]:
    """Alerts by title, and hours of traffic: minutes in which there was any, since some captures' clocks leap by years."""
    alerts, hours = Counter[str](), 0.0
    for path in captures:
        engine = Engine(follow=False, threads=1, digest=False)
        engine.open([str(path)])
        result = analyse(engine, whole, alerts_per_hour=0)
        alerts.update(one.statement.title for one in result.findings if one.statement.kind == "alert")
        hours += len({frame.time // MINUTE for frame in frames(path)}) * MINUTE / HOUR
    return alerts, hours


def told() -> Rules:
    """The catalog, told who is who on our own captures: what the rules say of it beside their evidence, together."""
    silent = everything([catalog()], dissectors.protocols(), services())
    given: dict[str, tuple[str, ...]] = {}
    for rule in silent.rules:
        for name, values in rule.evidence.placeholders.items():
            given[name] = tuple(sorted({*given.get(name, ()), *values}))
    return everything([catalog()], dissectors.protocols(), services(), given)


@pytest.mark.parametrize("where", ["own", "corpus"])
def test_clean_traffic_keeps_the_budget(where: str, record_property: Callable[[str, object], None]) -> None:
    if where == "corpus" and corpus.folder() is None:
        pytest.skip("the corpus is not there (set FIELDTAP_CORPUS)")
    captures = [PCAPS / name for name in OWN] if where == "own" else [corpus.named(name) for name in CLEAN]
    # Of other people's plants nobody knows who may write: rules that have to be told are active on our own captures alone.
    active = Plan(policy=None, rules=told(), digest="") if where == "own" else load(None)
    alerts, hours = measured(captures, active)
    total, rules = sum(alerts.values()), 0 if active.rules is None else len(active.rules.rules)
    said = f"{total} alerts in {hours:,.2f} h of {len(captures)} captures ({where}), {total / hours:.2f} an hour, {rules} rules active"
    record_property("alert budget", f"{said}{''.join(f'; {title}: {count}' for title, count in alerts.most_common(10))}")
    print(said)
    assert total <= BUDGET * hours, f"beyond the budget of {BUDGET} an hour: {dict(alerts)}"
