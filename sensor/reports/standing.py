"""What people decided of findings, as a report says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sensor.reports.model import Alert, Verdict


def is_open(one: Verdict | Alert) -> bool:
    """Whether nobody decided anything of it, and nobody suppressed it."""
    return one.disposition == "open" and one.suppressed is None


def standing(one: Verdict | Alert) -> list[str]:
    """What people decided of it, in words: `accepted by J. Smith: loading test`."""
    said = [] if one.disposition == "open" else [f"{one.disposition} by {one.decided_by}: {one.because}"]
    by = one.suppressed
    return said if by is None else [*said, f"suppressed until {by['until'][:10]} by {by['who']}: {by['why']}"]


def decided(found: Sequence[Verdict | Alert]) -> str:
    """How many of them are not open any more: `2 accepted, 1 suppressed`; empty without any."""
    counts = Counter("suppressed" if one.disposition == "open" else one.disposition for one in found if not is_open(one))
    return ", ".join(f"{counts[name]:,} {name}" for name in ("accepted", "fixed", "suppressed") if counts[name])
