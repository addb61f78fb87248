"""A proposal as text: what was learned, as a policy for people to read, with what each of its lines rests on."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from zones.judge import Judge
from zones.learn import Learner, Placing, ProposedConduit, ProposedLine, Support, Unseen, by_number, networks_of
from zones.loader import compile_bytes
from zones.model import EXTERNAL, UNKNOWN, Policy
from zones.past import Done, standing
from zones.verdict import Violation
from zones.vocabulary import Vocabulary, vocabulary

WIDTH = 130
"""A line of `allow` that would be longer is written with one key a line."""
SKIPPED = "seen in the traffic; say why it is needed, or leave this conduit out"
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")
_CONDUITS = re.compile(r"(conduits|'conduits'|\"conduits\")\s*:")
_EMPTY = "fieldtap: 1\nzones: {unknown: {}}\n"
_SECOND = 1_000_000_000

_NONE: Mapping[str, str] = {}

PlacingOf = Callable[[Policy], Placing]
"""Says for a policy where addresses stand."""


class Home(NamedTuple):
    """What people declared of an address: its zone, and the level."""

    zone: str
    level: float | None


class About(NamedTuple):
    """What was concluded of an address, for people: in words, and the Purdue level. It is told beside, and decides nothing."""

    text: str
    level: float | None


class Seen(NamedTuple):
    """What to learn from: in words, as operations, what of it was not seen, and how many occurrences are of operations whose sides aren't
    known any more."""

    source: str
    done: Sequence[Done]
    unseen: Sequence[Unseen]
    merged: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """The policy's text, how many lines of `allow` it proposes, and what it can't say: what was not seen, what is left out."""

    text: str
    lines: int
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Zone:
    level: float | None = None
    networks: list[str] = field(default_factory=list)
    assets: list[str] = field(default_factory=list)


def proposed(
    seen: Seen, placing: PlacingOf, *,
    prefix: int = 24, homes: Mapping[str, Home] | None = None, about: Mapping[str, About] | None = None,
) -> Proposal:  # fmt: skip
    """A whole policy: zones as people declared them (`homes`, by address), else by network; devices that talk across them; conduits.
    `about` is told in comments."""
    words = vocabulary()
    addresses = sorted({side for one in seen.done for side in (one.client, one.server)}, key=by_number)
    zones = _zones(addresses, prefix, homes or {}, placing)
    listed = [address for zone in zones.values() for address in zone.assets]
    place = placing(compile_bytes("proposal", _head(zones, listed).encode()))
    devices = [address for address in addresses if place(address, address).client.by == "network"]
    conduits, learner = _learned(seen, placing, _head(zones, [*listed, *devices]), words)
    used = {name for one in conduits for line in one.lines for name in (*line.sources, *line.targets)}
    head = _head(zones, [address for address in addresses if address in used or address in listed], _comments(zones, about or {}))
    text = _about(seen) + head + _conduits(conduits, ())
    return _checked(seen, placing, Proposal(text, sum(len(one.lines) for one in conduits), ()), (learner, conduits))


def extended(seen: Seen, placing: PlacingOf, policy: Policy, text: str) -> Proposal:
    """This policy (and its text) with conduits for what it forbids: its zones stay."""
    words = vocabulary()
    judge, place = Judge(policy), placing(policy)
    forbidden = [one for one in seen.done if isinstance(standing(judge, place(one.client, one.server), one, words).verdict, Violation)]
    learner = Learner(policy, place, words)
    conduits = learner.conduits(forbidden, seen.unseen)
    made = _inserted(text, _conduits(conduits, {conduit.id for conduit in policy.conduits}))
    return _checked(seen, placing, Proposal(made, sum(len(one.lines) for one in conduits), ()), (learner, conduits))


def _learned(seen: Seen, placing: PlacingOf, head: str, words: Vocabulary) -> tuple[list[ProposedConduit], Learner]:
    """The conduits for what passes from zone to zone."""
    policy = compile_bytes("proposal", head.encode())
    place = placing(policy)
    sides = [(place(one.client, one.server), one) for one in seen.done]
    learner = Learner(policy, place, words)
    return learner.conduits([one for (client, server), one in sides if client.zone.name != server.zone.name], seen.unseen), learner


def _zones(addresses: Sequence[str], prefix: int, homes: Mapping[str, Home], placing: PlacingOf) -> dict[str, _Zone]:
    """Declared zones with their assets, and a zone for each network of the others."""
    place = placing(compile_bytes("proposal", _EMPTY.encode()))
    made: dict[str, _Zone] = {}
    for address in addresses:
        if address in homes and homes[address].zone not in (EXTERNAL, UNKNOWN):
            zone = made.setdefault(homes[address].zone, _Zone())
            zone.assets.append(address)
            zone.level = homes[address].level if zone.level is None else zone.level
    local = [address for address in addresses if address not in homes and place(address, address).client.by == UNKNOWN]
    for network in networks_of(local, prefix):
        made[f"net-{network.partition('/')[0]}"] = _Zone(networks=[network])
    return made


def _comments(zones: Mapping[str, _Zone], about: Mapping[str, About]) -> dict[str, str]:
    """What stands behind zones and assets: what devices seem to be, and their levels."""
    made = {address: one.text for address, one in about.items() if one.text}
    homes = {address: name for name, zone in zones.items() for address in zone.assets}
    networks = {ip_network(text): name for name, zone in zones.items() for text in zone.networks}
    sizes = {(network.version, network.prefixlen) for network in networks}
    inside: dict[str, list[About]] = {}
    for address, one in about.items():
        home = homes.get(address) or _home(address, networks, sizes)
        if home is not None:
            inside.setdefault(home, []).append(one)
    for name, devices in inside.items():
        levels = Counter(one.level for one in devices if one.level is not None)
        if levels:
            said = ", ".join(f"{count} like level {level:g}" for level, count in sorted(levels.items()))
            made[name] = f"of {len(devices)} devices {said}" if len(devices) > 1 else f"its device looks like level {next(iter(levels)):g}"
    return made


def _home(text: str, networks: Mapping[IPv4Network | IPv6Network, str], sizes: Collection[tuple[int, int]]) -> str | None:
    """The zone whose network holds an address; networks have these sizes (family, bits)."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    found = (networks.get(ip_network((address, bits), strict=False)) for family, bits in sizes if family == address.version)
    return next((name for name in found if name is not None), None)


