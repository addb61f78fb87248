"""PDF, for signing. Made with reportlab, which is pure Python, needs no browser and no system library, and is an extra of the package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any, Final

from sensor.reports import pdf_style
from sensor.reports.changes import WORDS
from sensor.reports.coverage import THRESHOLDS, Coverage, share
from sensor.reports.forms import FormMissing
from sensor.reports.html import EFFECTS, RESULTS, Matter, grid, matters
from sensor.reports.method import LIMITS, METHOD
from sensor.reports.model import NONE_SEEN, VIOLATIONS, Chapter, Pair, Report, Verdict, span
from sensor.reports.references import DISCLAIMER, WORDING, references
from sensor.reports.standing import decided, is_open, standing
from sensor.reports.tables import packets_of

MOST_ROWS: Final = 1_000
"""Verdicts that a chapter lists; the rest stands in the other forms, and the report says so."""
_MOST_ZONES: Final = 12
"""A wider matrix doesn't fit a page: its pairs stand in the table of coverage."""


def render(report: Report) -> bytes:
    """The whole file. Raises FormMissing without reportlab."""
    try:
        page = pdf_style.Page(report)
    except ImportError:
        how = "PDF needs the package reportlab: pip install 'fieldtap[pdf]' (HTML, printed by a browser, needs nothing)."
        raise FormMissing(how) from None
    out = BytesIO()
    story = [part for chapter in report.chapters for part in _chapter(page, chapter)]
    page.build(out, [*_cover(page, report), *story, *_end(page)])
    return out.getvalue()


def _clock(text: str | None) -> str:
    return "–" if text is None else text[:19].replace("T", " ")


def _cover(page: pdf_style.Page, report: Report) -> Iterator[Any]:
    first, last = report.span
    yield page.text("Zones and conduits report", "title")
    yield page.text(report.chapters[0].site or report.chapters[0].file, "subtitle")
    yield page.text(f"{_clock(first)} – {_clock(last)} UTC · made {_clock(report.made)} UTC with Fieldtap {report.fieldtap}", "dim")
    yield page.space(8)
    if len(report.chapters) > 1:
        yield page.box(report.statement.result, RESULTS[report.statement.result], report.statement.text, ())
        yield page.space(6)
    if report.changes is not None:
        yield from _changes(page, report.changes)


def _changes(page: pdf_style.Page, changes: Mapping[str, Any]) -> Iterator[Any]:
    """What changed since an earlier report, before everything else."""
    yield page.heading("Since the last report")
    counts = ", ".join(f"{len(changes[name]):,} {words}" for name, words in WORDS.items())
    yield page.text(f"The last one was made {_clock(changes['since'])} UTC: {counts}.", "text")
    for name in ("new", "gone", "decided"):
        if changes[name]:
            yield page.text(f"{WORDS[name].capitalize()}:", "text")
        for title in changes[name][:50]:
            yield page.text(title, "note")
        if len(changes[name]) > 50:
            yield page.text(f"and {len(changes[name]) - 50:,} more: the other forms have them all", "note")
    yield page.space(8)


def _chapter(page: pdf_style.Page, chapter: Chapter) -> Iterator[Any]:
    said = chapter.statement
    beyond = ["Beyond these, the absence of violations is not stated, because:"] if said.result == VIOLATIONS and said.because else []
    yield page.box(said.result, RESULTS[said.result], said.text, [*beyond, *said.because[:20]])
    yield page.space(6)
    yield page.figures(_figures(chapter))
    yield page.space(6)
    yield page.table(("", ""), list(_facts(chapter)), (14, 86), plain=True)
    yield page.heading("Zones: seen and allowed")
    yield page.text("Rows ask, columns are asked. The number counts what was seen.", "dim")
    yield from _matrix(page, chapter)
    yield page.heading("Violations")
    yield from _verdicts(page, chapter, chapter.violations, "None was seen. What that means is said by the statement and the coverage.")
    yield page.heading("Insufficient evidence")
    yield from _verdicts(page, chapter, chapter.insufficient, "Nothing was left undecided.")
    yield page.heading("Alerts of rules")
    yield from _alerts(page, chapter)
    yield from _rest(page, chapter)


