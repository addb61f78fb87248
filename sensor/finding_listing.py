"""Findings as the store keeps them, with what people decided since: dispositions, and what is suppressed now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sensor.clock import nanoseconds
from sensor.finding_selection import selection
from sensor.findings import SEVERITIES
from sensor.suppressions import Suppressed, kept

if TYPE_CHECKING:
    from sensor.store import Store


class Listing(NamedTuple):
    """Findings that were asked for, the gravest first; of those that are suppressed only how many findings and occurrences they are."""

    findings: Sequence[Mapping[str, Any]]
    suppressed: int
    occurrences: int


def listing(
    store: Store, terms: Sequence[str] = (), *, since: int | None = None, until: int | None = None, suppressed: bool = False
) -> Listing:  # fmt: skip
    """Those that fit the filters and happened from `since` to before `until` (capture time, ns). `suppressed`: give these as well.

    Raises SelectionError.
    """
    wanted = selection(terms)
    found = [finding for finding in decided(store, store.findings()) if wanted(finding) and _within(finding, since, until)]
    found.sort(key=lambda finding: (-SEVERITIES.index(finding["severity"]), finding["first"], finding["id"]))
    if suppressed:
        return Listing(found, 0, 0)
    hidden = [finding for finding in found if "suppressed" in finding]
    return Listing([one for one in found if "suppressed" not in one], len(hidden), sum(finding["count"] for finding in hidden))


def stories(store: Store, *, since: int | None = None, until: int | None = None) -> list[dict[str, Any]]:
    """The incidents in what the store holds now, over all runs and without what is suppressed, the gravest first; those that overlap the
    time from `since` to before `until` (capture time, ns)."""
    from dataclasses import replace

    from sensor.findings import finding_of
    from sensor.incidents import incidents

    found = [replace(finding_of(one), suppressed=one.get("suppressed")) for one in decided(store, store.findings())]
    return [said for incident in incidents(found) if _within(said := incident.to_dict(), since, until)]


def decided(store: Store, findings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same with `disposition` and `suppressed` as they are now: what the run that kept them knew of that is no longer asked."""
    from sensor.reports.kept import dispositions

    suppressions, dispositions_of = Suppressed(kept(store)), dispositions(store)
    return [_decided(finding, suppressions, dispositions_of) for finding in findings]


def _decided(
    finding: Mapping[str, Any], suppressions: Suppressed, dispositions: Mapping[str, tuple[str, str, str]]
) -> dict[str, Any]:  # fmt: skip
    made = {name: value for name, value in finding.items() if name != "suppressed"}
    decision = dispositions.get(finding["id"])
    if decision is not None:
        made["disposition"] = dict(zip(("state", "who", "why"), decision, strict=True))
    by = suppressions.by(made, nanoseconds(finding["last"]))
    if by is not None:
        made["suppressed"] = by.to_dict()
    return made


def _within(finding: Mapping[str, Any], since: int | None, until: int | None) -> bool:
    return (since is None or nanoseconds(finding["last"]) >= since) and (until is None or nanoseconds(finding["first"]) < until)
