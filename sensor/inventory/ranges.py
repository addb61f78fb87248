"""Points put together: `holding_register:100-101` and `holding_register:102` are `holding_register:100-102`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_RANGE: Final = re.compile(r"([a-z0-9_]+:(?:[0-9]+/)?)([0-9]{1,10})(?:-([0-9]{1,10}))?")
"""A kind (and block), first and last address. Other points (`DB10.DBW2`, OPC UA nodes) are kept as they are."""


def merged(points: Iterable[str]) -> list[str]:
    """Each once, ranges that touch or overlap as one, in order."""
    points = list(points)
    if len(points) < 2:
        return points
    ranges: dict[str, list[tuple[int, int]]] = {}
    others: dict[str, None] = {}
    for point in points:
        found = _RANGE.fullmatch(point)
        if found is None:
            others[point] = None
        else:
            kind, first, last = found.groups()
            ranges.setdefault(kind, []).append((int(first), int(last or first)))
    made = [_text(kind, first, last) for kind in sorted(ranges) for first, last in _united(ranges[kind])]
    return [*made, *sorted(others)]


def _united(ranges: list[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    ordered = sorted(ranges)
    start, end = ordered[0]
    for first, last in ordered[1:]:
        if first > end + 1:
            yield start, end
            start, end = first, last
        else:
            end = max(end, last)
    yield start, end


def _text(kind: str, first: int, last: int) -> str:
    return f"{kind}{first}" if first == last else f"{kind}{first}-{last}"
