"""The forms of a report. Each stands in a module of its own, loaded when it is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from sensor.reports.model import Report
from sensor.reports.references import DISCLAIMER, WORDING, references

_MADE_BY: Final[Mapping[str, str]] = {
    "html": "sensor.reports.html", "pdf": "sensor.reports.pdf", "csv": "sensor.reports.csv_form", "xlsx": "sensor.reports.xlsx",
    "json": "sensor.reports.forms",
}  # fmt: skip
FORMATS: Final = tuple(_MADE_BY)
TEXT: Final = ("html", "csv", "json")
"""Forms that may go to a terminal or a pipe without harm."""


class FormMissing(Exception):
    """A form needs a package that is not installed. The text says which, and how to get it."""


def format_of(path: Path) -> str | None:
    """The format that a file's ending names; None where it names none."""
    ending = path.suffix.lower().lstrip(".")
    known = {**{name: name for name in FORMATS}, "htm": "html"}
    return known.get(ending)


def made(report: Report, form: str, **wanted: Any) -> bytes:
    """The report in a form, as bytes. Raises FormMissing."""
    render: Callable[..., bytes] = import_module(_MADE_BY[form]).render
    return render(report, **wanted)


def render(report: Report) -> bytes:
    """JSON, as README.md here documents it."""
    from sensor.reports.coverage import THRESHOLDS
    from sensor.reports.method import LIMITS, METHOD

    document = {
        **report.to_dict(), "thresholds": [threshold._asdict() for threshold in THRESHOLDS], "method": METHOD, "limits": LIMITS,
        "references": {"note": DISCLAIMER, "wording": WORDING, "entries": [asdict(one) for one in references()]},
    }  # fmt: skip
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace")
