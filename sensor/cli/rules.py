"""`fieldtap rules`: detections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sensor.cli import options
from sensor.cli.exits import Exit
from sensor.cli.kept import json_option

if TYPE_CHECKING:
    from rules.plan import Plan

_rules: Callable[[Any], Any] = click.option(
    "--rules", multiple=True, type=options.PLACE, metavar="DIR", help="Rules of your own. May be repeated."
)
_zones: Callable[[Any], Any] = click.option(
    "--zones", type=options.FILE, metavar="FILE", help="A policy: its assets' roles fill placeholders."
)


@click.group(epilog="\b\nExample:\n  fieldtap rules list")
def rules() -> None:
    """Detections, in Sigma: the catalog that comes with Fieldtap, and your own."""


def _plan(folders: Sequence[Path], zones: Path | None) -> Plan:
    from sensor.plan import load

    plan = load(zones, folders).rules
    assert plan is not None
    return plan


@rules.command("list", epilog="\b\nExample:\n  fieldtap rules list --rules my-rules/ --zones site.yml")
@_rules
@_zones
@json_option
def list_(rules: tuple[Path, ...], zones: Path | None, as_json: bool) -> None:
    """List rules, with what they need to become active."""
    from sensor.cli import show
    from sensor.cli.table import Column, Section, Table

    plan = _plan(rules, zones)
    found: list[dict[str, Any]] = [
        {"name": rule.name, "id": rule.id, "title": rule.title, "severity": rule.alert.severity, "active": True,
         "attack": [technique.id for technique in rule.alert.attack], "file": rule.alert.file, "placeholder": None}
        for rule in plan.rules
    ]  # fmt: skip
    found += [
        {"name": Path(rule.file).stem, "id": rule.rule, "title": rule.title, "severity": None, "active": False, "attack": [],
         "file": rule.file, "placeholder": rule.placeholder}
        for rule in plan.inactive
    ]  # fmt: skip
    if as_json:
        show.document(found)
        return
    columns = (
        Column("name", keep=True), Column("severity", keep=True), Column("ATT&CK", gives_way=2), Column("title", gives_way=1),
        Column("state"),
    )  # fmt: skip
    rows = [
        (rule["name"], rule["severity"] or "", " ".join(rule["attack"]), rule["title"],
         "active" if rule["active"] else f"waits for %{rule['placeholder']}%")
        for rule in found
    ]  # fmt: skip
    notes = []
    if plan.inactive:
        notes.append(
            "A placeholder is declared by the role or a tag of a policy's asset: 'role: engineering station' → %engineering_stations%"
        )
    show.sections([Section("", table=Table(columns, rows), notes=notes)])


@rules.command("show", epilog="\b\nExample:\n  fieldtap rules show modbus-unit-sweep")
@click.argument("rule")
@_rules
@json_option
def show_(rule: str, rules: tuple[Path, ...], as_json: bool) -> None:
    """Show one RULE (its name or id) as it is written."""
    from sensor.cli import show

    plan = _plan(rules, None)
    wanted = rule.lower()
    known = [(one.id, one.name, one.alert.file) for one in plan.rules] + [
        (one.rule, Path(one.file).stem, one.file) for one in plan.inactive
    ]
    files = {file for identity, name, file in known if wanted in (identity.lower(), name.lower())}
    if not files:
        from difflib import get_close_matches

        near = get_close_matches(wanted, [name for _, name, _ in known], n=3)
        hint = f" Near to it: {', '.join(near)}." if near else " 'fieldtap rules list' names all."
        raise click.UsageError(f"There is no rule {rule}.{hint}")
    from rules.loader import catalog, rule_files

    for path, name in rule_files([catalog(), *rules]):
        if name in files:
            text = path.read_text("utf-8")
            show.document({"file": str(path), "text": text}) if as_json else click.echo(f"# {path}\n{text}", nl=False)
            return


@rules.command(epilog="\b\nExample:\n  fieldtap rules check my-rules/")
@click.argument("rules", metavar="[DIR|FILE]...", nargs=-1, type=options.PLACE)
@_zones
def check(rules: tuple[Path, ...], zones: Path | None) -> int:
    """Say everything that is wrong with rules, each with its line. Without a DIR the catalog is looked at."""
    from dissectors import _native, protocols
    from rules.loader import catalog, compile_rules
    from sensor.plan import placeholders

    policy = None
    if zones is not None:
        from zones import compile_policy

        policy = compile_policy(str(zones))
    services = sorted({name for _, _, name in _native.services()})
    plan = compile_rules(list(rules) or [catalog()], protocols(), placeholders(policy), services)
    total = len(plan.rules) + len(plan.inactive)
    if not total:
        raise click.UsageError(f"There is no rule in {', '.join(map(str, rules))}: rules are *.yml files.")
    for waiting in plan.inactive:
        click.echo(f"{waiting.file}:{waiting.line}: note: {waiting.title}: not active until a policy declares %{waiting.placeholder}%")
    click.echo(f"{total} {'rule' if total == 1 else 'rules'}, {len(plan.rules)} active; nothing wrong")
    return Exit.DONE
