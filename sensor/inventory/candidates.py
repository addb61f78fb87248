"""Which rules of inference can hold for an asset: told by its roles and by what was said of it, before any of them is looked into.

Most assets of a network are alike, so what was found is remembered: for each text the rules whose expression is in it, and for each set of
roles and such rules those that are left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sensor.inventory.names import TOPICS

if TYPE_CHECKING:
    from sensor.inventory.ruleset import Rule

MAX_TEXT: Final = 256
"""So much of an attribute's value is looked at."""
MAX_REMEMBERED: Final = 65_536
"""Texts, and sets of roles and rules, that are remembered."""

Rules = Mapping[str, Sequence["Rule"]]
"""Rules by the topic that they vote on."""
Roles = frozenset[tuple[str, str]]
"""Sides and protocols."""
Left = Sequence[tuple[str, Sequence["Rule"]]]
_NONE: Final[frozenset[str]] = frozenset()


def by_topic(rules: Iterable[Rule]) -> Rules:
    """Rules by the topic that they vote on, in the order in which topics are counted."""
    made: dict[str, list[Rule]] = {topic: [] for topic in TOPICS}
    for rule in rules:
        made[rule.topic].append(rule)
    return made


class Candidates:
    """The rules of a set that an asset need be tried with."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._asking: dict[str, list[Rule]] = {}
        for rule in (rule for voting in rules.values() for rule in voting):
            for name in () if rule.when.trait is None else rule.when.trait.names:
                self._asking.setdefault(name, []).append(rule)
        self._in_text: dict[tuple[str, str], frozenset[str]] = {}
        self._left: dict[tuple[Roles, frozenset[str]], Left] = {}

    def of(self, roles: Roles, attributes: Mapping[str, Mapping[str, Any]]) -> Left:
        """By topic, those whose expression is in something that was said and of whose sides the asset plays one."""
        matching = _NONE
        for name in self._asking.keys() & attributes.keys():
            attribute = attributes[name]
            matching |= self._matching(name, attribute["value"])
            for said in attribute["history"]:
                matching |= self._matching(name, said["value"])
        left = self._left.get((roles, matching))
        if left is None:
            left = self._left[roles, matching] = tuple(self._chosen(roles, matching))
            _bounded(self._left)
        return left

    def _matching(self, name: str, value: object) -> frozenset[str]:
        """Ids of the rules on this attribute whose expression is in its value."""
        text = str(value)[:MAX_TEXT]
        known = self._in_text.get((name, text))
        if known is None:
            traits = ((rule.id, rule.when.trait) for rule in self._asking[name])
            known = frozenset(rule for rule, trait in traits if trait is not None and trait.pattern.search(text))
            self._in_text[name, text] = known
            _bounded(self._in_text)
        return known

    def _chosen(self, roles: Roles, matching: frozenset[str]) -> Iterable[tuple[str, Sequence[Rule]]]:
        for topic, rules in self._rules.items():
            left = [rule for rule in rules if (rule.when.trait is None or rule.id in matching) and _plays(rule, roles)]
            if left:
                yield topic, left


def _plays(rule: Rule, roles: Roles) -> bool:
    return not rule.when.sides or not rule.when.sides[0].plays.isdisjoint(roles)


def _bounded(remembered: dict[Any, Any]) -> None:
    if len(remembered) >= MAX_REMEMBERED:
        remembered.clear()
