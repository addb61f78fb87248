"""`fieldtap protocols`: what is understood, from the registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from sensor.cli.kept import json_option


@click.command(epilog="\b\nExamples:\n  fieldtap protocols\n  fieldtap protocols modbus")
@click.argument("name", required=False)
@json_option
def protocols(name: str | None, as_json: bool) -> None:
    """What is understood of each protocol; with a NAME its functions, points, refusals and anomalies, as policies and rules name them."""
    from dissectors import protocols as registry
    from sensor.cli import show

    known = registry()
    if name is not None and name not in known:
        raise click.UsageError(f"There is no dissector for {name}: there are {', '.join(sorted(known))}.")
    if as_json:
        show.document(list(known.values()) if name is None else known[name])
    elif name is None:
        show.sections([_overview(known)])
    else:
        show.sections(_detail(known[name]))


def _overview(known: Mapping[str, Mapping[str, Any]]) -> Any:
    from sensor.cli.table import Column, Section, Table

    columns = (
        Column("name", keep=True),
        Column("title"),
        Column("functions", "right", keep=True),
        Column("ports"),
        Column("specification", gives_way=1),
    )
    rows = [
        (entry["name"], entry["title"], str(len(entry["functions"])), _ports(entry), entry["specification"]) for entry in known.values()
    ]
    return Section("", table=Table(columns, rows), notes=["Recognised by content: a port is only a hint. More: fieldtap protocols NAME"])


def _ports(entry: Mapping[str, Any]) -> str:
    ports = [f"{number}/{transport}" for transport in ("tcp", "udp") for number in entry[f"{transport}_ports"]]
    return ", ".join(ports) or "inside others"


def _detail(entry: Mapping[str, Any]) -> list[Any]:
    from sensor.cli.table import Column, Section, Table

    head = Section(f"{entry['name']}: {entry['title']}", lines=[entry["specification"], f"usual ports: {_ports(entry)}"])
    columns = (Column("code", "right", keep=True), Column("name", keep=True), Column("access", keep=True), Column("about", gives_way=1))
    functions = [(str(one["code"]), one["name"], one["access"], one["about"]) for one in entry["functions"]]
    made = [head, Section("Functions", table=Table(columns, functions))]
    if entry["sub_functions"]:
        subs = [(f"{one['function']}/{one['code']}", one["name"], one["access"]) for one in entry["sub_functions"]]
        made.append(Section("Sub-functions", table=Table(columns[:3], subs)))
    if entry["point_kinds"]:
        kinds = [(one["example"], one["name"], f"{one['max']:,}") for one in entry["point_kinds"]]
        made.append(Section("Points", table=Table((Column("written", keep=True), Column("kind"), Column("greatest", "right")), kinds)))
    if entry["rejections"]:
        refusals = [(str(code), name) for code, name in entry["rejections"]]
        made.append(Section("Refusals", table=Table((Column("code", "right", keep=True), Column("name")), refusals)))
    anomalies = [(name, about) for name, about in entry["anomalies"]]
    made.append(Section("Anomalies", table=Table((Column("name", keep=True), Column("about")), anomalies)))
    return made
