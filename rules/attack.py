"""ATT&CK for ICS ids: the current release's, and what the one before it called them (v19's crosswalk from v18)."""

from __future__ import annotations

import re
from typing import NamedTuple

RENAMED = {
    "T1691.001": "T0803",
    "T1691.002": "T0804",
    "T1692.001": "T0855",
    "T1692.002": "T0856",
    "T1693.001": "T0857",
    "T1693.002": "T0839",
    "T1694.001": "T0812",
    "T1694.002": "T0891",
    "T1695.001": "T0805",
}
"""Current id → the id until v18. Ids that are not here kept theirs; a sub-technique that v19 added belongs to its parent."""

REVOKED = {legacy: current for current, legacy in RENAMED.items()}
"""Ids that v19 revoked → what to write instead."""

_TECHNIQUE = re.compile(r"T\d{4}(\.\d{3})?")


class Attack(NamedTuple):
    """A technique: `id` of the current release, `legacy_id` of v18 (the same where nothing changed)."""

    id: str
    legacy_id: str


def technique(tag: str) -> Attack | None:
    """The technique that a Sigma tag (`attack.t1692.001`) names; None for a tactic or another namespace.

    Raises ValueError, with what to write instead, for an id that the current release revoked.
    """
    namespace, _, name = tag.partition(".")
    identifier = name.upper()
    if namespace != "attack" or not _TECHNIQUE.fullmatch(identifier):
        return None
    if identifier in REVOKED:
        raise ValueError(f"{identifier} was revoked in ATT&CK v19: write attack.{REVOKED[identifier].lower()}")
    return Attack(id=identifier, legacy_id=RENAMED.get(identifier, identifier.partition(".")[0]))
