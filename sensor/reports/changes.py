"""What changed since an earlier report, which is given as its JSON: nothing has to be remembered, and the same two give the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from sensor.reports.model import VERSION, Report
from sensor.reports.standing import standing

WORDS: Final = {
    "new": "new violations", "again": "seen again", "gone": "not seen any more", "decided": "decided since",
}  # fmt: skip
"""What `changes` lists, as people read it."""
_MATTER: Final = ("reason", "source", "target", "conduit", "client", "server", "protocol", "unit", "function", "access")
"""What makes two violations the same matter in two reports: their ids differ where their first times do."""


class NoReport(ValueError):
    """What is compared with is no report of this version."""


def compared(report: Report, earlier: Mapping[str, Any]) -> Report:
    """The report with its changes. `earlier` is the JSON of another one. Raises NoReport."""
    if earlier.get("fieldtap_report") != VERSION:
        raise NoReport(f"it is not the JSON of a report (fieldtap_report: {VERSION})")
    try:
        before = {_matter(verdict): verdict for chapter in earlier["chapters"] for verdict in chapter["violations"]}
        titles = {key: str(verdict["title"]) for key, verdict in before.items()}
        since = str(earlier["made"])
    except (KeyError, TypeError) as error:
        raise NoReport(f"it lacks {error}") from error
    now = {_matter(asdict(verdict)): verdict for chapter in report.chapters for verdict in chapter.violations}
    again = [(verdict, before[key]) for key, verdict in now.items() if key in before]
    changes = {
        "since": since, "new": [verdict.title for key, verdict in now.items() if key not in before],
        "again": [verdict.title for verdict, _ in again], "gone": [title for key, title in titles.items() if key not in now],
        "decided": [
            f"{verdict.title} ({'; '.join(standing(verdict)) or 'open again'})"
            for verdict, then in again
            if (verdict.disposition, verdict.suppressed) != (then.get("disposition", "open"), then.get("suppressed"))
        ],
    }  # fmt: skip
    return replace(report, changes=changes)


def _matter(verdict: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(verdict[name] for name in _MATTER)
