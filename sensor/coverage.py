"""What was not seen, as findings: loss, missing directions, unreadable and irregular messages, and the sensor's own ceilings.

One finding a matter, with its worst examples, so that a broken mirror says one thing once and not a thousand times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sensor.clock import SECOND, utc
from sensor.findings import Finding, Severity, Statement, Subject, finding_id

if TYPE_CHECKING:
    from dissectors import Anomaly

MAX_EXAMPLES: Final = 10
MAX_ANOMALIES: Final = 1_000
"""Different (protocol, anomaly) pairs that are held."""
LOSS_SHARE: Final = 0.01
"""Loss is worth a finding where so much of a conversation's payload is missing."""
LOSS_BYTES: Final = 1_460
"""And at least one full segment."""
VANISHED: Final = 60 * SECOND
"""For so long at least one direction goes on before the other is said to be gone."""


class _Noted:
    """First occurrences of one anomaly that belongs to no transaction."""

    __slots__ = ("examples", "first", "last", "packets", "pairs")

    def __init__(self, first: int) -> None:
        self.first = first
        self.last = first
        self.pairs = 0
        self.packets: list[tuple[int, int]] = []
        self.examples: list[Mapping[str, Any]] = []


class Coverage:
    """Collects over a run what its end is to say."""

    def __init__(self) -> None:
        self._anomalies: dict[tuple[str, str], _Noted] = {}

    def anomaly(self, seen: Anomaly) -> None:
        """The first occurrence of an anomaly between two sides."""
        moment = seen.moment
        noted = self._anomalies.get((seen.protocol, seen.name))
        if noted is None:
            if len(self._anomalies) >= MAX_ANOMALIES:
                return
            noted = self._anomalies[seen.protocol, seen.name] = _Noted(moment.time)
        noted.pairs += 1
        noted.last = max(noted.last, moment.time)
        if len(noted.examples) < MAX_EXAMPLES:
            noted.packets.append((moment.capture, moment.packet))
            noted.examples.append({
                "source": seen.source, "destination": seen.destination, "layer": seen.layer, "offset": seen.offset, "needed": seen.needed,
                "available": seen.available,
            })  # fmt: skip

    def findings(
        self, span: tuple[int, int], conversations: Iterable[Mapping[str, Any]], ceilings: Mapping[str, int],
        captures: Iterable[Mapping[str, Any]] = (),
    ) -> list[Finding]:  # fmt: skip
        """All that the end of a run has to say. `span` is the first and last capture time in ns; the rest is the engine's."""
        found = [self._noted(protocol, name, noted) for (protocol, name), noted in sorted(self._anomalies.items())]
        found += _one_way(span, conversations)
        found += _vanished(conversations)
        found += _loss(span, conversations)
        found += _not_delivered(span, captures)
        found += [_ceiling(span, table, count) for table, count in sorted(ceilings.items()) if count]
        return found

    def _noted(self, protocol: str, name: str, noted: _Noted) -> Finding:
        """What could not be read has a place where reading failed; what was read and belongs to no transaction has none."""
        severity: Severity
        if noted.examples[0]["layer"] is None:
            title, reason, severity = f"Irregular {protocol} traffic: {name}", f"irregular:{protocol}:{name}", "info"
        else:
            title = f"Part of the {protocol} traffic could not be read: {name}"
            reason, severity = f"unreadable:{protocol}:{name}", "low"
        statement = Statement(kind="coverage", title=title, reason=reason, severity=severity)
        return _finding(
            statement, (noted.first, noted.last), noted.pairs, noted.examples, subject=Subject(protocol=protocol), packets=noted.packets
        )


