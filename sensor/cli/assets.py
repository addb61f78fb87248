"""`fieldtap assets`: what is on the network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from sensor.cli.kept import json_option, opened, store_option


@click.group(epilog="\b\nExample:\n  fieldtap assets list")
def assets() -> None:
    """What is on the network: devices, with what is known of them and which packet said so."""


@assets.command("list", epilog="\b\nExample:\n  fieldtap assets list --json")
@store_option
@json_option
@click.option("--all", "everything", is_flag=True, help="Also addresses that never sent a packet.")
def list_(store: Path | None, as_json: bool, everything: bool) -> None:
    """List the assets that the store knows."""
    from sensor.cli import show

    with opened(store) as kept:
        found = [asset for asset in kept.assets() if everything or asset["heard"]]
    if as_json:
        show.document(found)
        return
    from sensor.cli.asset_view import overview

    show.sections([overview(found)])


@assets.command("show", epilog="\b\nExample:\n  fieldtap assets show 10.20.1.11")
@click.argument("asset")
@store_option
@json_option
def show_(asset: str, store: Path | None, as_json: bool) -> None:
    """Show all that is known of one ASSET: an address (IP or MAC), or ADDRESS/PROTOCOL:UNIT."""
    from sensor.cli import show

    with opened(store) as kept:
        found = kept.assets()
        talks = kept.conversations()
        captures = {capture["id"]: capture["path"] for capture in kept.captures()}
    one = _named(asset, found)
    related = [talk for talk in talks if one["id"] in (talk["client"], talk["server"])]
    if as_json:
        show.document({**one, "conversations": related})
        return
    from sensor.cli.asset_view import detail

    show.sections(detail(one, [other for other in found if other["parent"] == one["id"]], related, captures))


def _named(name: str, found: list[dict[str, Any]]) -> Mapping[str, Any]:
    wanted = name.lower()
    for asset in found:
        if asset["id"].lower() == wanted:
            return asset
    for asset in found:
        if asset["parent"] is None and wanted in (address.lower() for address in asset["addresses"]):
            return asset
    from difflib import get_close_matches

    near = get_close_matches(wanted, [asset["id"] for asset in found], n=3)
    hint = f" Near to it: {', '.join(near)}." if near else " 'fieldtap assets list --all' names all."
    raise click.UsageError(f"The store knows no asset {name}.{hint}")
