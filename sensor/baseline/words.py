"""How it is said that something is new: what was never seen, and what was seen instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from sensor.clock import MINUTE, SECOND, utc

if TYPE_CHECKING:
    from dissectors import Transaction
    from sensor.baseline.model import Interval, Learned, Span

NAMED: Final = 5
"""So many things are named in a sentence; of more it is said how many."""
_DONE: Final = {"read": "read", "write": "written", "report": "reported", "configure": "configured"}
"""What was done to a point, by access; of others `used`."""
_UNITS: Final = ((SECOND, "s"), (1_000_000, "ms"), (1_000, "µs"))


def listed(names: Iterable[str]) -> str:
    """The first ones, and how many more there are; `nothing` where there are none."""
    every = list(names)
    more = len(every) - NAMED
    shown = ", ".join(every if more <= 1 else every[:NAMED])
    return f"{shown} and {more} more" if more > 1 else shown or "nothing"


def times(learned: Learned) -> str:
    """`5,400 times from 2026-03-04T08:15:21Z to …`."""
    often = "once" if learned.count == 1 else f"{learned.count:,} times"
    first, last = (f"{utc(time)[:19]}Z" for time in (learned.first, learned.last))
    return f"{often}, {first}" if first == last else f"{often} from {first} to {last}"


def did(learned: Learned) -> str:
    """Where it was learned, how often; else that somebody accepted it."""
    return times(learned) if learned.count else "accepted"


def points(spans: Sequence[Span], protocol: str) -> str:
    """`holding_register:0-9, 20`; limits of values are left out, neighbours that differ in them alone are one."""
    from sensor.inventory.ranges import merged

    found = merged(span.text(protocol) for span in spans)
    kinds = [point.partition(":")[0] if ":" in point and ";" not in point else None for point in found]
    before = [None, *kinds]
    return listed(
        point if kind is None or kind != last else point.partition(":")[2] for point, kind, last in zip(found, kinds, before, strict=False)
    )


def done(access: str) -> str:
    """`read`, `written`."""
    return _DONE.get(access, "used")


def function(t: Transaction) -> str:
    """The sub-function's name where there is one, else the function's; else the number."""
    sub = t.sub_function
    if sub is not None and sub.name is not None:
        return str(sub.name)
    return str(t.function.name) if t.function.name is not None else f"function {t.function.code}"


def function_of(learned: Learned) -> str:
    """The same of what was learned."""
    key = learned.key
    return learned.sub_function or learned.function or ("several functions" if key.function is None else f"function {key.function}")


def duration(ns: int) -> str:
    """`1.00 s`, `250 ms`, `2.0 min`."""
    if ns >= 2 * MINUTE:
        return f"{ns / MINUTE:.1f} min"
    for unit, name in _UNITS:
        if ns >= unit:
            value = ns / unit
            return f"{value:.3g} {name}"
    return f"{ns} ns"


def interval(learned: Interval) -> str:
    """`every 1.00 s, spread 4.1 ms`."""
    return f"every {duration(learned.median)}, spread {duration(learned.spread)}"


def values(numbers: Sequence[Any]) -> str:
    """`900`, `1.5, 2`."""
    return listed(f"{number:g}" if isinstance(number, float) else str(int(number)) for number in numbers)


def limits(spans: Iterable[Span]) -> str:
    """`0 to 500`; several pairs are listed."""
    pairs = dict.fromkeys((span.least, span.greatest) for span in spans if span.least is not None and span.greatest is not None)
    return listed(f"{least:g}" if least == greatest else f"{least:g} to {greatest:g}" for least, greatest in pairs)
