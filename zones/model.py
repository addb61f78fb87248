"""A policy as it is used: frozen, picklable, every part with the line of the file that it stands on.

Nothing heavy is imported here: a cached policy is unpickled at each start (DESIGN.md, 5).
"""

from __future__ import annotations

from dataclasses import dataclass, field

VERSION = 1
"""The version of the policy language that this package reads (`fieldtap: 1`)."""

SEVERITIES = ("info", "low", "medium", "high", "critical")
ACCESSES = ("session", "report", "identify", "read", "configure", "write", "mode", "program")
"""In order of gravity (DESIGN.md, 3)."""
SECURITY_MODES = ("none", "sign", "sign_and_encrypt")
"""How an OPC UA channel may be secured (Part 4, 7.20)."""

INDUSTRIAL = (
    *("modbus", "umas", "dnp3", "s7comm", "s7commplus", "opcua", "enip", "cip", "iec104", "bacnet", "profinet_dcp", "mms"),
    *("goose", "sv", "fins", "hart_ip", "mqtt"),
)  # fmt: skip
"""The names of industrial protocols (DESIGN.md, 7), those that no dissector reads yet included."""
TRANSPORTS = ("tcp", "udp", "icmp")
"""The protocol of a connection whose port has no name."""

LEVELS = (0.0, 1.0, 2.0, 3.0, 3.5, 4.0, 5.0)
EXTERNAL = "external"
"""The zone of public addresses that no zone declares."""
UNKNOWN = "unknown"
"""The zone of every other address that no zone declares."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to say about a policy file. `level` is `error` (it is not used), `warning`, or `note`."""

    file: str
    line: int
    what: str
    level: str = "error"

    def __str__(self) -> str:
        mark = "" if self.level == "error" else f"{self.level}: "
        return f"{self.file}:{self.line}: {mark}{self.what}"


