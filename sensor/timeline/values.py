"""What points held before they were written: the values of the last read, report or write."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from dissectors import Transaction
    from dissectors._native import Point

MAX_RANGES: Final = 200_000
"""Different ranges that are remembered; the one that was heard of longest ago gives way."""
MAX_OF_ONE: Final = 256
"""Ranges of one kind on one device among which a written address is looked for."""

MAX_VALUES: Final = 256
"""Of one point that are looked up."""

Place = tuple[object, ...]


class Values:
    """Remembers, for each device and kind of point, the last values of each range."""

    def __init__(self) -> None:
        self._ranges: OrderedDict[Place, tuple[int, Point]] = OrderedDict()
        self._of: dict[Place, OrderedDict[tuple[int, int], None]] = {}

    def heard(self, t: Transaction, points: Sequence[Point]) -> None:
        """Takes what was read or written, where it was accepted."""
        if t.outcome.result == "rejected":
            return
        for point in points:
            device = _device(t, point)
            place = (*device, point.first, point.last)
            self._ranges[place] = (t.time, point)
            self._ranges.move_to_end(place)
            held = self._of.setdefault(device, OrderedDict())
            held[point.first, point.last] = None
            held.move_to_end((point.first, point.last))
            if len(held) > MAX_OF_ONE:
                oldest, _ = held.popitem(last=False)
                self._ranges.pop((*device, *oldest), None)
        while len(self._ranges) > MAX_RANGES:
            *owner, first, last = self._ranges.popitem(last=False)[0]
            self._of[tuple(owner)].pop((first, last), None)  # type: ignore[arg-type]

    def before(self, t: Transaction, point: Point) -> list[Any] | None:
        """The values that were last heard of for each address of a point, None in the place of one that nobody heard of, or of all."""
        device = _device(t, point)
        held = self._of.get(device)
        if not held:
            return None
        values: list[Any] = []
        address = point.first
        while address <= point.last and len(values) < MAX_VALUES:
            value, step = self._at(device, held, address)
            values.append(value)
            address += step or point.width
        return values if any(value is not None for value in values) else None

    def _at(self, device: Place, held: OrderedDict[tuple[int, int], None], address: int) -> tuple[Any, int]:
        """The newest value at an address, and how many addresses further the next one begins: what was read as a real may be written as
        bytes. None and 0 where nobody heard of it."""
        newest, value, step = -1, None, 0
        for first, last in held:
            if first <= address <= last:
                time, point = self._ranges[*device, first, last]
                values = point.values
                place = (address - first) // point.width
                if time > newest and values is not None and place < len(values):
                    newest, value = time, values[place]
                    step = first + (place + 1) * point.width - address
        return value, step


def _device(t: Transaction, point: Point) -> Place:
    server = t.server
    return (
        server.ip or server.mac,
        t.unit if t.protocol != "dnp3" else (t.unit or "").partition(">")[2],
        point.kind,
        point.block,
        point.name,
    )
