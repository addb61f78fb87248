"""Events in words, for tables and pages alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sensor.cli.words import counted, number, size

if TYPE_CHECKING:
    from sensor.timeline.story import Timeline

Event = Mapping[str, Any]
NAMED: Final = 3
"""Points that a line names; a page names more."""
_ACCEPTED: Final = "accepted"


def who(timeline: Timeline, event: Event) -> str:
    """`eng-station → plc-filter`; of a host its address and name."""
    kind = event["kind"]
    if "there_already" in event:
        return ""
    if kind == "host":
        name = timeline.name(event["address"])
        return event["address"] if name == event["address"] else f"{name} ({event['address']})"
    if "sides" in event:
        return " → ".join(timeline.name(side) for side in event["sides"] if side)
    if kind == "incident":
        return " → ".join(timeline.name(source) for source in event["sources"])
    return " → ".join(timeline.name(side) for side in (_side(event["client"]), _side(event["server"])) if side)


def _side(side: Any) -> str:
    if isinstance(side, Mapping):
        return str(side.get("ip") or side.get("mac") or "")
    return "" if side is None else str(side)


def what(timeline: Timeline, event: Event, most: int = NAMED) -> str:
    """What happened, in one line."""
    kind = event["kind"]
    if "there_already" in event:
        return already(timeline, event, 4 * most)
    said = {"host": _host, "contact": _contact, "transfer": _transfer, "finding": _finding, "incident": _incident}.get(kind)
    return said(timeline, event) if said is not None else done(event, most)


def done(event: Event, most: int = NAMED) -> str:
    """`modbus unit 1, 14 times: holding_register:100-101 [1450, 0] → [0, 0], coil:7 0 → 1 and 5 more`, `dnp3 unit 1>10 cold_restart`."""
    changes = event["changes"]
    named = [change(one) for one in changes[:most]]
    more = len(changes) - len(named) + event["more_points"]
    told = ", ".join(named) + (f" and {number(more)} more" if more else "")
    times = f", {number(event['count'])} times" if event["count"] > 1 else ""
    unit = f" unit {event['unit']}" if event["unit"] else ""
    function = "" if event["kind"] == "write" else f" {', '.join(event['functions'])}"
    head = f"{event['protocol']}{unit}{function}{times}"
    return head + (f": {told}" if told else "") + outcome(event)


def change(said: Mapping[str, Any]) -> str:
    """`holding_register:100-101 [1450, 0] → [0, 0]`."""
    after = values(said["after"])
    latest = f" … {values(said['latest'])}" if "latest" in said else ""
    if said["before"] is None:
        return f"{said['point']} = {after}{latest}" if after else str(said["point"])
    return f"{said['point']} {values(said['before'])} → {after}{latest}"


def values(held: Sequence[Any] | None, most: int = 8) -> str:
    """`1450` alone, `[1450, 0]` where there are several, `?` for what nobody heard of."""
    if not held:
        return ""
    texts = ["?" if one is None else f"{one:g}" if isinstance(one, float) else _short(one) for one in held[:most]]
    if len(held) == 1:
        return texts[0]
    return f"[{', '.join(texts)}{', …' if len(held) > most else ''}]"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}…"


def outcome(event: Event) -> str:
    """What the device answered, where it isn't simply `accepted`."""
    counts = {name: count for name, count in event["outcomes"].items() if count}
    if set(counts) <= {_ACCEPTED}:
        return ""
    return f" ({', '.join(name if count == event['count'] else f'{number(count)} {name}' for name, count in counts.items())})"


def already(timeline: Timeline, event: Event, most: int = 12) -> str:
    """What was there when the captures began: hosts by name, conversations by client and protocol."""
    there = event["there_already"]
    if event["kind"] == "host":
        said, many = [timeline.name(one["address"]) for one in there], "host"
    else:
        said, many = _conversations(timeline, there), "conversation"
    more = f" and {len(said) - most} more" if len(said) > most else ""
    return f"{counted(len(there), many)} from the beginning: {', '.join(said[:most])}{more}"


def _conversations(timeline: Timeline, there: Sequence[Event]) -> list[str]:
    """`hmi-1 → plc-1 modbus`, `scada-1 → 7 servers dnp3`."""
    servers: dict[tuple[str, str], list[str]] = {}
    for one in there:
        servers.setdefault((one["client"], one["protocol"]), []).append(one["server"])
    return [
        f"{timeline.name(client)} → {timeline.name(asked[0]) if len(asked) == 1 else f'{len(asked)} servers'} {protocol}"
        for (client, protocol), asked in servers.items()
    ]


def _host(_: Timeline, event: Event) -> str:
    known = " ".join(str(event[name]) for name in ("vendor", "model") if name in event)
    role = f", {event['role']}" if "role" in event else ""
    return f"first seen{f': {known}' if known else ''}{role}"


def _contact(_: Timeline, event: Event) -> str:
    port = "" if event["port"] is None else f" (port {event['port']})"
    return f"speaks {event['protocol']} for the first time{port}"


def _transfer(_: Timeline, event: Event) -> str:
    way = "into" if event["direction"] == "into" else "out of"
    digest = f", SHA-256 {event['sha256'][:16]}…" if event["sha256"] else ""
    whole = "complete" if event["complete"] else f"incomplete: {'; '.join(event['missing'])}"
    return f"{event['protocol']} {event['name']} {way} the device, {size(event['bytes'])}, {whole}{digest}"


def _finding(_: Timeline, event: Event) -> str:
    times = f" ({number(event['count'])} times)" if event["count"] > 1 else ""
    return f"{event['title']}{times}"


def _incident(_: Timeline, event: Event) -> str:
    return f"{', '.join(stage['title'] for stage in event['stages'])} ({counted(event['findings'], 'finding')})"


def packet(event: Event) -> str:
    """`1/812`: the capture and the packet that it began with."""
    packets = event.get("packets") or ()
    return f"{packets[0]['capture']}/{packets[0]['packet']}" if packets else ""
