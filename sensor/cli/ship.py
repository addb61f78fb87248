"""`fieldtap ship`: from the outbox to the outputs."""

from __future__ import annotations

import signal
from pathlib import Path

import click

from sensor.cli import options
from sensor.cli.configured import config_option, configured
from sensor.cli.exits import Exit


@click.command(
    short_help="Deliver what waits to Elasticsearch and other outputs.",
    epilog="\b\nA configuration (fieldtap.toml):\n"
    "  [sensor]\n"
    '  name = "plant1-a"\n'
    '  site = "plant1"\n'
    "  [elasticsearch]\n"
    '  hosts = ["https://es.plant1.example:9200"]\n'
    '  ca_file = "ca.crt"\n'
    "  [[outputs]]\n"
    '  kind = "jsonl"\n'
    '  path = "findings.jsonl"\n\n'
    "Secrets come from the environment: FIELDTAP_ELASTICSEARCH_API_KEY, or _USERNAME and _PASSWORD; with _FILE at the end it names a"
    " file.\n\n"
    "\b\nExamples:\n"
    "  fieldtap ship --once --config outputs.toml\n\n"
    "Exit codes: 0 done, 2 wrong use or configuration, 4 an output failed or refused something (it is kept: 'fieldtap outbox list').",
)
@config_option
@click.option("--store", type=options.READ_STORE, metavar="FILE", help="Whose outbox.", show_default="your own store")
@click.option("--once", is_flag=True, help="End when nothing waits any more.")
@click.option("--patience", type=click.FloatRange(0), metavar="SECONDS", help="Give up after so much trouble.", show_default="never")
@click.option("--only", metavar="OUTPUT", help="Only outputs whose name begins so (elasticsearch, jsonl, syslog).")
@click.option("-q", "--quiet", is_flag=True, help="Only troubles.")
def ship(config: Path | None, store: Path | None, once: bool, patience: float | None, only: str | None, quiet: bool) -> Exit:
    """Deliver what waits in the store's outbox to every configured output, until it is stopped.

    It knows the store and the network, never packets. What an output doesn't take waits; what it refuses for good is kept as a dead letter.
    """
    import threading

    from sensor.cli.plain import printable
    from sensor.places import default_store
    from sensor.shipping.ship import ship as run

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    place = default_store() if store is None else store
    try:
        ended = run(
            place, configured(config), once=once, stop=stop, patience=patience, only=only,
            say=lambda text: click.echo(printable(text), err=True),
        )  # fmt: skip
    except BlockingIOError:
        raise click.UsageError(f"Another 'fieldtap ship' is at work on {place}.") from None
    if not quiet:
        for name, count in ended.delivered.items():
            refused = ended.refused[name]
            click.echo(f"{name}: {count:,} delivered" + (f", {refused:,} refused: 'fieldtap outbox list' says why" if refused else ""))
    return Exit.OUTPUT if ended.failed or any(ended.refused.values()) else Exit.DONE
