"""The table of protocols in README.md, made from the registry: `python -m tests.protocol_table` writes it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

from tests.corpus import PROJECT
from tests.marked import replaced

README: Final = PROJECT / "README.md"
BEGIN: Final = "<!-- protocols: made by `python -m tests.protocol_table` -->\n"
END: Final = "<!-- end of protocols -->\n"
HEADS: Final = ("protocol", "name in outputs", "functions", "sub-functions", "kinds of points", "anomalies told", "usual ports")


def table() -> str:
    """What `fieldtap protocols --json` says, a row a protocol."""
    command = [sys.executable, "-c", "from sensor.cli import main; main()", "protocols", "--json"]
    known = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    rows = [HEADS, ("---", "---", "---:", "---:", "---:", "---:", "---"), *map(_row, known)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    ports = [f"{number}/{transport}" for transport in ("tcp", "udp") for number in entry[f"{transport}_ports"]]
    counts = (str(len(entry[part])) for part in ("functions", "sub_functions", "point_kinds", "anomalies"))
    return entry["title"], f"`{entry['name']}`", *counts, ", ".join(ports) or "inside others"


def written(readme: str) -> str:
    """README with the table as it should be. Raises ValueError where the marks are gone."""
    return replaced(readme, (BEGIN, END), table(), "README.md's table of protocols")


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
    print(README)
