"""A picture of a policy: zones by Purdue level, and the conduits between them by the gravest access that they allow, with a list beside.

SVG of shapes and text alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from xml.sax.saxutils import escape, quoteattr

from zones.model import ACCESSES, Conduit, Policy, Zone
from zones.places import Places

_MARGIN, _LABEL, _BOX, _HEIGHT, _GAP, _LANE, _SHIFT, _SIDE = 28, 110, 220, 74, 52, 118, 130, 340
_COLOURS: Mapping[str, tuple[str, str, float]] = {
    "session": ("#6b7785", "2 4", 1.4), "identify": ("#6b7785", "2 4", 1.4), "report": ("#3a9bd9", "", 1.6), "read": ("#0072b2", "", 1.8),
    "configure": ("#c98500", "7 4", 2), "write": ("#d55e00", "", 2.2), "mode": ("#a8327e", "7 4", 2.2), "program": ("#16212b", "12 3", 2.6),
    "deny": ("#b3261e", "3 3", 2.2),
}  # fmt: skip
"""Colour (told apart by people who are colour-blind), dashes and width of a line."""
_STYLE = """text { font: 13px system-ui, 'DejaVu Sans', sans-serif; fill: #16212b } .name { font-weight: 600 }
.small { font-size: 11px; fill: #5a6875 } .level { font-size: 20px; font-weight: 700 } .number { font-size: 10px; font-weight: 600 }"""


@dataclass(frozen=True, slots=True)
class _Box:
    zone: Zone
    x: int
    y: int


def draw(policy: Policy) -> str:
    """The policy as SVG 1.1."""
    lanes = _lanes(policy, _used(policy))
    wide = _MARGIN * 2 + _LABEL + max(len(zones) for _, zones in lanes) * (_BOX + _GAP) + _GAP + _SHIFT
    below = _MARGIN * 2 + 40 + len(lanes) * (_LANE + _GAP)
    width, height = wide + _SIDE, max(below, _MARGIN * 2 + 54 + _list_height(policy))
    boxes = {box.zone.name: box for box in _placed(lanes)}
    parts = [*_background(lanes, wide), *_conduits(_edges(policy, boxes)), *(part for box in boxes.values() for part in _box(box))]
    parts += [*_list(policy, wide + 10), *_legend(policy, below)]
    title = f"{policy.site or policy.file}: zones and conduits"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height + 40}" role="img" aria-label={quoteattr(title)}>'
        f"<style>{_STYLE}</style><rect width='100%' height='100%' fill='#f3f5f7'/>"
        f'<text x="{_MARGIN}" y="{_MARGIN + 12}" class="level">{escape(title)}</text>'
        f"{''.join(parts)}</svg>\n"
    )


def _used(policy: Policy) -> set[str]:
    """The zones that are declared, or that a conduit names."""
    places = Places(policy)
    named = {places.zone_of_name(name).name for conduit in policy.conduits for name in conduit.sources | conduit.targets}
    return named | {zone.name for zone in policy.zones.values() if zone.line}


def _lanes(policy: Policy, used: set[str]) -> list[tuple[float | None, list[Zone]]]:
    """Zones by level, the highest first; those without a level last."""
    zones = [zone for zone in policy.zones.values() if zone.name in used]
    levels: list[float | None] = [*sorted({zone.level for zone in zones if zone.level is not None}, reverse=True)]
    if any(zone.level is None for zone in zones):
        levels.append(None)
    return [(level, [zone for zone in zones if zone.level == level]) for level in levels]


def _placed(lanes: Sequence[tuple[float | None, list[Zone]]]) -> Iterator[_Box]:
    for row, (_, zones) in enumerate(lanes):
        for column, zone in enumerate(zones):
            yield _Box(
                zone, _MARGIN + _LABEL + _GAP // 2 + column * (_BOX + _GAP) + row % 2 * _SHIFT, _MARGIN + 40 + row * (_LANE + _GAP) + 22
            )


def _background(lanes: Sequence[tuple[float | None, list[Zone]]], width: int) -> Iterator[str]:
    for row, (level, _) in enumerate(lanes):
        y = _MARGIN + 40 + row * (_LANE + _GAP)
        yield f'<rect x="{_MARGIN}" y="{y}" width="{width - 2 * _MARGIN}" height="{_LANE}" rx="10" fill="#e9edf1" stroke="#d3dae1"/>'
        said = "no level" if level is None else f"level {level:g}"
        yield f'<text x="{_MARGIN + 16}" y="{y + _LANE // 2 + 6}" class="name">{said}</text>'


def _box(box: _Box) -> Iterator[str]:
    zone = box.zone
    yield f'<rect x="{box.x}" y="{box.y}" width="{_BOX}" height="{_HEIGHT}" rx="8" fill="#fff" stroke="#5a6875"/>'
    yield f'<text x="{box.x + 12}" y="{box.y + 24}" class="name">{escape(zone.name)}</text>'
    where = ", ".join([network.text for network in zone.networks[:2]] or list(zone.assets[:3])) or "by kind or address"
    more = len(zone.networks) - 2
    yield f'<text x="{box.x + 12}" y="{box.y + 43}" class="small">{escape(where)}{f" and {more} more" if more > 0 else ""}</text>'
    notes = [f"in {zone.parent}"] if zone.parent else []
    notes += [] if zone.internal else ["denied inside"]
    notes += [f"SL-T {zone.security_level}"] if zone.security_level is not None else []
    yield f'<text x="{box.x + 12}" y="{box.y + 61}" class="small">{escape(" · ".join(notes))}</text>'


@dataclass(frozen=True, slots=True)
class _Edge:
    number: int
    conduit: Conduit
    one: _Box
    other: _Box


