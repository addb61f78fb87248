"""A picture of the assets by Purdue level and zone: SVG of our own making, and PNG of it.

The layout is the map's (sensor.outputs.lanes). PNG is drawn by resvg, a small library without any of the system's (the extra `picture`);
matplotlib or a headless browser would bring hundreds of megabytes to draw rectangles and curves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TextIO
from xml.sax.saxutils import escape, quoteattr

from sensor.inventory.known import Known, value
from sensor.inventory.names import ROLES
from sensor.outputs.cells import text
from sensor.outputs.flat import gravest
from sensor.outputs.lanes import Lane, about, called, lanes
from zones.model import ACCESSES

WIDTH: Final = 1600
_MARGIN, _LABEL, _CARD, _HEIGHT, _GAP, _PAD = 24, 120, 176, 44, 10, 12
_COLUMNS: Final = (WIDTH - 2 * _MARGIN - _LABEL - 2 * _PAD) // (_CARD + _GAP)
_FAMILY: Final[Mapping[str, str]] = {
    **dict.fromkeys(("plc", "rtu", "safety_controller", "drive_io", "gateway"), "#0072b2"),
    **dict.fromkeys(("hmi", "engineering_station"), "#009e73"),
    **dict.fromkeys(("scada_server", "historian", "opcua_server"), "#aa4499"),
    **dict.fromkeys(("switch", "router", "firewall"), "#6b7785"),
    **dict.fromkeys(("printer", "camera", "it_client", "it_server"), "#b07d00"),
}
_UNKNOWN: Final = "#9aa5b0"
_LINES: Final[Mapping[str, tuple[str, str, float]]] = {
    "session": ("#8b97a3", "2 4", 1), "identify": ("#8b97a3", "2 4", 1), "report": ("#3a9bd9", "", 1.2), "read": ("#0072b2", "", 1.4),
    "configure": ("#c98500", "7 4", 1.8), "write": ("#d55e00", "", 2), "mode": ("#a8327e", "7 4", 2), "program": ("#16212b", "12 3", 2.4),
}  # fmt: skip
"""Colour (told apart by people who are colour-blind), dashes and width of a line by its gravest access."""
_MANY: Final = 150


class PictureError(Exception):
    """The picture can't be drawn; the text says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class Card:
    """Where a device stands."""

    asset: Mapping[str, Any]
    x: int
    y: int

    @property
    def middle(self) -> int:
        """Its middle, from the left."""
        return self.x + _CARD // 2


def write_svg(known: Known, out: TextIO, title: str = "Assets") -> None:
    """The picture as SVG 1.1: shapes and text alone."""
    made = lanes(known.assets)
    cards, boxes, height = _placed(made)
    out.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"')
    out.write(' font-family="Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif">\n')
    out.write(f'<rect width="100%" height="100%" fill="#f3f5f7"/>\n{_text(_MARGIN, 34, title, 20, "#16212b", bold=True)}')
    out.writelines(_legend())
    for lane, (top, bottom) in zip(made, boxes, strict=True):
        out.writelines(_lane(lane, top, bottom))
    out.writelines(_lines(known.edges, cards))
    for card in cards.values():
        out.writelines(_card(card))
    out.writelines(_zones(made, cards))
    out.write("</svg>\n")


def png(svg: str) -> bytes:
    """The picture as PNG. Raises PictureError where the library isn't installed or there is no font to write with."""
    try:
        from resvg_py import svg_to_bytes
    except ImportError as error:
        raise PictureError("PNG needs the extra 'picture': pip install 'fieldtap[picture]'; SVG needs nothing.") from error
    try:
        return bytes(svg_to_bytes(svg_string=svg))
    except ValueError as error:
        raise PictureError(f"the picture is too large for PNG ({error}); write SVG instead") from error


