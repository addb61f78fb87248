"""`fieldtap elastic`: sets a cluster up, checks it, and gives dashboards."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sensor.cli import options
from sensor.cli.configured import cluster, config_option
from sensor.cli.exits import Exit

if TYPE_CHECKING:
    from sensor.shipping.setup import Done


@click.group(epilog="\b\nExample:\n  fieldtap elastic setup --print templates.json")
def elastic() -> None:
    """Elasticsearch: set a cluster up for Fieldtap, check it, dashboards for Kibana."""


@elastic.command(
    epilog="\b\nExample:\n  fieldtap elastic setup --print templates.json\n\n"
    "The cluster stands in fieldtap.toml. Setting up needs more rights than shipping: manage_index_templates (and manage_ilm)."
)
@config_option
@click.option("--lifecycle", is_flag=True, help="Install a policy for index lifecycle management as well, where the cluster has that.")
@click.option("--kibana", is_flag=True, help="Install the dashboards as well (elasticsearch.kibana in fieldtap.toml).")
@click.option(
    "--print",
    "printed",
    type=options.WRITTEN,
    metavar="FILE",
    help="Only write templates and JSON Schemas; - is standard output.",
)
def setup(config: Path | None, lifecycle: bool, kibana: bool, printed: str | None) -> Exit:
    """Install component and index templates; say what was made, updated or as it should be. It may be run again at any time."""
    if printed is not None:
        _print(printed)
        return Exit.DONE
    from sensor.shipping.client import connect
    from sensor.shipping.setup import set_up

    _, wanted = cluster(config)
    failed = _told(set_up(connect(wanted), lifecycle=lifecycle))
    if kibana and not failed:
        from sensor.shipping.kibana import install

        failed = _told([install(wanted)])
    return Exit.OUTPUT if failed else Exit.DONE


@elastic.command(epilog="\b\nExample:\n  fieldtap elastic check --config fieldtap.toml")
@config_option
def check(config: Path | None) -> Exit:
    """Say whether the cluster answers and whether clock, templates, rights and mapping fit."""
    from sensor.shipping.client import connect
    from sensor.shipping.setup import check as look

    _, wanted = cluster(config)
    return Exit.OUTPUT if _told(look(connect(wanted), wanted.namespace)) else Exit.DONE


@elastic.command(epilog="\b\nExample:\n  fieldtap elastic dashboards --export fieldtap.ndjson")
@click.option("--export", "exported", type=options.WRITTEN, required=True, metavar="FILE", help="Where to; - is standard output.")
def dashboards(exported: str) -> None:
    """Write Kibana's saved objects (data views, lens charts, a dashboard) as NDJSON, for Kibana's import."""
    from sensor.shipping.kibana import ndjson

    with click.open_file(exported, "w", encoding="utf-8") as out:
        out.write(ndjson())


def _print(place: str) -> None:
    import json

    from sensor.documents import mapping
    from sensor.documents.fields import RECORDS
    from sensor.documents.json_schema import json_schema

    bodies = {
        "component_templates": mapping.component_templates(), "index_templates": mapping.index_templates(),
        "json_schemas": {record: json_schema(record) for record in RECORDS},
    }  # fmt: skip
    with click.open_file(place, "w", encoding="utf-8") as out:
        out.write(json.dumps(bodies, indent=1) + "\n")


def _told(done: Iterable[Done]) -> int:
    """Shows each as it comes and gives how many failed."""
    from elasticsearch import ApiError, TransportError

    from sensor.cli.plain import printable

    failed = 0
    try:
        for one in done:
            failed += one.how == "failed"
            click.echo(printable(f"{one.how:<10} {one.what}" + (f" {one.name}" if one.name else "") + (f": {one.why}" if one.why else "")))
    except (ApiError, TransportError) as error:
        from sensor.shipping.elastic import said_of

        click.echo(printable(f"elasticsearch: {said_of(error)}"), err=True)
        return failed + 1
    return failed
