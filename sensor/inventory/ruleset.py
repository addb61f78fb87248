"""Rules of inference: data that turn what was observed of an asset, and how it behaves, into votes.

    rules:
      - id: s7-server                        # lower case, unique
        says: {role: plc}                    # one topic: vendor, model, firmware, os, role or level
        weight: 0.7                          # above 0, at most 1
        oui: 0.6                             # the weight where only the register of MAC addresses says so; as `weight` where left out
        cause: s7                            # votes of one cause don't add up; the rule's own id where it is left out
        why: it answers S7 communication, which controllers do
        when:                                # all of these hold
          server: {protocol: [s7comm, s7commplus], access: [read, write]}
          attribute: {name: [model, order_number], matches: '^6ES7 [34]', from: [s7comm]}
        unless: {client: {protocol: s7comm}} # and none of these

`when` and `unless` know `server` and `client` (protocol, access, peers: at least so many, rejected: codes), `attribute` (name, matches: a
regular expression that is searched without regard to case, from: protocols, or `oui` for what the register of MAC addresses says), `kind`
(host, unit, router), `units` (at least so many behind it) and `concluded` (an earlier topic and its values). A value may take groups of
the expression: `says: {os: 'Windows \\1'}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sensor.inventory.names import OBSERVED, ROLES, TOPICS

if TYPE_CHECKING:
    from zones.document import Document
    from zones.document import Path as Place

FOLDER: Final = Path(__file__).with_name("inference")
KINDS: Final = ("host", "unit", "router")
LEVELS: Final = (0.0, 1.0, 2.0, 3.0, 3.5, 4.0, 5.0)
_RULE: Final = frozenset({"id", "says", "weight", "oui", "cause", "why", "when", "unless"})
_PARTS: Final = frozenset({"server", "client", "attribute", "kind", "units", "concluded"})
_ID: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
MAX_PATTERN: Final = 400


@dataclass(frozen=True, slots=True)
class Side:
    """It is client or server of one of these protocols, with one of these accesses (empty: any) and rejected with one of these codes
    (empty: whether or not), towards at least so many others."""

    side: str
    protocols: frozenset[str]
    accesses: frozenset[str]
    peers: int
    codes: frozenset[str] = frozenset()
    plays: frozenset[tuple[str, str]] = field(init=False)
    """The roles of which it takes one."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "plays", frozenset((self.side, protocol) for protocol in self.protocols))


@dataclass(frozen=True, slots=True)
class Trait:
    """One of these attributes matches, as said by one of these sources (empty: any)."""

    names: tuple[str, ...]
    pattern: re.Pattern[str]
    sources: frozenset[str]


