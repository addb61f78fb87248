"""`fieldtap assets import`, `compare` and `accept`: what people declare, and how the network differs from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sensor.cli import options
from sensor.cli.kept import json_option, opened, store_option
from sensor.cli.known import selected, zones_option

if TYPE_CHECKING:
    from sensor.store import Store

_who = click.option("--who", help="Who declares it.", show_default="the user who runs it")
_why = click.option("--why", required=True, help="Why: a ticket, a walk-down, a list and its date.")


def _user(who: str | None) -> str:
    from getpass import getuser

    return who or getuser()


@click.command(
    "import",
    epilog="\b\nExample:\n  fieldtap assets import known.yml --why 'walk-down of March 2026'\n\n"
    "\b\nThe file (or a CSV with a column asset):\n"
    "  assets:\n    10.20.1.11: {name: plc-1, role: plc, level: 1, zone: cell, criticality: high}",
)
@click.argument("file", type=options.FILE)
@_who
@_why
@store_option
def import_(file: Path, who: str | None, why: str, store: Path | None) -> None:
    """Import a FILE of known assets (YAML or CSV): what people declare of them. 'fieldtap assets compare' shows what differs.

    Declared data are kept with who and why, never changed in silence, and zones and placeholders of rules are resolved from them.
    """
    from sensor.inventory.declared import read_list
    from sensor.store import Store

    declared = read_list(file, _user(who), why)
    with Store.open(store) as kept:
        new = kept.declare(declared)
    assets = len({one.asset for one in declared})
    click.echo(f"{file}: {assets} assets, {len(declared)} declarations, {new} of them new", err=True)


@click.command(epilog="\b\nExamples:\n  fieldtap assets compare\n  fieldtap assets compare --zones site.yml --json")
@zones_option
@store_option
@json_option
def compare(zones: Path | None, store: Path | None, as_json: bool) -> None:
    """Compare what was observed with what is declared: unknown assets, missing ones, and values that differ."""
    from sensor.cli import show
    from sensor.inventory.declared import compared

    found = selected(store, (), zones=zones, heard=False)
    differing = compared(found.assets, found.declared)
    if as_json:
        show.document([one.to_dict() for one in differing])
        return
    from sensor.cli.table import Column, Section, Table

    if not differing:
        show.sections([Section("", lines=["What was observed is as it was declared."])])
        return
    columns = (Column("what", keep=True), Column("asset", keep=True), Column("attribute"), Column("declared"), Column("observed"))
    rows = [
        (one.kind, one.asset, one.name or "", one.declared or "", "" if one.observed is None else str(one.observed)) for one in differing
    ]
    kinds = [f"{sum(one.kind == kind for one in differing)} {kind}" for kind in ("unknown", "missing", "different")]
    show.sections([Section(", ".join(kinds), table=Table(columns, rows))])


@click.command(epilog="\b\nExample:\n  fieldtap assets accept 10.20.1.11 role=plc vendor --why 'seen on the walk-down'")
@click.argument("asset")
@click.argument("attributes", nargs=-1, required=True)
@_who
@_why
@click.option("--withdraw", is_flag=True, help="Take back what was declared of these ATTRIBUTES.")
@store_option
def accept(asset: str, attributes: tuple[str, ...], who: str | None, why: str, withdraw: bool, store: Path | None) -> None:
    """Accept of an ASSET what was observed as declared: ATTRIBUTES by name (vendor), or with a value that is to hold (role=plc).

    Who, why and when are kept. Zones and placeholders of rules are resolved from declared data only, so this is how an observation
    comes to decide anything.
    """
    from sensor.cli.assets import named
    from sensor.inventory.declared import Declaration, DeclarationError, checked
    from sensor.inventory.known import known

    with opened(store) as kept:
        one = named(asset, known(kept, heard=False).assets)
        identity = str(one["id"]).lower()
        values: dict[str, str | None] = {}
        for written in attributes:
            name, given, value = written.partition("=")
            values[name] = None if withdraw else value if given else _observed(one, name)
        problems = [said for name, held in values.items() if held is not None and (said := checked(name, held)) is not None]
        if problems:
            raise DeclarationError(problems)
        made = [
            Declaration(asset=identity, name=name, value=held, who=_user(who), why=why, source="assets accept")
            for name, held in values.items()
        ]
        new = kept.declare(made)
        _say(kept, identity, new)


def _observed(one: object, name: str) -> str:
    assert isinstance(one, dict)
    said = one["observed"].get(name)
    if said is None:
        known = ", ".join(one["observed"]) or "nothing"
        raise click.UsageError(f"Of {one['id']} no {name} was observed (but {known}): write {name}=VALUE to declare one.")
    return f"{said['value']:g}" if isinstance(said["value"], float) else str(said["value"])


def _say(kept: Store, identity: str, new: int) -> None:
    held = kept.declared().get(identity, {})
    said = ", ".join(f"{name} {one['value']}" for name, one in sorted(held.items())) or "nothing"
    click.echo(f"{identity}: {'nothing new; ' if not new else ''}declared are {said}", err=True)
