"""Packets in, facts out: the Python face of the engine.

>>> from dissectors import Engine
>>> for batch in Engine().replay("plant.pcapng"):
...     for t in batch.transactions:
...         print(t.time, t.client, t.server, t.function.name, t.points, t.outcome)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from dissectors import _native
from dissectors._native import (
    Anomaly,
    Batch,
    CaptureError,
    Crossing,
    Habit,
    Observation,
    Tally,
    Transaction,
    WindowTally,
    confine,
    packed,
    point_text,
    read_point,
)

if TYPE_CHECKING:
    from dissectors._native import Conversation, Listing

__all__ = [
    "Anomaly",
    "Batch",
    "CaptureError",
    "Clause",
    "Crossing",
    "Engine",
    "Expected",
    "Fact",
    "Habit",
    "Observation",
    "PointLine",
    "Recording",
    "Tally",
    "Transaction",
    "WindowTally",
    "compile_filter",
    "confine",
    "packed",
    "point_text",
    "protocols",
    "read_point",
    "witnesses",
]

__version__ = _native.__version__

Fact = Transaction | Observation | Anomaly | Crossing
"""What a batch gives: tell them apart by `kind`."""


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


class Clause(NamedTuple):
    """How occurrences of an operation are tallied (DESIGN.md, 2.1). Every condition that is None fits always. A named tuple, like Expected:
    judges make many, and compare them.

    `points`: each point of the occurrence is covered by the united lines. `touches`: some point lies at least in part in one of these
    lines (their limits of values say nothing here). `opened_by`: who opened the connection, of `client`, `server` and `unknown`.
    `outcomes`: names. `rejections`: codes, for rejected ones.
    `anomalies`: the exact sets of anomaly names that fit (the default fits only an occurrence with none; None fits any).
    `l2`: (client MAC, server MAC, vlan ids) triples, None in a place fits any. `interval`: (least, greatest) ns since the operation's
    last occurrence. `regular`: (least, greatest, row): fits until `row` such times in a row lie outside, and again from the next one
    inside; one in which bytes of the flow were lost says nothing.
    `fresh`: ns; fits when this clause's last occurrence was less than that ago, or it has none yet.
    `after`/`until`: ns; fits when the request's time is at or after / before. `deliver`: occurrences are delivered as well.
    `tally`: occurrences are counted for this clause (the operation itself is always counted). `limits`: keep least and greatest value.
    `learn`: keep the last intervals, and with `limits` the values of each point (Engine.habits).
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
    touches: Sequence[PointLine] | None = None
    opened_by: Sequence[str] | None = None
    regular: tuple[int, int, int] | None = None
    learn: bool = False


class Expected(NamedTuple):
    """One entry of a lane: a clause, and what its occurrences mean to whoever gave it (None: nothing, it is simply expected)."""

    clause: Clause
    consequence: Any = None


@cache
def protocols() -> Mapping[str, Mapping[str, Any]]:
    """The registry by protocol name: title, specification, ports, functions, sub-functions, anomalies, kinds of points."""
    return {entry["name"]: entry for entry in _native.protocols()}


