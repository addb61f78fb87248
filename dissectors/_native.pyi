"""The native half of the engine: packets in, facts out. What it gives is read-only."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, Literal, TypeAlias, TypeVar, final

from dissectors import Clause
from dissectors.plugin import Dissector

__all__ = [
    "Anomaly",
    "Batch",
    "CaptureError",
    "Code",
    "Conversation",
    "Counts",
    "Crossing",
    "Engine",
    "Habit",
    "Listing",
    "Moment",
    "Observation",
    "Outcome",
    "Party",
    "Point",
    "Tally",
    "Transaction",
    "WindowTally",
    "__version__",
    "confine",
    "packed",
    "point_text",
    "protocols",
    "read_point",
    "register",
    "services",
    "witnesses",
]

__version__: str

_AccessName: TypeAlias = Literal["session", "report", "identify", "read", "configure", "write", "mode", "program"]
_OutcomeName: TypeAlias = Literal["accepted", "rejected", "unanswered", "unknown"]

def protocols() -> list[dict[str, Any]]:
    """The registry: for each protocol name, title, specification, tcp_ports, udp_ports, functions (code, name, access, about),
    sub_functions (function, group, code, name, access), rejections, anomalies (name, about), point_kinds (name, example, max, block,
    syntax)."""

def read_point(protocol: str, text: str) -> tuple[str, int | None, int, int, str | None]:
    """A point as it is written everywhere (`DB10.DBW2`, `coil:7`): kind, block, first and last address, name.

    Raises ValueError with what is wrong with it."""

def point_text(protocol: str, kind: str, block: int | None, first: int, last: int, name: str | None = None) -> str:
    """A point as it is written everywhere. Raises ValueError when the protocol has no such kind."""

def packed(address: str) -> bytes | None:
    """An address as the bytes of the wire: 4 (IPv4), 16 (IPv6, a scope after `%` left out) or 6 (MAC); None for what is none."""

def confine(descriptors: Sequence[int]) -> None:
    """Keeps this process from sending, for good: no sockets, no send, and no use of these descriptors but reading. Raises OSError."""

def witnesses() -> list[dict[str, Any]]:
    """What identifies devices in messages that are read for that alone: for each witness (the `protocol` of its observations) name, title,
    specification, says (attribute, field, about, example; `about` says in words whose address an observation has)."""

def services() -> list[tuple[str, int, str]]:
    """IANA services known by port: (transport, port, name)."""

def register(dissector: type[Dissector]) -> None:
    """Registers a dissector in Python (see dissectors.plugin.register).

    Raises ValueError when its tables are wrong or its name is taken."""

class CaptureError(Exception):
    """A capture can't be read: says which, what was found and what was expected."""

@final
class Party:
    """One side of a transaction: `ip` (text; None for traffic without IP), `port`, `mac` (text or None)."""

    @property
    def ip(self) -> str | None: ...
    @property
    def port(self) -> int | None: ...
    @property
    def mac(self) -> str | None: ...

