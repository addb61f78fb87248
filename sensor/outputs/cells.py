"""Text and cells that other programs can open without running anything."""

from __future__ import annotations

import re
from typing import Final

_NOT_TEXT: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (2.2) can't hold: a device may say anything of itself."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What starts a formula in some spreadsheet (OWASP, CSV injection), the full-width forms included."""


def text(said: object) -> str:
    """Text that every format can hold."""
    plain = str(said)
    return plain if plain.isprintable() else _NOT_TEXT.sub("\ufffd", plain)


def safe(value: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    plain = text(value)
    if plain[:1].isalnum():
        return plain
    return f"'{plain}" if plain.lstrip(" ").startswith(_FORMULA) else plain
