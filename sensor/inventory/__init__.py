"""What is on this network: assets, their attributes with provenance, and who talks to whom."""

from sensor.inventory.asset import Asset, Attribute, Conversation, Evidence
from sensor.inventory.collect import Inventory

__all__ = ["Asset", "Attribute", "Conversation", "Evidence", "Inventory"]
