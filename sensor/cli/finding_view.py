"""Findings for people, from their documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sensor.cli.table import Column, Section, Table
from sensor.cli.words import clock, counted, number


def party(side: Mapping[str, Any] | None) -> str:
    """`10.20.1.11:502`."""
    if side is None:
        return ""
    address = str(side.get("ip") or side.get("mac") or "?")
    port = side.get("port")
    return address if port is None else f"[{address}]:{port}" if ":" in address and side.get("ip") else f"{address}:{port}"


def _named(side: Mapping[str, Any] | None, name: str | None) -> str:
    """`plc-filter (10.10.0.11:102)`."""
    said = party(side)
    return f"{name} ({said})" if name and said else said


def sides(finding: Mapping[str, Any]) -> str:
    """Who asks whom, as far as the finding says; with the name where the policy gave one."""
    detail = finding.get("detail") or {}
    client, server = _named(finding["client"], detail.get("from_asset")), _named(finding["server"], detail.get("to_asset"))
    return f"{client} → {server}" if client and server else client or server


def operation(finding: Mapping[str, Any]) -> str:
    """`modbus write_single_coil (5), write, unit 1`."""
    function = finding["function"]
    name = None if function is None else f"{function['name'] or 'function'} ({function['code']})"
    sub = finding["sub_function"]
    detail = None if sub is None else f"{sub['name'] or 'sub-function'} ({sub['code']})"
    head = " ".join(part for part in (finding["protocol"], name, detail) if part)
    return ", ".join(part for part in (head, finding["access"], finding["unit"] and f"unit {finding['unit']}") if part)


def outcomes(finding: Mapping[str, Any]) -> str:
    """`5 accepted, 1 rejected (code 2)`."""
    counts = finding["outcomes"] or {}
    code = (finding["outcome"] or {}).get("code")
    return ", ".join(
        f"{number(count)} {name}{f' (code {code})' if name == 'rejected' and code is not None else ''}" for name, count in counts.items()
    )


def overview(findings: Sequence[Mapping[str, Any]], notes: Sequence[str] = ()) -> Section:
    """One line each."""
    columns = (
        Column("id", keep=True), Column("severity", keep=True), Column("kind", keep=True, gives_way=2), Column("count", "right", keep=True),
        Column("first (UTC)", keep=True, gives_way=1), Column("title"), Column("who", gives_way=3),
    )  # fmt: skip
    rows = [
        (found["id"], found["severity"], found["kind"], number(found["count"]), clock(found["first"]), found["title"], sides(found))
        for found in findings
    ]
    lines = [] if rows else ["No findings."]
    return Section("", lines=lines, table=Table(columns, rows) if rows else None, notes=list(notes))


def detail(finding: Mapping[str, Any], captures: Sequence[Mapping[str, Any]], revisions: Sequence[Mapping[str, Any]]) -> Section:
    """All that a finding says."""
    rows = [(name, text) for name, text in _said(finding, captures) if text]
    if len(revisions) > 1:
        counts = ", ".join(f"{number(revision['count'])} at {clock(revision['revised'])}" for revision in revisions)
        rows.append(("revisions", counts))
    return Section(finding["title"], table=Table((Column("what", keep=True), Column("says")), rows))


def _said(finding: Mapping[str, Any], captures: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    yield "finding", f"{finding['id']}, {finding['kind']}, {finding['state']}"
    yield "severity", finding["severity"]
    evidence = (finding.get("detail") or {}).get("evidence_class")
    yield "confidence", f"{finding['confidence']:.0%}" + (f" (evidence class {evidence})" if evidence else "")
    yield from _decisions(finding)
    yield "reason", finding["reason"]
    yield "why", ((finding.get("detail") or {}).get("baseline") or {}).get("why", "")
    yield "who", sides(finding)
    zones = finding.get("zones")
    yield "zones", f"{zones['from']} → {zones['to']}" if zones else ""
    yield "conduit", finding.get("conduit") or ""
    yield "operation", operation(finding)
    yield "points", ", ".join(f"{point['point']} ({point['access']})" for point in finding["points"])
    group = finding.get("group")
    yield "group", ", ".join(f"{name} {value}" for name, value in group.items()) if group else ""
    yield "outcome", outcomes(finding)
    yield "count", number(finding["count"])
    yield "time (UTC)", f"{clock(finding['first'])} to {clock(finding['last'])}"
    yield "packets", packets(finding, captures)
    policy = finding["policy"]
    yield "policy", f"{policy['file']}:{policy['line']}" if policy else ""
    rule = (finding.get("detail") or {}).get("rule")
    yield "rule", f"{rule['name']} ({rule['file']}:{rule['line']})" if rule else ""
    attacks = finding.get("attacks") or ([finding["attack"]] if finding["attack"] else [])
    yield (
        "ATT&CK",
        ", ".join(
            f"{attack['id']} (before: {attack['legacy_id']})" if attack.get("legacy_id") not in (None, attack["id"]) else attack["id"]
            for attack in attacks
        ),
    )
    yield "references", ", ".join(finding.get("references") or ())
    examples = (finding.get("detail") or {}).get("examples") or ()
    for example in examples:
        yield "example", ", ".join(f"{name} {value}" for name, value in example.items() if value is not None)


def _decisions(finding: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What people decided of it."""
    decided, hidden = finding.get("disposition"), finding.get("suppressed")
    yield "decided", f"{decided['state']} by {decided['who']}: {decided['why']}" if decided else ""
    yield "suppressed", f"until {clock(hidden['until'])} by {hidden['who']}: {hidden['why']}" if hidden else ""


def packets(finding: Mapping[str, Any], captures: Sequence[Mapping[str, Any]]) -> str:
    """`202, 203 of plant.pcapng`."""
    paths = {capture["number"]: capture["path"] for capture in captures}
    by_capture: dict[int, list[str]] = {}
    for packet in finding["packets"]:
        by_capture.setdefault(packet["capture"], []).append(str(packet["packet"]))
    said = [f"{', '.join(numbers)} of {paths.get(capture, f'capture {capture}')}" for capture, numbers in by_capture.items()]
    more = finding["count"] - len(finding["packets"])
    return "; ".join(said) + (f" ({counted(more, 'occurrence')} more)" if said and more > 0 else "")