def _head(zones: Mapping[str, _Zone], devices: Collection[str], comments: Mapping[str, str] = _NONE) -> str:
    lines = ["fieldtap: 1", "", "zones:"]
    for name, zone in zones.items():
        level = [] if zone.level is None else [f"level: {zone.level:g}"]
        keys = [*level, *([f"networks: {_flow(zone.networks)}"] if zone.networks else [])]
        keys += [f"assets: {_flow(zone.assets)}"] if zone.assets else []
        lines.append(f"  {_scalar(name)}: {{{', '.join(keys)}}}{_behind(name, comments)}")
    if not zones:
        lines.append("  unknown: {}")
    if devices:
        lines += ["", "assets:"]
        kinds = ((address, "mac" if _is_mac(address) else "ip") for address in dict.fromkeys(devices))
        lines += [f"  {_scalar(address)}: {{{kind}: {_scalar(address)}}}{_behind(address, comments)}" for address, kind in kinds]
    return "\n".join(lines) + "\n"


def _behind(name: str, comments: Mapping[str, str]) -> str:
    return f"  # {comments[name]}" if name in comments else ""


def _is_mac(address: str) -> bool:
    return len(address) == 17 and address.count(":") == 5 and "::" not in address


def _about(seen: Seen) -> str:
    said = (
        f"A policy learned from {seen.source}.",
        "It is a proposal: what was seen is allowed, whoever did it. Read each line, name the zones, give them levels, and take out what",
        "should not be. Values, users, times and who opens connections are not limited.",
    )
    return "".join(f"# {line}\n" for line in said)


def _conduits(conduits: Sequence[ProposedConduit], taken: Collection[str]) -> str:
    if not conduits:
        return ""
    ids = set(taken)
    lines = ["", "conduits:"]
    for one in conduits:
        lines += _conduit(one, _id(one, ids))
    return "\n".join(lines) + "\n"


def _id(one: ProposedConduit, taken: set[str]) -> str:
    """An id that no other has, within the length of a name."""
    base = f"{one.source}-to-{one.target}"[:56]
    made, number = base, 1
    while made in taken:
        number += 1
        made = f"{base}-{number}"
    taken.add(made)
    return made


def _conduit(one: ProposedConduit, name: str) -> Iterator[str]:
    for said in _lacking(one.unseen):
        yield f"  # Not seen: {said}"
    yield f"  - id: {_scalar(name)}"
    yield f"    from: {_scalar(one.source)}"
    yield f"    to: {_scalar(one.target)}"
    if one.passed:
        yield f"    skip_level: {SKIPPED}"
    yield "    allow:"
    for line in one.lines:
        yield from _line(line)


def _lacking(unseen: Iterable[Unseen]) -> Iterator[str]:
    lost = list(unseen)
    flows = sum(one.flows for one in lost)
    counts = (
        (sum(one.midstream for one in lost), "were under way when the capture began"),
        (sum(one.one_way for one in lost), "were seen in one direction only"),
        (sum(one.encrypted for one in lost), "are encrypted: what is done in them is not seen"),
    )
    for count, what in counts:
        if count:
            yield f"{count:,} of {flows:,} flows {what}"
    if missing := sum(one.missing for one in lost):
        yield f"{missing:,} bytes are missing from the capture"