def _figures(chapter: Chapter) -> Iterator[tuple[str, str, str]]:
    violations, undecided, skipping = (
        sum(verdict.count for verdict in found) for found in (chapter.violations, chapter.insufficient, chapter.skipping)
    )
    yield f"{violations:,}", "violations", "bad" if violations else "good" if chapter.statement.result == NONE_SEEN else ""
    yield f"{undecided:,}", "undecided", "warn" if undecided else ""
    yield f"{skipping:,}", "skip a level", "bad" if skipping else ""
    yield f"{len(chapter.unused)} / {len(chapter.conduits)}", "conduits never used", ""
    yield f"{len(chapter.strangers):,}", "without a zone", "warn" if chapter.strangers else ""
    yield share(chapter.coverage.both_ways), "flows seen both ways", ""


def _facts(chapter: Chapter) -> Iterator[Sequence[str]]:
    yield "Policy", f"{chapter.file}\nSHA-256 {chapter.sha256}"
    for one in chapter.captures:
        when = f"{_clock(one.first)} – {_clock(one.last)} UTC"
        lacking = f"\n{'; '.join(one.lacking)}" if one.lacking else ""
        lost = f", {one.dropped:,} lost by the capturing host" if one.dropped else ""
        digest = one.sha256 or "not worked out"
        yield f"Capture {one.number}", f"{one.path}: {one.packets:,} packets{lost}, {when}\nSHA-256 {digest}{lacking}"
    if chapter.rules:
        yield "Rules", f"digest {chapter.rules}"


def _matrix(page: pdf_style.Page, chapter: Chapter) -> Iterator[Any]:
    shown = grid(chapter)
    names = [name for name, _ in shown["zones"]]
    if len(names) > _MOST_ZONES:
        yield page.text(f"{len(names)} zones are too many for a page: the pairs stand under Coverage, the whole matrix in HTML.", "text")
        return
    rows, colours = [], {}
    for line, source in enumerate(names, start=1):
        row = [source]
        for place, target in enumerate(names, start=1):
            pair = shown["cells"].get((source, target))
            kind = shown["kind"](pair, source, target)
            row.append(_cell(kind, pair))
            colours[place, line] = kind
        rows.append(row)
    widths = [16, *[84 / len(names)] * len(names)]
    yield page.table(("from / to", *names), rows, widths, colours=colours, centred=True)


def _cell(kind: str, pair: Pair | None) -> str:
    if pair is None:
        return "·" if kind == "same" else "–"
    if kind == "bad":
        allowed = f"\n{pair.allowed:,} allowed" if pair.allowed else ""
        return f"{pair.violations:,}\n{'violation' if pair.violations == 1 else 'violations'}{allowed}"
    said = {"good": "allowed", "unsure": "not seen well\nenough to state", "inside": "inside"}
    return f"{pair.seen:,}\n{said[kind]}" if kind in said else "allowed,\nnot seen"


def _verdicts(page: pdf_style.Page, chapter: Chapter, found: Sequence[Verdict], nothing: str) -> Iterator[Any]:
    if not found:
        yield page.text(nothing, "text")
    for matter in matters(found[:MOST_ROWS]):
        yield from _matter(page, chapter, matter)
    if len(found) > MOST_ROWS:
        yield page.text(f"{len(found) - MOST_ROWS:,} more are not listed here: CSV, XLSX and JSON have them all.", "text")


