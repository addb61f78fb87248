"""What commands on assets have in common: the filters, the policy that says zones, and the store's inventory with both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sensor.cli import options
from sensor.cli.kept import opened

if TYPE_CHECKING:
    from sensor.inventory.known import Known

filters_argument: Callable[[Any], Any] = click.argument("filters", nargs=-1)
zones_option: Callable[[Any], Any] = click.option("--zones", type=options.FILE, metavar="FILE", help="A policy that says zones and levels.")


def selected(
    store: Path | None, filters: tuple[str, ...], *, zones: Path | None = None, until: int | None = None, heard: bool = True
) -> Known:
    """The store's inventory, limited to what the filters select. Raises UsageError."""
    from sensor.inventory.known import known
    from sensor.inventory.selection import SelectionError, selection

    try:
        test = selection(filters)
    except SelectionError as error:
        raise click.UsageError(str(error)) from error
    policy = None
    if zones is not None:
        from zones import compile_policy

        policy = compile_policy(str(zones))
    with opened(store) as kept:
        found = known(kept, policy, until=until, heard=heard)
    return found.between(asset for asset in found.assets if test(asset)) if filters else found
