"""Values of documents that are worked out: each function takes a record and gives a value of its field, None where there is none.

The function's name stands in fields.tsv. A finding has `kind`, a transaction `latency_ns`, what is new of an asset `change`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from rules.documents import document_mac
from sensor.clock import nanoseconds
from sensor.documents.fields import fields

Record = Mapping[str, Any]
_SEVERITY: Final = {"info": 21, "low": 21, "medium": 47, "high": 73, "critical": 99}
_OUTCOME: Final = {"accepted": "success", "rejected": "failure"}
_LONG: Final = (1 << 63) - 1
_POINT: Final = frozenset({"point", "kind", "block", "first", "last", "name", "access"})
_KNOWN: Final = frozenset({
    "time", "protocol", "flow", "vlan", "initiator", "client", "server", "unit", "function", "sub_function", "access", "points", "outcome",
    "anomalies", "latency_ns", "request", "response", "value",
    *(field.source for field in fields() if field.type == "flattened"),
})  # fmt: skip


def _text(value: object) -> str | None:
    return None if value is None or value == "" else str(value)


def timestamp(record: Record) -> str | None:
    """To the millisecond."""
    for name in ("revised", "time", "last", "first"):
        if record.get(name) is not None:
            return f"{str(record[name])[:23]}Z"
    return None


def message(record: Record) -> str:
    """A finding's title; a sentence elsewhere."""
    if "title" in record:
        return str(record["title"])
    if "function" in record:
        function = record["function"]
        return f"{record['protocol']} {function['name'] or function['code']} {record['outcome']['result']}"
    if "heard" in record:
        name = _said(record, "name")
        return f"{record.get('change', 'known')} asset {record['id']}" + (f" ({name})" if name else "")
    return f"run {record['run']}: {record['packets']['read']} packets, {record['findings']} findings"


def tags(record: Record) -> list[str]:
    """Kind, and techniques."""
    return [str(record["kind"]), *attack_ids(record)]


def event_kind(record: Record) -> str:
    """Only the first revision of an alert is an alert, so that nobody gets it twice."""
    if "title" not in record:
        return "event" if "function" in record else "metric" if "ledger" in record else "asset"
    if record["kind"] not in ("alert", "violation"):
        return "state"
    return "alert" if record["revision"] == 1 and record.get("edition", 1) == 1 else "event"


def event_category(record: Record) -> list[str]:
    """As ECS counts."""
    kind = record.get("kind") if "title" in record else None
    if kind == "alert":
        return ["intrusion_detection", "network"]
    if kind == "violation":
        return ["network", "intrusion_detection"]
    return ["host"] if kind == "health" or "heard" in record or "ledger" in record else ["network"]


def event_type(record: Record) -> list[str]:
    """As ECS counts."""
    if "function" in record and "title" not in record:
        return ["connection", "protocol"]
    return ["change"] if record.get("change") == "changed" else ["info"]


def event_action(record: Record) -> str | None:
    """The function, or what happened."""
    function = record.get("function")
    if function is not None:
        return str(function["name"] if function["name"] is not None else function["code"])
    if "title" in record:
        return str(record["kind"])
    return f"asset_{record['change']}" if "change" in record else None


def event_outcome(record: Record) -> str | None:
    """As ECS counts."""
    return _OUTCOME.get(record["outcome"]["result"], "unknown") if record.get("outcome") else None


def event_severity(record: Record) -> int:
    """One of Elastic Security's four."""
    return _SEVERITY[record["severity"]]


def risk_score(record: Record) -> float:
    """0 to 100."""
    weight = 5 if record["severity"] == "info" else _SEVERITY[record["severity"]]
    return round(weight * float(record["confidence"]), 1)


def start(record: Record) -> str | None:
    """First occurrence, or the request."""
    return _text(record.get("first") if "title" in record else (record.get("request") or {}).get("time"))


def end(record: Record) -> str | None:
    """Last occurrence, or the response."""
    return _text(record.get("last") if "title" in record else (record.get("response") or {}).get("time"))


def duration(record: Record) -> int | None:
    """In ns."""
    if "title" not in record:
        latency: int | None = record.get("latency_ns")
        return latency
    first, last = first_ns(record), last_ns(record)
    return None if first is None or last is None else last - first


