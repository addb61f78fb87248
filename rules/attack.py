"""ATT&CK for ICS: techniques by release and the crosswalk between them, as data (`attack.json`); rules name those of the pinned release.

A new release is added to the data beside the others and pinned there; `pytest tests/rules` then says which rules name what it revoked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

_TECHNIQUE = re.compile(r"T\d{4}(\.\d{3})?")


class Attack(NamedTuple):
    """A technique: `id` of the pinned release, `legacy_id` of the one before it (the same where nothing changed)."""

    id: str
    legacy_id: str


@cache
def data() -> Mapping[str, Any]:
    """All releases. Read when the first rule is: a start from a kept plan does without."""
    import json
    from importlib.resources import files

    made: Mapping[str, Any] = json.loads(files("rules").joinpath("attack.json").read_text(encoding="utf-8"))
    return made


def pinned() -> Mapping[str, Any]:
    """The release that rules are held against: `techniques` (id → name and tactics) and `revoked` (id → what to write instead)."""
    release: Mapping[str, Any] = data()["releases"][data()["pinned"]]
    return release


def legacy(identifier: str) -> str:
    """What the release before the pinned one calls a technique; a sub-technique that is new belonged to its parent."""
    known = data()
    for before, now in known["crosswalk"].items():
        if now == identifier:
            return str(before)
    techniques = known["releases"][known["before"]]["techniques"]
    return identifier if identifier in techniques else identifier.partition(".")[0]


def technique(tag: str) -> Attack | None:
    """The technique that a Sigma tag (`attack.t1692.001`) names; None for a tactic or another namespace.

    Raises ValueError, with what to write instead, for an id that the pinned release revoked or does not know, and for a technique that
    nobody sees on a network.
    """
    namespace, _, name = tag.partition(".")
    identifier = name.upper()
    if namespace != "attack" or not _TECHNIQUE.fullmatch(identifier):
        return None
    release, number = pinned(), data()["pinned"]
    if identifier in release["revoked"]:
        raise ValueError(f"{identifier} was revoked in ATT&CK v{number}: write attack.{release['revoked'][identifier].lower()}")
    if identifier not in release["techniques"]:
        raise ValueError(f"{identifier} is no technique of ATT&CK for ICS v{number}")
    if identifier in data()["not_seen_passively"]:
        raise ValueError(f"{identifier} ({release['techniques'][identifier]['name']}) can't be seen passively, so no rule can claim it")
    return Attack(id=identifier, legacy_id=legacy(identifier))
