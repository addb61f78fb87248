"""The JSON Schema of the policy language (2020-12), made from its models: for editors that check and complete while one types.

It says the shape; what names mean and whether zones overlap only `fieldtap zones check` says. Editors see YAML's own types, so numbers are
numbers here, where the reader takes every scalar as the text it is.
"""

from __future__ import annotations

from typing import Any

from zones.model import ACCESSES, LEVELS, SECURITY_MODES, SEVERITIES, VERSION
from zones.schema import MAX_RATE, PolicyEntry

_NUMBER = {"type": "number"}
_WORD = {"type": ["string", "integer"]}
_WHEN = {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2})?$"}
_DAY = "(mon|tue|wed|thu|fri|sat|sun)"
_SCALARS: dict[str, dict[str, Any]] = {
    "fieldtap": {"const": VERSION},
    "level": {"enum": list(LEVELS)},
    "severity": {"enum": list(SEVERITIES)},
    "security_level": {"type": "integer", "minimum": 0, "maximum": 4},
    "internal": {"enum": ["allow", "deny"]},
    "initiator": {"enum": ["client", "server"]},
    "security_mode": {"enum": list(SECURITY_MODES)},
    "per": {"type": "string", "pattern": "^[1-9][0-9]{0,5}(s|min|h)$"},
    "access": {"enum": list(ACCESSES)},
    "vlans": {"type": "integer", "minimum": 0, "maximum": 4094},
    "hours": {"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$"},
    "days": {"type": "string", "pattern": f"^{_DAY}(-{_DAY})?$"},
    "ports": {"type": ["string", "integer"], "pattern": "^[0-9]+(-[0-9]+)?$"},
    "units": _WORD, "functions": _WORD, "sub_functions": _WORD, "points": _WORD, "min": _NUMBER, "max": _NUMBER,
    "start": _WHEN, "end": _WHEN,
}  # fmt: skip
_LISTED = (
    *("networks", "macs", "vlans", "assets", "roles", "vendors", "tags", "ip", "mac", "references", "schedule", "from", "to"),
    *("access", "functions", "sub_functions", "units", "ports", "points", "days", "user", "security_mode"),
)
"""Keys that take one or a list."""


def policy_schema() -> dict[str, Any]:
    """The schema of a whole policy."""
    made = PolicyEntry.model_json_schema(by_alias=True)
    for name, part in {"PolicyEntry": made, **made["$defs"]}.items():
        for key, shape in part.get("properties", {}).items():
            part["properties"][key] = _of(name, key, shape)
        part["additionalProperties"] = False
    made["properties"]["schedules"] = {"type": "object", "additionalProperties": _one_or_list({"$ref": "#/$defs/WindowEntry"})}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", **made,
        "title": "A Fieldtap policy", "description": "Zones and conduits (IEC 62443). `fieldtap zones check` says what a schema cannot.",
    }  # fmt: skip


def _of(part: str, key: str, shape: dict[str, Any]) -> dict[str, Any]:
    """What a key takes."""
    if part == "WindowEntry" and key in ("from", "to"):
        return _WHEN
    if part == "RateEntry" and key == "max":
        return {"type": "integer", "minimum": 1, "maximum": MAX_RATE}
    if key == "rate":
        return _one_or_list({"$ref": "#/$defs/RateEntry"})
    scalar = _SCALARS.get(key)
    listed = key in _LISTED and not (part == "PolicyEntry" and key == "assets")
    if scalar is None and not listed:
        return {name: value for name, value in shape.items() if name not in ("default", "title")} if "anyOf" not in shape else _plain(shape)
    return _one_or_list(scalar or {"type": "string", "minLength": 1}) if listed else scalar or {}


def _plain(shape: dict[str, Any]) -> dict[str, Any]:
    """An optional value without its null, which YAML's empty would be and the reader refuses."""
    choices = [one for one in shape["anyOf"] if one != {"type": "null"}]
    return choices[0] if len(choices) == 1 else {"anyOf": choices}


def _one_or_list(item: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}
