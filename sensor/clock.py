"""Capture time as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc(time: int) -> str:
    """Nanoseconds since 1970 as `2026-03-04T08:15:21.118000123Z`, from year 1 to 9999; beyond that it is held at the nearest end."""
    seconds, rest = divmod(time, SECOND)
    try:
        whole = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        whole, rest = (datetime.max.replace(tzinfo=UTC), SECOND - 1) if seconds > 0 else (datetime.min.replace(tzinfo=UTC), 0)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z" if whole.year >= 1000 else f"{whole.year:04d}{whole:-%m-%dT%H:%M:%S}.{rest:09d}Z"


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
