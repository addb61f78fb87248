"""What a policy says of traffic that it doesn't simply allow."""

from __future__ import annotations

from dataclasses import dataclass

from zones.model import SEVERITIES

SKIPS_LEVELS = "skips_levels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a clause's occurrences mean. `reason` is the first of `reasons`; `conduit` (or exception) is None where none joins them.
    `line` is the line of `file` that decided (of `conduits:` where none did), `levels` are the zones' own, `skips` those passed by."""

    reason: str
    reasons: tuple[str, ...]
    title: str
    severity: str
    conduit: str | None
    references: tuple[str, ...]
    file: str
    sha256: str
    line: int
    from_zone: str
    to_zone: str
    from_asset: str | None
    to_asset: str | None
    levels: tuple[float | None, float | None]
    skips: tuple[float, ...]


class Violation(Verdict):
    """Not allowed. Reasons: `no_conduit` `direction` `internal` `protocol` `port` `unit` `access` `function` `sub_function` `point`
    `value` `denied` `user` `security_mode` (another than is allowed) `initiator` `rate` (more often than is allowed) `time` (not now, by a
    schedule or before an exception begins) `expired_exception`, and `skips_levels` beside one of them."""

    __slots__ = ()


class Coverage(Verdict):
    """Insufficient evidence. Reasons: `values_unseen`, `points_unseen`, `initiator_unseen`, `user_unseen`, `security_mode_unseen` (what
    decides was not in the capture), `places_unclear` (one address with too many MACs or VLANs to say where it stands)."""

    __slots__ = ()


def graver(severity: str) -> str:
    """One step up, where there is one."""
    return SEVERITIES[min(SEVERITIES.index(severity) + 1, len(SEVERITIES) - 1)]
