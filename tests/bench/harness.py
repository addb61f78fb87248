"""Runs programs over captures in turns, and works out what a packet cost.

What a packet costs is the CPU time over a capture less that over its first 20,000 packets (start-up), by the packets between.
Programs take turns, so that a busy moment of the machine strikes all of them; medians are given, and ratios to the reference of the
same run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench.captures import KINDS, head, make
from tests.bench.measure import Cost, RunFailed, cores, middle, run
from tests.bench.programs import Program, ours, peers, reference

CAPTURES_VARIABLE: Final = "FIELDTAP_BENCH_CAPTURES"
"""Names a folder whose captures are measured instead of our own."""
SMALL: Final = 20_000
"""Packets of the capture that start-up is measured with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`packets` per capture that is made, `runs` per program, `only` captures or programs whose name has this, `folder` for all that is
    written."""

    folder: Path
    packets: int = 2_000_000
    runs: int = 5
    only: str | None = None
    with_peers: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A capture, its packets, and its beginning."""

    name: str
    path: Path
    packets: int
    start: Path
    start_packets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One program over one capture. Times: `ns` of CPU a packet beyond start-up, `start` CPU s and `start_wall` s of a whole process over
    the first packets, `wall` s and `cpu` s over all; `peak` MiB; `ratio` of `ns` to the reference's, None without one."""

    capture: str
    program: str
    packets: int
    per_second: float
    ns: float
    ratio: float | None
    cpu: float
    wall: float
    start: float
    start_wall: float
    peak: float
    runs: int


def measure(settings: Settings) -> dict[str, Any]:
    """All figures, with what they were measured on."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    figures: list[Figure] = []
    failed: list[str] = []
    with cores(1):
        for capture in _captures(settings):
            found, errors = _over(capture, settings)
            figures += found
            failed += errors
    return {
        "python": sys.version.split()[0], "machine": os.uname().machine, "processor": _processor(), "cores": os.cpu_count(),
        "runs": settings.runs, "figures": [asdict(figure) for figure in figures], "failed": failed,
    }  # fmt: skip


def _processor() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def _captures(settings: Settings) -> list[Capture]:
    given = os.environ.get(CAPTURES_VARIABLE)
    if given:
        paths = {path.stem: path for path in sorted(Path(given).glob("*.pcap"))}
    else:
        paths = {kind: settings.folder / f"{kind}-{settings.packets}.pcap" for kind in KINDS}
    wanted = {name: path for name, path in paths.items() if settings.only is None or settings.only in name}
    captures = []
    for name, path in (wanted or paths).items():
        if not given:
            make(name, settings.packets, path)
        start, packets = head(path, SMALL, settings.folder / f"{name}-start.pcap")
        captures.append(Capture(name=name, path=path, packets=packets, start=start, start_packets=min(SMALL, packets)))
    return captures


def _programs(settings: Settings) -> tuple[list[Program], Program | None]:
    base = reference(settings.folder)
    programs = [*([base] if base is not None else []), *ours(settings.folder), *(peers(settings.folder) if settings.with_peers else ())]
    chosen = [program for program in programs if program is base or settings.only is None or settings.only in program.name]
    return chosen if len(chosen) > 1 else programs, base


def _over(capture: Capture, settings: Settings) -> tuple[list[Figure], list[str]]:
    """Every program over one capture, in turns."""
    programs, base = _programs(settings)
    whole: dict[str, list[Cost]] = {program.name: [] for program in programs}
    begun: dict[str, list[Cost]] = {program.name: [] for program in programs}
    failed: dict[str, str] = {}
    for program in programs:
        _try(program, capture.start, failed)  # what is cached is cached then
    for turn in range(settings.runs):
        for program in programs:
            if program.name in failed or (program.slow and turn):
                continue
            for path, costs in ((capture.start, begun), (capture.path, whole)):
                cost = _try(program, path, failed)
                if cost is not None:
                    costs[program.name].append(cost)
    least = None if base is None or base.name in failed else _ns(capture, whole[base.name], begun[base.name])
    figures = [
        _figure(capture, program, (whole[program.name], begun[program.name]), least) for program in programs if program.name not in failed
    ]
    return figures, [f"{name} on {capture.name}: {why}" for name, why in failed.items()]


def _try(program: Program, path: Path, failed: dict[str, str]) -> Cost | None:
    if program.name in failed:
        return None
    try:
        return run(program.command(path), program.environment, program.fine)
    except (RunFailed, OSError) as error:
        failed[program.name] = str(error)
        return None


def _ns(capture: Capture, whole: Sequence[Cost], begun: Sequence[Cost]) -> float:
    between = capture.packets - capture.start_packets
    return (middle(whole).cpu - middle(begun).cpu) / max(1, between) * 1e9


def _figure(capture: Capture, program: Program, costs: tuple[Sequence[Cost], Sequence[Cost]], least: float | None) -> Figure:
    all_of_it, start = middle(costs[0]), middle(costs[1])
    ns = _ns(capture, *costs)
    return Figure(
        capture=capture.name, program=program.name, packets=capture.packets, per_second=1e9 / ns if ns > 0 else 0.0, ns=ns,
        ratio=ns / least if least else None, cpu=all_of_it.cpu, wall=all_of_it.wall, start=start.cpu, start_wall=start.wall,
        peak=all_of_it.peak, runs=len(costs[0]),
    )  # fmt: skip
