"""What `fieldtap replay` tells people: what was read, what was not seen, assets, conversations, findings, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import nsmallest
from typing import TYPE_CHECKING, Any, Final

from sensor.cli.asset_view import acts_as, called, model, value
from sensor.cli.gaps import unseen
from sensor.cli.grouping import Group, grouped
from sensor.cli.table import Column, Section, Table
from sensor.cli.words import clock, counted, number, size, span
from sensor.findings import SEVERITIES
from zones.model import ACCESSES, INDUSTRIAL

if TYPE_CHECKING:
    from pathlib import Path

    from sensor.inventory import Asset, Conversation
    from sensor.result import Result

MOST_ROWS: Final = 25
"""Rows of a table in the summary; further ones are counted, and the note below says where they are."""


def summary(result: Result) -> list[Section]:
    """All sections, in the order of reading."""
    findings = [finding.to_dict() for finding in result.findings]
    by_kind = {kind: [finding for finding in findings if finding["kind"] == kind] for kind in ("violation", "alert", "coverage", "health")}
    made = [_captures(result), unseen(result, by_kind["coverage"], by_kind["health"]), _assets(result), _conversations(result)]
    if result.plan.policy is not None:
        made.append(_violations(by_kind["violation"], result.plan.policy.file))
    if result.plan.rules is not None:
        made.append(_alerts(by_kind["alert"], result))
    return [*made, _end(result, findings)]


def _captures(result: Result) -> Section:
    engine = result.engine
    rows = []
    for capture in engine["captures"]:
        seen = "" if capture["first"] is None else span(capture["first"], capture["last"])
        rows.append((capture["path"], number(capture["packets"]), size(capture["bytes"]), clock(capture["first"]), seen))
    columns = (Column("file"), Column("packets", "right"), Column("size", "right"), Column("first packet (UTC)"), Column("lasts", "right"))
    section = Section(f"Read: {counted(len(rows), 'capture')}", table=_table(columns, rows))
    section.notes = [*_more(len(rows), "--json names them all"), *_left_out(engine)]
    section.notes.append(f"{number(engine['packets']['read'])} packets in {counted(engine['flows'], 'flow')}.")
    return section


def _left_out(engine: Mapping[str, Any]) -> Iterator[str]:
    for name, why in (("skipped_by_time", "by --from and --to"), ("skipped_by_filter", "by --filter")):
        count = sum(capture[name] for capture in engine["captures"])
        if count:
            yield f"{number(count)} packets left out {why}."


def _assets(result: Result) -> Section:
    place = _zones(result)
    heard = result.assets.heard()
    shown = [(asset, asset.to_dict()) for asset in heard[:MOST_ROWS]]
    rows = [[called(said), value(said, "vendor"), model(said), acts_as(said), place(asset)] for asset, said in shown]
    columns = [
        Column("asset", keep=True), Column("vendor", gives_way=2), Column("model and firmware", gives_way=1), Column("acts as"),
        Column("zone", gives_way=3),
    ]  # fmt: skip
    if result.plan.policy is None:
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    notes = _more(len(heard), "fieldtap assets list")
    silent = len(result.assets) - len(heard)
    if silent:
        notes.append(f"{counted(silent, 'address', 'addresses')} more never sent a packet and may not exist.")
    return Section(f"Assets: {len(heard)}", table=_table(columns, rows), notes=notes)


def _zones(result: Result) -> Callable[[Asset], str]:
    policy = result.plan.policy
    if policy is None:
        return lambda _: ""
    from sensor.inventory.address import is_mac
    from zones.decision import Decider

    decider = Decider(policy)

    def zone(asset: Asset) -> str:
        ips = [address for address in asset.addresses if not is_mac(address)]
        mac = asset.value("mac")
        return "" if asset.parent is not None else decider.zone_of(ips[0] if ips else None, mac, tuple(asset.vlans)).name

    return zone


def _conversations(result: Result) -> Section:
    silent = {refused: _Silent() for refused in (True, False)}
    spoken = 0

    def understood() -> Iterator[Conversation]:
        nonlocal spoken
        for one in result.inventory.conversations():
            if one.accesses.keys() == {"session"}:
                silent[one.rejected == one.transactions].add(one)
            else:
                spoken += 1
                yield one

    shown = nsmallest(MOST_ROWS, understood(), key=lambda one: _industry_first(one.protocol))
    columns = (
        Column("protocol", keep=True), Column("client", keep=True), Column("server", keep=True), Column("units", gives_way=1),
        Column("transactions", "right", keep=True), Column("access"),
    )  # fmt: skip
    rows = [(one.protocol, one.client, one.server, _units(one), number(one.transactions), _accesses(one.accesses)) for one in shown]
    notes = _more(spoken, "--json names them all")
    return Section(f"Conversations: {spoken}", table=_table(columns, rows), notes=[*notes, *_connections(silent[True], silent[False])])


def _industry_first(protocol: str) -> tuple[bool, str]:
    return (protocol not in INDUSTRIAL, protocol)


class _Silent:
    """Conversations in which no message was understood, summed: a scan makes many."""

    def __init__(self) -> None:
        self.count = 0
        self.transactions = 0
        self.protocols: set[str] = set()

    def add(self, one: Conversation) -> None:
        """One more."""
        self.count += 1
        self.transactions += one.transactions
        self.protocols.add(one.protocol)

    @property
    def named(self) -> str:
        """The first of their protocols."""
        names = sorted(self.protocols, key=_industry_first)
        more = len(names) - 6
        return ", ".join(names) if more <= 1 else f"{', '.join(names[:6])} and {more} more"


def _connections(refused: _Silent, other: _Silent) -> Iterator[str]:
    """Those in which no message was understood: refused ones (somebody tried), and the rest."""
    if refused.count:
        yield f"{counted(refused.transactions, 'connection was', 'connections were')} refused: {refused.named}."
    if other.count:
        yield f"{counted(other.count, 'conversation')} more in which no message is understood: {other.named}."


def _units(one: Conversation) -> str:
    more = len(one.units) - 4
    return ", ".join(one.units) if more <= 1 else f"{', '.join(one.units[:4])} +{more}"


def _accesses(accesses: Mapping[str, int]) -> str:
    return ", ".join(f"{number(count)} {access}" for access, count in sorted(accesses.items(), key=lambda item: -item[1]))


def _violations(findings: Sequence[Mapping[str, Any]], policy: str) -> Section:
    section = Section(f"Violations of {policy}: {len(findings)}")
    if not findings:
        section.lines = ["None."]
        return section
    columns = (
        Column("severity", keep=True), Column("count", "right", keep=True), Column("who"), Column("does what"), Column("why", gives_way=2),
        Column("first (UTC)", keep=True, gives_way=3), Column("finding", keep=True),
    )  # fmt: skip
    groups = grouped(findings)
    rows = [
        (group.lead["severity"], number(group.count), _who(group), _what(group), _why(group), clock(group.first), _id(group))
        for group in groups
    ]
    section.table = _table(columns, rows)
    section.notes = [*_more(len(rows), "fieldtap findings list --kind violation"), *_each(groups, "violation")]
    return section


def _who(group: Group) -> str:
    zones = group.lead.get("zones") or {}
    client = group.said("client", "", "clients") or zones.get("from")
    server = group.said("server", "", "servers") or zones.get("to")
    return " → ".join(side for side in (client, server) if side)


def _what(group: Group) -> str:
    """`modbus write (write_single_coil), unit 1`; `connects: ftp, ssh, telnet and 8 more`."""
    access = group.lead["access"]
    if access == "session":
        return f"connects: {group.listed('protocol')}"
    functions = group.values("sub_function") or group.values("function")
    named = f" ({functions[0]})" if len(functions) == 1 else ""
    unit = group.said("unit", "unit ", "units")
    return f"{group.listed('protocol')} {access or ''}{named}".rstrip() + (f", {unit}" if unit else "")


def _why(group: Group) -> str:
    reasons = (group.lead.get("detail") or {}).get("reasons") or [group.lead["reason"]]
    return ", ".join(reason.replace("_", " ") for reason in reasons)


def _id(group: Group) -> str:
    more = len(group.findings) - 1
    return f"{group.lead['id'][:8]}{f' +{more}' if more else ''}"


def _each(groups: Sequence[Group], kind: str) -> list[str]:
    """What `+10` means."""
    if all(len(group.findings) == 1 for group in groups):
        return []
    return [f"+N: so many more findings say the same; each one: fieldtap findings list --kind {kind}"]


def _alerts(findings: Sequence[Mapping[str, Any]], result: Result) -> Section:
    rules = result.plan.rules_summary or {"active": 0, "inactive": []}
    section = Section(f"Alerts: {len(findings)}", notes=[])
    if findings:
        columns = (
            Column("severity", keep=True), Column("count", "right", keep=True), Column("rule"), Column("who"),
            Column("ATT&CK", keep=True, gives_way=1), Column("first (UTC)", keep=True, gives_way=3),
            Column("last (UTC)", keep=True, gives_way=4), Column("finding", keep=True),
        )  # fmt: skip
        groups = grouped(findings)
        rows = [
            (group.lead["severity"], number(group.count), group.lead["title"], _who(group), (group.lead["attack"] or {}).get("id", ""),
             clock(group.first), clock(group.last), _id(group))
            for group in groups
        ]  # fmt: skip
        section.table = _table(columns, rows)
        section.notes += [*_more(len(rows), "fieldtap findings list --kind alert"), *_each(groups, "alert")]
    else:
        section.lines = [f"None from {counted(rules['active'], 'rule')}."]
    section.notes += _waiting(rules["inactive"])
    return section


def _waiting(inactive: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rules that need to be told something first, by what it is."""
    titles: dict[str, list[str]] = {}
    for rule in inactive:
        titles.setdefault(rule["placeholder"], []).append(rule["title"])
    return [
        f"Not active, because nobody declares %{placeholder}%: {waiting[0]}" + (f" and {len(waiting) - 1} more" if waiting[1:] else "")
        for placeholder, waiting in titles.items()
    ]


