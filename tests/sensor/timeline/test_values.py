"""What points held before they were written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sensor.timeline.values import MAX_OF_ONE, Values
from tests.synthetic import transaction


def heard(values: Values, first: int, last: int, held: Sequence[Any] | None, *, time: int = 0, width: int = 1, **said: Any) -> None:
    t = transaction({"time": time, "access": "read", **said})
    values.heard(t, [point(first, last, held, width)])  # type: ignore[arg-type, list-item]


def point(first: int, last: int, held: Sequence[Any] | None = None, width: int = 1, kind: str = "holding_register") -> Any:
    from types import SimpleNamespace

    return SimpleNamespace(kind=kind, block=None, name=None, first=first, last=last, values=held, width=width)


def before(values: Values, wanted: Any, **said: Any) -> Any:
    return values.before(transaction({"access": "write", **said}), wanted)  # type: ignore[arg-type]


def test_the_newest_range_that_covers_an_address_speaks() -> None:
    values = Values()
    heard(values, 0, 9, list(range(10)), time=1)
    heard(values, 5, 6, [50, 60], time=2)
    assert before(values, point(4, 7)) == [4, 50, 60, 7]
    heard(values, 0, 9, list(range(100, 110)), time=3)
    assert before(values, point(5, 5)) == [105]


def test_what_nobody_heard_of_is_none() -> None:
    values = Values()
    assert before(values, point(5, 5)) is None
    heard(values, 0, 1, [0, 0])
    assert before(values, point(1, 2)) == [0, None]
    heard(values, 2, 2, None)
    assert before(values, point(2, 2)) is None


def test_a_real_that_is_written_as_bytes_is_said_once_and_bytes_under_a_real_one_by_one() -> None:
    values = Values()
    heard(values, 64, 95, [40.0], width=32)
    assert before(values, point(64, 95, width=8)) == [40.0]
    heard(values, 0, 31, [1, 2, 3, 4], width=8)
    assert before(values, point(0, 31, width=32)) == [1, 2, 3, 4]


def test_units_kinds_and_refusals_are_told_apart() -> None:
    values = Values()
    heard(values, 0, 0, [7], unit="1")
    assert before(values, point(0, 0), unit="2") is None
    assert before(values, point(0, 0, kind="coil"), unit="1") is None
    heard(values, 0, 0, [9], unit="2", outcome={"result": "rejected"})
    assert before(values, point(0, 0), unit="2") is None


def test_what_is_remembered_is_bounded() -> None:
    values = Values()
    for first in range(MAX_OF_ONE + 10):
        heard(values, first * 2, first * 2, [first])
    assert before(values, point(0, 0)) is None
    assert before(values, point(2 * MAX_OF_ONE, 2 * MAX_OF_ONE)) == [MAX_OF_ONE]
    assert len(values._ranges) == MAX_OF_ONE
