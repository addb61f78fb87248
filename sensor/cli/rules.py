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
    "--rules", multiple=True, type=options.PLACE, metavar="DIR", help="Rules and overrides of your own. May be repeated; later ones win."
)
_zones: Callable[[Any], Any] = click.option(
    "--zones", type=options.FILE, metavar="FILE", help="A policy: its zones and its assets' roles fill placeholders."
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
    """List rules, with what they need to become active, and what your own files change."""
    from sensor.cli import show
    from sensor.cli.rule_view import listed, table

    found = listed(_plan(rules, zones))
    show.document(found) if as_json else show.sections(table(found))


@rules.command("show", epilog="\b\nExample:\n  fieldtap rules show modbus-unit-sweep")
@click.argument("rule")
@_rules
@json_option
def show_(rule: str, rules: tuple[Path, ...], as_json: bool) -> None:
    """Show one RULE (its name or id) as it is written."""
    from sensor.cli import show
    from sensor.rule_files import found

    document = found(rule, rules)
    path, text = document.path, document.path.read_text("utf-8")
    show.document({"file": str(path), "text": text}) if as_json else click.echo(f"# {path}\n{text}", nl=False)


@rules.command(epilog="\b\nExample:\n  fieldtap rules check my-rules/")
@click.argument("rules", metavar="[DIR|FILE]...", nargs=-1, type=options.PLACE)
@_zones
def check(rules: tuple[Path, ...], zones: Path | None) -> int:
    """Say everything that is wrong with rules and overrides, each with its line. Without a DIR the catalog is looked at."""
    from rules.loader import rule_files
    from sensor.plan import compiled_rules

    if rules and not any(rule_files(rules)):
        raise click.UsageError(f"There is no rule in {', '.join(map(str, rules))}: rules are *.yml files.")
    plan = compiled_rules(rules, zones)
    for waiting in plan.inactive:
        click.echo(f"{waiting.file}:{waiting.line}: note: {waiting.title}: not active until a policy declares %{waiting.placeholder}%")
    for change in plan.changes:
        click.echo(f"{change.file}:{change.line}: note: {change.title}: {change.what}")
    total = len(plan.rules) + len(plan.inactive)
    click.echo(
        f"{total} {'rule' if total == 1 else 'rules'}{' with the catalog' if rules else ''}, {len(plan.rules)} active; nothing wrong"
    )
    return Exit.DONE


@rules.command("test", epilog="\b\nExample:\n  fieldtap rules test mine --rules my-rules/ --captures captures/")
@click.argument("names", metavar="[RULE]...", nargs=-1)
@_rules
@click.option(
    "--captures", multiple=True, type=options.PLACE, metavar="DIR", help="Where the captures of rules' evidence are. May be repeated."
)
@json_option
def test_(names: tuple[str, ...], rules: tuple[Path, ...], captures: tuple[Path, ...], as_json: bool) -> int:
    """Run the evidence of rules: fires with this count, is silent on that capture.

    RULE is a name or id; without one all rules of --rules are run, or the catalog. Captures are looked for in --captures, beside the
    rule's file, and in the project's pcaps/. Ends with 1 where a rule isn't as it says, with 3 where a capture isn't here.
    """
    from sensor.cli import show
    from sensor.cli.rule_view import evidence_lines
    from sensor.rule_files import evidence

    tried = list(evidence(names, rules, captures))
    if as_json:
        show.document([{**one._asdict(), "good": one.good} for one in tried])
    else:
        for line, wrong in evidence_lines(tried):
            click.echo(line, err=wrong)
    return Exit.FOUND if any(one.found is not None and not one.good for one in tried) else (
        Exit.CAPTURE if any(one.found is None for one in tried) else Exit.DONE
    )  # fmt: skip


@rules.command(epilog="\b\nExample:\n  fieldtap rules convert modbus-clear-counters")
@click.argument("names", metavar="RULE...", nargs=-1, required=True)
@_rules
@_zones
@click.option(
    "--format",
    "form",
    type=click.Choice(["lucene", "search"]),
    default="lucene",
    show_default=True,
    help="A query, or the body of a _search.",
)
def convert(names: tuple[str, ...], rules: tuple[Path, ...], zones: Path | None, form: str) -> int:
    """Give the Elasticsearch query of each RULE (name or id), for what is already stored.

    Standard error says what a query says less exactly than its rule.
    """
    from rules.convert import ConversionError
    from sensor.cli import show
    from sensor.rule_files import conversions

    failed = False
    for name, made in conversions(names, rules, zones):
        if isinstance(made, ConversionError):
            click.echo(str(made), err=True)
            failed = True
            continue
        for note in made.notes:
            click.echo(f"{name}: {note}", err=True)
        show.document(made.body) if form == "search" else click.echo(made.lucene)
    return Exit.USAGE if failed else Exit.DONE