class PolicyError(ValueError):
    """A policy that can't be used. `problems` holds all of its errors; the text has one line for each."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Network:
    """A network: `family` 4 or 6, the address `bits` shifted right to the prefix, the prefix length, as written, the line."""

    family: int
    bits: int
    prefix: int
    text: str
    line: int

    @property
    def width(self) -> int:
        """Bits of an address of this family."""
        return 32 if self.family == 4 else 128

    @property
    def addresses(self) -> range:
        """Its addresses, as numbers."""
        rest = self.width - self.prefix
        return range(self.bits << rest, self.bits + 1 << rest)

    def holds(self, other: Network) -> bool:
        """Whether `other` lies within this network (or is the same)."""
        return self.family == other.family and self.prefix <= other.prefix and other.bits >> (other.prefix - self.prefix) == self.bits


@dataclass(frozen=True, slots=True)
class Zone:
    """Assets that share requirements. `level` is the Purdue level (the parent's where not given; None where neither has one),
    `internal` says whether traffic within the zone is allowed, `parent` names the zone it is nested in. `security_level` is the target
    (SL-T of IEC 62443-3-3, 0 to 4); it is told, and decides nothing."""

    name: str
    level: float | None = None
    parent: str | None = None
    internal: bool = True
    networks: tuple[Network, ...] = ()
    macs: tuple[tuple[str, int], ...] = ()
    vlans: tuple[tuple[int, int], ...] = ()
    assets: tuple[str, ...] = ()
    description: str | None = None
    security_level: int | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Asset:
    """A declared device. `zone` is the zone that lists it by name; None where its address places it."""

    name: str
    ips: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    zone: str | None = None
    role: str | None = None
    tags: tuple[str, ...] = ()
    description: str | None = None
    vendor: str | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class PointRange:
    """Points of one kind, `first` to `last` inclusive and zero-based, or with a `name`; `written` is how the policy says it, `shown` how
    transactions say it where that is not `kind:first-last`."""

    kind: str
    block: int | None
    first: int
    last: int
    written: str
    name: str | None = None
    shown: str | None = None

    @property
    def text(self) -> str:
        """As in transactions (`holding_register:100-119`, `DB10.DBW2`)."""
        if self.shown is not None:
            return self.shown
        place = f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"
        return f"{self.kind}:{place}" if self.block is None else f"{self.kind}:{self.block}/{place}"


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `most` occurrences within any `span` (ns) of capture time, for each client and server; `per` is the span as written."""

    most: int
    span: int
    per: str
    line: int = 0

    @property
    def text(self) -> str:
        """`10 in 60s`."""
        return f"{self.most} in {self.per}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a conduit's `allow`. None means: not limited by this (an `access` of None leaves out reports).

    `functions` and `sub_functions` hold codes as int, names and `group/code` as text. `units` holds exact texts and (first, last)
    of numeric ranges; `ports` (first, last). `sources` and `targets` narrow the conduit's own. Of each of `schedules` one has to hold: the
    conduit's and the line's. `initiator` (client or server) is who has to have opened the connection. All of `rates` have to hold;
    sessions count towards them where `sessions_count`. `users` and `security_modes` are OPC UA's.
    """

    protocol: str
    access: tuple[str, ...] | None = None
    functions: frozenset[int | str] | None = None
    sub_functions: frozenset[int | str] | None = None
    sources: frozenset[str] | None = None
    targets: frozenset[str] | None = None
    units: tuple[str | tuple[int, int], ...] | None = None
    ports: tuple[tuple[int, int], ...] | None = None
    points: tuple[PointRange, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    carrier: str | None = None
    known_ports: frozenset[int] = frozenset()
    schedules: tuple[tuple[str, ...], ...] = ()
    initiator: str | None = None
    rates: tuple[Rate, ...] = ()
    sessions_count: bool = False
    users: frozenset[str] | None = None
    security_modes: frozenset[str] | None = None
    line: int = 0

    @property
    def limited(self) -> bool:
        """Whether points or values decide."""
        return self.points is not None or self.valued

    @property
    def valued(self) -> bool:
        """Whether values decide."""
        return self.minimum is not None or self.maximum is not None


@dataclass(frozen=True, slots=True)
class Window:
    """When something may be: on `days` (0 is Monday; empty: each), between `hours` (minutes of the day, the end on the next where it isn't
    later than the begin; None: all day), and not before `since` nor from `until` on (ns)."""

    days: tuple[int, ...] = ()
    hours: tuple[int, int] | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Windows, of which one has to be open."""

    name: str
    windows: tuple[Window, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Term:
    """What makes an exception of a conduit: who answers for it, the ticket, from when to when it holds (ns, the end excluded)."""

    owner: str
    ticket: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduit:
    """A channel from zones or assets (clients) to zones or assets (servers), what it allows, and what nothing allows; with a `term` an
    exception."""

    id: str
    sources: frozenset[str]
    targets: frozenset[str]
    allow: tuple[Line, ...]
    severity: str = "medium"
    references: tuple[str, ...] = ()
    deny: tuple[Line, ...] = ()
    skip_level: str | None = None
    description: str | None = None
    term: Term | None = None
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A whole policy. `file` as given, `sha256` of its bytes; `zones` by name with `external` and `unknown` always among them.
    `conduits` has the exceptions as well, after the others.

    `ladder` holds the levels that its zones use, ascending: one step is from one of them to the next."""

    file: str
    sha256: str
    site: str | None
    timezone: str | None
    severity: str
    zones: dict[str, Zone]
    assets: dict[str, Asset]
    conduits: tuple[Conduit, ...]
    ladder: tuple[float, ...]
    schedules: dict[str, Schedule] = field(default_factory=dict)
    line: int = 1

    def passed_levels(self, one: Zone, other: Zone) -> tuple[float, ...]:
        """The levels strictly between two zones: those that traffic between them passes by; empty where a level isn't known."""
        if one.level is None or other.level is None:
            return ()
        low, high = sorted((one.level, other.level))
        return tuple(level for level in self.ladder if low < level < high)
