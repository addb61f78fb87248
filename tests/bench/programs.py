"""What is measured: our own command, and the programs that its figures are compared with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Final

REFERENCE_VARIABLE: Final = "FIELDTAP_BENCH_REFERENCE"
"""Names a program to compare with instead of reference.c; it is called with the capture as its only argument."""
OURS: Final = "from sensor.cli import main; main()"
"""What the installed command does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that reads a capture: its name, its command for a file, and what it needs around it. `slow` programs run once."""

    name: str
    command: Callable[[Path], Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    slow: bool = False
    fine: Sequence[int] = (0,)


def ours(folder: Path) -> list[Program]:
    """`fieldtap replay` with inventory, zones and rules; the same with transactions written to a file. The plan is cached in `folder`."""
    policy = str(files("zones") / "examples" / "small-plant.yml")
    environment = {"XDG_CACHE_HOME": str(folder / "cache"), "XDG_STATE_HOME": str(folder / "state")}
    lines = str(folder / "transactions.jsonl")

    def replay(*more: str) -> Callable[[Path], Sequence[str]]:
        return lambda path: (sys.executable, "-c", OURS, "replay", str(path), "--zones", policy, "--store", "none", *more)

    return [
        Program(name="fieldtap replay", command=replay(), environment=environment),
        Program(name="fieldtap replay --transactions", command=replay("--transactions", lines), environment=environment),
    ]


def reference(folder: Path) -> Program | None:
    """The program that FIELDTAP_BENCH_REFERENCE names, else reference.c, compiled; None without a C compiler."""
    named = os.environ.get(REFERENCE_VARIABLE)
    if named:
        return Program(name=Path(named).name, command=lambda path: (named, str(path)))
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    source, built = Path(__file__).with_name("reference.c"), folder / "reference"
    if not built.exists() or built.stat().st_mtime < source.stat().st_mtime:
        subprocess.run([compiler, "-O2", "-o", str(built), str(source)], check=True)
    return Program(name="reference.c", command=lambda path: (str(built), str(path)))


def peers(folder: Path) -> list[Program]:
    """Other programs, as far as they are installed, doing as little as they can."""
    logs = folder / "suricata"
    logs.mkdir(exist_ok=True)
    known = [
        Program(name="tcpdump -w /dev/null", command=lambda path: ("tcpdump", "-r", str(path), "-w", "/dev/null")),
        Program(name="tshark -q -z io,phs", command=lambda path: ("tshark", "-r", str(path), "-q", "-z", "io,phs"), slow=True),
        Program(
            name="suricata",
            command=lambda path: ("suricata", "-r", str(path), "--runmode", "single", "-S", "/dev/null", "-l", str(logs)),
            slow=True,
        ),
        Program(name="ndpiReader -q", command=lambda path: ("ndpiReader", "-q", "-i", str(path))),
    ]
    return [program for program in known if shutil.which(program.command(Path())[0])]