def _placed(made: Sequence[Lane]) -> tuple[dict[str, Card], list[tuple[int, int]], int]:
    """Cards by asset, top and bottom of each lane, and the height of all."""
    cards: dict[str, Card] = {}
    boxes = []
    y = 86
    for lane in made:
        top = y
        y += _PAD
        for group in lane.groups:
            y += 20
            for place, asset in enumerate(group.assets):
                row, column = divmod(place, _COLUMNS)
                x = _MARGIN + _LABEL + _PAD + column * (_CARD + _GAP)
                cards[asset["id"]] = Card(asset, x, y + row * (_HEIGHT + _GAP))
            y += -(-len(group.assets) // _COLUMNS) * (_HEIGHT + _GAP)
        y += _PAD
        boxes.append((top, y))
        y += _PAD
    return cards, boxes, max(y + _MARGIN - _PAD, 160)


def _lane(lane: Lane, top: int, bottom: int) -> Iterator[str]:
    width = WIDTH - 2 * _MARGIN
    yield f'<rect x="{_MARGIN}" y="{top}" width="{width}" height="{bottom - top}" rx="12" fill="#e9edf1" stroke="#d3dae1"/>\n'
    if lane.name:
        yield _text(_MARGIN + 16, top + 34, lane.name, 24, "#16212b", bold=True)
    yield _text(_MARGIN + 16, top + (52 if lane.name else 30), lane.title, 12, "#5a6875")


def _zones(made: Sequence[Lane], cards: Mapping[str, Card]) -> Iterator[str]:
    for lane in made:
        for group in lane.groups:
            first = cards[group.assets[0]["id"]]
            yield _text(first.x, first.y - 7, f"{group.zone or 'no zone'} · {len(group.assets)}", 11.5, "#5a6875", bold=True)


def _card(card: Card) -> Iterator[str]:
    role = value(card.asset, "role")
    colour = _FAMILY.get(str(role), _UNKNOWN)
    x, y = card.x, card.y
    yield f'<rect x="{x}" y="{y}" width="{_CARD}" height="{_HEIGHT}" rx="7" fill="#fff" stroke="#d3dae1"/>'
    yield f'<rect x="{x}" y="{y}" width="5" height="{_HEIGHT}" rx="2.5" fill="{colour}"/>\n'
    named = ROLES.get(str(role), "")
    second = about(card.asset) or (card.asset["id"] if called(card.asset) != card.asset["id"] else "")
    yield _text(x + 14, y + 14, _short(named or "Role not known", 28), 9.5, colour, bold=True)
    yield _text(x + 14, y + 26, _short(called(card.asset), 21), 12, "#16212b", bold=True)
    yield _text(x + 14, y + 38, _short(second, 28), 10, "#5a6875")


def _lines(edges: Sequence[Mapping[str, Any]], cards: Mapping[str, Card]) -> Iterator[str]:
    """One line for each pair, by the gravest access between them."""
    pairs: dict[tuple[str, str], str] = {}
    for edge in edges:
        pair, access = (edge["client"], edge["server"]), gravest(edge)
        if pair[0] in cards and pair[1] in cards and pair[0] != pair[1] and _grade(access) >= _grade(pairs.get(pair, "")):
            pairs[pair] = access
    opacity = 0.85 if len(pairs) <= 40 else 0.4 if len(pairs) <= _MANY else 0.18
    yield f'<g fill="none" opacity="{opacity}">\n'
    for (client, server), access in sorted(pairs.items(), key=lambda one: (_grade(one[1]), one[0])):
        colour, dashes, width = _LINES.get(access, _LINES["session"])
        dash = f' stroke-dasharray="{dashes}"' if dashes else ""
        yield f'<path d="{_curve(cards[client], cards[server])}" stroke="{colour}" stroke-width="{width}"{dash}/>\n'
    yield "</g>\n"


def _grade(access: str) -> int:
    return ACCESSES.index(access) if access in ACCESSES else -1


def _curve(start: Card, end: Card) -> str:
    down = end.y > start.y
    up = end.y < start.y
    y1 = start.y + (_HEIGHT if down else 0)
    y2 = end.y + (_HEIGHT if up else 0)
    bend = (y2 - y1) // 2 if down or up else -34
    return f"M{start.middle} {y1}C{start.middle} {y1 + bend} {end.middle} {y2 - bend if down or up else y2 + bend} {end.middle} {y2}"


def _legend() -> Iterator[str]:
    x = _MARGIN
    yield _text(x, 62, "Lines, by the gravest access:", 12, "#5a6875")
    x += 184
    for access in ACCESSES:
        colour, dashes, width = _LINES[access]
        yield f'<path d="M{x} 58h26" stroke="{colour}" stroke-width="{width + 1}" stroke-dasharray="{dashes or "none"}"/>'
        yield _text(x + 33, 62, access, 12, "#16212b")
        x += 110


def _text(x: float, y: float, words: str, size: float, colour: str, *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x}" y="{y}" font-size="{size}" fill={quoteattr(colour)}{weight}>{escape(text(words))}</text>\n'


def _short(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"
