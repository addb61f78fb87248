"""How rules and their evidence look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensor.cli.table import Column, Section, Table

if TYPE_CHECKING:
    from rules.evidence import Tried
    from rules.plan import Plan


def listed(plan: Plan) -> dict[str, Any]:
    """All rules, active or not, and what a site changed of them."""
    rules: list[dict[str, Any]] = [
        {"name": rule.name, "id": rule.id, "title": rule.title, "severity": rule.alert.severity, "active": True,
         "attack": [technique.id for technique in rule.alert.attack], "file": rule.alert.file, "placeholder": None}
        for rule in {rule.id: rule for rule in plan.rules}.values()
    ]  # fmt: skip
    rules += [
        {"name": Path(rule.file).stem, "id": rule.rule, "title": rule.title, "severity": None, "active": False, "attack": [],
         "file": rule.file, "placeholder": rule.placeholder}
        for rule in plan.inactive
    ]  # fmt: skip
    return {"rules": rules, "changes": [change._asdict() for change in plan.changes]}


def table(found: Mapping[str, Any]) -> Iterator[Section]:
    """The same for people."""
    columns = (
        Column("name", keep=True), Column("severity", keep=True), Column("ATT&CK", gives_way=2), Column("title", gives_way=1),
        Column("state"),
    )  # fmt: skip
    rows = [
        (rule["name"], rule["severity"] or "", " ".join(rule["attack"]), rule["title"],
         "active" if rule["active"] else f"waits for %{rule['placeholder']}%")
        for rule in found["rules"]
    ]  # fmt: skip
    notes = changed(found["changes"])
    if any(not rule["active"] for rule in found["rules"]):
        notes.append(
            "A placeholder is declared by a policy: by role or tag of an asset ('role: engineering station' → %engineering_stations%), "
            "by a zone (cell-1 → %zone_cell_1%), by levels (%level_1%, %lower_levels% below 3)"
        )
    yield Section("", table=Table(columns, rows), notes=notes)


def changed(changes: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a site's files did to rules, a line each."""
    return [f"{change['file']}:{change['line']} changes {change['title']}: {change['what']}" for change in changes]


def evidence_lines(tried: Sequence[Tried]) -> Iterator[tuple[str, bool]]:
    """What came out, and whether it is wrong; the last line sums up."""
    for one in tried:
        if one.found is None:
            yield f"{one.rule}: {one.capture}: is not here (--captures DIR says where)", True
        elif not one.good:
            yield (
                f"{one.rule}: {one.capture}: fires {one.found} times, should {f'{one.expected} times' if one.expected else 'be silent'}",
                True,
            )
    good = sum(one.good for one in tried)
    rules = len({one.rule for one in tried})
    yield f"{good} of {len(tried)} pieces of evidence hold, for {rules} {'rule' if rules == 1 else 'rules'}", good < len(tried)
