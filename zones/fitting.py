"""Whether an occurrence fits a clause, as the gate sees it (DESIGN.md, 2.1): used once for what was delivered, and to explain.

Only the conditions that a policy uses are looked at: points, values, outcomes, and who opened the connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dissectors import Clause, PointLine

if TYPE_CHECKING:
    from dissectors import Transaction
    from dissectors._native import Point


def fits(clause: Clause, t: Transaction) -> bool:
    """Whether the outcome is one of the clause's and each point (with its values) is covered by the clause's united lines."""
    if clause.outcomes is not None and t.outcome.result not in clause.outcomes:
        return False
    if clause.opened_by is not None and (t.initiator or "unknown") not in clause.opened_by:
        return False
    if clause.touches is not None and not any(_touches(line, point) for line in clause.touches for point in t.points):
        return False
    lines = clause.points
    return lines is None or all(lines and covered(point, lines) for point in t.points)


def _touches(line: PointLine, point: Point) -> bool:
    """Some of the point lies in the line, whatever its values."""
    return _concerns(line, point) and (point.name is not None or (point.first <= line.last and line.first <= point.last))


def covered(point: Point, lines: Sequence[PointLine]) -> bool:
    """Whether every address of the point lies in some line that takes its value there; a value not seen needs a lenient line.
    A point with a name is covered by a line of that name, or by one without a name that isn't limited to addresses."""
    mine = [line for line in lines if _concerns(line, point)]
    values = point.values
    if point.name is not None:
        return any(_takes_all(line, values) for line in mine)
    for line in mine:
        if line.first <= point.first and point.last <= line.last and _takes_each(line, point, values):
            return True
    return _together(point, mine)


def _takes_each(line: PointLine, point: Point, values: Sequence[object] | None) -> bool:
    """Whether a line takes every value of a point that lies in it, and all of them were seen."""
    least, most = line.minimum, line.maximum
    if least is None and most is None:
        return True
    if values is None or len(values) * point.width < point.last - point.first + 1:
        return False
    for value in values:
        if not isinstance(value, (int, float)) or (least is not None and value < least) or (most is not None and value > most):
            return False
    return True


def _together(point: Point, mine: Sequence[PointLine]) -> bool:
    """Whether lines take a point between them, each a part of it."""
    values, at, width = point.values, point.first, point.width
    while at <= point.last:
        index = (at - point.first) // width
        value = values[index] if values is not None and index < len(values) else None
        ends = min(point.first + (index + 1) * width - 1, point.last), point.last
        reach = at - 1
        for line in mine:
            if (far := _reach(line, at, value, ends)) > reach:
                reach = far
        if reach < at:
            return False
        at = reach + 1
    return True


def _concerns(line: PointLine, point: Point) -> bool:
    if line.kind is not None and line.kind != point.kind:
        return False
    if line.access is not None and line.access != point.access:
        return False
    if line.block is not None and line.block != point.block:
        return False
    if point.name is None or line.name is not None:
        return line.name == point.name
    return line.first == 0 and line.last == 2**64 - 1


def _takes_all(line: PointLine, values: Sequence[object] | None) -> bool:
    whole = replace(line, first=0, last=2**64 - 1)
    return all(_reach(whole, 0, value, (0, 0)) == 0 for value in values or (None,))


def _reach(line: PointLine, at: int, value: object, ends: tuple[int, int]) -> int:
    """The last address from `at` on that this line covers for sure; less than `at` where it doesn't cover `at`. `ends` are the last
    addresses of the value and of the point."""
    if not line.first <= at <= line.last:
        return at - 1
    if line.minimum is None and line.maximum is None:
        return min(line.last, ends[1])
    if not isinstance(value, (int, float)):
        return min(line.last, ends[0]) if line.lenient and value is None else at - 1
    above = line.minimum is None or value >= line.minimum
    return min(line.last, ends[0]) if above and (line.maximum is None or value <= line.maximum) else at - 1