@dataclass(frozen=True, slots=True)
class Condition:
    """All of its parts hold."""

    sides: tuple[Side, ...] = ()
    trait: Trait | None = None
    kinds: frozenset[str] = frozenset()
    units: int = 0
    concluded: tuple[tuple[str, frozenset[Any]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of inference."""

    id: str
    topic: str
    value: str | float
    weight: float
    oui: float
    cause: str
    why: str
    when: Condition
    unless: Condition | None
    file: str
    line: int


class RulesetError(ValueError):
    """Rules that can't be used; the text has one line `file:line: what` for each mistake."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(folder: Path = FOLDER) -> Sequence[Rule]:
    """All rules of the folder's *.yml, by topic and then as they stand. Raises RulesetError with every mistake, OSError."""
    problems: list[str] = []
    rules: list[Rule] = []
    for file in sorted(folder.glob("*.yml")):
        rules.extend(_Reader(file, problems).rules({rule.id: rule for rule in rules}))
    if problems:
        raise RulesetError(problems)
    return sorted(rules, key=lambda rule: TOPICS.index(rule.topic))


class _Reader:
    """Reads one file; what is wrong is noted with its line, and the rest is read on."""

    def __init__(self, file: Path, problems: list[str]) -> None:
        from zones.document import read

        self.file = file
        self.problems = problems
        self.document: Document | None = read(file.read_bytes(), self._report)

    def _report(self, line: int, what: str) -> None:
        self.problems.append(f"{self.file.name}:{line}: {what}")

    def _wrong(self, place: Place, what: str) -> None:
        self._report(self.document.line(place) if self.document is not None else 1, what)

    def rules(self, before: dict[str, Rule]) -> Iterator[Rule]:
        """The rules of the file that could be read."""
        if self.document is None:
            return
        data = self.document.data
        if not isinstance(data, dict) or set(data) != {"rules"} or not isinstance(data["rules"], list):
            self._wrong((), "a file of rules is a mapping with the list `rules` and nothing else")
            return
        known = dict(before)
        for number, entry in enumerate(data["rules"]):
            place: Place = ("rules", number)
            count = len(self.problems)
            rule = self._rule(place, entry)
            if rule is None or len(self.problems) > count:
                continue
            if rule.id in known:
                other = known[rule.id]
                self._wrong(place, f'rule "{rule.id}" stands twice (first at {other.file}:{other.line})')
                continue
            known[rule.id] = rule
            yield rule

    def _rule(self, place: Place, entry: Any) -> Rule | None:
        if not self._keys(place, entry, _RULE, {"id", "says", "weight", "why", "when"}):
            return None
        identity = self._text((*place, "id"), entry["id"])
        if not _ID.fullmatch(identity):
            self._wrong((*place, "id"), f'"{identity}" is not an id (lower case letters, digits, dots, dashes)')
        topic, value = self._says((*place, "says"), entry["says"])
        when = self._condition((*place, "when"), entry["when"], topic)
        unless = self._condition((*place, "unless"), entry["unless"], topic) if "unless" in entry else None
        weight = self._number((*place, "weight"), entry["weight"], 0.01, 1.0)
        if isinstance(value, str) and re.search(r"\\[1-9]", value) and (when.trait is None or not when.trait.pattern.groups):
            self._wrong((*place, "says"), "a group is used, and the attribute's expression has none")
        return Rule(
            id=identity, topic=topic, value=value, weight=weight,
            oui=self._number((*place, "oui"), entry["oui"], 0.01, 1.0) if "oui" in entry else weight,
            cause=self._text((*place, "cause"), entry.get("cause", identity)), why=self._text((*place, "why"), entry["why"]),
            when=when, unless=unless, file=self.file.name, line=self.document.line(place) if self.document is not None else 1,
        )  # fmt: skip

    def _keys(self, place: Place, entry: Any, known: frozenset[str], needed: set[str]) -> bool:
        if not isinstance(entry, dict):
            self._wrong(place, f"{_named(place)} must be a mapping")
            return False
        for key in entry.keys() - known:
            self._wrong((*place, key), f'"{key}" is not a key of {_named(place)}; known: {", ".join(sorted(known))}')
        for key in sorted(needed - entry.keys()):
            self._wrong(place, f'{_named(place)} lacks "{key}"')
        return needed <= entry.keys()

    def _text(self, place: Place, value: Any) -> str:
        if isinstance(value, str) and value.strip():
            return value
        self._wrong(place, f"{_named(place)} must be a text")
        return ""

    def _number(self, place: Place, value: Any, least: float, most: float) -> float:
        try:
            number = float(self._text(place, value) or least)
        except ValueError:
            number = most + 1
        if not least <= number <= most:
            self._wrong(place, f'{_named(place)} "{value}" is not a number from {least:g} to {most:g}')
        return number

    def _listed(self, place: Place, value: Any, known: Sequence[str] | None = None) -> frozenset[str]:
        entries = [value] if isinstance(value, str) else value
        if not isinstance(entries, list) or not entries or not all(isinstance(entry, str) for entry in entries):
            self._wrong(place, f"{_named(place)} must be one text or a list of them")
            return frozenset()
        for entry in entries:
            if known is not None and entry not in known:
                from zones.vocabulary import suggestion

                self._wrong(place, f'"{entry}" is not one of {", ".join(known)}{suggestion(entry, known)}')
        return frozenset(entries)

    def _says(self, place: Place, entry: Any) -> tuple[str, str | float]:
        if not isinstance(entry, dict) or len(entry) != 1 or next(iter(entry)) not in TOPICS:
            self._wrong(place, f"says names one of {', '.join(TOPICS)} with its value")
            return TOPICS[0], ""
        topic, value = next(iter(entry.items()))
        if topic == "level":
            return topic, self._level((*place, topic), value)
        text = self._text((*place, topic), value)
        if topic == "role" and text not in ROLES:
            self._wrong((*place, topic), f'role "{text}" is not one of {", ".join(ROLES)}')
        return topic, text

    def _level(self, place: Place, value: Any) -> float:
        for level in LEVELS:
            if value == f"{level:g}":
                return level
        self._wrong(place, f'level "{value}" is not one of {", ".join(f"{level:g}" for level in LEVELS)}')
        return 0.0

    def _condition(self, place: Place, entry: Any, topic: str) -> Condition:
        if not self._keys(place, entry, _PARTS, set()) or not entry:
            if entry == {}:
                self._wrong(place, f"{_named(place)} is empty")
            return Condition()
        sides = tuple(self._side((*place, side), side, entry[side]) for side in ("server", "client") if side in entry)
        return Condition(
            sides=sides,
            trait=self._trait((*place, "attribute"), entry["attribute"]) if "attribute" in entry else None,
            kinds=self._listed((*place, "kind"), entry["kind"], KINDS) if "kind" in entry else frozenset(),
            units=int(self._number((*place, "units"), entry["units"], 1, 10_000)) if "units" in entry else 0,
            concluded=self._concluded((*place, "concluded"), entry["concluded"], topic) if "concluded" in entry else (),
        )

    def _side(self, place: Place, side: str, entry: Any) -> Side:
        from zones.model import ACCESSES

        if not self._keys(place, entry, frozenset({"protocol", "access", "peers", "rejected"}), {"protocol"}):
            return Side(side, frozenset(), frozenset(), 1)
        accesses = self._listed((*place, "access"), entry["access"], ACCESSES) if "access" in entry else frozenset()
        peers = self._number((*place, "peers"), entry["peers"], 1, 10_000) if "peers" in entry else 1
        codes = self._listed((*place, "rejected"), entry["rejected"]) if "rejected" in entry else frozenset()
        return Side(side, self._listed((*place, "protocol"), entry["protocol"]), accesses, int(peers), codes)

    def _trait(self, place: Place, entry: Any) -> Trait:
        pattern = re.compile("")
        if not self._keys(place, entry, frozenset({"name", "matches", "from"}), {"name", "matches"}):
            return Trait((), pattern, frozenset())
        text = self._text((*place, "matches"), entry["matches"])
        try:
            pattern = re.compile(text, re.IGNORECASE)
            if len(text) > MAX_PATTERN:
                self._wrong((*place, "matches"), f"longer than {MAX_PATTERN} characters")
        except re.error as error:
            self._wrong((*place, "matches"), f'"{text}" is no regular expression: {error}')
        sources = self._listed((*place, "from"), entry["from"]) if "from" in entry else frozenset()
        names = self._listed((*place, "name"), entry["name"], tuple(OBSERVED))
        return Trait(tuple(sorted(names)), pattern, sources)

    def _concluded(self, place: Place, entry: Any, topic: str) -> tuple[tuple[str, frozenset[Any]], ...]:
        earlier = TOPICS[: TOPICS.index(topic)]
        if not isinstance(entry, dict) or not entry or not entry.keys() <= set(earlier):
            self._wrong(place, f"concluded names a topic that is counted before {topic}: {', '.join(earlier) or 'there is none'}")
            return ()
        known = tuple(ROLES)
        return tuple((name, self._listed((*place, name), values, known if name == "role" else None)) for name, values in entry.items())


def _named(place: Place) -> str:
    """A part for people: `rules[3] when server`."""
    said = ""
    for step in place:
        said += f"[{step + 1}]" if isinstance(step, int) else f" {step}"
    return said.strip()
