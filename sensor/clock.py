"""Capture time as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = "0001-01-01T00:00:00.000000000Z", "9999-12-31T23:59:59.999999999Z"


def utc(time: int) -> str:
    """Nanoseconds since 1970 as `2026-03-04T08:15:21.118000123Z`, from year 1 to 9999; beyond that it is held at the nearest end."""
    seconds, rest = divmod(time, SECOND)
    whole = _whole(seconds)
    return f"{whole}.{rest:09d}Z" if whole is not None else _LAST if seconds > 0 else _FIRST


@lru_cache(maxsize=1024)
def _whole(seconds: int) -> str | None:
    """The text of a second, which findings have in common; None beyond what a calendar holds."""
    try:
        whole = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return f"{whole.year:04d}{whole:-%m-%dT%H:%M:%S}"


def nanoseconds(text: str) -> int:
    """The inverse: UTC text in the form of ISO 8601 as ns since 1970. A time without a zone is UTC, a date is its midnight.

    Raises ValueError where it is no time.
    """
    whole, point, rest = text.strip().partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    moment = datetime.fromisoformat(whole + rest[len(digits) :])
    if (point and not digits) or len(digits) > 9:
        raise ValueError(f"{text!r} is no time")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return ((moment - _EPOCH) // timedelta(seconds=1)) * SECOND + int(digits.ljust(9, "0") if digits else 0)
