"""The store as commands read it: one that isn't there is said, not made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sensor.cli import options

if TYPE_CHECKING:
    from sensor.store import Store

store_option: Callable[[Any], Any] = click.option(
    "--store", type=options.READ_STORE, metavar="FILE", help="The store to read.", show_default="your own store"
)
json_option: Callable[[Any], Any] = click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")


@contextmanager
def opened(path: Path | None) -> Iterator[Store]:
    """The store at `path` (None: the user's own). A usage error where there is none yet."""
    from sensor.places import default_store
    from sensor.store import Store

    place = default_store() if path is None else path
    if not place.exists():
        raise click.UsageError(f"There is no store at {place} yet: 'fieldtap replay CAPTURE' makes one (and --store names another).")
    with Store.open(place) as store:
        yield store
