"""How assets stand in a picture: a lane for each Purdue level, the enterprise on top, and in it the zones with their devices."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sensor.inventory.address import order
from sensor.inventory.known import value
from sensor.inventory.names import ROLES

TITLES: Final[Mapping[float | None, str]] = {
    5.0: "Outside", 4.0: "Enterprise", 3.5: "DMZ", 3.0: "Operations", 2.0: "Supervision", 1.0: "Control", 0.0: "Field",
    None: "Level not known",
}  # fmt: skip
_ORDER: Final = tuple(TITLES)
_ROLES: Final = tuple(ROLES)


@dataclass(frozen=True, slots=True)
class Group:
    """Devices of one zone on one level; `zone` is None where it isn't known."""

    zone: str | None
    assets: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Lane:
    """One Purdue level."""

    level: float | None
    title: str
    groups: Sequence[Group]

    @property
    def name(self) -> str:
        """`1`, `3.5` or empty."""
        return "" if self.level is None else f"{self.level:g}"


def lanes(assets: Iterable[Mapping[str, Any]]) -> list[Lane]:
    """Devices (units stand in theirs) by level, highest first, and zone; in a zone by role and address. Empty lanes are left out."""
    held: dict[float | None, dict[str | None, list[Mapping[str, Any]]]] = {}
    for asset in assets:
        if asset["parent"] is None:
            level = asset["level"] if asset["level"] in TITLES else None
            held.setdefault(level, {}).setdefault(asset["zone"], []).append(asset)
    made = []
    for level in _ORDER:
        if level in held:
            zones = sorted(held[level].items(), key=lambda one: (one[0] is None, natural(one[0] or "")))
            made.append(Lane(level, TITLES[level], [Group(zone, sorted(group, key=_place)) for zone, group in zones]))
    return made


def natural(name: str) -> list[tuple[int, str]]:
    """Orders `cell-2` before `cell-10`."""
    return [(int(part), "") if part.isdecimal() and part.isascii() else (-1, part) for part in re.split(r"([0-9]{1,9})", name.lower())]


def _place(asset: Mapping[str, Any]) -> tuple[int, bytes]:
    role = value(asset, "role")
    return (_ROLES.index(role) if role in _ROLES else len(_ROLES), order(asset["id"]))


def called(asset: Mapping[str, Any]) -> str:
    """What stands on a card: the name, else the address."""
    return str(value(asset, "name") or asset["id"])


def about(asset: Mapping[str, Any]) -> str:
    """The second line: maker and model, as far as they are known."""
    words = [str(said) for said in (value(asset, "vendor"), value(asset, "model")) if said]
    return " ".join(words) if not words or not words[-1].lower().startswith(words[0].lower()) else words[-1]
