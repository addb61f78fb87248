"""Assets as a CycloneDX 1.6 bill of materials (ECMA-424): devices with their firmware, each value with the packet that it rests on.

Chosen because asset managers and vulnerability scanners take it, it knows devices and firmware, and its `evidence.identity` holds a
confidence and a method for each value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, TextIO
from uuid import NAMESPACE_URL, uuid5

from sensor.inventory.known import Known, value
from sensor.outputs.cells import text
from sensor.outputs.flat import asset_fields
from sensor.outputs.json_result import fieldtap_version

_IDENTITY: Final[Mapping[str, str]] = {"firmware": "version", "model": "name"}
"""What is observed, and the field of a component that it stands in."""
_PROPERTIES: Final = (
    "addresses",
    "mac",
    "role",
    "level",
    "level_by",
    "zone",
    "hardware",
    "serial",
    "os",
    "criticality",
    "serves",
    "asks",
    "vlans",
)


def write_cyclonedx(known: Known, out: TextIO) -> None:
    """The document. Its serial number and time depend on the assets alone, so that the same store gives the same file."""
    units: dict[str, list[Mapping[str, Any]]] = {}
    for asset in known.assets:
        if asset["parent"] is not None:
            units.setdefault(asset["parent"], []).append(asset)
    devices = [asset for asset in known.assets if asset["parent"] is None]
    name = "\n".join(f"{asset['id']} {asset['last']}" for asset in known.assets)
    last = max((asset["last"] for asset in known.assets if asset["last"] is not None), default="1970-01-01T00:00:00.000000000Z")
    document = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, name)}", "version": 1,
        "metadata": {
            "timestamp": f"{last[:19]}Z",
            "tools": {"components": [{"type": "application", "name": "fieldtap", "version": fieldtap_version()}]},
        },
        "components": [_device(asset, units.get(asset["id"], ())) for asset in devices],
    }  # fmt: skip
    json.dump(document, out, ensure_ascii=True, indent=1)
    out.write("\n")


def _device(asset: Mapping[str, Any], units: Any) -> dict[str, Any]:
    fields = asset_fields(asset)
    made: dict[str, Any] = {"type": "device", "bom-ref": asset["id"], "name": str(fields.get("model") or fields.get("name") or asset["id"])}
    vendor = fields.get("vendor")
    if vendor is not None:
        made["manufacturer"] = {"name": vendor}
    made["properties"] = [{"name": f"fieldtap:{name}", "value": text(fields[name])} for name in _PROPERTIES if name in fields] + [
        {"name": "fieldtap:id", "value": asset["id"]}
    ]
    identity = _evidence(asset)
    if identity:
        made["evidence"] = {"identity": identity}
    inner = [_device(unit, ()) for unit in units] + ([_firmware(asset)] if "firmware" in fields else [])
    if inner:
        made["components"] = inner
    return made


def _firmware(asset: Mapping[str, Any]) -> dict[str, Any]:
    model = value(asset, "model")
    made = {
        "type": "firmware", "bom-ref": f"{asset['id']}#firmware", "name": f"{text(model)} firmware" if model else "firmware",
        "version": text(value(asset, "firmware")),
    }  # fmt: skip
    if asset["cpe"] is not None:
        made["cpe"] = asset["cpe"]
    return made


def _evidence(asset: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name, field in _IDENTITY.items():
        said = asset["observed"].get(name)
        if said is not None and said["provenance"] is not None:
            source = said["provenance"]
            method = f"{source['protocol']}: {source['field']}, packet {source['packet']} of capture {source['capture']}"
            how = {"technique": "other", "confidence": said["confidence"], "value": text(method)}
            found.append({"field": field, "confidence": said["confidence"], "concludedValue": text(said["value"]), "methods": [how]})
    return found