def first_ns(record: Record) -> int | None:
    """Exact."""
    return _ns(record.get("first"))


def last_ns(record: Record) -> int | None:
    """Exact."""
    return _ns(record.get("last"))


def time_ns(record: Record) -> int | None:
    """Exact."""
    return _ns(record.get("time"))


def _ns(text: str | None) -> int | None:
    if text is None:
        return None
    time = _second(text[:19]) + int(text[20:29]) if len(text) == 30 else nanoseconds(text)
    return time if abs(time) <= _LONG else None


@lru_cache(maxsize=1024)
def _second(text: str) -> int:
    return nanoseconds(text)


def network_type(record: Record) -> str | None:
    """By the addresses."""
    ip = _side(record, "client", "ip") or _side(record, "server", "ip")
    return None if ip is None else "ipv6" if ":" in ip else "ipv4"


def _side(record: Record, side: str, part: str) -> str | None:
    party = record.get(side)
    said: str | None = party.get(part) if party else None
    return said


def client_address(record: Record) -> str | None:
    """IP or MAC."""
    return _side(record, "client", "ip") or client_mac(record)


def server_address(record: Record) -> str | None:
    """IP or MAC."""
    return _side(record, "server", "ip") or server_mac(record)


def client_mac(record: Record) -> str | None:
    """As ECS writes it."""
    mac = _side(record, "client", "mac")
    return mac and _mac(mac)


def server_mac(record: Record) -> str | None:
    """As ECS writes it."""
    mac = _side(record, "server", "mac")
    return mac and _mac(mac)


_mac: Final = lru_cache(maxsize=4096)(document_mac)


def vlan(record: Record) -> str | None:
    """The outermost."""
    return str(record["vlan"][0]) if record.get("vlan") else None


def related_ip(record: Record) -> list[str]:
    """Each once."""
    if "heard" in record:
        return host_ip(record)
    client, server = _side(record, "client", "ip"), _side(record, "server", "ip")
    return [ip for ip in ((client,) if client == server else (client, server)) if ip]


def related_hosts(record: Record) -> list[str]:
    """Names that a policy or a device gives."""
    detail = record.get("detail") or {}
    names = [detail.get("from_asset"), detail.get("to_asset")] if "title" in record else [_said(record, "name")]
    return list(dict.fromkeys(str(name) for name in names if name))


def rule_id(record: Record) -> str | None:
    """The rule, the conduit, or the pair of zones."""
    zones = record.get("zones")
    between = None if zones is None else f"{zones['from']}>{zones['to']}"
    return _text(record.get("rule") or record.get("conduit") or between)


def rule_name(record: Record) -> str:
    """The rule's name; for a policy's violation the reason, for others the title."""
    named = (record.get("detail") or {}).get("rule")
    if named:
        return str(named["name"])
    return str(record["reason"] if record["kind"] == "violation" else record["title"])


def ruleset(record: Record) -> str | None:
    """The file."""
    named = (record.get("detail") or {}).get("rule") or record.get("policy") or {}
    return _text(named.get("file"))


def reference(record: Record) -> str | None:
    """The first one that is an address."""
    return next((one for one in record.get("references") or () if one.startswith(("http://", "https://"))), None)


def _attacks(record: Record) -> Iterable[Mapping[str, Any]]:
    return record.get("attacks") or ([record["attack"]] if record.get("attack") else [])


def framework(record: Record) -> str | None:
    """Where a technique is told."""
    return "MITRE ATT&CK for ICS" if record.get("attack") else None


def attack_ids(record: Record, name: str = "id") -> list[str]:
    """As they are now."""
    return [str(one[name]) for one in _attacks(record)]


def attack_legacy(record: Record) -> list[str]:
    """As they were."""
    return attack_ids(record, "legacy_id")


def techniques(record: Record) -> list[str]:
    """Without sub-techniques."""
    return list(dict.fromkeys(one.partition(".")[0] for one in attack_ids(record)))


def technique_references(record: Record) -> list[str]:
    """Where they are told."""
    return [f"https://attack.mitre.org/techniques/{one}/" for one in techniques(record)]


