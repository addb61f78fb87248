"""Incidents for people, from their documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sensor.cli.finding_view import outcomes
from sensor.cli.group_view import what, why
from sensor.cli.grouping import Group, grouped, listed
from sensor.cli.table import Column, Section, Table
from sensor.cli.words import clock, counted, number, span

Names = Callable[[str], str]


def who(incident: Mapping[str, Any], names: Names = str) -> str:
    """`office-pc → dmz-portal → eng-station`: who did it, hop by hop."""
    return " → ".join(names(source) for source in incident["sources"])


def done(incident: Mapping[str, Any]) -> str:
    """`came in, looked around, changed the process (23), stopped or restarted`."""
    return ", ".join(stage["title"] for stage in incident["stages"])


def overview(incidents: Sequence[Mapping[str, Any]], names: Names = str, title: str = "") -> Section:
    """One line each."""
    columns = (
        Column("severity", keep=True), Column("findings", "right", keep=True), Column("who"), Column("did what"), Column("to whom"),
        Column("began (UTC)", keep=True, gives_way=1), Column("lasted", "right", keep=True, gives_way=2), Column("incident", keep=True),
    )  # fmt: skip
    rows = [
        (one["severity"], number(one["findings"]), who(one, names), done(one), listed([names(target) for target in one["targets"]]),
         clock(one["first"]), span(one["first"], one["last"]), one["id"][:8]) for one in incidents
    ]  # fmt: skip
    return Section(title, lines=[] if rows else ["No incidents."], table=Table(columns, rows) if rows else None)


def detail(incident: Mapping[str, Any], findings: Mapping[str, Mapping[str, Any]]) -> list[Section]:
    """A story, stage by stage."""
    said = [
        f"incident {incident['id']}, {incident['severity']}, confidence {incident['confidence']:.0%}",
        f"{clock(incident['first'])} to {clock(incident['last'])} UTC,"
        f" {counted(incident['findings'], 'finding')}, {counted(incident['occurrences'], 'occurrence')}",
        f"to {listed(incident['targets'], 10)}",
    ]
    made = [Section(incident["title"], lines=said)]
    for place, stage in enumerate(incident["stages"], start=1):
        made.append(_stage(place, stage, findings))
    return made


def _stage(place: int, stage: Mapping[str, Any], findings: Mapping[str, Mapping[str, Any]]) -> Section:
    columns = (
        Column("first (UTC)", keep=True), Column("severity", keep=True), Column("count", "right", keep=True), Column("what"), Column("who"),
        Column("outcome", gives_way=1), Column("finding", keep=True),
    )  # fmt: skip
    groups = grouped(findings[one] for one in stage["findings"] if one in findings)
    rows = [_row(group) for group in sorted(groups, key=lambda group: (group.first, group.lead["id"]))]
    techniques = f" ({', '.join(stage['techniques'])})" if stage["techniques"] else ""
    notes = [f"… and {counted(stage['more_findings'], 'more finding')}"] if stage["more_findings"] else []
    return Section(f"{place}. {stage['title']}{techniques}", table=Table(columns, rows) if rows else None, notes=notes)


def _row(group: Group) -> Sequence[str]:
    lead, more = group.lead, len(group.findings) - 1
    said = lead["title"] if lead["kind"] == "alert" else f"{what(group)}: {why(group)}"
    client, server = group.said("client", "", "clients"), group.said("server", "", "servers")
    outcome = outcomes(lead) if not more else ""
    sides = " → ".join(side for side in (client, server) if side)
    return (
        clock(group.first),
        lead["severity"],
        number(group.count),
        said,
        sides,
        outcome,
        f"{lead['id'][:8]}{f' +{more}' if more else ''}",
    )
