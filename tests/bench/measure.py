"""One program, run as a whole process: what it cost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Final

MIB: Final = 1024
"""ru_maxrss counts KiB on Linux."""


class RunFailed(Exception):
    """A program ended with an error: says which, and its last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU and wall time in s, peak memory in MiB (not less than the harness's own: the kernel counts what a process was forked from)."""

    cpu: float
    wall: float
    peak: float


def run(command: Sequence[str], environment: Mapping[str, str] | None = None, fine: Sequence[int] = (0,)) -> Cost:
    """Runs a program to its end, its output dropped. Raises RunFailed where it ends with a code that isn't in `fine`."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, **(environment or {})}
    )
    assert process.stderr is not None
    words = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode not in fine:
        said = words.decode("utf-8", "replace").strip()[-800:]
        raise RunFailed(f"{' '.join(command)} ended with {process.returncode}: {said}")
    return Cost(cpu=usage.ru_utime + usage.ru_stime, wall=wall, peak=usage.ru_maxrss / MIB)


def middle(costs: Sequence[Cost]) -> Cost:
    """The median of each."""
    return Cost(cpu=median(c.cpu for c in costs), wall=median(c.wall for c in costs), peak=median(c.peak for c in costs))


@contextmanager
def cores(number: int) -> Iterator[int]:
    """Only so many cores for this process and what it starts; gives how many there are. Elsewhere than on Linux all stay."""
    if sys.platform != "linux":
        yield os.cpu_count() or 1
        return
    before = os.sched_getaffinity(0)
    chosen = set(sorted(before)[-number:])
    os.sched_setaffinity(0, chosen)
    try:
        yield len(chosen)
    finally:
        os.sched_setaffinity(0, before)