def subtechniques(record: Record) -> list[str]:
    """Those that are."""
    return [one for one in attack_ids(record) if "." in one]


def points(record: Record) -> list[dict[str, Any]]:
    """Numbers and other values apart, what a protocol alone says of a point in `detail`."""
    return [_point(point) for point in record.get("points") or ()]


def _point(point: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for name, value in point.items():
        if name == "values":
            _values(made, value or ())
        elif value is not None:
            (made if name in _POINT else rest)[name] = value
    if rest:
        made["detail"] = rest
    return made


def _values(made: dict[str, Any], values: Iterable[Any]) -> None:
    numbers = [value for value in values if type(value) is int or (type(value) is float and math.isfinite(value))]
    if isinstance(values, list) and len(numbers) == len(values):
        if numbers:
            made["values"] = numbers
        return
    texts = []
    numbers = []
    for value in values:
        if isinstance(value, bool):
            numbers.append(int(value))
        elif isinstance(value, int | float) and math.isfinite(value):
            numbers.append(value)
        elif value is not None:
            texts.append(value if isinstance(value, str) else str(value))
    if numbers:
        made["values"] = numbers
    if texts:
        made["texts"] = texts


def other(record: Record) -> dict[str, Any] | None:
    """What a site's dissector says under its protocol's name."""
    if record.keys() <= _KNOWN:
        return None
    return {name: value for name, value in record.items() if name not in _KNOWN} or None


def said_of(name: str, record: Record) -> str | None:
    """What holds of an asset: declared, else observed or concluded."""
    return _text(_said(record, name))


def _said(record: Record, name: str) -> Any:
    said = (record.get("declared") or {}).get(name) or (record.get("observed") or {}).get(name)
    return None if said is None else said["value"]


def host_ip(record: Record) -> list[str]:
    """IP addresses only."""
    return [address for address in record["addresses"] if not _is_mac(address)]


def host_mac(record: Record) -> list[str]:
    """Those that it has as an address or attribute."""
    said = (record.get("attributes") or {}).get("mac")
    macs = [*(address for address in record["addresses"] if _is_mac(address)), *([str(said["value"])] if said else [])]
    return list(dict.fromkeys(document_mac(mac) for mac in macs))


def _is_mac(address: str) -> bool:
    return len(address) == 17 and address.count(":") == 5


def serves(record: Record) -> list[str]:
    """Protocols."""
    return _roles(record, "server")


def asks(record: Record) -> list[str]:
    """Protocols."""
    return _roles(record, "client")


def _roles(record: Record, side: str) -> list[str]:
    return list(dict.fromkeys(role["protocol"] for role in record.get("roles") or () if role["role"] == side))


def contradictions(record: Record) -> list[str]:
    """Kinds."""
    return list(dict.fromkeys(str(one["kind"]) for one in record.get("contradictions") or ()))


def attributes(record: Record) -> dict[str, Any] | None:
    """As they were said last."""
    return {name: said["value"] for name, said in (record.get("attributes") or {}).items()} or None


def duplicates(record: Record) -> int:
    """Over all causes."""
    return sum((record["packets"].get("duplicates") or {}).values())


def undecoded(record: Record) -> int:
    """Over all causes."""
    return sum((record["packets"].get("undecoded") or {}).values())


def dropped(record: Record) -> int:
    """Over all captures."""
    return sum(capture.get("dropped") or 0 for capture in record.get("captures") or ())


def causes(record: Record) -> dict[str, Any] | None:
    """Of both."""
    return {name: record["packets"][name] for name in ("duplicates", "undecoded") if record["packets"].get(name)} or None


def transactions(record: Record) -> int:
    """Over all protocols."""
    return sum(said["transactions"] for said in (record.get("protocols") or {}).values())


def captures(record: Record) -> list[dict[str, Any]]:
    """What was read of each."""
    names = ("path", "sha256", "packets", "bytes", "first", "last", "dropped")
    return [
        {name: capture[name] for name in names if capture.get(name) is not None} for capture in record.get("captures") or ()
    ]  # fmt: skip
