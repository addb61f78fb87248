"""Incidents: findings of one source that are one story, such as scan, write, stop (DESIGN.md, 3; the stages are data, incidents.toml).

A story's findings have one source and follow each other within a span of capture time. It has at least two stages, one of them decisive and
later than another. Whoever was come in to (`entry`: RDP, SSH …) or was changed, and then becomes a source, goes on with the same story, so
that one that hops from host to host, or acts through a gateway, stays one. Nothing is judged here that
a finding doesn't say; suppressed ones are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sensor.clock import MINUTE, utc
from sensor.findings import SEVERITIES, Severity

if TYPE_CHECKING:
    from sensor.findings import Finding

MAX_FINDINGS: Final = 20_000
"""Findings that are correlated, the first ones; what comes beyond is counted (`Incidents.left_out`)."""
MAX_NAMED: Final = 256
"""Findings that an incident names for each stage, the gravest first; it counts all."""
ENTRY: Final = "entry"
_KINDS: Final = ("alert", "violation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage of an attack. `rank` is its place in the order."""

    rank: int
    name: str
    title: str
    techniques: frozenset[str]
    accesses: frozenset[str]
    services: frozenset[str]
    decisive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A finding as a part of a story."""

    finding: Finding
    stage: Stage
    source: str
    target: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A story. `told` is in the order of first time."""

    told: Sequence[Told]

    @property
    def id(self) -> str:
        """16 hexadecimal digits from its source, its first time and what it began with: the same in every run over the same packets."""
        first = self.told[0]
        text = f"incident\n{first.source}\n{first.finding.first}\n{first.finding.id}"
        return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()

    @property
    def severity(self) -> Severity:
        """The gravest of its findings'."""
        return max((one.finding.statement.severity for one in self.told), key=SEVERITIES.index)

    @property
    def order(self) -> tuple[int, int, str]:
        """The gravest first, then by first time."""
        return (-SEVERITIES.index(self.severity), self.told[0].finding.first, self.id)

    @property
    def sources(self) -> list[str]:
        """Who did it, in the order of appearance."""
        return list(dict.fromkeys(one.source for one in self.told))

    @property
    def targets(self) -> list[str]:
        """Whom something decisive was done to; where nobody is named, all that were asked."""
        decisive = [one.target for one in self.told if one.stage.decisive]
        named = [target for target in decisive if target is not None] or [one.target for one in self.told if one.target is not None]
        return list(dict.fromkeys(named))

    def stages(self) -> list[dict[str, Any]]:
        """What was done, stage by stage in the order in which they began."""
        held: dict[str, list[Told]] = {}
        for one in self.told:
            held.setdefault(one.stage.name, []).append(one)
        return [_stage(parts) for parts in held.values()]

    @property
    def title(self) -> str:
        """`10.0.0.9 looked around, changed the process, stopped or restarted`."""
        done = ", ".join(stage["title"] for stage in self.stages())
        first, *hops = self.sources
        way = f" by way of {', '.join(hops)}" if hops else ""
        return f"{first}{way}: {done}"

    def to_dict(self) -> dict[str, Any]:
        """As it stands in results, in the store and in the timeline."""
        findings = [one.finding for one in self.told]
        return {
            "id": self.id, "title": self.title, "severity": self.severity,
            "confidence": max(finding.statement.confidence for finding in findings), "sources": self.sources, "targets": self.targets,
            "first": utc(findings[0].first), "last": utc(max(finding.last for finding in findings)),
            "findings": len(findings), "occurrences": sum(finding.count for finding in findings), "stages": self.stages(),
        }  # fmt: skip


def _stage(parts: Sequence[Told]) -> dict[str, Any]:
    findings = [one.finding for one in parts]
    grave = sorted(findings, key=lambda one: (-SEVERITIES.index(one.statement.severity), one.first, one.id))[:MAX_NAMED]
    techniques = dict.fromkeys(attack["id"] for finding in findings for attack in finding.statement.attack)
    return {
        "stage": parts[0].stage.name, "title": parts[0].stage.title, "first": utc(min(finding.first for finding in findings)),
        "last": utc(max(finding.last for finding in findings)), "occurrences": sum(finding.count for finding in findings),
        "sources": list(dict.fromkeys(one.source for one in parts)),
        "targets": list(dict.fromkeys(one.target for one in parts if one.target is not None))[:MAX_NAMED],
        "techniques": list(techniques), "findings": [finding.id for finding in grave], "more_findings": len(findings) - len(grave),
    }  # fmt: skip


