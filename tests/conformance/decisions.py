"""Where we differ from a peer: a protocol's `decisions.yml` says for each capture and peer what differs and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml


def _counted(differences: Iterable[str]) -> Iterator[str]:
    """Each difference once, with how often it is there: `22 × theirs …`."""
    for text, number in Counter(differences).items():
        yield text if number == 1 else f"{number} × {text}"


class Decisions:
    """The decisions of a file: `captures` (ends of names), `peer`, `why`, `differences` (exact texts, `22 × ` before repeated ones)."""

    def __init__(self, place: Path) -> None:
        self.name = "/".join(place.parts[-4:])
        self.all: list[dict[str, Any]] = yaml.safe_load(place.read_text(encoding="utf-8"))

    def of(self, capture: Path, peer: str) -> list[str]:
        """The decided differences of a capture from a peer."""
        return sorted(
            str(text)
            for decision in self.all
            if decision["peer"] == peer and any(capture.name.endswith(name) for name in decision["captures"])
            for text in decision["differences"]
        )

    def hold(self, capture: Path, peer: str, differences: Iterable[str]) -> None:
        """Every difference is decided, and none is decided that isn't one any more."""
        seen, known = sorted(_counted(differences)), self.of(capture, peer)
        fresh = [text for text in seen if text not in known]
        gone = [text for text in known if text not in seen]
        assert not fresh, (
            f"{capture.name} against {peer}: {len(fresh)} new differences, such as {fresh[:10]}.\nLook at the bytes. If we are wrong, mend "
            f"the engine; if the peer is, or it is a limitation, write it into {self.name} with the reason."
        )
        assert not gone, f"{capture.name} against {peer}: no difference any more, take out of {self.name}: {gone[:10]}"
