"""The captures of the mixed plant, whole: what was said over which protocol, and every finding by the plant's policy and the catalog."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sensor.pipeline import ReplayConfig, replay
from tests.corpus import PROJECT

PLACE = Path(__file__).parent / "mixed"
SAID = ("kind", "severity", "title", "conduit", "rule", "reason", "protocol", "unit", "access", "count", "outcomes")

ADVICE = """
Something else is found in {capture}. If you meant that - a new rule, a better point, a mended decode - read the difference, check that it
is all there is to it, and write the file anew with

    pytest tests/golden --update-golden

and commit it with the change that caused it (README shows a part of it: `python -m tests.demo`). Otherwise it is a bug."""


def lines(capture: str) -> Iterator[str]:
    """Protocols with their functions, then findings as far as they say what happened, one line of JSON each."""
    policy = PROJECT / "zones" / "examples" / "lakeside.yml"
    document = replay(ReplayConfig(captures=[PROJECT / "pcaps" / capture], zones=policy, keep=False, threads=1)).to_dict()
    for name, counts in sorted(document["protocols"].items()):
        yield json.dumps({"spoken": name, "transactions": counts["transactions"], "functions": counts["functions"]})
    yield from (json.dumps(told(finding)) for finding in document["findings"])


def told(finding: Mapping[str, Any]) -> dict[str, Any]:
    """What a finding says, without its id and times."""
    found = {name: finding[name] for name in SAID if finding.get(name) is not None}
    sides = {side: address(finding[side]) for side in ("client", "server") if finding[side]}
    function = finding["sub_function"] or finding["function"]
    found |= sides | ({} if function is None else {"function": function["name"]})
    return found | {"points": [point["point"] for point in finding["points"]][:8], "first_packet": (finding["packets"] or [None])[0]}


def address(side: Mapping[str, Any]) -> str:
    return str(side.get("ip") or side.get("mac"))


@pytest.mark.parametrize("name", ["normal", "attack"])
def test_what_is_found_is_as_it_was(name: str, update_golden: bool) -> None:
    said = "".join(line + "\n" for line in lines(f"mixed/{name}.pcapng"))
    place = PLACE / f"{name}.jsonl"
    if update_golden:
        place.parent.mkdir(exist_ok=True)
        place.write_text(said, encoding="utf-8")
    kept = place.read_text(encoding="utf-8") if place.is_file() else ""
    if said != kept:
        difference = "\n".join(difflib.unified_diff(kept.splitlines(), said.splitlines(), str(place), "now", lineterm=""))
        pytest.fail(difference + "\n" + ADVICE.format(capture=f"mixed/{name}.pcapng"), pytrace=False)