def _one_way(span: tuple[int, int], conversations: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """TCP payload in one direction and not even an acknowledgement in the other: the mirror shows half of it."""
    missing = []
    for conversation in conversations:
        flows = conversation["half_seen"]
        if flows:
            sent = {side: conversation[f"from_{side}"] for side in ("client", "server")}
            seen = [side for side, counts in sent.items() if counts["packets"]]
            said = {**_who(conversation), "seen": seen[0] if len(seen) == 1 else None, "flows": flows, "of_flows": conversation["flows"]}
            missing.append((sum(counts["payload_bytes"] for counts in sent.values()), said))
    if not missing:
        return []
    statement = Statement(kind="coverage", title="Only one direction of some conversations was seen", reason="one_way", severity="low")
    return [_finding(statement, span, len(missing), _worst(missing))]


def _vanished(conversations: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Directions that were seen and then no more, while the other went on and acknowledged what did not come: a tap or mirror that lost a
    side midway. (A peer that is dead acknowledges nothing, and one that is quiet leaves nothing out.)"""
    gone = []
    for conversation in conversations:
        for side, other in (("client", "server"), ("server", "client")):
            last, went_on = conversation.get(f"last_from_{side}"), conversation.get(f"last_from_{other}")
            missing = conversation[f"from_{side}"]["gap_bytes"]
            if last is None or went_on is None or not missing or went_on - last < VANISHED:
                continue
            times = {"since": utc(last), "went_on_until": utc(went_on)}
            gone.append((last, went_on, {**_who(conversation), "no_longer_seen": side, **times, "missing_bytes": missing}))
    if not gone:
        return []
    title = "One direction of some conversations was no longer seen"
    statement = Statement(kind="coverage", title=title, reason="vanished", severity="medium")
    since, until = min(last for last, _, _ in gone), max(end for _, end, _ in gone)
    return [_finding(statement, (since, until), len(gone), _worst([(end - last, said) for last, end, said in gone]))]


def _loss(span: tuple[int, int], conversations: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Bytes of TCP streams that the capture doesn't hold."""
    lossy = []
    for conversation in conversations:
        sides = (conversation["from_client"], conversation["from_server"])
        gap = sides[0]["gap_bytes"] + sides[1]["gap_bytes"]
        if gap < LOSS_BYTES:
            continue
        seen = sum(side["payload_bytes"] for side in sides)
        if gap >= LOSS_SHARE * (gap + seen):
            lossy.append((gap, {**_who(conversation), "missing_bytes": gap, "seen_bytes": seen}))
    if not lossy:
        return []
    statement = Statement(kind="coverage", title="Bytes are missing from some conversations", reason="loss", severity="low")
    return [_finding(statement, span, len(lossy), _worst(lossy))]


def _not_delivered(span: tuple[int, int], captures: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Packets that the capturing host had no room for, and those that its network cards say they could not take."""
    missing = []
    for capture in captures:
        dropped, errors = capture.get("dropped") or 0, capture.get("errors") or {}
        count = dropped + sum(errors.values())
        if count:
            missing.append((count, {"capture": capture["path"], "dropped": dropped, **({"errors": errors} if errors else {})}))
    if not missing:
        return []
    statement = Statement(kind="coverage", title="The capturing host lost packets", reason="dropped", severity="medium")
    return [_finding(statement, span, sum(count for count, _ in missing), _worst(missing))]


def _ceiling(span: tuple[int, int], table: str, count: int) -> Finding:
    severity: Severity = "medium"
    statement = Statement(
        kind="health", title=f"A ceiling of the sensor was reached: {table.replace('_', ' ')}", reason=f"ceiling:{table}", severity=severity
    )
    return _finding(statement, span, count, [])


def _finding(
    statement: Statement, span: tuple[int, int], count: int, examples: Sequence[Mapping[str, Any]], *,
    subject: Subject | None = None, packets: Sequence[tuple[int, int]] = (),
) -> Finding:  # fmt: skip
    about = subject or Subject()
    return Finding(
        id=finding_id(statement, about, span[0]), revision=1, state="open", revised=span[1], statement=statement, subject=about,
        count=count, first=span[0], last=span[1], packets=packets, detail={"examples": list(examples)} if examples else None,
    )  # fmt: skip


def _who(conversation: Mapping[str, Any]) -> dict[str, Any]:
    return {name: conversation.get(name) for name in ("client", "server", "port", "protocol")}


def _worst(weighed: Sequence[tuple[int, Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    ordered = sorted(weighed, key=lambda one: (-one[0], str(one[1])))
    return [example for _, example in ordered[:MAX_EXAMPLES]]