def _edges(policy: Policy, boxes: Mapping[str, _Box]) -> list[_Edge]:
    """One for each conduit and pair of zones that it joins."""
    places = Places(policy)
    made = []
    for number, conduit in enumerate(policy.conduits, 1):
        pairs = {(places.zone_of_name(one).name, places.zone_of_name(other).name) for one in conduit.sources for other in conduit.targets}
        made += [_Edge(number, conduit, boxes[one], boxes[other]) for one, other in sorted(pairs)]
    return made


def _conduits(edges: Sequence[_Edge]) -> Iterator[str]:
    """Lines begin and end spread over the sides of their boxes, in the order of where they lead, so that they cross little."""
    ends: dict[tuple[str, bool], list[tuple[int, int, bool]]] = {}
    for index, edge in enumerate(edges):
        down = edge.one.y < edge.other.y
        ends.setdefault((edge.one.zone.name, down), []).append((edge.other.x, index, True))
        ends.setdefault((edge.other.zone.name, not down and edge.one.y != edge.other.y), []).append((edge.one.x, index, False))
    place: dict[tuple[int, bool], int] = {}
    for (name, _), many in ends.items():
        box = next(box for edge in edges for box in (edge.one, edge.other) if box.zone.name == name)
        for turn, (_, index, begins) in enumerate(sorted(many), 1):
            place[index, begins] = box.x + _BOX * turn // (len(many) + 1)
    for index, edge in enumerate(edges):
        yield from _line(edge, place[index, True], place[index, False], index)


def _line(edge: _Edge, begin: int, end: int, turn: int) -> Iterator[str]:
    colour, dashes, width = _COLOURS[_kind(edge.conduit)]
    one, other = edge.one, edge.other
    down = one.y < other.y
    from_y, to_y = (one.y + (_HEIGHT if down else 0), other.y + (0 if down or one.y == other.y else _HEIGHT))
    bend = one.y - 30 if one.y == other.y else (from_y + to_y) // 2
    x, y = _on_curve((begin, end), from_y, to_y, bend, (0.36, 0.5, 0.64)[turn % 3])
    yield (
        f'<path d="M {begin} {from_y} C {begin} {bend} {end} {bend} {end} {to_y}" fill="none" stroke="{colour}"'
        f' stroke-width="{width}" stroke-dasharray="{dashes}"><title>{escape(_title(edge.conduit))}</title></path>'
    )
    tip = 7 if one.y >= other.y and one.y != other.y else -7
    yield f'<path d="M {end - 5} {to_y + tip} h 10 l -5 {-tip} z" fill="{colour}"/>'
    yield f'<circle cx="{x}" cy="{y}" r="8" fill="#fff" stroke="{colour}"/>'
    yield f'<text x="{x}" y="{y + 4}" text-anchor="middle" class="number">{edge.number}</text>'


def _on_curve(ends: tuple[int, int], from_y: int, to_y: int, bend: int, t: float) -> tuple[int, int]:
    """A point of the cubic Bézier curve of a line (`ends` from the left, `bend` the height of what pulls it), so far along."""
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    x = sum(weight * at for weight, at in zip(weights, (ends[0], ends[0], ends[1], ends[1]), strict=True))
    y = sum(weight * at for weight, at in zip(weights, (from_y, bend, bend, to_y), strict=True))
    return round(x), round(y)


def _list(policy: Policy, x: int) -> Iterator[str]:
    """The conduits by their numbers, with what they allow."""
    y = _MARGIN + 54
    for number, conduit in enumerate(policy.conduits, 1):
        colour, _, _ = _COLOURS[_kind(conduit)]
        yield f'<circle cx="{x + 8}" cy="{y - 4}" r="9" fill="#fff" stroke="{colour}" stroke-width="1.6"/>'
        yield f'<text x="{x + 8}" y="{y}" text-anchor="middle" class="number">{number}</text>'
        yield f'<text x="{x + 26}" y="{y}" class="name">{escape(conduit.id)}</text>'
        for said in _says(conduit):
            y += 16
            yield f'<text x="{x + 26}" y="{y}" class="small">{escape(said)}</text>'
        y += 26


def _list_height(policy: Policy) -> int:
    return sum(26 + 16 * len(list(_says(conduit))) for conduit in policy.conduits)


def _kind(conduit: Conduit) -> str:
    """The gravest access that it allows; without one it denies."""
    granted = [
        access for line in conduit.allow for access in (line.access or ("program",) if _is_industrial(line.protocol) else ("session",))
    ]
    return max(granted, key=ACCESSES.index, default="deny")


@cache
def _is_industrial(protocol: str) -> bool:
    from zones.vocabulary import vocabulary

    return vocabulary().industrial(protocol)


def _says(conduit: Conduit) -> Iterator[str]:
    """What it allows and denies, protocol by protocol."""
    for lines, word in ((conduit.allow, ""), (conduit.deny, "never ")):
        protocols: dict[str, dict[str, None]] = {}
        for line in lines:
            protocols.setdefault(line.protocol, {}).update(dict.fromkeys(line.access or ("any access",)))
        for protocol, accesses in protocols.items():
            yield f"{word}{protocol}: {', '.join(accesses)}" if _is_industrial(protocol) else f"{word}{protocol}"


def _title(conduit: Conduit) -> str:
    return "\n".join([f"{conduit.id} (line {conduit.line})", *_says(conduit)])


def _legend(policy: Policy, y: int) -> Iterator[str]:
    x = _MARGIN
    for kind in (kind for kind in _COLOURS if any(_kind(conduit) == kind for conduit in policy.conduits)):
        colour, dashes, width = _COLOURS[kind]
        yield f'<path d="M {x} {y} h 34" stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dashes}"/>'
        yield f'<text x="{x + 42}" y="{y + 4}" class="small">{kind}</text>'
        x += 130
