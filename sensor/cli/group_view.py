"""What is said of findings that say the same (sensor.cli.grouping)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sensor.cli.grouping import Group, listed

REASONS: Final = {
    "protocol": "not this protocol", "port": "not this port", "unit": "not this unit", "access": "not this access",
    "function": "not this function", "sub_function": "not this function", "point": "not this point", "value": "beyond limits",
    "time": "not at this time", "expired_exception": "exception expired", "initiator": "opened by the wrong side", "rate": "too often",
    "user": "not this user", "security_mode": "not secured like this",
}  # fmt: skip
"""Why something is a violation, where the reason's name alone doesn't say it."""
NAMED_THINGS: Final = 2
"""So many points or functions are named in a line."""


def what(group: Group) -> str:
    """`modbus write coil:0-7, holding_register:100`, `s7comm mode plc_stop`, `connects: ftp, ssh, telnet and 8 more`."""
    access = group.lead["access"]
    if access == "session":
        return f"connects: {group.listed('protocol')}"
    done = _shared(group.points()) if access in ("read", "write") else []
    units = group.values("unit")
    said = [group.listed("protocol"), access, listed(done or group.functions(), NAMED_THINGS)]
    return " ".join(part for part in said if part) + (f", {len(units)} units" if len(units) > 1 else "")


def _shared(points: Sequence[str]) -> list[str]:
    """Points of one kind name it once: `holding_register:0-9`, `40-49`."""
    kinds = [point.partition(":")[0] if ":" in point else None for point in points]
    before = [None, *kinds]
    return [
        point if kind is None or kind != last else point.partition(":")[2] for point, kind, last in zip(points, kinds, before, strict=False)
    ]


def why(group: Group) -> str:
    """What a policy says against it: `not this access, skips levels`."""
    reasons = (group.lead.get("detail") or {}).get("reasons") or [group.lead["reason"]]
    return ", ".join(REASONS.get(reason, reason.replace("_", " ")) for reason in reasons)
