"""The command line: one small file a command, each loaded when it is used."""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """The command `fieldtap`."""
    import sys

    from sensor.cli.tree import fieldtap

    sys.exit(fieldtap.main(prog_name="fieldtap"))
