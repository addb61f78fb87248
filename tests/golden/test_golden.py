"""Each folder is a case: `case.yml` says why it exists and what is sent, `facts.jsonl` what the engine says about it."""

from __future__ import annotations

import difflib
import json
from pathlib import Path

import pytest
import yaml

from dissectors import Engine, Transaction
from dissectors import Observation as Seen
from tests.golden.crafted import write

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/*/case.yml"))

ADVICE = """
The engine says something else than {place}. If you meant that - a new field, a better name, a mended decode - read the difference, check
that it is all there is to it, and write the file anew with

    pytest tests/golden --update-golden

and commit it with the change that caused it. If you did not touch what this case is about ("{why}"), it is a bug."""


def facts(case: Path, folder: Path) -> list[str]:
    """All facts of a case as lines of JSON."""
    capture = folder / "case.pcap"
    write(yaml.safe_load((case / "case.yml").read_text(encoding="utf-8")), capture)
    lines = []
    for batch in Engine(follow=True, threads=1, digest=False).replay(capture):
        for fact in batch:
            if isinstance(fact, Transaction):
                lines.append(fact.to_json())
            elif isinstance(fact, Seen):
                said = {"observation": fact.attribute, "address": fact.address, "unit": fact.unit}
                lines.append(json.dumps({**said, "value": str(fact.value), "field": fact.field}))
            else:
                names = ("name", "protocol", "source", "layer", "offset", "needed", "available")
                lines.append(json.dumps({"anomaly": {name: getattr(fact, name) for name in names}, "packet": fact.moment.packet}))
    return lines


@pytest.mark.parametrize("case", CASES, ids=[f"{case.parent.name}-{case.name}" for case in CASES])
def test_facts_are_as_they_were(case: Path, tmp_path: Path, update_golden: bool) -> None:
    said = "".join(line + "\n" for line in facts(case, tmp_path))
    place = case / "facts.jsonl"
    if update_golden:
        place.write_text(said, encoding="utf-8")
    kept = place.read_text(encoding="utf-8") if place.is_file() else ""
    if said != kept:
        why = yaml.safe_load((case / "case.yml").read_text(encoding="utf-8"))["why"]
        difference = "\n".join(difflib.unified_diff(kept.splitlines(), said.splitlines(), str(place), "now", lineterm=""))
        pytest.fail(difference + "\n" + ADVICE.format(place=place.name, why=why.strip()), pytrace=False)


def test_there_are_cases() -> None:
    assert len(CASES) >= 12
