"""From documents of assets and edges to conclusions: vendor, operating system, role, Purdue level, each with the votes for it.

What is concluded suggests, it never decides: policies and placeholders are resolved from declared data (DESIGN.md, 5).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sensor.inventory.candidates import MAX_TEXT, Candidates, Rules, by_topic
from sensor.inventory.edges import Edges, Listed, Talks
from sensor.inventory.votes import MAX_GROUNDS, Conclusion, Vote, counted

if TYPE_CHECKING:
    from sensor.inventory.ruleset import Condition, Rule, Side, Trait

OUI: Final = "(OUI)"
"""How the field of an attribute ends that was looked up by MAC."""
Document = Mapping[str, Any]
_ENDS: Final[Mapping[str, int]] = {"client": 0, "server": 1}
"""Where the sides stand in what tells edges apart."""


class Subject:
    """An asset with its edges, as rules ask for it. `talks` are all edges, `places` where its own stand among them."""

    __slots__ = ("_places", "_played", "asset", "concluded", "roles", "talks")

    def __init__(self, asset: Document, talks: Talks, places: Sequence[int]) -> None:
        self.asset = asset
        self.roles = frozenset((role["role"], role["protocol"]) for role in asset["roles"])
        self.concluded: dict[str, Conclusion] = {}
        self.talks = talks
        self._places = places
        self._played: dict[tuple[str, str], list[int]] | None = None

    def played(self) -> Mapping[tuple[str, str], Sequence[int]]:
        """Its edges by the side that it plays and the protocol; of a unit those of its device that name it."""
        if self._played is not None:
            return self._played
        self._played = {}
        parent, identity = self.asset["parent"], self.asset["id"]
        unit = None if parent is None else identity.rpartition(":")[2]
        for place in self._places:
            client, server, protocol, _ = self.talks.key(place)
            if unit is not None and not (server == parent and unit in self.talks.units(place)):
                continue
            if client == (parent or identity):
                self._played.setdefault(("client", protocol), []).append(place)
            if server == (parent or identity):
                self._played.setdefault(("server", protocol), []).append(place)
        return self._played

    def said(self, name: str) -> Iterator[Document]:
        """All that was said for an attribute, the current value first."""
        attribute = self.asset["attributes"].get(name)
        if attribute is not None:
            yield attribute
            yield from reversed(attribute["history"])

    def met(self, side: Side) -> Sequence[int] | None:
        """The edges on which it plays this side, None where it doesn't."""
        if side.plays.isdisjoint(self.roles):
            return None
        talks, played = self.talks, self.played()
        parts = [played[role] for role in side.plays & self.roles if role in played]
        places = parts[0] if len(parts) == 1 else sorted(place for part in parts for place in part)
        if side.accesses:
            places = [place for place in places if not side.accesses.isdisjoint(talks.accesses(place))]
        if side.codes:
            places = [place for place in places if not side.codes.isdisjoint(talks.codes(place))]
        if side.peers == 1 and not (side.accesses or side.codes):
            return places
        other = 1 - _ENDS[side.side]
        return None if len({talks.key(place)[other] for place in places}) < side.peers else places


@cache
def shipped() -> Rules:
    """The rules that come with Fieldtap, by topic."""
    from sensor.inventory.ruleset import load

    return by_topic(load())


def concluded(assets: Iterable[Document], edges: Sequence[Document], rules: Rules | None = None) -> dict[str, Mapping[str, Conclusion]]:
    """Conclusions by asset id and topic; topics without a vote are left out. Assets and edges are documents as the store gives them."""
    talks: Talks = edges if isinstance(edges, Edges) else Listed(edges)
    by_asset: dict[str, list[int]] = {}
    for place, (client, server, *_) in enumerate(talks.keys()):
        by_asset.setdefault(client, []).append(place)
        if server != client:
            by_asset.setdefault(server, []).append(place)
    candidates = Candidates(shipped() if rules is None else rules)
    return {asset["id"]: _of(Subject(asset, talks, by_asset.get(asset["parent"] or asset["id"], ())), candidates) for asset in assets}


def _of(subject: Subject, candidates: Candidates) -> Mapping[str, Conclusion]:
    """The conclusions of one asset."""
    for topic, rules in candidates.of(subject.roles, subject.asset["attributes"]):
        votes = [vote for rule in rules for vote in _votes(subject, rule)]
        if votes:
            subject.concluded[topic] = counted(topic, votes)
    return subject.concluded


def _votes(subject: Subject, rule: Rule) -> Iterator[Vote]:
    """One vote where the rule holds; one for each text where its value takes groups of an expression."""
    held = _holds(subject, rule.when)
    if held is None or (rule.unless is not None and _holds(subject, rule.unless) is not None):
        return
    grounds, matches, share = held
    values: dict[str | float, list[Document]] = {}
    if isinstance(rule.value, str) and "\\" in rule.value and matches:
        for found, ground in zip(matches, grounds, strict=False):
            values.setdefault(found.expand(rule.value).strip(), []).append(ground)
    else:
        values[rule.value] = grounds
    for value, because in values.items():
        if value != "":
            looked_up = bool(because) and all(str(ground["field"]).endswith(OUI) for ground in because)
            weight = (rule.oui if looked_up else rule.weight) * share
            yield Vote(
                topic=rule.topic, value=value, weight=weight, rule=rule.id, cause=rule.cause, why=rule.why, grounds=because[:MAX_GROUNDS]
            )  # fmt: skip


def _holds(subject: Subject, condition: Condition) -> tuple[list[Document], list[Any], float] | None:
    """What it rests on, the matches of its expression, and how sure the conclusions are that it relies on; None where it doesn't hold."""
    share = 1.0
    if condition.kinds and subject.asset["kind"] not in condition.kinds:
        return None
    if len(subject.asset["units"]) < condition.units:
        return None
    for topic, values in condition.concluded:
        known = subject.concluded.get(topic)
        if known is None or known.value not in values:
            return None
        share *= known.confidence
    grounds: list[Document] = []
    matches: list[Any] = []
    if condition.kinds:
        grounds.extend({**said["provenance"], "value": said["value"]} for said in subject.said("mac"))
    if condition.trait is not None:
        for said, found in _matching(subject, condition.trait):
            matches.append(found)
            grounds.append({**said["provenance"], "value": said["value"]})
        if not matches:
            return None
    for side in condition.sides:
        places = subject.met(side)
        if places is None:
            return None
        grounds.extend(_ground(subject.talks, place, side.side) for place in places[:MAX_GROUNDS])
    return grounds, matches, share


def _matching(subject: Subject, trait: Trait) -> Iterator[tuple[Document, Any]]:
    for name in trait.names:
        for said in subject.said(name):
            source = said["provenance"]
            looked_up = str(source["field"]).endswith(OUI)
            if trait.sources and source["protocol"] not in trait.sources and not (looked_up and "oui" in trait.sources):
                continue
            if looked_up and trait.sources and "oui" not in trait.sources:
                continue
            found = trait.pattern.search(str(said["value"])[:MAX_TEXT])
            if found is not None:
                yield said, found


def _ground(talks: Talks, place: int, side: str) -> Document:
    key = talks.key(place)
    return {**talks.evidence(place), "protocol": key[2], "field": f"{side} of {key[2]}", "value": key[1 - _ENDS[side]]}
