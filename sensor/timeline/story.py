"""All events of captures in the order of time: hosts, contacts, what was done, programs and files, findings, incidents."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sensor.clock import MINUTE, nanoseconds, utc
from sensor.timeline.chronicle import Chronicle

if TYPE_CHECKING:
    from sensor.result import Result
    from sensor.timeline.contents import Transfer

KINDS: Final = ("host", "contact", "write", "mode", "program", "configure", "transfer", "finding", "incident")
"""Kinds of events, in the order in which those of the same time stand."""
REMOTE: Final = (
    "ssh", "telnet", "ms-wbt-server", "microsoft-ds", "netbios-ssn", "vnc", "rfb", "rdp", "winrm", "pcanywhere", "teamviewer", "anydesk",
)  # fmt: skip
"""Services by which somebody comes onto a host."""
MAX_HOSTS: Final = 5_000
MAX_CONTACTS: Final = 5_000
_SAID: Final = ("host", "contact")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What `fieldtap timeline` tells. `events` are documents with `time` and `kind`; `names` are what a policy or the devices call
    addresses; `left_out` counts what had no room, by what it was."""

    result: Result
    events: Sequence[dict[str, Any]]
    transfers: Sequence[Transfer]
    incidents: Sequence[Mapping[str, Any]]
    names: Mapping[str, str]
    left_out: Mapping[str, int]

    def name(self, address: str) -> str:
        """What an address is called, else itself."""
        return self.names.get(address, address)

    def only(self, kinds: Collection[str]) -> Timeline:
        """The same with events of these kinds alone."""
        return replace(self, events=[event for event in self.events if event["kind"] in kinds])

    def refresh(self) -> None:
        """Brings events of transfers up to date: where their bytes were extracted to."""
        said = iter([transfer.to_dict() for transfer in self.transfers])
        for event in self.events:
            if event["kind"] == "transfer":
                event.update(next(said))

    def told(self) -> list[dict[str, Any]]:
        """Events for a reader: findings that say the same of the same two sides are one, with how many `more` there are."""
        from sensor.cli.grouping import grouped

        findings = [{**event, "kind": event["finding_kind"]} for event in self.events if event["kind"] == "finding"]
        groups = [
            {**group.lead, "kind": "finding", "time": group.first, "count": group.count, "more": len(group.findings) - 1,
             "sides": [group.said(side, "", f"{side}s") for side in ("client", "server")]} for group in grouped(findings)
        ]  # fmt: skip
        others = [event for event in self.events if event["kind"] != "finding"]
        return sorted((*others, *groups), key=lambda event: (event["time"], KINDS.index(event["kind"])))

    def to_dict(self) -> dict[str, Any]:
        """The document of `--json`."""
        from sensor.outputs.json_result import fieldtap_version

        engine = self.result.engine
        return {
            "fieldtap": fieldtap_version(), "captures": list(engine.get("captures") or ()), "packets": engine.get("packets"),
            "ledger": engine.get("ledger"), "policy": self.result.plan.policy_summary, "rules": self.result.plan.rules_summary,
            "names": dict(self.names), "events": list(self.events), "transfers": [transfer.to_dict() for transfer in self.transfers],
            "incidents": list(self.incidents), "left_out": dict(self.left_out),
        }  # fmt: skip


def timeline(result: Result, chronicle: Chronicle) -> Timeline:
    """From a run that the chronicle listened to."""
    transfers = list(chronicle.contents.all())
    stories = [incident.to_dict() for incident in result.incidents()]
    hosts, contacts = list(_hosts(result)), list(_contacts(result))
    opening = _opening(result)
    events = [
        *_seen(hosts, "host", opening, MAX_HOSTS), *_seen(contacts, "contact", opening, MAX_CONTACTS),
        *(burst.to_dict() for burst in chronicle.bursts),
        *({"time": utc(one.first), "kind": "transfer", **one.to_dict()} for one in transfers),
        *({"time": one["first"], "kind": "incident", **one} for one in stories), *_findings(result),
    ]  # fmt: skip
    events.sort(key=lambda event: (event["time"], KINDS.index(event["kind"])))
    left_out = {
        "hosts": max(0, len(hosts) - MAX_HOSTS), "contacts": max(0, len(contacts) - MAX_CONTACTS), "events": chronicle.left_out,
        "transfers": chronicle.contents.left_out,
    }  # fmt: skip
    return Timeline(
        result=result, events=events, transfers=transfers, incidents=stories, names=_names(result),
        left_out={name: count for name, count in left_out.items() if count},
    )  # fmt: skip


def _opening(result: Result) -> int:
    """What was there in the first minute was there before the captures: their first time and a minute (ns)."""
    firsts = [nanoseconds(capture["first"]) for capture in result.engine.get("captures") or () if capture["first"] is not None]
    return min(firsts, default=0) + MINUTE


def _seen(found: Sequence[dict[str, Any]], kind: str, opening: int, most: int) -> Iterator[dict[str, Any]]:
    """Those that came later one by one, those of the opening minute as one event."""
    there = [one for one in found if nanoseconds(one["time"]) < opening]
    if there:
        yield {"time": min(one["time"] for one in there), "kind": kind, "there_already": there[:most]}
    for one in found[: most + len(there)]:
        if nanoseconds(one["time"]) >= opening:
            yield one


def _hosts(result: Result) -> Iterator[dict[str, Any]]:
    for asset in sorted(result.assets.heard(), key=lambda one: (one.first or 0, one.id)):
        if asset.parent is None and asset.first is not None:
            known = {name: asset.value(name) for name in ("name", "vendor", "model", "role") if asset.value(name) is not None}
            yield {"time": utc(asset.first), "kind": "host", "address": asset.id, "addresses": list(asset.addresses), **known}


def _contacts(result: Result) -> Iterator[dict[str, Any]]:
    """Who began to speak an industrial protocol, or to come onto a host, with whom."""
    from zones.model import INDUSTRIAL

    met: dict[tuple[str, str, str], dict[str, Any]] = {}
    for said in result.conversations:
        protocol, first = said["protocol"], said["first"]
        if (protocol not in INDUSTRIAL and protocol not in REMOTE) or first is None or not said["from_server"]["payload_bytes"]:
            continue
        key = (said["client"], said["server"], protocol)
        event = {
            "time": utc(first.time), "kind": "contact", "client": said["client"], "server": said["server"], "protocol": protocol,
            "port": said["port"], "packets": [{"capture": first.capture, "packet": first.packet}],
        }  # fmt: skip
        if key not in met or event["time"] < met[key]["time"]:
            met[key] = event
    yield from sorted(met.values(), key=lambda one: (one["time"], one["client"], one["server"], one["protocol"]))


def _findings(result: Result) -> Iterator[dict[str, Any]]:
    """Alerts and violations that nobody suppressed; what was not seen stands apart."""
    for finding in result.findings:
        if finding.statement.kind in ("alert", "violation") and finding.suppressed is None:
            said = finding.to_dict()
            yield {"time": said["first"], **said, "kind": "finding", "finding_kind": said["kind"]}


def _names(result: Result) -> dict[str, str]:
    """What addresses are called: by the policy, else by the devices themselves."""
    names = {}
    for asset in result.assets.heard():
        called = asset.value("name") if asset.parent is None else None
        if called is not None:
            names.update(dict.fromkeys(asset.addresses, str(called)))
    assets = () if result.plan.policy is None else result.plan.policy.assets.values()
    names.update({address: asset.name for asset in assets for address in (*asset.ips, *asset.macs)})
    return names
