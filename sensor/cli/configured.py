"""The option --config, and the configuration as commands get it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sensor.cli import options

if TYPE_CHECKING:
    from sensor.shipping.config import Configuration, Elastic

config_option: Callable[[Any], Any] = click.option(
    "--config", type=options.FILE, metavar="FILE", help="The configuration.", show_default="fieldtap.toml here, or your own"
)


def configured(config: Path | None) -> Configuration:
    """Read and checked."""
    from sensor.shipping.config import load

    return load(config)


def cluster(config: Path | None) -> tuple[Configuration, Elastic]:
    """The same, for those who need a cluster. A usage error where none is named."""
    read = configured(config)
    if read.elasticsearch is None:
        raise click.UsageError('No cluster is configured: fieldtap.toml needs [elasticsearch] with hosts = ["https://…:9200"].')
    return read, read.elasticsearch
