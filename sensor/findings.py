"""Findings: what people should know (DESIGN.md, sections 3 and 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, Literal

from sensor.clock import nanoseconds, utc
from sensor.inventory.address import is_mac

Kind = Literal["alert", "violation", "coverage", "health"]
Severity = Literal["info", "low", "medium", "high", "critical"]

SEVERITIES: Final[tuple[Severity, ...]] = ("info", "low", "medium", "high", "critical")
KINDS: Final[Mapping[str, Kind]] = {"Alert": "alert", "Violation": "violation", "Coverage": "coverage", "Health": "health"}
OUTCOMES: Final = ("accepted", "unknown", "unanswered", "rejected")
"""By gravity: what was accepted has had its effect, what was not seen may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a judge says of the occurrences of a clause, whoever the judge is. `detail` is what that judge alone knows.

    `zones` is the pair (from, to) where a policy speaks; `policy` is `{"file", "line", "sha256"}`, `attack` holds `{"id", "legacy_id"}`,
    the one that fits best first.
    """

    kind: Kind
    title: str
    reason: str
    severity: Severity = "medium"
    confidence: float = 1.0
    rule: str | None = None
    conduit: str | None = None
    zones: tuple[str | None, str | None] | None = None
    policy: Mapping[str, Any] | None = None
    attack: Sequence[Mapping[str, Any]] = ()
    references: Sequence[str] = ()
    detail: Mapping[str, Any] | None = None

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes two statements the same one: kind, rule or conduit or zone pair, reason."""
        zones = "" if self.zones is None else f"{self.zones[0]}>{self.zones[1]}"
        return (self.kind, self.rule or self.conduit or zones, self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Who did what to whom: an operation, or the group that a window counts. What doesn't apply is None."""

    client: Mapping[str, Any] | None = None
    server: Mapping[str, Any] | None = None
    protocol: str | None = None
    unit: str | None = None
    function: Mapping[str, Any] | None = None
    sub_function: Mapping[str, Any] | None = None
    access: str | None = None
    group: Mapping[str, Any] | None = None

    @property
    def identity(self) -> str:
        """The same text for the same operation or group in every run."""
        parts = (self.client, self.server, self.protocol, self.unit, self.function, self.sub_function, self.access, self.group)
        return "|".join(_plain(part) for part in parts)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{key}={value[key]}" for key in sorted(value) if key != "name" and value[key] is not None)
    return "" if value is None else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One revision of a finding. `first`, `last` and `revised` are capture time in ns; `packets` are (capture, packet).

    `outcome` is the gravest of its occurrences' with the code that rejections share, `outcomes` counts them by name. `suppressed`
    says by whom and why (sensor.suppressions).
    """

    id: str
    revision: int
    state: Literal["open", "closed"]
    revised: int
    statement: Statement
    subject: Subject
    count: int
    first: int
    last: int
    outcome: Mapping[str, Any] | None = None
    outcomes: Mapping[str, int] | None = None
    points: Sequence[Mapping[str, Any]] = ()
    packets: Sequence[tuple[int, int]] = ()
    detail: Mapping[str, Any] | None = None
    suppressed: Mapping[str, Any] | None = None

    @property
    def order(self) -> tuple[int, str]:
        """By first time, then by id."""
        return (self.first, self.id)

    def to_dict(self) -> dict[str, Any]:
        """The finding of DESIGN.md, section 7. A name that doesn't apply (rule, conduit, zones) is left out; what was not seen is null."""
        said, about = self.statement, self.subject
        document: dict[str, Any] = {"id": self.id, "revision": self.revision, "state": self.state, "kind": said.kind}
        if said.rule is not None:
            document["rule"] = said.rule
        if said.conduit is not None or said.kind == "violation":
            document["conduit"] = said.conduit
        if said.zones is not None:
            document["zones"] = {"from": said.zones[0], "to": said.zones[1]}
        document |= {"title": said.title, "severity": said.severity, "confidence": said.confidence, "reason": said.reason}
        document |= {"client": about.client, "server": about.server, "protocol": about.protocol, "unit": about.unit}
        document |= {"function": about.function, "sub_function": about.sub_function, "access": about.access}
        if about.group is not None:
            document["group"] = about.group
        document |= {"points": list(self.points), "outcome": self.outcome, "outcomes": self.outcomes, "count": self.count}
        document |= {"first": utc(self.first), "last": utc(self.last), "revised": utc(self.revised)}
        document["packets"] = [{"capture": capture, "packet": packet} for capture, packet in self.packets]
        document |= {"policy": said.policy, "attack": said.attack[0] if said.attack else None}
        if len(said.attack) > 1:
            document["attacks"] = list(said.attack)
        if said.references:
            document["references"] = list(said.references)
        detail = {**(said.detail or {}), **(self.detail or {})}
        if detail:
            document["detail"] = detail
        if self.suppressed is not None:
            document["suppressed"] = self.suppressed
        return document


def finding_id(statement: Statement, subject: Subject, first: int) -> str:
    """16 hexadecimal digits made from kind, rule or conduit or zone pair, reason, operation or group, and first time: the same in
    every run over the same packets."""
    text = "\n".join((*statement.identity, subject.identity, str(first)))
    return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def finding_of(document: Mapping[str, Any]) -> Finding:
    """A finding from its document, as far as it says who it is: what the store keeps of it, and results in JSON."""
    zones = document.get("zones")
    attacks = document.get("attacks") or ([document["attack"]] if document.get("attack") else [])
    statement = Statement(
        kind=document["kind"], title=document["title"], reason=document["reason"], severity=document["severity"],
        confidence=document["confidence"], rule=document.get("rule"), conduit=document.get("conduit"), attack=attacks,
        zones=None if zones is None else (zones["from"], zones["to"]), policy=document.get("policy"), detail=document.get("detail"),
    )  # fmt: skip
    about = ("client", "server", "protocol", "unit", "function", "sub_function", "access", "group")
    return Finding(
        id=document["id"], revision=document["revision"], state=document["state"], revised=nanoseconds(document["revised"]),
        statement=statement, subject=Subject(**{name: document.get(name) for name in about}), count=document["count"],
        first=nanoseconds(document["first"]), last=nanoseconds(document["last"]), outcome=document["outcome"],
        outcomes=document["outcomes"], points=document["points"],
        packets=[(packet["capture"], packet["packet"]) for packet in document["packets"]],
    )  # fmt: skip


def at_least(severity: str, bound: str) -> bool:
    """Whether `severity` is at or above `bound`."""
    return SEVERITIES.index(severity) >= SEVERITIES.index(bound)


def statement_of(consequence: Any) -> Statement:
    """What a judge's consequence (zones: Violation, Coverage; rules: Alert) says. A Statement is returned as it is."""
    if isinstance(consequence, Statement):
        return consequence
    kind = KINDS[type(consequence).__name__]
    return _alert(consequence) if kind == "alert" else _verdict(consequence, kind)


def _alert(said: Any) -> Statement:
    return Statement(
        kind="alert", title=said.title, reason=said.reason, severity=said.severity, confidence=said.confidence, rule=said.rule,
        attack=[{"id": technique.id, "legacy_id": technique.legacy_id} for technique in said.attack], references=said.references,
        detail={"rule": {"name": said.name, "file": said.file, "line": said.line}, "evidence_class": said.evidence_class},
    )  # fmt: skip


def _verdict(said: Any, kind: Kind) -> Statement:
    detail = {
        "reasons": list(said.reasons), "from_asset": said.from_asset, "to_asset": said.to_asset,
        "from_level": said.levels[0], "to_level": said.levels[1], "skipped_levels": list(said.skips),
    }  # fmt: skip
    return Statement(
        kind=kind, title=said.title, reason=said.reason, severity=said.severity, conduit=said.conduit, zones=(said.from_zone, said.to_zone),
        policy={"file": said.file, "line": said.line, "sha256": said.sha256}, references=said.references,
        detail={name: value for name, value in detail.items() if value not in (None, [])},
    )  # fmt: skip


def subject_of(operation: Mapping[str, Any]) -> Subject:
    """From Engine.operation: `client` and `server` are addresses, `port` the server's, functions have `code`, `name` and `group`."""
    port = operation.get("port")
    return Subject(
        client=_party(operation.get("client"), None),
        server=_party(operation.get("server"), port),
        protocol=operation.get("protocol"),
        unit=operation.get("unit"),
        function=code_of(operation.get("function")),
        sub_function=code_of(operation.get("sub_function")),
        access=operation.get("access"),
    )


def code_of(code: Any) -> Mapping[str, Any] | None:
    """A function (dissectors.Code) as it stands in documents; a group only where there is one."""
    if code is None:
        return None
    group = {} if code.group is None else {"group": code.group}
    return {**group, "code": code.code, "name": code.name}


def subject_of_group(fields: Mapping[str, Any]) -> Subject:
    """From the fields that a window groups by (`client.ip`, `protocol`, …)."""
    sides: dict[str, dict[str, Any]] = {"client": {}, "server": {}}
    for name, value in fields.items():
        side, _, part = name.partition(".")
        if side in sides and part in ("ip", "port", "mac") and value is not None:
            sides[side][part] = value
    return Subject(
        client=sides["client"] or None, server=sides["server"] or None, protocol=fields.get("protocol"), unit=fields.get("unit"),
        access=fields.get("access"), group=dict(fields),
    )  # fmt: skip


def _party(side: str | None, port: int | None) -> Mapping[str, Any] | None:
    if side is None:
        return None
    party: dict[str, Any] = {"mac" if is_mac(side) else "ip": side}
    if port is not None:
        party["port"] = port
    return party