@final
class Point:
    """A point or range of points, `first` to `last` inclusive. `text` is its syntax (`holding_register:100-101`)."""

    @property
    def text(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def block(self) -> int | None: ...
    @property
    def first(self) -> int: ...
    @property
    def last(self) -> int: ...
    @property
    def name(self) -> str | None: ...
    @property
    def access(self) -> _AccessName: ...
    @property
    def values(self) -> list[Any] | None:
        """In address order; None where they were not seen."""

    @property
    def width(self) -> int:
        """Addresses that each value is for: 1, or more where values are spread over the point (a real of S7 takes 32 bits)."""

@final
class Code:
    """A raw code and its name (None where unknown)."""

    @property
    def code(self) -> int: ...
    @property
    def name(self) -> str | None: ...
    @property
    def group(self) -> int | None: ...

@final
class Outcome:
    @property
    def result(self) -> _OutcomeName: ...
    @property
    def code(self) -> int | None: ...
    @property
    def name(self) -> str | None: ...

@final
class Moment:
    """`capture` and `packet` are 1-based, `time` is ns since 1970 UTC."""

    @property
    def capture(self) -> int: ...
    @property
    def packet(self) -> int: ...
    @property
    def time(self) -> int: ...

@final
class Transaction:
    """A delivered transaction (DESIGN.md, section 7). `kind` is "transaction"."""

    kind: Literal["transaction"]
    @property
    def operation(self) -> int:
        """Number of its operation in this run (0 while everything is followed)."""
    @property
    def lanes(self) -> int:
        """Bit mask of the lanes (by position in the operation's expectation) that did not expect it or want it delivered;
        all ones for an operation that has no expectation yet."""
    @property
    def first(self) -> bool:
        """The operation has no expectation yet: answer with Engine.expect."""
    @property
    def time(self) -> int:
        """Of the request (of the report or first sign where there is none), ns."""
    @property
    def completed(self) -> int:
        """When it was complete, on the capture clock, ns: what windows count by."""
    @property
    def protocol(self) -> str: ...
    @property
    def flow(self) -> str | None:
        """Community id, version 1; None for traffic without IP."""
    @property
    def vlan(self) -> tuple[int, ...]: ...
    @property
    def initiator(self) -> Literal["client", "server"] | None: ...
    @property
    def client(self) -> Party: ...
    @property
    def server(self) -> Party: ...
    @property
    def unit(self) -> str | None: ...
    @property
    def function(self) -> Code: ...
    @property
    def sub_function(self) -> Code | None: ...
    @property
    def access(self) -> _AccessName: ...
    @property
    def points(self) -> tuple[Point, ...]: ...
    @property
    def outcome(self) -> Outcome: ...
    @property
    def anomalies(self) -> tuple[str, ...]: ...
    @property
    def latency_ns(self) -> int | None: ...
    @property
    def request(self) -> Moment | None: ...
    @property
    def response(self) -> Moment | None: ...
    @property
    def content(self) -> bytes | None:
        """The part of a program or file that it carries (S7, UMAS, DNP3), where the engine was asked for `contents`."""
    @property
    def detail(self) -> dict[str, Any]:
        """The protocol's own fields (what stands under its name in JSON)."""
    def to_json(self) -> str:
        """The line that --transactions writes."""

@final
class Observation:
    """An identity observation, delivered when the value is new for (address, unit, attribute); a `mac` also when another
    field says it, since what ARP says is worth more than what was on any packet. `kind` is "observation".

    Attributes seen by the engine itself: `mac` (value: the MAC that an address uses, from ARP or from packets). All others come from
    protocols and from witnesses (`witnesses()` lists what they say); `protocol` names which. `address` is an IP or, without IP, a MAC, as
    text; `unit` the device behind it.
    """

    kind: Literal["observation"]
    @property
    def address(self) -> str: ...
    @property
    def unit(self) -> str | None: ...
    @property
    def protocol(self) -> str: ...
    @property
    def attribute(self) -> str: ...
    @property
    def value(self) -> Any: ...
    @property
    def field(self) -> str: ...
    @property
    def moment(self) -> Moment: ...

@final
class Anomaly:
    """The first occurrence of an anomaly that belongs to no transaction, per (client side, server side, protocol, name); later ones
    are counted (Engine.anomalies). `kind` is "anomaly"."""

    kind: Literal["anomaly"]
    @property
    def name(self) -> str: ...
    @property
    def protocol(self) -> str: ...
    @property
    def source(self) -> str:
        """Address of the side whose bytes it was."""
    @property
    def destination(self) -> str: ...
    @property
    def layer(self) -> str | None: ...
    @property
    def offset(self) -> int | None: ...
    @property
    def needed(self) -> int | None: ...
    @property
    def available(self) -> int | None: ...
    @property
    def moment(self) -> Moment: ...

@final
class Crossing:
    """A window crossed its threshold. `kind` is "crossing"."""

    kind: Literal["crossing"]
    @property
    def window(self) -> int: ...
    @property
    def count(self) -> int:
        """Occurrences (or distinct values) within the span at this moment."""
    @property
    def first(self) -> Moment: ...
    @property
    def last(self) -> Moment: ...

_Fact: TypeAlias = Transaction | Observation | Anomaly | Crossing

@final
class Tally:
    """What a clause (or, with `clause` 0, an operation) counted since the run's start. Times in ns."""

    @property
    def clause(self) -> int: ...
    @property
    def operation(self) -> int: ...
    @property
    def count(self) -> int: ...
    @property
    def first(self) -> Moment | None: ...
    @property
    def last(self) -> Moment | None: ...
    @property
    def outcomes(self) -> Mapping[_OutcomeName, int]: ...
    @property
    def rejections(self) -> Mapping[int, int]: ...
    @property
    def points(self) -> tuple[Point, ...]:
        """Merged ranges, without values."""
    @property
    def points_mark(self) -> int:
        """A number that changes when the points do."""
    @property
    def points_coarse(self) -> bool:
        """There were too many ranges: they cover more than was seen, or some are left out."""
    @property
    def values(self) -> tuple[float, float] | None:
        """Least and greatest value, where asked."""
    @property
    def interval(self) -> tuple[int, int] | None:
        """Least and greatest time between two occurrences, ns; None before the second."""
    @property
    def retired(self) -> bool:
        """The clause was replaced: this is its last word."""
    @property
    def packets(self) -> tuple[Moment, ...]:
        """The first N occurrences and the last."""

@final
class Habit:
    """What a clause that learns has learned of its operation."""

    @property
    def operation(self) -> int: ...
    @property
    def intervals(self) -> list[int]:
        """The last hundred times between two occurrences, the oldest first, ns. One in which bytes of the flow were lost is left out."""
    @property
    def values(self) -> list[tuple[Point, tuple[float, float] | None]]:
        """Points with their least and greatest value; None where something was no number."""
    @property
    def omitted(self) -> int:
        """Values that had no room."""

@final
class WindowTally:
    """What a window counted while its threshold was crossed."""

    @property
    def window(self) -> int: ...
    @property
    def count(self) -> int: ...
    @property
    def first(self) -> Moment | None: ...
    @property
    def last(self) -> Moment | None: ...
    @property
    def packets(self) -> tuple[Moment, ...]: ...

@final
class Batch:
    """Facts in the order of completion. Iterating takes them from the queue one by one: what has become expected meanwhile is
    tallied instead of delivered. `clock` is the capture time at the batch's end (ns), `packets` how many were analysed up to it,
    `began` the capture time of the first of them, `minute` is true when tallies may be read, `end` when the captures are over."""

    @property
    def clock(self) -> int: ...
    @property
    def packets(self) -> int: ...
    @property
    def began(self) -> int: ...
    @property
    def minute(self) -> bool: ...
    @property
    def end(self) -> bool: ...
    def __iter__(self) -> Iterator[_Fact]: ...
    def __next__(self) -> _Fact: ...
    @property
    def transactions(self) -> Iterator[Transaction]:
        """Only the transactions (everything else is dropped)."""

_Entry = TypeVar("_Entry", covariant=True)

@final
class Listing(Generic[_Entry]):
    """A list whose entries are made when they are asked for, so that a long one takes no memory."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> _Entry: ...
    def __iter__(self) -> Iterator[_Entry]: ...

@final
class Conversation(Mapping[str, Any]):
    """What was seen between a client and a server (see Engine.conversations)."""

    def __getitem__(self, name: str, /) -> Any: ...
    def get(self, key: str, default: Any = None) -> Any: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[str]: ...

@final
class Counts(Mapping[str, int]):
    """What one direction carried, by name."""

    def __getitem__(self, name: str, /) -> int: ...
    def get(self, key: str, default: Any = None) -> Any: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[str]: ...

@final
class Engine:
    """The native engine for one run. Single use: one replay an Engine."""

    def __new__(cls, options: Mapping[str, Any]) -> Engine: ...
    def open(self, paths: Sequence[str]) -> None: ...
    def listen(self, settings: Mapping[str, Any]) -> list[int]:
        """Opens live interfaces; gives the descriptors of their sockets. Raises OSError."""
    def begin(self) -> None:
        """Reads on from the interfaces that `listen` opened."""
    def interfaces(self) -> list[dict[str, Any]]: ...
    def recorded(self) -> dict[str, Any] | None: ...
    def advance(self) -> Batch | None:
        """Runs natively, with the interpreter released, until a batch is due; None after the last one was taken."""
    def expect(self, operation: int, lanes: Sequence[tuple[int, Sequence[int | Clause]]]) -> list[list[int]]:
        """Sets the operation's lanes: (lane number, ordered clauses). A number is an existing clause of this lane, kept with its tally.
        Returns the clause ids by lane."""
    def window(self, mode: Literal["event_count", "value_count"], span_ns: int, threshold: int) -> int:
        """A new window: crossed when at least `threshold` occurrences (distinct values) lie within the span."""
    def tallies(self) -> list[Tally]:
        """Clauses whose tally changed since the last call, and clauses that were replaced."""
    def habits(self) -> list[Habit]:
        """What clauses that learn have learned, by operation."""
    def ask_again(self) -> None:
        """A new generation: every operation is asked again, all windows are empty."""
    def operations(self) -> Listing[Tally]:
        """All operations' own tallies (clause 0)."""
    def window_tallies(self) -> list[WindowTally]: ...
    def operation(self, number: int) -> dict[str, Any]:
        """Who does what to whom: client, server, port, protocol, unit, function, sub_function, access, merged."""
    def conversations(self) -> Listing[Conversation]:
        """Per client, server (text), server port and protocol: flows, first and last (Moment), how many flows were midstream, one_way,
        half_seen (TCP with payload one way and nothing the other way) and encrypted, and from_client and from_server with packets, bytes,
        payload_bytes, retransmitted, out_of_order, gaps, gap_bytes, undecoded_bytes, duplicates, conflicts. `last_from_client` and
        `last_from_server` are capture time in ns, None where nothing was seen."""
    def anomalies(self) -> list[dict[str, Any]]:
        """Anomalies that belong to no transaction: name, protocol, source, destination, count, first and last (Moment)."""
    def result(self) -> dict[str, Any]:
        """captures, packets, flows, protocols, ledger, ceilings (DESIGN.md, section 7)."""
    def stop(self) -> None:
        """Reads no further: what was read is analysed as if the captures ended here. May be called at any time."""
    def progress(self) -> tuple[int, int, int]:
        """Bytes read, bytes in all (0 where unknown), packets read."""