@cache
def witnesses() -> Mapping[str, Mapping[str, Any]]:
    """What identifies devices beside the protocols, by name: title, specification, `says` (attribute, field, about, example): `about` says
    in words whose address an observation has."""
    return {entry["name"]: entry for entry in _native.witnesses()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Where what is captured live is kept as well: files of pcapng within zstd in `folder`, which has to be there.

    A file ends at `file_bytes` or when its first frame is `file_seconds` old. The oldest files go when all have more than `total_bytes`,
    or were written more than `total_seconds` ago (None: never for their age).
    """

    folder: str | PathLike[str]
    file_bytes: int = 256 * 2**20
    file_seconds: int = 3_600
    total_bytes: int = 10 * 2**30
    total_seconds: int | None = None


class Engine:
    """The engine for one run over captures, or over live interfaces.

    `follow`: deliver every transaction; without it the gate asks once per operation and `expect` answers.
    `threads`: 0 chooses (a second one where there are two cores), 1 or 2; the result is the same.
    `filter`: a capture filter in the usual syntax. `start`, `end`: capture time in ns, inclusive and exclusive.
    `transactions`: a path to which every transaction is written as a JSON line; "-" is standard output.
    `batch_packets`: greatest number of packets a batch; the result does not depend on it.
    `limits`: ceilings by name (flows, operations, operations_per_client, observations, buffered_bytes, buffered_bytes_total).
    `plugins`: names of dissectors in Python that take part in this run (see `dissectors.plugin`).
    `digest`: the result names each capture's SHA-256. `contents`: delivered transactions bring the part of a program or file that they
    carry (`Transaction.content`), which may hold what nobody should keep.
    """

    __slots__ = ("_native",)

    def __init__(
        self,
        *,
        follow: bool = True,
        threads: int = 0,
        filter: str | None = None,
        start: int | None = None,
        end: int | None = None,
        transactions: str | PathLike[str] | None = None,
        batch_packets: int = 65_536,
        limits: Mapping[str, int] | None = None,
        plugins: Sequence[str] = (),
        digest: bool = True,
        contents: bool = False,
    ) -> None:
        if plugins:
            from dissectors.plugin import load, register

            for dissector in load(plugins):
                register(dissector)
        self._native = _native.Engine(
            {
                "follow": follow,
                "threads": threads,
                "filter": None if filter is None else compile_filter(filter),
                "start": start,
                "end": end,
                "transactions": None if transactions is None else fspath(transactions),
                "batch_packets": batch_packets,
                "limits": dict(limits or {}),
                "digest": digest,
                "contents": contents,
                "plugins": list(plugins),
            }
        )

    def open(self, paths: Sequence[str | PathLike[str]]) -> None:
        """Opens captures (files, folders, "-" for standard input) and the file for transactions.

        Raises CaptureError when a capture can't be read, OSError when transactions can't be written.
        """
        self._native.open([fspath(path) for path in paths])

    def advance(self) -> Batch | None:
        """Runs natively, with the interpreter released, until a batch is due; None after the last one was taken."""
        return self._native.advance()

    def expect(self, operation: int, lanes: Sequence[tuple[int, Sequence[int | Clause]]]) -> list[list[int]]:
        """Sets the operation's lanes: (lane number, ordered clauses); a number is a clause that the lane has, kept with its tally.

        Returns the clauses' numbers by lane. Raises ValueError for what doesn't exist.
        """
        return self._native.expect(operation, lanes)

    def window(self, mode: Literal["event_count", "value_count"], span_ns: int, threshold: int) -> int:
        """A new window's number: it is crossed when at least `threshold` occurrences (distinct values) lie within the span."""
        return self._native.window(mode, span_ns, threshold)

    def tallies(self) -> list[Tally]:
        """Clauses whose tally changed since the last call, and clauses that were replaced."""
        return self._native.tallies()

    def habits(self) -> list[Habit]:
        """What clauses that learn have learned, by operation. To be called at a full minute or at the end, when the batch was taken."""
        return self._native.habits()

    def ask_again(self) -> None:
        """A new generation: every operation is asked again, every clause is reported once more by `tallies`, and all windows are empty.
        To be called at a full minute, when the batch was taken and the tallies were read."""
        self._native.ask_again()

    def operations(self) -> Listing[Tally]:
        """All operations' own tallies (clause 0), each made when it is asked for."""
        return self._native.operations()

    def operation(self, number: int) -> dict[str, Any]:
        """Who does what to whom: client, server, port, protocol, unit, function, sub_function, access, merged."""
        return self._native.operation(number)

    def window_tallies(self) -> list[WindowTally]:
        """What windows counted while their thresholds were crossed."""
        return self._native.window_tallies()

    def anomalies(self) -> list[dict[str, Any]]:
        """Anomalies that belong to no transaction: name, protocol, source, destination, count, first, last."""
        return self._native.anomalies()

    def conversations(self) -> Listing[Conversation]:
        """Per client, server, server port and protocol: flows, packets and bytes each way, and the summed ledger; made when asked for."""
        return self._native.conversations()

    def result(self) -> dict[str, Any]:
        """The engine's part of the result (DESIGN.md, section 7), so far; complete after the last batch."""
        return self._native.result()

    def stop(self) -> None:
        """Reads no further: what was read is analysed as if the captures ended here. May be called at any time."""
        self._native.stop()

    def progress(self) -> tuple[int, int, int]:
        """Bytes read, bytes in all (0 where unknown), packets read."""
        return self._native.progress()

    def replay(self, *paths: str | PathLike[str]) -> Iterator[Batch]:
        """Facts of captures (files, folders, "-" for standard input), batch by batch.

        Raises CaptureError when one can't be opened. What goes wrong later stands in `result()["errors"]`.
        """
        self.open(paths)
        while (batch := self.advance()) is not None:
            yield batch

    def listen(
        self, interfaces: Sequence[str], *, ring_bytes: int = 128 * 2**20, snap_length: int | None = None, promiscuous: bool = True,
        hardware_time: bool = False, record: Recording | None = None,
    ) -> list[int]:  # fmt: skip
        """Opens live interfaces (Linux, CAP_NET_RAW) and gives the descriptors of their sockets. Frames wait in rings of `ring_bytes`
        together until `begin` is called, so that rights can be given up in between.

        `snap_length`: most bytes kept of a frame. `hardware_time`: time stamps of the network cards. The filter is applied to frames as
        they were on the wire, VLAN tags included, as it is in a replay. Raises OSError that says which interface and why.
        """
        from dataclasses import asdict

        kept = None if record is None else {**asdict(record), "folder": fspath(record.folder)}
        settings = {
            "interfaces": list(interfaces), "ring_bytes": ring_bytes, "snap_length": snap_length, "promiscuous": promiscuous,
            "hardware_time": hardware_time,
        }  # fmt: skip
        return self._native.listen(settings | ({} if kept is None else {"record": kept}))

    def begin(self) -> None:
        """Goes on with what `listen` opened: from now on `advance` gives a batch for what comes, at least ten times a second, empty where
        nothing came. `stop` ends it when what was received is analysed."""
        self._native.begin()

    def interfaces(self) -> list[dict[str, Any]]:
        """What each interface brought so far: name, packets, bytes, dropped (frames that the kernel had no room for), full (how often the
        ring was), troubles (how often it went down or away), newest (time of its last frame in ns, 0 before the first)."""
        return self._native.interfaces()

    def recorded(self) -> dict[str, Any] | None:
        """What was recorded so far: packets, bytes, files, removed, lost (frames that the disk was too slow for), failure; None without a
        recording."""
        return self._native.recorded()

    def watch(self, *interfaces: str, **wanted: Any) -> Iterator[Batch]:
        """Facts of live interfaces as they come, until `stop` is called. `wanted`: as `listen` takes it."""
        self.listen(interfaces, **wanted)
        self.begin()
        while (batch := self.advance()) is not None:
            yield batch


# Link types of captures (LINKTYPE_…) that a filter is compiled for, with the numbers that libpcap calls them by (DLT_…).
_FILTERED_LINKS = {1: 1, 9: 9, 12: 12, 50: 50, 51: 51, 101: 12, 108: 108, 113: 113, 228: 228, 229: 229, 276: 276}


def compile_filter(expression: str) -> list[tuple[int, list[tuple[int, int, int, int]]]]:
    """A capture filter in the usual syntax (pcap-filter), compiled by libpcap through scapy: (link type, classic BPF instructions).

    What doesn't make sense on a link type (`ether host` on raw IP) has no program there: its frames are left out.
    Raises ValueError when the expression is wrong or libpcap is missing.
    """
    from scapy.error import Scapy_Exception

    try:
        from scapy.arch.common import compile_filter as compiled
    except (OSError, ImportError) as error:
        raise ValueError(f"capture filters need libpcap (Debian: apt-get install libpcap0.8): {error}") from error
    programs = []
    for link, number in _FILTERED_LINKS.items():
        try:
            program = compiled(expression, linktype=number)
        except (Scapy_Exception, OSError) as error:
            if link == 1:
                raise ValueError(f"filter {expression!r}: {error}") from error
            continue
        programs.append((link, [(line.code, line.jt, line.jf, line.k) for line in program.bf_insns[: program.bf_len]]))
    return programs
