"""The timeline as one page without scripts that loads nothing. Its looks are the report's (sensor/reports/report.css) and timeline.css."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sensor.cli.words import clock, number, size, span
from sensor.timeline.words import change, packet, values, what, who

if TYPE_CHECKING:
    from sensor.timeline.story import Timeline

_FOLDER: Final = Path(__file__).parent
MOST_EVENTS: Final = 5_000
"""Events that the page tells; the JSON has the rest, and the page says so."""
MOST_CHANGES: Final = 64
TITLES: Final = {
    "host": "host", "contact": "contact", "write": "write", "mode": "mode", "program": "program", "configure": "configure",
    "transfer": "program or file", "finding": "finding", "incident": "incident",
}  # fmt: skip


def render(timeline: Timeline) -> bytes:
    """The whole page."""
    import jinja2

    style = "\n".join(
        (folder / name).read_text("utf-8") for folder, name in ((_FOLDER.parent / "reports", "report.css"), (_FOLDER, "timeline.css"))
    )
    digest = "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": number, "clock": clock, "size": size}
    template = environment.from_string((_FOLDER / "timeline.html.j2").read_text("utf-8"))
    told = timeline.told()
    text = template.render(
        timeline=timeline, style=style, style_digest=digest, events=told[:MOST_EVENTS], more=max(0, len(told) - MOST_EVENTS),
        counts=_counts(timeline), span=_span(timeline), who=who, what=what, change=change, values=values, packet=packet, titles=TITLES,
        most_changes=MOST_CHANGES, length=span, transfers=[transfer.to_dict() for transfer in timeline.transfers], version=_version(),
    )  # fmt: skip
    return text.encode("utf-8", "replace")


def _version() -> str:
    from sensor.outputs.json_result import fieldtap_version

    return fieldtap_version()


def _span(timeline: Timeline) -> tuple[str, str] | None:
    times = [(one["first"], one["last"]) for one in timeline.result.engine["captures"] if one["first"] is not None]
    return (min(first for first, _ in times), max(last for _, last in times)) if times else None


def _counts(timeline: Timeline) -> list[tuple[str, int, str]]:
    """The figures at the top: what, how many, how they look."""
    events: list[dict[str, Any]] = timeline.events  # type: ignore[assignment]
    of = {kind: sum(event["kind"] == kind for event in events) for kind in TITLES}
    return [
        ("incident" if len(timeline.incidents) == 1 else "incidents", len(timeline.incidents), "bad"), ("findings", of["finding"], "bad"),
        ("bursts of writes", of["write"], ""), ("changes of mode", of["mode"], "warn"),
        ("changes of programs and configurations", of["program"] + of["configure"], ""),
        ("programs and files that passed", of["transfer"], ""),
    ]  # fmt: skip
