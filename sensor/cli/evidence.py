"""`fieldtap evidence`: evidence that others can check."""

import click


@click.group(epilog="\b\nExample:\n  fieldtap evidence verify pack.zip")
def evidence() -> None:
    """Evidence."""
