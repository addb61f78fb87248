"""Where we differ from a peer: `decisions.yml` says for each capture and peer what differs and why."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml


@cache
def decided() -> list[dict[str, Any]]:
    """All decisions: `captures` (ends of names), `peer`, `why`, `differences` (exact texts)."""
    found: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("decisions.yml").read_text(encoding="utf-8"))
    return found


def assert_decided(capture: Path, peer: str, differences: Iterable[str]) -> None:
    """Every difference stands in `decisions.yml`, and none stands there that isn't one any more."""
    seen = sorted(differences)
    known = sorted(
        str(text)
        for decision in decided()
        if decision["peer"] == peer and any(capture.name.endswith(name) for name in decision["captures"])
        for text in decision["differences"]
    )
    fresh = [text for text in seen if text not in known]
    gone = [text for text in known if text not in seen]
    assert not fresh, (
        f"{capture.name} against {peer}: {len(fresh)} new differences, such as {fresh[:10]}.\nLook at the bytes. If we are wrong, mend the "
        "engine; if the peer is, or it is a limitation, write it into tests/conformance/decisions.yml with the reason."
    )
    assert not gone, f"{capture.name} against {peer}: no difference any more, take out of tests/conformance/decisions.yml: {gone[:10]}"
