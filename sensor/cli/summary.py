"""What `fieldtap replay` tells people: what was read, what was not seen, assets, conversations, findings, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import nsmallest
from typing import TYPE_CHECKING, Any, Final

from sensor.cli.asset_view import acts_as, called, known_as
from sensor.cli.gaps import unseen
from sensor.cli.group_view import what, why
from sensor.cli.grouping import Group, grouped, listed
from sensor.cli.incident_view import overview
from sensor.cli.rule_view import changed
from sensor.cli.table import Column, Section, Table
from sensor.cli.words import clock, counted, number, size, span
from sensor.findings import SEVERITIES
from zones.model import INDUSTRIAL

if TYPE_CHECKING:
    from pathlib import Path

    from sensor.inventory import Asset, Conversation
    from sensor.result import Result

MOST_ROWS: Final = 25
"""Rows of a table in the summary; further ones are counted, and the note below says where they are."""


def summary(result: Result) -> list[Section]:
    """All sections, in the order of reading."""
    findings = [finding.to_dict() for finding in result.findings if finding.suppressed is None]
    by_kind = {kind: [finding for finding in findings if finding["kind"] == kind] for kind in ("violation", "alert", "coverage", "health")}
    names = _Names(result)
    made = [
        _captures(result),
        unseen(result, by_kind["coverage"], by_kind["health"]),
        _assets(result, names),
        _conversations(result, names),
    ]
    if result.plan.policy is not None:
        made.append(_violations(by_kind["violation"], result.plan.policy.file, names))
    if result.course is not None:
        made.append(_baseline(result.course.summary))
    if result.plan.rules is not None or by_kind["alert"]:
        made.append(_alerts(by_kind["alert"], result, names))
    stories = [incident.to_dict() for incident in result.incidents()]
    if stories:
        made.append(_incidents(stories, names, result))
    return [*made, _end(result, findings)]


def _incidents(stories: Sequence[Mapping[str, Any]], names: _Names, result: Result) -> Section:
    section = overview(stories[:MOST_ROWS], names.of, f"Incidents: {len(stories)}")
    if result.stored is not None:
        section.notes = [f"Stage by stage: fieldtap incidents show {stories[0]['id'][:8]}{_named_store(result.stored)}"]
    section.notes = [*_more(len(stories), "fieldtap incidents list"), *section.notes]
    return section


def _suppressed(result: Result) -> list[str]:
    hidden = [finding for finding in result.findings if finding.suppressed is not None]
    if not hidden:
        return []
    who = listed(list(dict.fromkeys(f"{one.suppressed['who']}: {one.suppressed['why']}" for one in hidden if one.suppressed)))
    occurrences = counted(sum(one.count for one in hidden), "occurrence")
    return [f"{counted(len(hidden), 'finding')} suppressed, {occurrences} ({who}): fieldtap findings list --suppressed"]


class _Names:
    """What a policy calls addresses, and times as short as the captures allow."""

    def __init__(self, result: Result) -> None:
        assets = () if result.plan.policy is None else result.plan.policy.assets.values()
        self.known = {address: asset.name for asset in assets for address in (*asset.ips, *asset.macs)}
        days = {time[:10] for capture in result.engine["captures"] for time in (capture["first"], capture["last"]) if time is not None}
        self.one_day = len(days) == 1

    def of(self, address: str) -> str:
        """The name, or else the address itself."""
        return self.known.get(address, address)

    def of_asset(self, asset: Asset) -> str:
        """The name of a device under any of its addresses; a unit has none."""
        return "" if asset.parent is not None else next((self.known[one] for one in asset.addresses if one in self.known), "")

    def clock(self, time: str) -> str:
        """The date is left out where all captures are of one day: it stands where they are listed."""
        return clock(time)[11:] if self.one_day else clock(time)


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
    for name, cause in (("skipped_by_time", "by --from and --to"), ("skipped_by_filter", "by --filter")):
        count = sum(capture[name] for capture in engine["captures"])
        if count:
            yield f"{number(count)} packets left out {cause}."


def _assets(result: Result, names: _Names) -> Section:
    place = _zones(result)
    heard = result.assets.heard()
    listed = heard.without_lone_units()
    shown = [(asset, asset.to_dict()) for asset in listed[:MOST_ROWS]]
    rows = [[called(said), names.of_asset(asset), place(asset), known_as(said), acts_as(said)] for asset, said in shown]
    columns = [
        Column("asset", keep=True), Column("name", keep=True), Column("zone", keep=True, gives_way=1), Column("what it is"),
        Column("acts as"),
    ]  # fmt: skip
    if result.plan.policy is None:
        columns, rows = [columns[0], *columns[3:]], [[row[0], *row[3:]] for row in rows]
    notes = _more(len(listed), "fieldtap assets list")
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


def _conversations(result: Result, names: _Names) -> Section:
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
    rows = [
        (one.protocol, names.of(one.client), names.of(one.server), _units(one), number(one.transactions), _accesses(one.accesses))
        for one in shown
    ]
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


def _violations(findings: Sequence[Mapping[str, Any]], policy: str, names: _Names) -> Section:
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
        (group.lead["severity"], number(group.count), _who(group, names), what(group), why(group), names.clock(group.first), _id(group))
        for group in groups
    ]
    section.table = _table(columns, rows)
    section.notes = [*_more(len(rows), "fieldtap findings list --kind violation"), *_each(groups, "violation")]
    return section


def _baseline(said: Mapping[str, Any]) -> Section:
    """What was learned, and what this was judged by."""
    from sensor.cli.baseline_view import summed

    lines = [f"Learned: {summed(said['learned'])}."] if said["learned"] else []
    if said["judged"] and said["judged"] != said["learned"]:
        lines.append(f"Judged by {said['judged']['name']}: {summed(said['judged'])}.")
    elif said["judged"]:
        lines.append("What came after it is judged by it.")
    else:
        lines.append("Nothing was judged by it: the captures ended before learning was over.")
    return Section("Baseline", lines=lines)


def _who(group: Group, names: _Names) -> str:
    """`eng-station → plc-filter`, `10.20.9.66 → 17 servers`; a zone where no side was seen."""
    zones = group.lead.get("zones") or {}
    client = names.of(group.said("client", "", "clients")) or zones.get("from")
    server = names.of(group.said("server", "", "servers")) or zones.get("to")
    return " → ".join(side for side in (client, server) if side)


def _id(group: Group) -> str:
    more = len(group.findings) - 1
    return f"{group.lead['id'][:8]}{f' +{more}' if more else ''}"


def _each(groups: Sequence[Group], kind: str) -> list[str]:
    """What `+10` means."""
    if all(len(group.findings) == 1 for group in groups):
        return []
    return [f"+N: so many more findings say the same; each one: fieldtap findings list --kind {kind}"]


def _alerts(findings: Sequence[Mapping[str, Any]], result: Result, names: _Names) -> Section:
    rules = result.plan.rules_summary or {"active": 0, "inactive": [], "changes": []}
    section = Section(f"Alerts: {len(findings)}", notes=[])
    if findings:
        columns = (
            Column("severity", keep=True), Column("count", "right", keep=True), Column("rule"), Column("who"),
            Column("ATT&CK", keep=True, gives_way=1), Column("first (UTC)", keep=True, gives_way=3),
            Column("last (UTC)", keep=True, gives_way=4), Column("finding", keep=True),
        )  # fmt: skip
        groups = grouped(findings)
        rows = [
            (group.lead["severity"], number(group.count), group.lead["title"], _who(group, names),
             (group.lead["attack"] or {}).get("id", ""), names.clock(group.first), names.clock(group.last), _id(group))
            for group in groups
        ]  # fmt: skip
        section.table = _table(columns, rows)
        section.notes += [*_more(len(rows), "fieldtap findings list --kind alert"), *_each(groups, "alert")]
    else:
        section.lines = [f"None from {counted(rules['active'], 'rule')}."]
    section.notes += [*changed(rules["changes"]), *_waiting(rules["inactive"])]
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
        return Section("", lines=[*lines, *_suppressed(result)])
    by_severity: dict[str, int] = {}
    for finding in findings:
        by_severity[finding["severity"]] = by_severity.get(finding["severity"], 0) + 1
    parts = [f"{by_severity[name]} {name}" for name in reversed(SEVERITIES) if name in by_severity]
    lines = [f"{counted(len(findings), 'finding')}: {', '.join(parts)}."]
    lines += _suppressed(result)
    told = [finding for finding in findings if finding["packets"]]
    if told and result.stored is not None:
        gravest = grouped(told)[0].lead
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


def _table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Table | None:
    return Table(columns, rows[:MOST_ROWS]) if rows else None


def _more(rows: int, where: str) -> list[str]:
    return [f"… and {rows - MOST_ROWS} more: {where}"] if rows > MOST_ROWS else []
