"""What was done, for those who judge it again: operations of a run or of the store as the policy's tools take them (zones.past)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sensor.clock import utc
from sensor.findings import OUTCOMES
from sensor.inventory.kept import MAX_POINT_LENGTH, MAX_POINTS
from zones.learn import Placing, Unseen
from zones.model import LEVELS
from zones.past import Done, Sides
from zones.proposal import About, Home, PlacingOf, Seen

if TYPE_CHECKING:
    from sensor.inventory.known import Known
    from sensor.result import Result
    from sensor.store import Store
    from zones.model import Policy

MAX_NAME: Final = 64
"""Length of a zone's name."""
_READ: Final = (
    "SELECT client, server, port, protocol, unit, function, function_name, sub_function, access, points, count, rejected, first, capture,"
    " packet, operations.run FROM operations ORDER BY first, client, server, port, protocol, unit, function, sub_function, access"
)


class Kept(NamedTuple):
    """An operation of the store, with the run that counted it last."""

    done: Done
    run: int


def of_run(result: Result) -> Iterator[Done]:
    """The operations of a run. What was merged at a ceiling is left out (`merged` counts it)."""
    names = [str(capture["path"]).rpartition("/")[2] for capture in result.engine.get("captures") or ()]
    for tally in result.tallies:
        who = result.describe(tally.operation)
        client, server, function = who.get("client"), who.get("server"), who.get("function")
        if client is None or server is None or function is None:
            continue
        sub, first = who.get("sub_function"), tally.first
        outcome = next((name for name in OUTCOMES if tally.outcomes.get(name)), "unknown")
        yield Done(
            client, server, who.get("port"), who["protocol"], who.get("unit"), function.code, function.name, who.get("access") or "session",
            tuple((point.access, point.text) for point in tally.points), tally.points_coarse, tally.count, first.time if first else 0,
            _place(names[first.capture - 1] if first and 0 < first.capture <= len(names) else "", first.packet if first else None),
            None if sub is None else (sub.group, sub.code, sub.name), outcome,
        )  # fmt: skip


def merged(result: Result) -> int:
    """Occurrences of operations whose sides are not known any more."""
    who = ((result.describe(tally.operation), tally.count) for tally in result.tallies)
    return sum(count for one, count in who if any(one.get(key) is None for key in ("client", "server", "function")))


def seen_by(result: Result) -> Seen:
    """A run as something to learn from."""
    captures = result.engine.get("captures") or ()
    names = ", ".join(str(capture["path"]).rpartition("/")[2] for capture in captures[:3]) + (", …" if len(captures) > 3 else "")
    begin = min((capture["first"] for capture in captures if capture["first"]), default=utc(result.clock))
    talks = (_unseen(talk.get("client"), talk.get("server"), talk) for talk in result.conversations)
    source = f"{_plain(names)}, {begin[:19].replace('T', ' ')} to {utc(result.clock)[:19].replace('T', ' ')} UTC"
    return Seen(source, list(of_run(result)), [one for one in talks if one is not None], merged(result))


def places_of(result: Result | None) -> PlacingOf:
    """Where addresses stand; MACs and VLANs, where a policy asks for them, are those of the run's inventory (without a run: none)."""
    from sensor.reports.traffic import Placing as Placed

    def of(policy: Policy) -> Placing:
        placed = Placed(policy, result)
        return lambda client, server: Sides(*placed.sides(client, server))

    return of


def of_store(store: Store) -> list[Kept]:
    """The operations of the store."""
    captures = {capture["id"]: str(capture["path"]).rpartition("/")[2] for capture in store.captures()}
    return [_kept(row, captures) for row in store.connection.execute(_READ) if row[0] and row[1] and row[5] >= 0]


def _kept(row: Sequence[Any], captures: Mapping[str, str]) -> Kept:
    client, server, port, protocol, unit, code, name, detail, access, points, times, rejected, first, capture, packet, run = row
    texts = json.loads(points)
    # The store doesn't say which points a function that writes and reads has read: they may be either.
    accesses = (access, "read") if "read" in (name or "") and access != "read" else (access,)
    coarse = len(texts) >= MAX_POINTS or any(len(text) >= MAX_POINT_LENGTH for text in texts)
    group, slash, number = detail.partition("/")
    sub = (int(group) if group else None, int(number), None) if slash else None
    touched = tuple((one, text) for one in accesses for text in texts)
    done = Done(
        client, server, None if port < 0 else port, protocol, unit or None, code, name, access, touched,
        coarse, times, first or 0, _place(captures.get(capture, ""), packet), sub, "rejected" if rejected == times else "accepted",
    )  # fmt: skip
    return Kept(done, run)


def kept_in(store: Store) -> Seen:
    """The store as something to learn from."""
    rows = store.connection.execute("SELECT client, server, document FROM ledgers ORDER BY client, server, port, protocol").fetchall()
    lost = store.connection.execute("SELECT ifnull(sum(count), 0) FROM operations WHERE client = '' OR server = '' OR function < 0")
    talks = (_unseen(client, server, json.loads(document)) for client, server, document in rows)
    done = [kept.done for kept in of_store(store)]
    return Seen(f"the store {_plain(store.path.name)}", done, [one for one in talks if one is not None], int(lost.fetchone()[0]))


def homes_of(store: Store) -> dict[str, Home]:
    """The zones and levels that people declared, by address; units behind an address have none of their own."""
    found = {}
    for address, fields in store.declared().items():
        zone = str(fields["zone"]["value"]).strip() if "zone" in fields and "/" not in address else ""
        if zone and zone.isprintable() and len(zone) <= MAX_NAME:
            said = str(fields["level"]["value"]) if "level" in fields else ""
            found[address] = Home(zone, next((level for level in LEVELS if said in (f"{level:g}", str(level))), None))
    return found


MAX_TOLD: Final = 48
"""Length of what devices say of themselves, in a comment."""


def about_of(known: Known) -> dict[str, About]:
    """What was observed and concluded of devices, by their addresses."""
    from sensor.inventory.known import value
    from sensor.inventory.names import ROLES

    found = {}
    for asset in known.assets:
        if asset["parent"] is None:
            role = value(asset, "role")
            said = (value(asset, "name"), ROLES.get(str(role), role), value(asset, "model"))
            text = ", ".join(_plain(str(one))[:MAX_TOLD] for one in said if one)
            level = None if asset["level"] is None else float(asset["level"])
            found.update(dict.fromkeys(asset["addresses"], About(text, level)))
    return found


def _unseen(client: str | None, server: str | None, talk: Mapping[str, Any]) -> Unseen | None:
    """What of a conversation was not seen; None where its sides aren't known."""
    if not client or not server:
        return None
    said = [talk.get(side) for side in ("from_client", "from_server")]
    missing = sum(int(one.get("gap_bytes") or 0) for one in said if one is not None)
    flows, midstream, half, encrypted = (int(talk.get(name) or 0) for name in ("flows", "midstream", "half_seen", "encrypted"))
    return Unseen(client, server, flows, midstream, half, encrypted, missing)


def _place(capture: str, packet: int | None) -> str:
    return f"packet {packet:,} of {_plain(capture)}" if packet is not None else _plain(capture) or "an unknown packet"


def _plain(text: str) -> str:
    """Without what a comment can't hold."""
    return "".join(mark if mark.isprintable() else "?" for mark in text)
