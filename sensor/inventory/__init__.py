"""What is on this network: assets, their attributes with provenance, and who talks to whom."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sensor.inventory.asset import Asset, Attribute, Conversation, Evidence
    from sensor.inventory.collect import Inventory

__all__ = ["Asset", "Attribute", "Conversation", "Evidence", "Inventory"]

_HOMES = {"Inventory": "collect"} | dict.fromkeys(["Asset", "Attribute", "Conversation", "Evidence"], "asset")


def __getattr__(name: str) -> Any:
    """Loads what is asked for when it is asked for: the store and the shipper need no engine."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