def _matter(page: pdf_style.Page, chapter: Chapter, matter: Matter) -> Iterator[Any]:
    lead = matter.lead
    what = "connections" if lead.access == "session" else f"{lead.protocol} {lead.access}"
    times = "once" if matter.times == 1 else f"{matter.times:,} times"
    already = f" {decided(matter.verdicts).capitalize()} of {len(matter.verdicts)}." if decided(matter.verdicts) else ""
    title = f"{lead.source} to {lead.target}: {what} from {lead.client} to {matter.servers}, {times}"
    skips = f"; passes by level {', '.join(f'{level:g}' for level in lead.skips)}" if lead.skips else ""
    conduit = f", conduit {lead.conduit}" if lead.conduit else ""
    why = f"{lead.title.split(': ')[-1].capitalize()}{skips}. {matter.effects.capitalize()}. Decided by {lead.file}:{lead.line}{conduit}."
    heads = ("Finding", "Operation", "Unit", "Server", "Points", "Times", "Effect", "First – last (UTC)", "Packets")
    rows = [_verdict(verdict, chapter) for verdict in matter.verdicts]
    why += already
    table = page.table(heads, rows, (8, 19, 5, 14.5, 17, 5.5, 10, 12.5, 8.5), severity=lead.severity)
    yield from page.titled(lead.severity, title, why, table)


def _alerts(page: pdf_style.Page, chapter: Chapter) -> Iterator[Any]:
    found = chapter.alert_list
    if not found:
        counted = f"{sum(chapter.alerts.values()):,}; the run that was kept says no more of them." if chapter.alerts else ""
        yield page.text(counted or ("The rules found nothing." if chapter.rules else "No rules were applied."), "text")
        return
    already = f" {decided(found).capitalize()} of {len(found):,}." if decided(found) else ""
    yield page.text(f"What rules found in the same traffic, whatever the policy allows. They don't count as violations.{already}", "dim")
    rows = [
        (one.id[:8], one.severity, one.title, f"{one.client or 'several'} to {one.server or 'several'}", ", ".join(one.attack),
         f"{one.count:,}", _span(one.first, one.last), packets_of(one, chapter), "open" if is_open(one) else "\n".join(standing(one)))
        for one in found[:MOST_ROWS]
    ]  # fmt: skip
    heads = ("Finding", "Severity", "What", "Who to whom", "ATT&CK", "Times", "First – last (UTC)", "Packets", "Standing")
    yield page.table(heads, rows, (8, 7, 18, 18, 9.5, 5.5, 12.5, 10, 11.5))
    if len(found) > MOST_ROWS:
        yield page.text(f"{len(found) - MOST_ROWS:,} more are not listed here: CSV, XLSX and JSON have them all.", "text")


def _span(first: str, last: str) -> str:
    return _clock(first) if _clock(first) == _clock(last) else f"{_clock(first)} –\n{_clock(last)}"


def _verdict(one: Verdict, chapter: Chapter) -> Sequence[str]:
    points = ", ".join(one.points[:6]) + (f" and {len(one.points) - 6} more" if len(one.points) > 6 else "")
    points += f", value {span(one.values)}" if one.values else ""
    effect = "\n".join((EFFECTS[one.effect], *standing(one)))
    operation = f"{one.protocol} {one.function or one.access}"
    when, packets = _span(one.first, one.last), packets_of(one, chapter)
    return one.id[:8], operation, one.unit or "", one.server, points, f"{one.count:,}", effect, when, packets


