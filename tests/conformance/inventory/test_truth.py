"""How often the inventory is right: what it says of open captures against what was read from their bytes by hand.

Each file here names a capture, how its truth was read, and all devices in it; what is left out of a device can't be known from the
bytes, so that saying anything of it is wrong. Precision is the share of what was said that is true, recall the share of what is true
that was said.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from sensor.inventory.known import known
from sensor.pipeline import ReplayConfig, replay
from sensor.store import Store
from tests.corpus import folder

ATTRIBUTES: Final = ("role", "vendor", "model", "firmware", "level")
LEAST_CAPTURES: Final = 12
LEAST_PRECISION: Final = 0.95
LEAST_SAID: Final = 5
"""Of so many of an attribute a share says something."""
TRUTHS: Final = sorted(Path(__file__).parent.glob("*.yml"))

needs_corpus = pytest.mark.skipif(folder() is None, reason="the open captures are not here (set FIELDTAP_CORPUS)")


def truth(file: Path) -> Mapping[str, Any]:
    """What a file says."""
    return dict(yaml.safe_load(file.read_text()))


def said(capture: Path, place: Path) -> dict[str, dict[str, Any]]:
    """What the inventory says of the devices of a capture, by all of their addresses."""
    result = replay(ReplayConfig(captures=[capture], store=place))
    assert result.store_error is None
    with Store.open(place) as store:
        devices = [asset for asset in known(store).assets if asset["parent"] is None]
    return {address: asset for asset in devices for address in {asset["id"], *asset["addresses"]}}


def judged(file: Path, place: Path) -> dict[str, tuple[int, int, int, list[str]]]:
    """For each attribute how many were said and true, said, and true at all, and what was wrong."""
    wanted, corpus = truth(file), folder()
    assert corpus is not None
    found = said(corpus / wanted["capture"], place)
    unknown = {asset["id"] for asset in found.values()} - {asset["id"] for address, asset in found.items() if address in wanted["assets"]}
    assert unknown == set(), f"{file.name} does not name {sorted(unknown)}"
    return {name: counted(name, wanted["assets"], found, file.stem) for name in ATTRIBUTES}


def counted(name: str, wanted: Mapping[str, Any], found: Mapping[str, Any], where: str) -> tuple[int, int, int, list[str]]:
    """The same for one attribute."""
    right = told = 0
    wrong: list[str] = []
    for address, expected in wanted.items():
        observed = found[address]["observed"].get(name, {}).get("value") if address in found else None
        if observed is None:
            continue
        told += 1
        if str(observed) in accepted(name, expected):
            right += 1
        else:
            wrong.append(f"{where}: {address} {name} is {expected.get(name)}, said {observed}")
    return right, told, sum(name in expected for expected in wanted.values()), wrong


def accepted(name: str, expected: Mapping[str, Any]) -> list[str]:
    """What is true of an attribute: one value, or one of a list where a device is several things."""
    held = expected.get(name)
    values = held if isinstance(held, list) else [held] if held is not None else []
    return [f"{value:.1f}" if name == "level" else str(value) for value in values]


@needs_corpus
def test_precision_and_recall(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    totals = {name: [0, 0, 0] for name in ATTRIBUTES}
    wrong: list[str] = []
    for file in TRUTHS:
        for name, (right, told, true, mistakes) in judged(file, tmp_path / f"{file.stem}.sqlite").items():
            totals[name] = [total + more for total, more in zip(totals[name], (right, told, true), strict=True)]
            wrong += mistakes
    lines = [f"{'':10}{'right':>6}{'said':>6}{'true':>6}  precision  recall"]
    for name, (right, told, true) in totals.items():
        lines.append(f"{name:10}{right:6}{told:6}{true:6}  {right / max(told, 1):9.3f}  {right / max(true, 1):6.3f}")
    with capsys.disabled():
        print(f"\nInventory against {len(TRUTHS)} captures\n" + "\n".join([*lines, *wrong]))
    low = [name for name, (right, told, _) in totals.items() if told >= LEAST_SAID and right / told < LEAST_PRECISION]
    assert low == [], "\n".join(wrong)
    assert all(told >= LEAST_SAID for _, told, _ in totals.values()), "too little is said for a share to mean anything"


def test_there_are_enough_and_they_say_how_the_truth_was_read() -> None:
    assert len(TRUTHS) >= LEAST_CAPTURES
    for file in TRUTHS:
        read = truth(file)
        assert set(read) == {"capture", "why", "assets"}
        assert len(read["why"]) > 40
        assert all(set(expected) <= set(ATTRIBUTES) for expected in read["assets"].values())
