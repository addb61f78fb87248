"""A transaction that nobody made, for questions to a policy: what would it decide? Used by explanations, expectations and comparisons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any

from zones.model import PointRange, Policy
from zones.vocabulary import Vocabulary, suggestion

_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Side:
    """One side (dissectors.Party)."""

    ip: str | None
    mac: str | None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """A function (dissectors.Code)."""

    code: int
    name: str | None
    group: int | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """Points (dissectors.Point)."""

    kind: str
    block: int | None
    first: int
    last: int
    access: str
    values: Sequence[float] | None
    name: str | None = None
    width: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended (dissectors.Outcome)."""

    result: str = "accepted"


@dataclass(frozen=True, slots=True)
class Moment:
    """When (dissectors.Moment), in ns."""

    time: int
    capture: int = 0
    packet: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """A transaction, with what a policy looks at (dissectors.Transaction)."""

    client: Side
    server: Side
    protocol: str
    access: str
    function: Code
    unit: str | None = None
    points: Sequence[Point] = ()
    sub_function: Code | None = None
    vlan: tuple[int, ...] = ()
    outcome: Outcome = Outcome()
    lanes: int = 1
    initiator: str | None = "client"
    request: Moment | None = None
    response: Moment | None = None
    completed: int = 0
    detail: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked: texts as people write them. `at` is ns. `user`: None for one that was not seen, empty for nobody."""

    protocol: str
    access: str | None = None
    function: str | None = None
    unit: str | None = None
    port: int | None = None
    points: Sequence[str] = ()
    values: Sequence[float] = ()
    at: int = 0
    initiator: str | None = "client"
    outcome: str = "accepted"
    sub_function: str | None = None
    vlan: int | None = None
    user: str | None = None
    security_mode: str | None = None

    @property
    def detail(self) -> dict[str, str]:
        """Who asks, as a transaction says it."""
        return asker(self.user, self.security_mode)


def asker(user: str | None, security_mode: str | None) -> dict[str, str]:
    """The fields of a transaction that say for which user (empty: nobody) it is asked, and how the channel is secured."""
    kind = "unknown" if user is None else "user_name" if user else "anonymous"
    return {"user_type": kind, "security_mode": security_mode or "unknown", **({"user": user} if user else {})}


def side_of(policy: Policy, text: str) -> Side:
    """An address (IP or MAC) or a declared asset. Raises ValueError where it is neither."""
    asset = policy.assets.get(text)
    if asset is not None:
        return Side(asset.ips[0] if asset.ips else None, None if asset.ips or not asset.macs else asset.macs[0])
    mac = text.lower().replace("-", ":")
    if _MAC.fullmatch(mac):
        return Side(None, mac)
    try:
        return Side(str(ip_address(text)), None)
    except ValueError:
        known = ", ".join(policy.assets) or "none"
        raise ValueError(f"{text} is neither an address nor an asset of this policy (assets: {known})") from None


def suppose(client: Side, server: Side, question: Question, words: Vocabulary) -> Supposed:
    """The transaction that a question is about. Raises ValueError with what is wrong with it."""
    from zones.points import read_point

    protocol = question.protocol
    if wrong := words.protocol_error(protocol):
        raise ValueError(wrong)
    functions = words.registry.get(protocol, {}).get("functions", ())
    row = _sub_function(words, question)
    if row is not None and question.function is None:
        question = replace(question, function=str(row["function"]))
    sub = None if row is None else Code(row["code"], row["name"], row["group"])
    function, access = _function(functions, question)
    access = row["access"] if row is not None and question.access is None else access
    ranges = [read_point(protocol, text, words) for text in question.points]
    points = [_point(one, access, list(question.values) or None) for one in ranges]
    port = question.port
    if port is None and functions:
        port = min(words.ports(protocol), default=None)
    return Supposed(
        client=client, server=Side(server.ip, server.mac, port), protocol=protocol, access=access, function=function, unit=question.unit,
        points=points, completed=question.at, initiator=question.initiator, outcome=Outcome(question.outcome),
        sub_function=sub, vlan=() if question.vlan is None else (question.vlan,), detail=question.detail,
    )  # fmt: skip


def _sub_function(words: Vocabulary, question: Question) -> Mapping[str, Any] | None:
    """The sub-function that is asked for, by its name, its code, or `group/code`; of the function, where that is given."""
    wanted, function = question.sub_function, question.function
    if wanted is None:
        return None
    entry = words.registry.get(question.protocol, {})
    codes = {row["code"] for row in entry.get("functions", ()) if function in (None, row["name"], str(row["code"]), hex(row["code"]))}
    rows = [row for row in entry.get("sub_functions", ()) if row["function"] in codes]
    for row in rows:
        if wanted in (row["name"], str(row["code"]), f"{row['group']}/{row['code']}"):
            found: Mapping[str, Any] = row
            return found
    names = [str(row["name"]) for row in rows]
    raise ValueError(f"{question.protocol} has no sub-function {wanted}{suggestion(wanted, names)}")


def _point(one: PointRange, access: str, values: Sequence[float] | None) -> Point:
    """Values are one for each address, except where the protocol types its points: there they share the addresses."""
    addresses, count = one.last - one.first + 1, len(values or ())
    typed = one.shown is not None and count > 0 and addresses % count == 0
    width = addresses // count if typed else 1
    return Point(one.kind, one.block, one.first, one.last, access, values, one.name, width)


def _function(rows: Sequence[Mapping[str, Any]], question: Question) -> tuple[Code, str]:
    """The function and its access: the one that is asked for, or the first that has the access and by its name concerns such points."""
    wanted, access, points = question.function, question.access, question.points
    if not rows:
        return Code(0, wanted or "connect"), access or "session"
    if wanted is None:
        same = [row for row in rows if row["access"] == (access or "read")]
        kind = points[0].partition(":")[0].rpartition("_")[2] if points else ""
        row = next((row for row in same if kind in row["name"]), same[0] if same else None)
        return (Code(0, None) if row is None else Code(row["code"], row["name"])), access or "read"
    code = int(wanted, 0) if wanted[:1].isdigit() and wanted.lower().removeprefix("0x").isalnum() else None
    row = next((row for row in rows if wanted == row["name"] or code == row["code"]), None)
    if row is None and code is None:
        names = [str(row["name"]) for row in rows]
        raise ValueError(f"{question.protocol} has no function {wanted}{suggestion(wanted, names) or ': ' + ', '.join(names)}")
    return (Code(code or 0, None), access or "read") if row is None else (Code(row["code"], row["name"]), access or row["access"])
