"""From a run to what its report says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sensor.clock import utc
from sensor.findings import SEVERITIES
from sensor.reports import statement
from sensor.reports.conduits import conduit_lines, exceptions
from sensor.reports.coverage import Coverage
from sensor.reports.model import Alert, Capture, Chapter, Pair, Report, Stranger, Verdict, ZoneLine
from sensor.reports.traffic import Between, Placing, Traffic, traffic_of
from zones.model import ACCESSES, EXTERNAL, UNKNOWN

if TYPE_CHECKING:
    from sensor.findings import Finding
    from sensor.inventory.asset import Asset
    from sensor.result import Result
    from zones.model import Policy, Zone

COUNTED: Final = "counted"
_EFFECTS: Final = {"accepted": "accepted", "rejected": "rejected", "unanswered": "attempted"}
LACKING: Final[Mapping[str, str]] = {
    "capture_truncated": "it ends in the middle of a record",
    "capture_resync": "bytes that are no record were skipped",
    "capture_garbage": "its rest is no record",
    "capture_corrupt": "its compressed data are damaged",
    "capture_read_error": "the system could not read on",
    "capture_bad_block": "a block that contradicts itself was left out",
    "capture_changed": "the file changed while it was read",
}
"""Anomalies of a capture by which part of it was not read."""


def report_of(result: Result, made: str) -> Report:
    """The report of a run that was judged by a policy. `made` is the time of making, UTC text."""
    chapter = chapter_of(result)
    from sensor.outputs.json_result import fieldtap_version

    return Report(
        fieldtap=fieldtap_version(), made=made, span=(chapter.first, chapter.last), statement=chapter.statement, chapters=(chapter,)
    )


def chapter_of(result: Result) -> Chapter:
    """What the run's policy says of what the run saw. Raises ValueError where it had none."""
    policy = result.plan.policy
    if policy is None:
        raise ValueError("a report needs a policy")
    placing = Placing(policy, result)
    traffic = traffic_of(result, placing)
    verdicts = sorted((_verdict(finding) for finding in result.findings if finding.statement.policy is not None), key=_gravest)
    kinds = {finding.id: finding.statement.kind for finding in result.findings}
    violations = [verdict for verdict in verdicts if kinds[verdict.id] == "violation"]
    insufficient = [verdict for verdict in verdicts if kinds[verdict.id] == "coverage"]
    captures = list(_captures(result.engine["captures"]))
    return statement.stated(Chapter(
        file=policy.file, sha256=policy.sha256, site=policy.site,
        first=min((one.first for one in captures if one.first), default=None),
        last=max((one.last for one in captures if one.last), default=None),
        captures=captures, statement=statement.UNSAID, zones=_zones(policy, result, placing),
        matrix=_matrix(policy, traffic, violations, insufficient), violations=violations, insufficient=insufficient,
        conduits=conduit_lines(policy, traffic, violations, insufficient), strangers=list(_strangers(result, placing)),
        exceptions=exceptions(policy, traffic, violations), coverage=traffic.whole, packets=_packets(result.engine),
        ceilings={**result.engine["ceilings"], **({"merged_occurrences": traffic.merged} if traffic.merged else {})},
        alerts=_alerts(result.findings), rules=(result.plan.rules_summary or {}).get("digest"), complete=not result.interrupted,
        alert_list=sorted((_alert(finding, placing) for finding in _of_rules(result.findings)), key=_gravest),
    ))  # fmt: skip


def _captures(captures: Iterable[Mapping[str, Any]]) -> Iterator[Capture]:
    for number, capture in enumerate(captures, start=1):
        lacking = [LACKING[name] for name in capture["anomalies"] if name in LACKING]
        left = {"skipped_by_filter": "a capture filter", "skipped_by_time": "the times asked for"}
        lacking += [f"{capture[name]:,} packets were left out by {why}" for name, why in left.items() if capture.get(name)]
        yield Capture(
            number=number, path=str(capture["path"]), sha256=capture.get("sha256"), packets=capture["packets"], bytes=capture["bytes"],
            first=capture["first"], last=capture["last"], dropped=capture.get("dropped") or 0, lacking=lacking,
        )  # fmt: skip


