"""What changed since an earlier report, which is given as its JSON: nothing has to be remembered, and the same two give the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from sensor.reports.model import VERSION, Report

_MATTER: Final = ("reason", "source", "target", "conduit", "client", "server", "protocol", "unit", "function", "access")
"""What makes two violations the same matter in two reports: their ids differ where their first times do."""


class NoReport(ValueError):
    """What is compared with is no report of this version."""


def compared(report: Report, earlier: Mapping[str, Any]) -> Report:
    """The report with its changes. `earlier` is the JSON of another one. Raises NoReport."""
    if earlier.get("fieldtap_report") != VERSION:
        raise NoReport(f"it is not the JSON of a report (fieldtap_report: {VERSION})")
    try:
        before = {_matter(verdict): verdict["title"] for chapter in earlier["chapters"] for verdict in chapter["violations"]}
        since = str(earlier["made"])
    except (KeyError, TypeError) as error:
        raise NoReport(f"it lacks {error}") from error
    now = {_matter(asdict(verdict)): verdict.title for chapter in report.chapters for verdict in chapter.violations}
    changes = {
        "since": since, "new": [title for key, title in now.items() if key not in before],
        "again": [title for key, title in now.items() if key in before], "gone": [title for key, title in before.items() if key not in now],
    }  # fmt: skip
    return replace(report, changes=changes)


def _matter(verdict: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(verdict[name] for name in _MATTER)
