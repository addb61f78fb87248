"""Every rule of the catalog: a slice of the capture on which it fires makes the same finding again, alone."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

import dissectors
from dissectors import Engine
from rules.evidence import everything
from rules.loader import catalog
from rules.plan import Rule
from sensor.evidence.annotated import annotated
from sensor.evidence.slices import Slice, replayed, slice_of
from sensor.findings import Finding, finding_of
from sensor.pipeline import analyse
from sensor.plan import Plan, services
from tests.rules.test_evidence import PCAPS

pytestmark = pytest.mark.skipif(getattr(dissectors._native, "__file__", None) is None, reason="the native engine is not built")


Given = tuple[tuple[str, tuple[str, ...]], ...]


@cache
def whole(given: Given = ()) -> Plan:
    return Plan(policy=None, rules=everything([catalog()], dissectors.protocols(), services(), dict(given)), digest="")


@cache
def found(capture: str, given: Given) -> list[Finding]:
    engine = Engine(follow=False, threads=1, digest=False)
    engine.open([str(PCAPS / capture)])
    return analyse(engine, whole(given), alerts_per_hour=0).findings  # type: ignore[return-value]


def given_by(rule: Rule) -> Given:
    return tuple(sorted(rule.evidence.placeholders.items()))


def made(rule: Rule) -> tuple[Finding, Slice]:
    capture, given = rule.evidence.fires_on[0].capture, given_by(rule)
    first = next(one for one in found(capture, given) if one.statement.rule == rule.alert.rule)
    return first, slice_of(finding_of(first.to_dict()), [PCAPS / capture], whole(given))


@pytest.mark.parametrize("rule", whole().rules.rules, ids=lambda rule: str(rule.name))
def test_a_slice_makes_the_same_finding_again(rule: Rule, tmp_path: Path) -> None:
    finding, cut = made(rule)
    assert cut.same, f"{rule.name}: {cut.why}, {cut.occurrences} of {finding.count} occurrences in {len(cut.places)} frames"
    noted = annotated(cut.frames, "a finding", {0: "the first", len(cut.frames) - 1: "the last"})
    occurrences, _, same = replayed(finding, noted, whole(given_by(rule)), tmp_path)
    assert (occurrences, same) == (cut.occurrences, True), "with comments it is the same"
