"""`fieldtap graph`: the asset graph, for other tools."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sensor.cli.kept import opened, store_option


@click.group(epilog="\b\nExample:\n  fieldtap graph export --format graphml --output plant.graphml")
def graph() -> None:
    """The asset graph: who talks to whom, for Gephi, yEd, networkx and the like."""


@graph.command(epilog="\b\nExample:\n  fieldtap graph export --format graphml --output plant.graphml")
@click.option("--format", "form", type=click.Choice(("json", "graphml")), default="json", show_default=True, help="How it is written.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True), metavar="FILE", help="Where to; - is standard output."
)
@store_option
def export(form: str, output: Path | None, store: Path | None) -> None:
    """Export the graph that the store knows: assets as nodes, conversations as edges from client to server."""
    from sensor.inventory.graph import graph_of
    from sensor.outputs.graph import write_graphml, write_json
    from sensor.pipeline import OutputError

    with opened(store) as kept:
        made = graph_of(kept.assets(), kept.conversations())
    write = write_json if form == "json" else write_graphml
    if output is None or str(output) == "-":
        write(made, sys.stdout)
        return
    try:
        with output.open("w", encoding="utf-8") as out:
            write(made, out)
    except OSError as error:
        raise OutputError(f"{output}: {error.strerror or error}") from error
    click.echo(f"{output}: {made.number_of_nodes()} assets, {made.number_of_edges()} edges", err=True)
