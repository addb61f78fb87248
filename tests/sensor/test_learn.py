"""What is learned from captures: a valid policy under which the same captures give no violation, the same each time."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensor.past import homes_of, kept_in, places_of, seen_by
from sensor.pipeline import ReplayConfig, replay
from sensor.result import Result
from sensor.store import Store
from tests import corpus
from zones import check
from zones.proposal import Proposal, extended, proposed

ROOT = Path(__file__).parents[2]
OWN = sorted(path for path in (ROOT / "pcaps").glob("*/*.pcap*") if path.is_file())
MOST_BYTES = 60_000
SPREAD = 6
"""Every so manyeth of the corpus: enough to meet each kind of traffic."""
OTHERS = corpus.captures(most=MOST_BYTES)[::SPREAD]


def _judged(capture: Path, policy: Path | None = None, **given: object) -> Result:
    return replay(ReplayConfig(captures=[capture], zones=policy, catalog=False, keep=False, cache=False, **given))  # type: ignore[arg-type]


def _violations(result: Result) -> list[str]:
    return [finding.statement.title for finding in result.findings if finding.statement.kind == "violation"]


def _proposed(result: Result) -> Proposal:
    return proposed(seen_by(result), places_of(result))


@pytest.mark.parametrize("capture", [*OWN, *OTHERS], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_under_what_was_learned_nothing_is_a_violation(capture: Path, tmp_path: Path) -> None:
    result = _judged(capture)
    made = _proposed(result)
    assert made == _proposed(result)
    path = tmp_path / "learned.yml"
    path.write_text(made.text)
    problems = [problem for problem in check(str(path)) if problem.level == "error" or "not dissected" not in problem.what]
    assert problems == []
    assert _violations(_judged(capture, path)) == []


def test_an_attack_is_a_violation_of_what_was_learned_before_it(tmp_path: Path) -> None:
    path = tmp_path / "learned.yml"
    path.write_text(_proposed(_judged(ROOT / "pcaps" / "mixed" / "normal.pcapng")).text)
    said = _violations(_judged(ROOT / "pcaps" / "mixed" / "attack.pcapng", path))
    assert any("s7comm mode from 10.30.0.41" in title for title in said)
    assert any("modbus write from" in title for title in said)


def test_batches_and_threads_change_nothing() -> None:
    capture = ROOT / "pcaps" / "mixed" / "attack.pcapng"
    assert _proposed(_judged(capture, batch_packets=1, threads=1)) == _proposed(_judged(capture, threads=2))


def test_learning_into_a_policy_leaves_nothing_forbidden_but_what_it_denies(tmp_path: Path) -> None:
    from zones import compile_policy

    capture, policy = ROOT / "pcaps" / "mixed" / "attack.pcapng", ROOT / "zones" / "examples" / "lakeside.yml"
    result = _judged(capture)
    made = extended(seen_by(result), places_of(result), compile_policy(str(policy)), policy.read_text())
    path = tmp_path / "more.yml"
    path.write_text(made.text)
    assert [problem for problem in check(str(path)) if problem.level == "error"] == []
    before, after = _judged(capture, policy), _judged(capture, path)
    assert len(_violations(before)) > 100
    left = [one for one in after.findings if one.statement.kind == "violation"]
    # A store of operations has no values: what a line limits by values counts as known, and stays as it was judged.
    assert {one.statement.reason for one in left} <= {"value"}


def test_from_the_store_with_the_zones_that_people_declared(tmp_path: Path) -> None:
    from sensor.inventory.declared import Declaration

    store, capture = tmp_path / "s.sqlite", ROOT / "pcaps" / "plant" / "normal.pcapng"
    replay(ReplayConfig(captures=[capture], catalog=False, store=store, cache=False))
    with Store.open(store) as held:
        said = [("10.20.3.5", "zone", "operations"), ("10.20.3.5", "level", "3"), ("10.20.1.13", "zone", "no\nname")]
        held.declare(Declaration(asset=asset, name=name, value=value, who="me", why="test", source="test") for asset, name, value in said)
        made = proposed(kept_in(held), places_of(None), homes=homes_of(held))
    assert 'operations: {level: 3, assets: ["10.20.3.5"]}' in made.text
    path = tmp_path / "learned.yml"
    path.write_text(made.text)
    assert check(str(path)) == []
    assert _violations(_judged(capture, path)) == []