def _line(line: ProposedLine) -> Iterator[str]:
    says = line.says
    yield f"      # {_support(line.support)}{f'; {says.note}' if says.note else ''}"
    access = [("access", says.access)] if says.access is not None else []
    lists = (
        ("from", line.sources), ("to", line.targets), ("functions", says.functions), ("units", says.units), ("ports", says.ports),
        ("points", says.points),
    )  # fmt: skip
    keys = [f"{key}: {_scalar(value)}" for key, value in (("protocol", says.protocol), *access)]
    keys += [f"{key}: {_scalar(values[0]) if len(values) == 1 else _flow(values)}" for key, values in lists if values]
    flat = f"      - {{{', '.join(keys)}}}"
    if len(flat) <= WIDTH:
        yield flat
        return
    yield from (f"      {'-' if index == 0 else ' '} {key}" for index, key in enumerate(keys))


def _support(support: Support) -> str:
    seconds, rest = divmod(support.first or 0, _SECOND)
    since = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest // 1_000_000:03d}"
    times = "once" if support.count == 1 else f"{support.count:,} times since"
    return f"{times} {since} UTC, first in {support.where}"


def _flow(texts: Iterable[str]) -> str:
    return f"[{', '.join(_scalar(text) for text in texts)}]"


def _scalar(text: str) -> str:
    """A text as YAML has it; quoted where a reader of another kind might see a number or a word of YAML."""
    return text if _PLAIN.fullmatch(text) and not text[0].isdigit() and text.lower() not in _WORDS else json.dumps(text, ensure_ascii=False)


_WORDS = ("true", "false", "yes", "no", "on", "off", "null", "y", "n")


def _inserted(text: str, conduits: str) -> str:
    """The policy's text with these conduits behind its own. Raises ValueError where its own are written on one line."""
    lines = text.rstrip("\n").split("\n")
    begin = next((index for index, line in enumerate(lines) if _CONDUITS.match(line)), None)
    if not conduits:
        return text
    if begin is None:
        return "\n".join(lines) + "\n" + conduits
    if lines[begin].partition(":")[2].partition("#")[0].strip():
        raise ValueError("its conduits are written on one line (conduits: [...]): write each on a line of its own, then learn into it")
    end = next((i for i in range(begin + 1, len(lines)) if re.match(r"[^\s#-]", lines[i])), len(lines))
    while end > begin + 1 and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    first = next((line for line in lines[begin + 1 : end] if line.lstrip().startswith("-")), "  -")
    depth = len(first) - len(first.lstrip())
    added = [" " * depth + line[2:] if line.strip() else line for line in conduits.rstrip("\n").split("\n")[2:]]
    head = " " * depth + "# Learned: what was seen and nothing above allows. Read each line before it is used."
    return "\n".join([*lines[:end], "", head, *added, *lines[end:]]) + "\n"


def _checked(seen: Seen, placing: PlacingOf, made: Proposal, learned: tuple[Learner, Sequence[ProposedConduit]]) -> Proposal:
    """With what it can't say. The proposal is read like any policy, and what was seen is held against it."""
    learner, conduits = learned
    policy = compile_bytes("proposal", made.text.encode())
    judge, place, words = Judge(policy), placing(policy), learner.words
    left = [one for one in seen.done if isinstance(standing(judge, place(one.client, one.server), one, words).verdict, Violation)]
    notes = [f"{what}" for what in _lacking([lost for one in conduits for lost in one.unseen])]
    if seen.merged:
        notes.append(f"{seen.merged:,} occurrences are of operations that were merged at a ceiling: who did them is not known")
    for protocol, times in sorted(learner.unknown.items()):
        notes.append(f"{times:,} times {protocol}, for which a policy has no word: it can't be allowed")
    for one in left[:MAX_LEFT]:
        notes.append(f"{one.protocol} {one.access} from {one.client} to {one.server} stays forbidden: {_why(judge, place, one, words)}")
    if len(left) > MAX_LEFT:
        notes.append(f"and {len(left) - MAX_LEFT:,} more operations that stay forbidden")
    return Proposal(made.text, made.lines, tuple(notes))


MAX_LEFT = 20
"""Operations that stay forbidden and are named."""


def _why(judge: Judge, place: Placing, one: Done, words: Vocabulary) -> str:
    verdict = standing(judge, place(one.client, one.server), one, words).verdict
    return "" if verdict is None else f"{verdict.reason}, line {verdict.line}"
