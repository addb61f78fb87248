"""What a report says (its JSON is documented in README.md here). Nothing in it but `made` depends on when it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sensor.reports.coverage import Coverage

VERSION: Final = 1
"""The version of the report's JSON."""

VIOLATIONS: Final = "violations"
NONE_SEEN: Final = "none_seen"
NOT_STATED: Final = "not_stated"
NOT_SEEN: Final = "not_seen"
INSIDE: Final = "inside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A capture that was read. `path` is as it was given; `lacking` says in words what of it could not be read."""

    number: int
    path: str
    sha256: str | None
    packets: int
    bytes: int
    first: str | None
    last: str | None
    dropped: int
    lacking: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the report says in one sentence, and the reasons that keep it from saying more. `result` is one of the words above."""

    result: str
    text: str
    because: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneLine:
    """A zone of the policy, and how many assets that were heard stand in it. `security_level` is its target (SL-T)."""

    name: str
    level: float | None
    security_level: int | None
    parent: str | None
    inside: str
    assets: int
    line: int
    description: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One cell of the matrix: what was seen from clients in one zone to servers in another, and what of it the policy allows.

    `seen` counts occurrences, `allowed` those that are neither a violation nor insufficiently seen. `accesses` counts what was seen by
    access. `conduits` are those that join the two. `result` is what can be stated of the pair, `because` why not more.
    """

    source: str
    target: str
    conduits: Sequence[str]
    inside: bool
    skips: Sequence[float]
    seen: int
    allowed: int
    violations: int
    insufficient: int
    accesses: Mapping[str, int]
    coverage: Coverage
    result: str
    because: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowLine:
    """A line of a conduit: how many occurrences were seen that it may grant (values and times apart), or that it denied."""

    line: int
    says: str
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConduitLine:
    """A conduit, how much of what was seen its lines grant, and what can be stated of the traffic between its two sides."""

    id: str
    sources: Sequence[str]
    targets: Sequence[str]
    severity: str
    references: Sequence[str]
    description: str | None
    skip_level: str | None
    line: int
    lines: Sequence[AllowLine]
    denials: Sequence[AllowLine]
    seen: int
    violations: int
    insufficient: int
    coverage: Coverage
    result: str
    because: Sequence[str] = ()


def span(values: Sequence[float]) -> str:
    """The least and the greatest value, or the one that they are; nothing without any."""
    return " to ".join(f"{value:,.10g}" for value in dict.fromkeys(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A violation, or what could not be decided. `effect` says what became of it on the wire: `accepted` by the device, `rejected` by it,
    `attempted` (no answer came), `unknown` (the answer was not seen), `counted` (by a rate, which doesn't tell what became of each).
    `values` are the least and the greatest that were outside of limits. `exception` is the id of the policy's exception that concerns it.
    `disposition` is open, accepted or fixed; `suppressed` says until when, by whom and why people don't want to be told of it."""

    id: str
    severity: str
    reason: str
    reasons: Sequence[str]
    title: str
    source: str
    target: str
    conduit: str | None
    client: str
    server: str
    protocol: str
    unit: str | None
    function: str
    access: str
    points: Sequence[str]
    count: int
    effect: str
    outcomes: Mapping[str, int]
    first: str
    last: str
    packets: Sequence[tuple[int, int]]
    file: str
    line: int
    sha256: str
    skips: Sequence[float]
    references: Sequence[str]
    values: Sequence[float] = ()
    exception: str | None = None
    disposition: str = "open"
    decided_by: str | None = None
    because: str | None = None
    suppressed: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What a rule found beside the policy. `client` or `server` is None where it is about several; `attack` are ids of ATT&CK."""

    id: str
    severity: str
    rule: str
    title: str
    client: str | None
    server: str | None
    protocol: str
    access: str
    count: int
    first: str
    last: str
    packets: Sequence[tuple[int, int]]
    attack: Sequence[str]
    disposition: str = "open"
    decided_by: str | None = None
    because: str | None = None
    suppressed: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """An asset that no zone of the policy declares."""

    id: str
    kind: str
    addresses: Sequence[str]
    zone: str
    vendor: str | None
    acts_as: Sequence[str]
    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionLine:
    """An exception of the policy: whether it was used, and whether it had ended when it was."""

    id: str
    owner: str | None
    ticket: str | None
    start: str | None
    end: str | None
    state: str
    uses: int
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """What one policy says of what was seen while it was in force."""

    file: str
    sha256: str
    site: str | None
    first: str | None
    last: str | None
    captures: Sequence[Capture]
    statement: Statement
    zones: Sequence[ZoneLine]
    matrix: Sequence[Pair]
    violations: Sequence[Verdict]
    insufficient: Sequence[Verdict]
    conduits: Sequence[ConduitLine]
    strangers: Sequence[Stranger]
    exceptions: Sequence[ExceptionLine]
    coverage: Coverage
    packets: Mapping[str, int]
    ceilings: Mapping[str, int]
    alerts: Mapping[str, int]
    rules: str | None
    complete: bool = True
    alert_list: Sequence[Alert] = ()

    @property
    def skipping(self) -> list[Verdict]:
        """Violations that pass by a level."""
        return [verdict for verdict in self.violations if verdict.skips]

    @property
    def unused(self) -> list[ConduitLine]:
        """Conduits of which no line granted anything that was seen."""
        return [conduit for conduit in self.conduits if conduit.lines and not conduit.seen]

    @property
    def idle_lines(self) -> list[tuple[ConduitLine, AllowLine]]:
        """Lines that granted nothing, of conduits that were used."""
        return [(conduit, line) for conduit in self.conduits if conduit.seen for line in conduit.lines if not line.seen]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole report. `made` is the time it was made (UTC text), `span` the capture time it covers."""

    fieldtap: str
    made: str
    span: tuple[str | None, str | None]
    statement: Statement
    chapters: Sequence[Chapter]
    changes: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for json."""
        return {"fieldtap_report": VERSION, **asdict(self)}
