"""From documents of assets and edges to conclusions: vendor, operating system, role, Purdue level, each with the votes for it.

What is concluded suggests, it never decides: policies and placeholders are resolved from declared data (DESIGN.md, 5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sensor.inventory.edges import Edges
from sensor.inventory.names import TOPICS
from sensor.inventory.votes import MAX_GROUNDS, Conclusion, Vote, counted

if TYPE_CHECKING:
    from sensor.inventory.ruleset import Condition, Rule, Side, Trait

MAX_TEXT: Final = 256
"""So much of an attribute's value is looked at."""
OUI: Final = "(OUI)"
"""How the field of an attribute ends that was looked up by MAC."""
Document = Mapping[str, Any]
Rules = Mapping[str, Sequence[tuple["Rule", frozenset[str] | None, frozenset[tuple[str, str]] | None]]]


class Subject:
    """An asset with its edges, as rules ask for it; edges are looked up as far as they are asked for."""

    __slots__ = ("_left", "_looked_up", "asset", "concluded", "roles")

    def __init__(self, asset: Document, edges: Iterator[Document]) -> None:
        self.asset = asset
        self.roles = frozenset((role["role"], role["protocol"]) for role in asset["roles"])
        self.concluded: dict[str, Conclusion] = {}
        self._left = edges
        self._looked_up: list[Document] = []

    def edges(self) -> Iterator[Document]:
        """Its edges, one by one."""
        yield from self._looked_up
        for edge in self._left:
            self._looked_up.append(edge)
            yield edge

    def said(self, name: str) -> Iterator[Document]:
        """All that was said for an attribute, the current value first."""
        attribute = self.asset["attributes"].get(name)
        if attribute is not None:
            yield attribute
            yield from reversed(attribute["history"])

    def met(self, side: Side) -> Sequence[Document] | None:
        """The edges on which it plays this side, None where it doesn't."""
        protocols = [protocol for protocol in side.protocols if (side.side, protocol) in self.roles]
        if not protocols:
            return None
        identity = self.asset["parent"] or self.asset["id"]
        found = (edge for edge in self.edges() if edge["protocol"] in protocols and edge[side.side] == identity)
        if side.peers == 1 and not (side.accesses or side.codes):
            return list(islice(found, MAX_GROUNDS))
        edges = list(found)
        if side.accesses:
            edges = [edge for edge in edges if not side.accesses.isdisjoint(edge["accesses"])]
        if side.codes:
            edges = [edge for edge in edges if not side.codes.isdisjoint(edge["rejections"])]
        other = "client" if side.side == "server" else "server"
        return None if len({edge[other] for edge in edges}) < side.peers else edges


@cache
def shipped() -> Rules:
    """The rules that come with Fieldtap, by topic."""
    from sensor.inventory.ruleset import load

    return by_topic(load())


def by_topic(rules: Iterable[Rule]) -> Rules:
    """Rules by the topic that they vote on, each with the attributes and the roles of which it needs one (None: it needs none)."""
    made: dict[str, list[tuple[Rule, frozenset[str] | None, frozenset[tuple[str, str]] | None]]] = {topic: [] for topic in TOPICS}
    for rule in rules:
        trait, sides = rule.when.trait, rule.when.sides
        made[rule.topic].append((rule, frozenset(trait.names) if trait is not None else None, sides[0].plays if sides else None))
    return made


def concluded(assets: Iterable[Document], edges: Sequence[Document], rules: Rules | None = None) -> dict[str, Mapping[str, Conclusion]]:
    """Conclusions by asset id and topic; topics without a vote are left out. Assets and edges are documents as the store gives them."""
    by_asset: dict[str, list[int]] = {}
    ends = edges.ends() if isinstance(edges, Edges) else ((edge["client"], edge["server"]) for edge in edges)
    for place, (client, server) in enumerate(ends):
        by_asset.setdefault(client, []).append(place)
        if server != client:
            by_asset.setdefault(server, []).append(place)
    used = shipped() if rules is None else rules
    look = edges.brief if isinstance(edges, Edges) else edges.__getitem__
    return {asset["id"]: _of(Subject(asset, _edges(asset, by_asset, look)), used) for asset in assets}


def _edges(asset: Document, by_asset: Mapping[str, Sequence[int]], look: Callable[[int], Document]) -> Iterator[Document]:
    """Of a unit those of its device that name it."""
    found = (look(place) for place in by_asset.get(asset["parent"] or asset["id"], ()))
    if asset["parent"] is None:
        return found
    unit = asset["id"].rpartition(":")[2]
    return (edge for edge in found if edge["server"] == asset["parent"] and unit in edge["units"])


def _of(subject: Subject, rules: Rules) -> Mapping[str, Conclusion]:
    names = subject.asset["attributes"].keys()
    for topic in TOPICS:
        votes: list[Vote] = []
        for rule, attributes, plays in rules.get(topic, ()):
            lacks = (attributes is not None and names.isdisjoint(attributes)) or (plays is not None and plays.isdisjoint(subject.roles))
            if not lacks:
                votes.extend(_votes(subject, rule))
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
        edges = subject.met(side)
        if edges is None:
            return None
        grounds.extend(_ground(edge, side.side) for edge in edges[:MAX_GROUNDS])
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


def _ground(edge: Document, side: str) -> Document:
    other = "client" if side == "server" else "server"
    said = edge.get("evidence") or {"capture": None, "packet": None, "time": edge["first"]}
    return {**said, "protocol": edge["protocol"], "field": f"{side} of {edge['protocol']}", "value": edge[other]}
