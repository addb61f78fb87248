"""The policies that ship, each with the expectations that ship beside it: all are met, whenever they are run, and no line of a policy
could go without one of them noticing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, tzinfo
from importlib.resources import files
from pathlib import Path

import pytest

from sensor.pipeline import ReplayConfig, replay
from tests.sensor.cli.run import fieldtap
from zones import Conduit, Policy, compile_policy, expectations
from zones.expectations import check_expectations

FOLDER = Path(str(files("zones") / "examples"))
EXAMPLES = sorted(FOLDER.glob("*.yml"))
CAPTURES = Path(__file__).parents[2] / "pcaps"
NAMES = [path.stem for path in EXAMPLES]


def _tests(example: str) -> str:
    return str(FOLDER / "tests" / f"{example}.yml")


def test_there_are_examples_of_four_kinds_of_plant_and_each_has_tests() -> None:
    assert {"lakeside", "substation", "packaging-line", "building"} <= set(NAMES)
    assert sorted(path.stem for path in (FOLDER / "tests").glob("*.yml")) == NAMES


def test_no_example_has_a_flaw(tmp_path: Path) -> None:
    """In a process of its own: a plug-in that another test switched on stays in the vocabulary of this one."""
    ended = fieldtap(tmp_path, "zones", "check", *EXAMPLES)
    assert (ended.code, ended.err) == (0, "")
    assert [line.rsplit("; ", 1)[1] for line in ended.out.splitlines()] == ["nothing wrong"] * len(EXAMPLES)


class _Clock:
    """Stands for `datetime`, at a time of its own."""

    def __init__(self, text: str) -> None:
        self._text = text

    def now(self, zone: tzinfo) -> datetime:
        return datetime.fromisoformat(self._text).replace(tzinfo=zone)


@pytest.mark.parametrize("now", ["2026-01-01T03:00", "2026-06-03T10:30", "2026-08-08T23:30", "2027-03-28T02:30"])
@pytest.mark.parametrize("example", NAMES)
def test_expectations_are_met_whenever_they_are_asked(example: str, now: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expectations, "datetime", _Clock(now))
    checked = check_expectations(compile_policy(str(FOLDER / f"{example}.yml")), _tests(example))
    assert [(one.line, one.name, one.wrong) for one in checked if one.wrong] == []
    assert len(checked) >= 10


def _without(policy: Policy) -> Iterator[tuple[str, Policy]]:
    """The policy with one line less, for each of its lines."""
    for place, conduit in enumerate(policy.conduits):
        for what in ("allow", "deny"):
            for number, line in enumerate(getattr(conduit, what)):
                rest = [other for index, other in enumerate(getattr(conduit, what)) if index != number]
                less: Conduit = replace(conduit, **{what: tuple(rest)})
                yield (
                    f"{what} of {conduit.id}, line {line.line}",
                    replace(policy, conduits=(*policy.conduits[:place], less, *policy.conduits[place + 1 :])),
                )


@pytest.mark.parametrize("example", NAMES)
def test_each_line_of_an_example_is_asked_for(example: str) -> None:
    policy = compile_policy(str(FOLDER / f"{example}.yml"))
    unnoticed = [what for what, less in _without(policy) if all(one.wrong is None for one in check_expectations(less, _tests(example)))]
    assert unnoticed == []


@pytest.mark.parametrize("capture", ["s7/normal.pcapng", "s7/plus-normal.pcap", "s7/plus-engineering.pcap"])
def test_an_ordinary_shift_of_the_packaging_line_breaks_nothing(capture: str) -> None:
    assert _violations(capture) == []


@pytest.mark.parametrize(
    ("capture", "who"), [("s7/attack.pcapng", "10.20.9.66"), ("s7/plus-intrusion.pcap", "10.20.9.66"), ("s7/blocks.pcap", "10.20.4.9")]
)
def test_an_intruder_and_an_engineer_out_of_hours_do(capture: str, who: str) -> None:
    found = _violations(capture)
    assert {one["client"]["ip"] for one in found} == {who}
    assert {one["reason"] for one in found} == {"time" if who == "10.20.4.9" else "no_conduit"}


def _violations(capture: str) -> list[dict[str, object]]:
    config = ReplayConfig(captures=[CAPTURES / capture], zones=FOLDER / "packaging-line.yml", catalog=False, keep=False, cache=False)
    found = [finding.to_dict() for finding in replay(config).findings]
    return [one for one in found if one["kind"] == "violation"]