def _rest(page: pdf_style.Page, chapter: Chapter) -> Iterator[Any]:
    yield page.heading("Traffic that passes by a level")
    skipping = [pair for pair in chapter.matrix if pair.skips and (pair.seen or pair.conduits)]
    rows = [
        (pair.source, pair.target, ", ".join(f"{level:g}" for level in pair.skips), f"{pair.seen:,}", f"{pair.violations:,}",
         ", ".join(pair.conduits)) for pair in skipping
    ]  # fmt: skip
    heads: Sequence[str] = ("From", "To", "Passes by level", "Seen", "Not allowed", "Meant by conduits")
    yield page.table(heads, rows, (18, 18, 14, 12, 12, 26)) if rows else page.text("None was seen, and no conduit is meant to.", "text")
    yield page.heading("Conduits")
    lines = [
        (conduit.id, str(line.line), does + line.says, f"{line.seen:,}" if line.seen else "never")
        for conduit in chapter.conduits
        for does, found in (("", conduit.lines), ("denies ", conduit.denials))
        for line in found
    ]
    yield page.table(("Conduit", "Line", "Allows", "Seen"), lines, (24, 7, 59, 10)) if lines else page.text("The policy has none.", "text")
    yield page.heading("Assets without a zone")
    strangers = [(one.id, ", ".join(one.addresses), one.zone, one.vendor or "", ", ".join(one.acts_as)) for one in chapter.strangers]
    heads = ("Asset", "Addresses", "Taken for", "Vendor", "Acts as")
    everyone = page.text("Every asset that was heard stands in a zone of the policy.", "text")
    yield page.table(heads, strangers, (18, 28, 12, 20, 22)) if strangers else everyone
    yield page.heading("Exceptions")
    made = [
        (one.id, one.owner or "", one.ticket or "", _clock(one.start), _clock(one.end), f"{one.uses:,}", one.state)
        for one in chapter.exceptions
    ]
    heads = ("Exception", "Owner", "Ticket", "From (UTC)", "Until (UTC)", "Uses", "State")
    none = page.text("The policy makes no exceptions.", "text")
    yield page.table(heads, made, (18, 16, 14, 15, 15, 7, 15)) if made else none
    yield from _coverage(page, chapter)


def _coverage(page: pdf_style.Page, chapter: Chapter) -> Iterator[Any]:
    yield page.heading("Coverage")
    measures = ("Flows", "Both ways", "Missing", "Undecoded", "Encrypted", "Twice", "Midstream")
    pairs = [(f"{one.source} to {one.target}", *_measured(one.coverage), _stated(one.result, one.because)) for one in chapter.matrix]
    conduits = [(one.id, *_measured(one.coverage), _stated(one.result, one.because)) for one in chapter.conduits]
    widths = (21, 7, 8.5, 8, 9, 8.5, 6.5, 9, 22.5)
    for head, rows in (("Pair of zones", pairs), ("Conduit", conduits)):
        if rows:
            yield page.table((head, *measures, "What can be stated"), rows, widths)
            yield page.space(6)
    yield page.table(("Threshold", "Of what", "Bound"), [tuple(one) for one in THRESHOLDS], (20, 58, 22))


def _measured(seen: Coverage) -> Sequence[str]:
    shares = [share(part) for part in (seen.both_ways, seen.lost, seen.undecoded, seen.hidden)]
    return f"{seen.flows:,}", *shares, f"{seen.duplicates:,}", f"{seen.midstream:,}"


def _stated(result: str, because: Sequence[str]) -> str:
    more = {"not_stated": ": ", "violations": ", and there may be more: "}.get(result)
    return RESULTS[result] + (f"{more}{'; '.join(because)}" if because and more else "")


def _end(page: pdf_style.Page) -> Iterator[Any]:
    yield page.heading("Method and limits")
    for line in METHOD:
        yield page.text(line, "note")
    yield page.text("What this report cannot say:", "text")
    for line in LIMITS:
        yield page.text(line, "note")
    yield page.heading("Standards that this report can support")
    yield page.text(DISCLAIMER, "dim")
    rows = [
        (one.standard, one.id, f"{one.title}: {one.about}" if one.title else one.about, one.supports, one.leaves, one.checked)
        for one in references()
    ]
    heads = ("Standard", "Reference", "Title, and what it is about", "What the report supports", "What it leaves open", "Checked")
    yield page.table(heads, rows, (12, 11, 26, 24, 20, 9))
    yield page.space(4)
    yield page.text(WORDING, "dim")
    yield page.signatures()