def _packets(engine: Mapping[str, Any]) -> dict[str, int]:
    packets = engine["packets"]
    return {
        "read": packets["read"], "decoded": packets["decoded"], "unreadable": sum(packets["undecoded"].values()),
        "duplicates": sum(packets["duplicates"].values()), "suspected_duplicates": packets["suspected_duplicates"],
        "dropped": sum(capture.get("dropped") or 0 for capture in engine["captures"]), "cut_bytes": engine["ledger"]["cut_bytes"],
        "set_aside": engine["ledger"]["set_aside_packets"] + engine["ledger"]["bad_checksums"],
    }  # fmt: skip


def _zones(policy: Policy, result: Result, placing: Placing) -> list[ZoneLine]:
    standing = Counter(placing.zone(asset.id).name for asset in _heard(result))
    declared = [zone for zone in policy.zones.values() if zone.line or standing[zone.name]]
    return [_zone_line(zone, standing[zone.name]) for zone in sorted(declared, key=_from_above)]


def _zone_line(zone: Zone, assets: int) -> ZoneLine:
    return ZoneLine(
        name=zone.name, level=zone.level, security_level=zone.security_level, parent=zone.parent,
        inside="allowed" if zone.internal else "denied", assets=assets,
        line=zone.line, description=zone.description,
    )  # fmt: skip


def _from_above(zone: Zone) -> tuple[float, str]:
    return (-(zone.level if zone.level is not None else -1), zone.name)


def _heard(result: Result) -> Iterator[Asset]:
    """Devices that sent something; routers, which are known by what they forward, have no place of their own."""
    return (asset for asset in result.assets if asset.parent is None and asset.heard and asset.kind != "router")


def _strangers(result: Result, placing: Placing) -> Iterator[Stranger]:
    for asset in _heard(result):
        zone = placing.zone(asset.id)
        if zone.name in (UNKNOWN, EXTERNAL) and not zone.line:
            acts = dict.fromkeys(f"{role.protocol} {role.role}" for role in asset.roles)
            yield Stranger(
                id=asset.id, kind=asset.kind, addresses=list(asset.addresses), zone=zone.name, vendor=asset.value("vendor"),
                acts_as=list(acts), first=None if asset.first is None else utc(asset.first),
                last=None if asset.last is None else utc(asset.last),
            )  # fmt: skip


def _matrix(policy: Policy, traffic: Traffic, violations: Sequence[Verdict], insufficient: Sequence[Verdict]) -> list[Pair]:
    """Every pair of zones between which something was seen or that a conduit joins."""
    joined = _joined(policy)
    bad, unsure = (Counter[tuple[str, str]]() for _ in range(2))
    for counts, verdicts in ((bad, violations), (unsure, insufficient)):
        for verdict in verdicts:
            counts[verdict.source, verdict.target] += verdict.count
    keys = sorted({*traffic.between, *joined, *bad, *unsure})
    return [_pair(policy, key, traffic.between.get(key), joined.get(key, ()), (bad[key], unsure[key])) for key in keys]


def _joined(policy: Policy) -> dict[tuple[str, str], list[str]]:
    from zones.places import Places

    zone_of = Places(policy).zone_of_name
    joined: dict[tuple[str, str], list[str]] = {}
    for conduit in policy.conduits:
        sides = ({zone_of(name).name for name in names} for names in (conduit.sources, conduit.targets))
        sources, targets = (sorted(names) for names in sides)
        for source in sources:
            for target in targets:
                joined.setdefault((source, target), []).append(conduit.id)
    return joined


def _pair(
    policy: Policy, key: tuple[str, str], found: Between | None, conduits: Sequence[str], wrong: tuple[int, int]
) -> Pair:  # fmt: skip
    source, target = (policy.zones[name] for name in key)
    seen = found.seen if found is not None else 0
    violations, insufficient = wrong
    accesses = found.accesses if found is not None else {}
    return Pair(
        source=source.name, target=target.name, conduits=list(conduits), inside=source.name == target.name and source.internal,
        skips=policy.passed_levels(source, target), seen=seen, allowed=max(0, seen - violations - insufficient), violations=violations,
        insufficient=insufficient, accesses={access: accesses[access] for access in ACCESSES if access in accesses},
        coverage=found.coverage if found is not None else Coverage(), result=statement.UNSAID.result,
    )  # fmt: skip


