"""`fieldtap graph`: the asset graph, for other tools and for the eye."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import TextIO

import click

from sensor.cli.kept import store_option
from sensor.cli.known import filters_argument, selected, zones_option
from sensor.cli.written import output_option, write_bytes, write_text

_FORMATS = ("json", "graphml", "gexf", "dot", "csv", "html")


@click.group(epilog="\b\nExample:\n  fieldtap graph export --format html --output plant.html")
def graph() -> None:
    """The asset graph: who talks to whom, as a map to look at, for Gephi, yEd, Graphviz, networkx and the like."""


@graph.command(
    epilog="\b\nExamples:\n  fieldtap graph export --format html --output plant.html\n"
    "  fieldtap graph export --format graphml --output plant.graphml\n  fieldtap graph export role=plc zone=cell --zones site.yml"
)
@filters_argument
@click.option("--format", "form", type=click.Choice(_FORMATS), default="json", show_default=True, help="How it is written.")
@output_option
@zones_option
@click.option("--title", default="Asset map", show_default=True, help="What the map is called.")
@store_option
def export(filters: tuple[str, ...], form: str, output: Path | None, zones: Path | None, title: str, store: Path | None) -> None:
    """Export the graph that the store knows: assets as nodes, edges from client to server.

    FILTERS limit the assets (vendor=Siemens role=plc), edges are those among them. html is a map in one file that needs no network; csv
    has the connections ('fieldtap assets export' the assets).
    """
    known = selected(store, filters, zones=zones)
    write: Callable[[TextIO], None]
    if form == "html":
        from sensor.outputs.mapped import write_map

        write = lambda out: write_map(known, out, title)  # noqa: E731
    elif form == "csv":
        from sensor.outputs.tables import write_edges_csv

        write = lambda out: write_edges_csv(known, out)  # noqa: E731
    else:
        from sensor.outputs.graph import FORMATS

        write = lambda out: FORMATS[form](known, out)  # noqa: E731
    write_text(output, write, f"{len(known.assets)} assets, {len(known.edges)} edges")


@graph.command(
    epilog="\b\nExamples:\n  fieldtap graph picture --output plant.svg\n  fieldtap graph picture role!=it_client --output cells.svg"
)
@filters_argument
@click.option(
    "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Where to: FILE.svg or FILE.png."
)
@zones_option
@click.option("--title", default="Assets", show_default=True, help="What stands above it.")
@store_option
def picture(filters: tuple[str, ...], output: Path, zones: Path | None, title: str, store: Path | None) -> None:
    """Draw the assets by Purdue level and zone, with a line for each pair that talks.

    PNG needs the extra 'picture' (pip install 'fieldtap[picture]'), SVG needs nothing.
    """
    from sensor.outputs.picture import PictureError, png, write_svg

    if output.suffix.lower() not in (".svg", ".png"):
        raise click.UsageError(f"{output}: a picture is FILE.svg or FILE.png.")
    known = selected(store, filters, zones=zones)
    drawn = StringIO()
    write_svg(known, drawn, title)
    try:
        content = drawn.getvalue().encode() if output.suffix.lower() == ".svg" else png(drawn.getvalue())
    except PictureError as error:
        raise click.UsageError(str(error)) from error
    write_bytes(output, content, f"{len(known.assets)} assets, {len(known.edges)} edges")
