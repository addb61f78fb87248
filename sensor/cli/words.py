"""Numbers, sizes and times in words."""

from __future__ import annotations

from sensor.clock import MINUTE, SECOND, nanoseconds


def number(count: int) -> str:
    """`1,234,567`."""
    return f"{count:,}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 flow`, `2 flows`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def size(count: int) -> str:
    """Bytes with a decimal unit (IEC 80000-13 keeps kB for 1000)."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:,.0f} {unit}" if unit == "B" or value >= 100 else f"{value:,.1f} {unit}"
        value /= 1000
    return ""


def clock(text: str | None) -> str:
    """UTC text without the fractions of a second: `2026-03-04 08:15:21`."""
    return "" if text is None else text[:19].replace("T", " ")


def span(first: str, last: str) -> str:
    """How long from one time to the other."""
    length = max(0, nanoseconds(last) - nanoseconds(first))
    if length < MINUTE:
        return f"{length / SECOND:.1f} s"
    minutes, seconds = divmod(length // SECOND, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"


def shortened(text: str, most: int) -> str:
    """At most so many characters, with an ellipsis where some are left out."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
