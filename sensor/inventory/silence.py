"""What was regular and stopped: an asset that fell silent, or a whole mirror, as findings of kind `coverage` with the ledger as evidence.

An exchange is regular that happened often enough and never paused for much longer than usual. It stopped when it has been quiet for many
times its longest pause while the capture that it was last seen in went on, with other traffic: silence is never judged across a hole. An
asset is silent when all of its regular exchanges stopped and nothing else was seen of it. (A server that no longer answers is still
asked: that shows as unanswered requests.) When most of what was regular in a VLAN, or at all, stops within seconds, the mirror is gone, not
the assets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sensor.clock import SECOND, nanoseconds, utc
from sensor.findings import Finding, Statement, Subject, finding_id

if TYPE_CHECKING:
    from sensor.inventory.collect import Exchange, Inventory

EVEN: Final = 5
"""The longest pause of a regular exchange is at most so many times its mean one."""
TIMES: Final = 10
"""Quiet for so many times its longest pause is silent,"""
LEAST: Final = 60 * SECOND
"""but never before this."""
TOGETHER: Final = 10 * SECOND
"""What stops within this of each other stops together."""
MIRROR: Final = 3
"""So many assets at least make a mirror's silence,"""
MIRROR_SHARE: Final = 0.8
"""and so much of what was regular there."""
MAX_EXAMPLES: Final = 10
_LEDGER: Final = ("packets", "bytes", "gap_bytes")


class Stopped(NamedTuple):
    """An asset that fell silent: when, by which exchange, at which packet, and what was usual."""

    asset: str
    last: int
    exchange: Exchange
    capture: int
    packet: int
    every: int
    times: int


def findings(inventory: Inventory, captures: Sequence[Mapping[str, Any]], conversations: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """At the end of a run: a finding for assets that fell silent, one for each mirror. Captures and conversations are the engine's."""
    ends = [None if capture.get("last") is None else nanoseconds(capture["last"]) for capture in captures]
    regular, stopped = _judged(inventory, ends)
    if not stopped:
        return []
    gone = list(_mirrors(inventory, regular, stopped))
    under = {one.asset for _, together in gone for one in together}
    alone = [one for one in stopped if one.asset not in under]
    ledgers = _ledgers(conversations, {_key(one.exchange) for one in stopped})
    made = [
        _finding(f"A mirror fell silent: {where}", f"silent:mirror:{where}", together, ledgers, ends, "high") for where, together in gone
    ]
    if alone:
        made.append(_finding("Assets that were regular fell silent", "silent:assets", alone, ledgers, ends, "medium"))
    return made


def _judged(inventory: Inventory, ends: Sequence[int | None]) -> tuple[set[str], list[Stopped]]:
    """Assets that are part of regular exchanges, and those of them that stopped, by address."""
    last: dict[str, int] = {}
    went_on = max((counted.last for _, counted in inventory.counted() if counted.last is not None), default=0)
    seen: dict[str, list[Stopped | None]] = {}
    for exchange, counted in inventory.counted():
        for address in {exchange[0], exchange[1]} - {None}:
            if address is not None and counted.last is not None:
                last[address] = max(last.get(address, 0), counted.last)
        steady = counted.steady
        if steady is None or counted.first is None or counted.last is None:
            continue
        longest, moment = steady
        every = (counted.last - counted.first) // max(1, counted.count - 1)
        if longest > EVEN * every:
            continue
        end = ends[moment.capture - 1] if 0 < moment.capture <= len(ends) else None
        quiet = end is not None and min(end, went_on) - counted.last > max(LEAST, TIMES * longest)
        for address in (exchange[0], exchange[1]):
            if address is not None:
                one = Stopped(address, counted.last, exchange, moment.capture, moment.packet, every, counted.count) if quiet else None
                seen.setdefault(address, []).append(one)
    return set(seen), _silent(seen, last)


def _silent(seen: Mapping[str, Sequence[Stopped | None]], last: Mapping[str, int]) -> list[Stopped]:
    found = []
    for address, held in seen.items():
        stopped = [one for one in held if one is not None]
        if len(stopped) == len(held):
            latest = max(stopped, key=lambda one: (one.last, str(one.exchange)))
            if last[address] <= latest.last + TOGETHER:
                found.append(latest)
    return sorted(found, key=lambda one: (one.last, one.asset))


def _mirrors(inventory: Inventory, regular: set[str], stopped: Sequence[Stopped]) -> Iterator[tuple[str, list[Stopped]]]:
    """VLANs in which most of what was regular stopped together; without VLANs, all of it."""
    places: dict[str, set[str]] = {}
    for address in regular:
        for vlan in inventory.vlans.get(address, ()) or (None,):
            places.setdefault("untagged traffic" if vlan is None else f"VLAN {vlan}", set()).add(address)
    for where in sorted(places):
        here = [one for one in stopped if one.asset in places[where]]
        together = max((_within(here, one.last) for one in here), key=len, default=[])
        if len(together) >= MIRROR and len(together) >= MIRROR_SHARE * len(places[where]):
            yield where, together


def _within(stopped: Sequence[Stopped], start: int) -> list[Stopped]:
    return [one for one in stopped if start <= one.last <= start + TOGETHER]


def _key(exchange: Exchange) -> tuple[Any, ...]:
    return (exchange[0], exchange[1], exchange[2], exchange[3])


def _ledgers(conversations: Iterable[Mapping[str, Any]], wanted: set[tuple[Any, ...]]) -> dict[tuple[Any, ...], dict[str, Any]]:
    found = {}
    for talk in conversations:
        key = (talk["client"], talk["server"], talk.get("port"), talk["protocol"])
        if key in wanted:
            found[key] = {side: {name: talk[side][name] for name in _LEDGER} for side in ("from_client", "from_server")}
    return found


def _finding(
    title: str, reason: str, stopped: Sequence[Stopped], ledgers: Mapping[tuple[Any, ...], Any], ends: Sequence[int | None], severity: Any
) -> Finding:  # fmt: skip
    statement = Statement(kind="coverage", title=title, reason=reason, severity=severity)
    examples = [
        {
            "asset": one.asset, "client": one.exchange[0], "server": one.exchange[1], "port": one.exchange[2], "protocol": one.exchange[3],
            "last": utc(one.last), "every_seconds": round(one.every / SECOND, 3), "count": one.times,
            "ledger": ledgers.get(_key(one.exchange)),
        }
        for one in stopped[:MAX_EXAMPLES]
    ]  # fmt: skip
    first = min(one.last for one in stopped)
    until = max((end for one in stopped if (end := ends[one.capture - 1]) is not None), default=first)
    return Finding(
        id=finding_id(statement, Subject(), first), revision=1, state="open", revised=until, statement=statement, subject=Subject(),
        count=len(stopped), first=first, last=until, packets=[(one.capture, one.packet) for one in stopped[:MAX_EXAMPLES]],
        detail={"examples": examples},
    )  # fmt: skip