@cache
def _data() -> tuple[int, tuple[Stage, ...]]:
    """The span in ns, and the stages."""
    import tomllib

    said = tomllib.loads((Path(__file__).parent / "incidents.toml").read_text(encoding="utf-8"))
    stages = tuple(
        Stage(
            rank=rank, name=one["name"], title=one["title"], techniques=frozenset(one["techniques"]),
            accesses=frozenset(one.get("access", ())), services=frozenset(one.get("services", ())), decisive=one.get("decisive", False),
        )
        for rank, one in enumerate(said["stages"])
    )  # fmt: skip
    return said["span_minutes"] * MINUTE, stages


def stage_of(finding: Finding) -> Stage | None:
    """The stage that a finding belongs to: by what it connects to, by its techniques in their order, else by what is done."""
    stages, about = _data()[1], finding.subject
    for stage in stages:
        if about.access == "session" and about.protocol in stage.services and (finding.outcomes or {}).get("accepted"):
            return stage
    for attack in finding.statement.attack:
        for stage in stages:
            if attack["id"] in stage.techniques or attack.get("legacy_id") in stage.techniques:
                return stage
    return next((stage for stage in stages if about.access in stage.accesses), None)


def incidents(findings: Iterable[Finding]) -> list[Incident]:
    """The stories in findings, the gravest first."""
    told = sorted(_told(findings), key=lambda one: one.finding.order)[:MAX_FINDINGS]
    stories = [Incident(told=parts) for parts in _joined(_runs(told)) if _is_story(parts)]
    return sorted(stories, key=lambda one: one.order)


def _told(findings: Iterable[Finding]) -> Iterator[Told]:
    for finding in findings:
        if finding.statement.kind not in _KINDS or finding.suppressed is not None:
            continue
        source, stage = _address(finding.subject.client), stage_of(finding)
        if source is not None and stage is not None:
            yield Told(finding=finding, stage=stage, source=source, target=_address(finding.subject.server))


def _address(side: Mapping[str, Any] | None) -> str | None:
    return None if side is None else side.get("ip") or side.get("mac")


def _runs(told: Sequence[Told]) -> list[list[Told]]:
    """What each source did, cut where it was quiet for longer than the span."""
    span = _data()[0]
    newest: dict[str, tuple[list[Told], int]] = {}
    made: list[list[Told]] = []
    for one in told:
        run, last = newest.get(one.source, ([], 0))
        if not run or one.finding.first - last > span:
            run, last = [], one.finding.first
            made.append(run)
        run.append(one)
        newest[one.source] = (run, max(last, one.finding.last))
    return made


def _joined(runs: Sequence[list[Told]]) -> list[list[Told]]:
    """Runs of hosts that were come in to or changed go on with the run that did that."""
    span = _data()[0]
    leader = list(range(len(runs)))

    def head(place: int) -> int:
        while leader[place] != place:
            leader[place] = leader[leader[place]]
            place = leader[place]
        return place

    by_source: dict[str, list[int]] = {}
    for place, run in enumerate(runs):
        by_source.setdefault(run[0].source, []).append(place)
    for place, run in enumerate(runs):
        for target, (first, last) in _entered(run).items():
            for other in by_source.get(target, ()):
                begins, ends = runs[other][0].finding.first, runs[other][-1].finding.last
                if other != place and first <= ends and begins - last <= span:
                    leader[head(other)] = head(place)
    together: dict[int, list[Told]] = {}
    for place, run in enumerate(runs):
        together.setdefault(head(place), []).extend(run)
    return [sorted(parts, key=lambda one: one.finding.order) for parts in together.values()]


def _entered(run: Sequence[Told]) -> dict[str, tuple[int, int]]:
    """Hosts that were come in to or changed, with the first and last time."""
    found: dict[str, tuple[int, int]] = {}
    for one in run:
        if (one.stage.name == ENTRY or one.stage.decisive) and one.target is not None:
            first, last = found.get(one.target, (one.finding.first, one.finding.last))
            found[one.target] = (min(first, one.finding.first), max(last, one.finding.last))
    return found


def _is_story(parts: Sequence[Told]) -> bool:
    """Two stages, of which a decisive one comes later than another in the order of an attack and not before it in time."""
    begins: dict[int, int] = {}
    for one in parts:
        begins[one.stage.rank] = min(one.finding.first, begins.get(one.stage.rank, one.finding.first))
    return any(
        one.stage.decisive and any(rank < one.stage.rank and first <= one.finding.last for rank, first in begins.items()) for one in parts
    )
