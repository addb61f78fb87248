"""CPE 2.3 names (NISTIR 7695, 6.2: formatted strings) of what an asset runs.

They are formed from what was observed by the habit of the NVD's dictionary (lower case, underscores, `_firmware`). Whether the dictionary
has such a name is not looked up: nothing here has a network.
"""

from __future__ import annotations

import re
from typing import Final

_KEPT: Final = re.compile(r"[a-z0-9_.\-]")
MAX_LENGTH: Final = 128


def firmware_cpe(vendor: str | None, product: str | None, version: str | None) -> str | None:
    """`cpe:2.3:o:siemens:6es7_315-2eh14-0ab0_firmware:3.2.6:*:*:*:*:*:*:*`; None unless all three are known."""
    if not (vendor and product and version):
        return None
    parts = [_component(text) for text in (vendor, product, _version(version))]
    if not all(parts):
        return None
    maker, named, number = parts
    named = named.removeprefix(f"{maker}_") or named
    return f"cpe:2.3:o:{maker}:{named}_firmware:{number}:*:*:*:*:*:*:*"


def _version(text: str | None) -> str | None:
    """`V3.2.6` is version 3.2.6."""
    return None if text is None else re.sub(r"^[vV](?:er(?:sion)?)?[. ]?(?=\d)", "", text.strip())


def _component(text: str | None) -> str:
    """White space becomes `_`, letters are lowered, whatever else is quoted by a backslash (6.2.3.2); what isn't ASCII is left out."""
    words = "_".join((text or "").lower().encode("ascii", "ignore").decode().split())[:MAX_LENGTH]
    printable = "".join(sign for sign in words if sign.isprintable())
    quoted = "".join(sign if _KEPT.fullmatch(sign) else f"\\{sign}" for sign in printable)
    return "" if quoted.strip("_.-\\") == "" else f"\\{quoted}" if quoted == "-" else quoted
