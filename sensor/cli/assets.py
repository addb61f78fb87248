"""`fieldtap assets`: what is on the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import click

from sensor.cli.assets_declared import accept, compare, import_
from sensor.cli.assets_diff import diff
from sensor.cli.kept import json_option, opened, store_option
from sensor.cli.known import filters_argument, selected, zones_option
from sensor.cli.written import output_option, write_text

_FORMATS = ("csv", "json", "cyclonedx")


@click.group(epilog="\b\nExamples:\n  fieldtap assets list role=plc vendor=Siemens\n  fieldtap assets show 10.20.1.11")
def assets() -> None:
    """What is on the network: devices, with what is known of them and which packet said so.

    FILTERS are written NAME=VALUE and all have to hold: role=plc, vendor=Siemens,Schneider (one of them), level>=2, model~315 (part of
    it), address=10.20.1.0/24, server=modbus, contradiction=firmware_changed, zone!=office. Any attribute is a name.
    """


@assets.command(
    "list",
    epilog="\b\nExamples:\n  fieldtap assets list\n  fieldtap assets list role=plc 'firmware~2.7'\n"
    "  fieldtap assets list --zones site.yml level=1",
)
@filters_argument
@zones_option
@store_option
@json_option
@click.option("--all", "everything", is_flag=True, help="Also addresses that never sent a packet.")
def list_(filters: tuple[str, ...], zones: Path | None, store: Path | None, as_json: bool, everything: bool) -> None:
    """List the assets that the store knows, limited by FILTERS."""
    from sensor.cli import show

    found = selected(store, filters, zones=zones, heard=not everything).assets
    if as_json:
        show.document(found)
        return
    from sensor.cli.known_view import overview
    from sensor.cli.table import Section

    none = bool(filters) and not found
    show.sections([Section("", lines=["No asset is like that."]) if none else overview(found)])


@assets.command("show", epilog="\b\nExample:\n  fieldtap assets show 10.20.1.11")
@click.argument("asset")
@zones_option
@store_option
@json_option
def show_(asset: str, zones: Path | None, store: Path | None, as_json: bool) -> None:
    """Show all that is known of one ASSET: an address (IP or MAC), or ADDRESS/PROTOCOL:UNIT.

    Attributes with their history, the votes for its role with their evidence, what was declared, and whom it talks to.
    """
    from sensor.cli import show

    found = selected(store, (), zones=zones, heard=False)
    one = named(asset, found.assets)
    related = [talk for talk in found.edges if one["id"] in (talk["client"], talk["server"])]
    if as_json:
        with opened(store) as kept:
            history = kept.declarations(one["id"])
        show.document({**one, "conversations": related, "declarations": history})
        return
    from sensor.cli.known_view import detail

    show.sections(detail(one, [other for other in found.assets if other["parent"] == one["id"]], related, found.captures))


@assets.command(
    epilog="\b\nExamples:\n  fieldtap assets export --format csv --output assets.csv\n"
    "  fieldtap assets export --format cyclonedx --output assets.cdx.json role=plc"
)
@filters_argument
@click.option("--format", "form", type=click.Choice(_FORMATS), default="csv", show_default=True, help="How it is written.")
@output_option
@zones_option
@store_option
def export(filters: tuple[str, ...], form: str, output: Path | None, zones: Path | None, store: Path | None) -> None:
    """Export the assets that the store knows, limited by FILTERS.

    csv opens in a spreadsheet, json has all with provenance and votes, cyclonedx is a CycloneDX 1.6 bill of materials of devices.
    """
    found = selected(store, filters, zones=zones)
    said = f"{len(found.assets)} assets"
    if form == "csv":
        from sensor.outputs.tables import write_assets_csv

        write_text(output, lambda out: write_assets_csv(found, out), said)
    elif form == "cyclonedx":
        from sensor.outputs.cyclonedx import write_cyclonedx

        write_text(output, lambda out: write_cyclonedx(found, out), said)
    else:
        write_text(output, lambda out: _write_json(found.assets, out), said)


def _write_json(found: Sequence[Mapping[str, Any]], out: TextIO) -> None:
    import json

    json.dump(found, out, indent=1, default=str)
    out.write("\n")


for _command in (diff, import_, compare, accept):
    assets.add_command(_command)


def named(name: str, found: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The asset of this id or address. Raises UsageError with what is near to it."""
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
