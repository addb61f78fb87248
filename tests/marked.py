"""Parts of documents that are made, between two marks."""

from __future__ import annotations


def replaced(text: str, marks: tuple[str, str], made: str, what: str) -> str:
    """The document with what was made between its marks. Raises ValueError where they are gone; `what` says what of."""
    before, begin, rest = text.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not begin or not end:
        raise ValueError(f"{what} has no place: {marks[0].strip()} … {marks[1].strip()}")
    return before + begin + made + end + after
