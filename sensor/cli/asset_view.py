"""Assets in few words, from the documents that the store and the result give."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from zones.model import INDUSTRIAL

MOST_ROLES: Final = 3
_LEGAL: Final = re.compile(r"[ ,]+(AG|Co|Corp|GmbH|Inc|KG|LLC|Ltd|SA|SE)\b.*$", re.IGNORECASE)


def value(asset: Mapping[str, Any], name: str) -> str:
    """The current value of an attribute as text, empty where it is not known."""
    attribute = asset["attributes"].get(name)
    return "" if attribute is None or attribute["value"] is None else str(attribute["value"])


def called(asset: Mapping[str, Any]) -> str:
    """Its id; a unit is named below its device."""
    identity = str(asset["id"])
    return identity if asset["parent"] is None else f"  unit {identity.rpartition(':')[2]}"


def model(asset: Mapping[str, Any]) -> str:
    """Product, model and firmware, each once."""
    named = value(asset, "product_name"), value(asset, "model") or value(asset, "product"), value(asset, "firmware")
    return " ".join(dict.fromkeys(text for text in named if text))


def known_as(asset: Mapping[str, Any]) -> str:
    """Vendor without its legal form, product, model and firmware, as far as they are known."""
    return " ".join(part for part in (_LEGAL.sub("", value(asset, "vendor")), model(asset)) if part)


def acts_as(asset: Mapping[str, Any]) -> str:
    """`modbus server, ssh client`. Where a protocol was recognised on a port, the port's usual name says nothing more."""
    if asset["kind"] == "router":
        return "router"
    recognised = {role["port"] for role in asset["roles"] if role["protocol"] in INDUSTRIAL and role["port"] is not None}
    roles: dict[str, list[str]] = {"server": [], "client": []}
    for role in asset["roles"]:
        named = role["protocol"] not in INDUSTRIAL and role["port"] in recognised
        if not named and role["protocol"] not in roles[role["role"]]:
            roles[role["role"]].append(role["protocol"])
    return ", ".join(f"{_few(names)} {role}" for role, names in roles.items() if names)


def _few(names: Sequence[str]) -> str:
    ordered = sorted(names, key=lambda name: (name not in INDUSTRIAL, name))
    more = len(ordered) - MOST_ROLES
    return " ".join(ordered) if more <= 1 else f"{' '.join(ordered[:MOST_ROLES])} +{more}"
