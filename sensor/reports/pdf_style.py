"""How the PDF looks: the palette of the HTML form, on A4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Final
from xml.sax.saxutils import escape

from sensor.reports.model import Report

_TEXT, _MUTED, _LINE, _HEAD = "#16212b", "#5a6875", "#d3dae1", "#f0f3f6"
_RESULTS: Final = {"violations": "#b3261e", "none_seen": "#00704f", "not_stated": "#8a4b00"}
_TONES: Final = {"bad": "#b3261e", "good": "#00704f", "warn": "#8a4b00", "": _TEXT}
_SEVERITIES: Final = {"critical": "#8f1d14", "high": "#c4391d", "medium": "#8a6100", "low": "#0072b2", "info": "#5a6875"}
_CELLS: Final = {
    "bad": "#fdecea", "good": "#e4f4ee", "idle": "#eef4fa", "unsure": "#fff3dc", "inside": "#e9edf1", "same": "#e9edf1", "none": "#ffffff",
}  # fmt: skip
_FOOT: Final = 110
"""So much room, in points, a heading wants below it."""
_SIZES: Final = {"title": (19, 23), "subtitle": (11, 15), "heading": (12.5, 16), "text": (8.6, 11.6), "dim": (8.2, 11), "note": (8.2, 11)}


class Page:
    """Makes the parts of the document, and the document from them. Needs reportlab (ImportError)."""

    def __init__(self, report: Report) -> None:
        import reportlab.platypus as parts
        from reportlab.lib import pagesizes, units
        from reportlab.lib.styles import ParagraphStyle

        self._parts: Any = parts
        self._style: Any = ParagraphStyle
        self._size = pagesizes.A4
        self._margin = 14 * units.mm
        self._width = self._size[0] - 2 * self._margin - 12  # a frame's own padding
        self._report = report
        self._styles = {name: self._made(name, size, leading) for name, (size, leading) in _SIZES.items()}

    def _made(self, name: str, size: float, leading: float) -> Any:
        bold = name in ("title", "heading")
        return self._style(
            name, fontName="Helvetica-Bold" if bold else "Helvetica", fontSize=size, leading=leading,
            textColor=_MUTED if name in ("dim", "subtitle") else _TEXT, spaceBefore=14 if name == "heading" else 0,
            spaceAfter=4 if name in ("heading", "dim") else 2,
            leftIndent=10 if name == "note" else 0, bulletIndent=1,
        )  # fmt: skip

    def text(self, words: str, kind: str) -> Any:
        """A paragraph."""
        bullet = "•" if kind == "note" else None
        return self._parts.Paragraph(_plain(words), self._styles[kind], bulletText=bullet)

    def heading(self, words: str) -> Any:
        """A section's heading, which isn't left alone at the foot of a page."""
        return self.text(words, "heading")

    def space(self, points: float) -> Any:
        """Empty room."""
        return self._parts.Spacer(1, points)

    def box(self, result: str, word: str, words: str, because: Sequence[str]) -> Any:
        """The statement."""
        colour = _RESULTS.get(result, _MUTED)
        strong = self._style("said", fontName="Helvetica", fontSize=11.5, leading=15, textColor=_TEXT)
        small = self._style("word", fontName="Helvetica-Bold", fontSize=8, leading=11, textColor=colour)
        rows = [[self._parts.Paragraph(_plain(word.upper()), small)], [self._parts.Paragraph(_plain(words), strong)]]
        rows += [[self.text(what, "note")] for what in because]
        style = [
            ("BOX", (0, 0), (-1, -1), 0.6, _LINE), ("LINEBEFORE", (0, 0), (0, -1), 4, colour), ("LEFTPADDING", (0, 0), (-1, -1), 12),
            ("TOPPADDING", (0, 0), (-1, -1), 2), ("BOTTOMPADDING", (0, 0), (-1, -1), 2), ("TOPPADDING", (0, 0), (-1, 0), 8),
            ("BOTTOMPADDING", (0, -1), (-1, -1), 8),
        ]  # fmt: skip
        return self._parts.Table(rows, colWidths=[self._width], style=_coloured(style))

    def figures(self, found: Iterable[tuple[str, str, str]]) -> Any:
        """Large numbers with a word below, and their tone."""
        made = [list(column) for column in zip(*[self._figure(*one) for one in found], strict=True)]
        style = [("BOX", (0, 0), (-1, -1), 0.6, _LINE), ("LINEBEFORE", (1, 0), (-1, -1), 0.6, _LINE), ("TOPPADDING", (0, 1), (-1, 1), 0)]
        return self._parts.Table(made, colWidths=[self._width / len(made[0])] * len(made[0]), style=_coloured(style))

    def _figure(self, number: str, word: str, tone: str) -> tuple[Any, Any]:
        large = self._style("figure", fontName="Helvetica-Bold", fontSize=14, leading=17, textColor=_TONES[tone])
        small = self._style("below", fontName="Helvetica", fontSize=7.4, leading=9, textColor=_MUTED)
        return self._parts.Paragraph(_plain(number), large), self._parts.Paragraph(_plain(word), small)

    def titled(self, severity: str, title: str, why: str, table: Any) -> Iterator[Any]:
        """A matter: severity and title, the reason, its table. The title isn't left alone at the foot of a page."""
        colour = _SEVERITIES[severity]
        head = self._style("matter", fontName="Helvetica-Bold", fontSize=8.8, leading=11.4, textColor=_TEXT, spaceBefore=9)
        below = self._style("why", fontName="Helvetica", fontSize=7.6, leading=10, textColor=_MUTED, spaceAfter=3)
        yield self._parts.CondPageBreak(90)
        yield self._parts.Paragraph(f'<font color="{colour}">{severity}</font>&nbsp; {_plain(title)}', head)
        yield self._parts.Paragraph(_plain(why), below)
        yield table

    def table(
        self, heads: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float], *, plain: bool = False, centred: bool = False,
        severity: str | None = None, colours: Mapping[tuple[int, int], str] | None = None,
    ) -> Any:  # fmt: skip
        """A table whose head is repeated on each page; `widths` are shares. `colours` gives cells (column, line) a kind."""
        align = 1 if centred else 0
        cell = self._style("cell", fontName="Helvetica", fontSize=7.3, leading=9, textColor=_TEXT, alignment=align, splitLongWords=1)
        head = self._style("head", fontName="Helvetica-Bold", fontSize=7, leading=9, textColor=_MUTED, alignment=align)
        made = [] if plain else [[self._parts.Paragraph(_plain(word), head) for word in heads]]
        made += [[self._parts.Paragraph(_plain(word), cell) for word in row] for row in rows]
        style: list[tuple[Any, ...]] = [
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE" if centred else "TOP"), ("LINEBELOW", (0, 0), (-1, -2), 0.4, _LINE),
            ("BOX", (0, 0), (-1, -1), 0.6, _LINE), ("TOPPADDING", (0, 0), (-1, -1), 2.6), ("BOTTOMPADDING", (0, 0), (-1, -1), 2.8),
            ("LEFTPADDING", (0, 0), (-1, -1), 4), ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ]  # fmt: skip
        style += [] if plain else [("BACKGROUND", (0, 0), (-1, 0), _HEAD)]
        style += [("INNERGRID", (0, 0), (-1, -1), 0.4, _LINE)] if centred else []
        style += [("LINEBEFORE", (0, 0), (0, -1), 2.5, _SEVERITIES[severity])] if severity else []
        style += [("BACKGROUND", at, at, _CELLS[kind]) for at, kind in (colours or {}).items()]
        shares = [self._width * width / sum(widths) for width in widths]
        return self._parts.LongTable(made, colWidths=shares, repeatRows=0 if plain else 1, style=_coloured(style))

    def signatures(self) -> Any:
        """Room for two names, kept together."""
        small = self._styles["dim"]
        rows: list[list[Any]] = [
            [self._parts.Paragraph(word, self._styles["text"]) for word in ("Prepared by", "", "Reviewed by")],
            ["", "", ""],
        ]
        rows += [[self._parts.Paragraph(word, small) for word in ("Name, date, signature", "", "Name, date, signature")]]
        style = [("LINEABOVE", (0, 2), (0, 2), 0.8, _MUTED), ("LINEABOVE", (2, 2), (2, 2), 0.8, _MUTED)]
        widths = [self._width * part for part in (0.46, 0.08, 0.46)]
        table = self._parts.Table(rows, colWidths=widths, rowHeights=[16, 34, 16], style=_coloured(style))
        return self._parts.KeepTogether([self.heading("Signatures"), table])

    def build(self, out: IO[bytes], story: Sequence[Any]) -> None:
        """Writes the document. Nothing in it but the stated time of making depends on when this happens."""
        document = self._parts.SimpleDocTemplate(
            out, pagesize=self._size, leftMargin=self._margin, rightMargin=self._margin, topMargin=self._margin, bottomMargin=self._margin,
            title="Zones and conduits report", author=f"Fieldtap {self._report.fieldtap}", subject=self._report.chapters[0].site or "",
            invariant=1, pageCompression=1, lang="en",
        )  # fmt: skip
        document.build(list(self._broken(story)), onFirstPage=self._foot, onLaterPages=self._foot)

    def _broken(self, story: Sequence[Any]) -> Iterator[Any]:
        """With a new page before a heading that would stand at the foot of one; a long table below it may be divided."""
        for part in story:
            if getattr(part, "style", None) is self._styles["heading"]:
                yield self._parts.CondPageBreak(_FOOT)
            yield part

    def _foot(self, canvas: Any, document: Any) -> None:
        canvas.saveState()
        canvas.setFont("Helvetica", 7)
        canvas.setFillColor(_MUTED)
        canvas.drawString(self._margin, 8 * 2.83, f"Zones and conduits report · policy {self._report.chapters[0].sha256[:16]}")
        canvas.drawRightString(self._size[0] - self._margin, 8 * 2.83, f"page {document.page}")
        canvas.restoreState()


def _plain(words: str) -> str:
    """Text as the PDF's standard fonts can show it (Windows-1252); any other character stands as its code point, `\\u0416`."""
    shown = words.replace("→", "to").encode("cp1252", "backslashreplace").decode("cp1252")
    return "<br/>".join(escape(line) for line in shown.split("\n"))


def _coloured(style: Sequence[tuple[Any, ...]]) -> Any:
    """Colours given as text, as reportlab wants them."""
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import TableStyle

    def made(part: Any) -> Any:
        return HexColor(part) if isinstance(part, str) and part.startswith("#") else part

    return TableStyle([tuple(made(part) for part in command) for command in style])