def _verdict(finding: Finding) -> Verdict:
    document = finding.to_dict()
    return verdict_of(document)


def verdict_of(document: Mapping[str, Any]) -> Verdict:
    """From a finding's document (Finding.to_dict)."""
    detail, zones, policy = document.get("detail") or {}, document.get("zones") or {}, document["policy"]
    counted = document["outcomes"] is None  # by a rate's window, which doesn't tell what became of each
    outcome = (document["outcome"] or {}).get("result") or "unknown"
    return Verdict(
        id=document["id"], severity=document["severity"], reason=document["reason"],
        reasons=list(detail.get("reasons") or [document["reason"]]), title=document["title"], source=zones.get("from") or UNKNOWN,
        target=zones.get("to") or UNKNOWN, conduit=document.get("conduit"), client=_party(document["client"], detail.get("from_asset")),
        server=_party(document["server"], detail.get("to_asset")), protocol=document["protocol"] or "", unit=document["unit"],
        function=_function(document), access=document["access"] or "", points=[point["point"] for point in document["points"]],
        count=document["count"], effect=COUNTED if counted else _EFFECTS.get(outcome, "unknown"), outcomes=dict(document["outcomes"] or {}),
        first=document["first"], last=document["last"],
        packets=[(packet["capture"], packet["packet"]) for packet in document["packets"]], file=policy["file"], line=policy["line"],
        sha256=policy["sha256"], skips=list(detail.get("skipped_levels") or ()), references=list(document.get("references") or ()),
        values=list((detail.get("values") or {}).values()),
        exception=document.get("conduit") if document["reason"] == "expired_exception" else None,
    )  # fmt: skip


def _party(side: Mapping[str, Any] | None, asset: str | None) -> str:
    address = str((side or {}).get("ip") or (side or {}).get("mac") or "?")
    port = (side or {}).get("port")
    where = address if port is None else f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    return where if asset in (None, address) else f"{asset} ({where})"


def _named(side: Mapping[str, Any], placing: Placing) -> str | None:
    """A side by the policy's name for it; None where it is none."""
    address = side.get("ip") or side.get("mac")
    return None if address is None else _party(side, placing.sides(address, address)[0].asset)


def _function(document: Mapping[str, Any]) -> str:
    """`write_single_coil (5)`, with the sub-function where there is one."""
    parts = [document["function"], document["sub_function"]]
    return ", ".join(f"{part['name'] or 'code'} ({part['code']})" for part in parts if part is not None)


def _gravest(one: Verdict | Alert) -> tuple[int, str, str]:
    return (-SEVERITIES.index(one.severity), one.first, one.id)


def _of_rules(findings: Iterable[Finding]) -> Iterator[Finding]:
    return (finding for finding in findings if finding.statement.kind == "alert")


def _alert(finding: Finding, placing: Placing) -> Alert:
    document = finding.to_dict()
    group = document.get("group") or {}
    client, server = (
        _named(document[side] or {"ip": group.get(f"{side}.ip"), "mac": group.get(f"{side}.mac")}, placing) for side in ("client", "server")
    )
    attacks = document.get("attacks") or ([document["attack"]] if document["attack"] else [])
    return Alert(
        id=document["id"], severity=document["severity"], rule=document.get("rule") or document["reason"], title=document["title"],
        client=client, server=server, protocol=document["protocol"] or "", access=document["access"] or "", count=document["count"],
        first=document["first"], last=document["last"],
        packets=[(packet["capture"], packet["packet"]) for packet in document["packets"]], attack=[attack["id"] for attack in attacks],
    )  # fmt: skip


def _alerts(findings: Iterable[Finding]) -> dict[str, int]:
    """How many alerts of rules there were, by severity."""
    counts = Counter(finding.statement.severity for finding in _of_rules(findings))
    return {severity: counts[severity] for severity in reversed(SEVERITIES) if counts[severity]}
