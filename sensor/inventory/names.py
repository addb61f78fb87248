"""The attributes of an asset: their names as every output, filter and rule of inference writes them, and what they mean.

Dissectors observe them under these names; a name that isn't here is kept all the same and shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

OBSERVED: Final[Mapping[str, str]] = {
    "name": "what the device calls itself",
    "hostname": "host name",
    "description": "a description in the device's own words",
    "location": "where it says that it stands",
    "mac": "hardware address",
    "router_mac": "hardware address of the router that its packets came through",
    "vendor": "maker of the device, or of its network interface where the field ends in (OUI)",
    "product": "product",
    "product_name": "product, in the maker's words",
    "product_code": "product, by number",
    "device_type": "kind of device, by the protocol's own list",
    "model": "model",
    "order_number": "the number by which it is ordered",
    "serial": "serial number",
    "hardware": "hardware version",
    "firmware": "firmware or software version",
    "build": "build number",
    "os": "operating system, as it was said",
    "module": "a module of the device",
    "application_uri": "OPC UA application",
    "application_type": "OPC UA: server, client or both",
    "product_uri": "OPC UA product",
    "endpoint": "OPC UA endpoint with its security",
    "certificate_subject": "whom its certificate names",
    "certificate_issuer": "who issued its certificate",
    "certificate_sha256": "digest of its certificate",
}  # fmt: skip

CONCLUDED: Final[Mapping[str, str]] = {
    "role": "what it is for, by votes",
    "level": "Purdue level, by votes",
    "vendor": "maker, by votes",
    "os": "operating system, by votes",
}
"""What rules of inference conclude, in this order: later ones may rely on earlier ones."""
TOPICS: Final = ("vendor", "os", "role", "level")

DECLARED: Final[Mapping[str, str]] = {
    "name": "what people call it", "role": "what it is for", "level": "Purdue level", "zone": "the zone it belongs to",
    "vendor": "maker", "model": "model or order number", "serial": "serial number", "firmware": "firmware version",
    "hardware": "hardware version",
    "os": "operating system", "criticality": "low, medium, high or critical", "tags": "words to find it by", "description": "notes",
}  # fmt: skip
"""What people may declare of an asset, or accept as observed."""

ROLES: Final[Mapping[str, str]] = {
    "plc": "PLC", "rtu": "RTU", "safety_controller": "Safety controller", "hmi": "HMI", "scada_server": "SCADA server",
    "historian": "Historian", "engineering_station": "Engineering station", "gateway": "Gateway", "opcua_server": "OPC UA server",
    "drive_io": "Drive or I/O", "switch": "Switch", "router": "Router", "firewall": "Firewall", "printer": "Printer", "camera": "Camera",
    "it_client": "IT client", "it_server": "IT server",
}  # fmt: skip
"""Roles, and how people are shown them."""

MODEL: Final = ("model", "product_name", "order_number", "product")
"""Attributes that say the model, the plainest first."""
VERSIONS: Final = ("firmware", "build")
"""Attributes that say the version of what runs on it."""