def _end(result: Result, findings: Sequence[Mapping[str, Any]]) -> Section:
    if not findings:
        lines = ["No findings."] if result.plan.policy is not None else ["No findings. With --zones a policy says what is allowed."]
        return Section("", lines=lines)
    by_severity: dict[str, int] = {}
    for finding in findings:
        by_severity[finding["severity"]] = by_severity.get(finding["severity"], 0) + 1
    parts = [f"{by_severity[name]} {name}" for name in reversed(SEVERITIES) if name in by_severity]
    lines = [f"{counted(len(findings), 'finding')}: {', '.join(parts)}."]
    told = [finding for finding in findings if finding["packets"]]
    if told and result.stored is not None:
        gravest = max(told, key=_gravity)
        lines.append(f"Next: fieldtap explain {gravest['id'][:8]}{_named_store(result.stored)}     ({gravest['title']})")
    elif result.stored is None and result.store_error is None:
        lines.append("Nothing was kept (--store none), so `fieldtap explain` and `fieldtap findings` don't know them.")
    return Section("", lines=lines)


def _named_store(path: Path) -> str:
    """What `explain` needs to find it there."""
    from sensor.places import default_store

    if path == default_store():
        return ""
    import shlex

    return f" --store {shlex.quote(str(path))}"


def _gravity(finding: Mapping[str, Any]) -> tuple[int, int, int]:
    """What to look at first: by severity, then by what is done, then by how often."""
    access = finding["access"]
    return (SEVERITIES.index(finding["severity"]), ACCESSES.index(access) if access in ACCESSES else -1, finding["count"])


def _table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Table | None:
    return Table(columns, rows[:MOST_ROWS]) if rows else None


def _more(rows: int, where: str) -> list[str]:
    return [f"… and {rows - MOST_ROWS} more: {where}"] if rows > MOST_ROWS else []
