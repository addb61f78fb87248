"""Packets in, facts out: the Python face of the engine.

>>> from dissectors import Engine
>>> for batch in Engine().replay("plant.pcapng"):
...     for t in batch.transactions:
...         print(t.time, t.client, t.server, t.function.name, t.points, t.outcome)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from os import PathLike, fspath
from typing import Any

from dissectors import _native
from dissectors._native import Anomaly, Batch, Crossing, Fact, Observation, Tally, Transaction, WindowTally

__all__ = [
    "Anomaly",
    "Batch",
    "Clause",
    "Crossing",
    "Engine",
    "Expected",
    "Fact",
    "Observation",
    "PointLine",
    "Tally",
    "Transaction",
    "WindowTally",
    "protocols",
]

__version__ = _native.__version__


@dataclass(frozen=True, slots=True, kw_only=True)
class PointLine:
    """Points that a clause accepts: `kind` None means any kind, `access` None any access; `first` to `last` inclusive.

    `minimum` and `maximum` limit the values (inclusive); a value that was not seen fits only a lenient line.
    """

    access: str | None = None
    kind: str | None = None
    block: int | None = None
    first: int = 0
    last: int = 2**64 - 1
    name: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    lenient: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """How occurrences of an operation are tallied (DESIGN.md, 2.1). Every condition that is None fits always.

    `points`: each point of the occurrence is covered by the united lines. `outcomes`: names. `rejections`: codes, for rejected ones.
    `anomalies`: the exact sets of anomaly names that fit (the default fits only an occurrence with none; None fits any).
    `l2`: (client MAC, server MAC, vlan ids) triples, None in a place fits any. `interval`: (least, greatest) ns since the operation's
    last occurrence. `fresh`: ns; fits when this clause's last occurrence was less than that ago, or it has none yet.
    `after`/`until`: ns; fits when the request's time is at or after / before. `deliver`: occurrences are delivered as well.
    `tally`: occurrences are counted for this clause (the operation itself is always counted). `limits`: keep least and greatest value.
    `windows`: (window, value) pairs that each occurrence is counted in; the value is for `value_count`, None counts each point address.
    """

    points: Sequence[PointLine] | None = None
    outcomes: Sequence[str] | None = None
    rejections: Sequence[int] | None = None
    anomalies: Sequence[Sequence[str]] | None = ((),)
    l2: Sequence[tuple[str | None, str | None, tuple[int, ...] | None]] | None = None
    interval: tuple[int, int] | None = None
    fresh: int | None = None
    after: int | None = None
    until: int | None = None
    deliver: bool = False
    tally: bool = True
    limits: bool = False
    windows: Sequence[tuple[int, str | None]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One entry of a lane: a clause, and what its occurrences mean to whoever gave it (None: nothing, it is simply expected)."""

    clause: Clause
    consequence: Any = None


@cache
def protocols() -> Mapping[str, Mapping[str, Any]]:
    """The registry by protocol name: title, specification, ports, functions, sub-functions, anomalies, kinds of points."""
    return {entry["name"]: entry for entry in _native.protocols()}


@dataclass(slots=True)
class Engine:
    """The engine for one run over captures.

    `follow`: deliver every transaction; without it the gate asks once per operation and `expect` answers.
    `threads`: 0 chooses (a second one where there are two cores), 1 or 2.
    `filter`: a capture filter in the usual syntax. `start`, `end`: capture time in ns, inclusive and exclusive.
    `transactions`: a path to which every transaction is written as a JSON line; "-" is standard output.
    `batch_packets`: greatest number of packets a batch (the result does not depend on it).
    """

    follow: bool = True
    threads: int = 0
    filter: str | None = None
    start: int | None = None
    end: int | None = None
    transactions: str | None = None
    batch_packets: int = 65_536
    plugins: Sequence[Any] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    _native: _native.Engine | None = None
