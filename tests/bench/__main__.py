"""`python -m tests.bench`: measures the product against other programs and prints a table."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.bench.decisions import line, measured
from tests.bench.harness import Settings, measure
from tests.bench.table import markdown

DEFAULT_FOLDER = Path("target") / "bench"


def main() -> int:
    """Takes the options, measures, prints. 1 where a program of ours failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="200,000 packets, three runs, without other programs")
    parser.add_argument("--packets", type=int, help="packets of each capture that is made (2,000,000)")
    parser.add_argument("--runs", type=int, help="runs of each program, of which the median counts (5)")
    parser.add_argument("--only", metavar="NAME", help="only captures, or only programs, whose name has this (or decisions)")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON instead of the table")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="where captures are kept (target/bench)")
    chosen = parser.parse_args()
    report = measure(Settings(
        folder=chosen.folder.resolve(), packets=chosen.packets or (200_000 if chosen.quick else 2_000_000),
        runs=chosen.runs or (3 if chosen.quick else 5), only=chosen.only, with_peers=not chosen.quick,
    ))  # fmt: skip
    if chosen.only is None or chosen.only in "decisions":
        report["decisions"] = measured(100_000 if chosen.quick else 1_000_000, 500)
    print(json.dumps(report, indent=1) if chosen.json else "\n".join([markdown(report), "", *map(line, report.get("decisions", ()))]))
    return 1 if any(said.startswith("fieldtap") for said in report["failed"]) else 0


if __name__ == "__main__":
    sys.exit(main())
