"""The inventory in the store: operations with their points and first packet, ledgers, and the edges that are made of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sensor.inventory.edges import Did, Key
from sensor.inventory.ranges import merged

if TYPE_CHECKING:
    import sqlite3

    from dissectors import Tally
    from sensor.result import Result

MAX_OPERATIONS: Final = 65_536
"""Operations that a run adds at most."""
MAX_LEDGERS: Final = 65_536
"""Conversations whose ledger a run keeps; the first ones."""
MAX_POINTS: Final = 64
"""Points and ranges that are kept of an operation."""
MAX_POINT_LENGTH: Final = 256

READ_OPERATIONS: Final = (
    "SELECT client, server, port, protocol, unit, function, function_name, access, count, rejected, rejections, first, last,"
    " points, capture, packet"
    " FROM operations WHERE first IS NULL OR first <= ? ORDER BY first, client, server, protocol"
)
_WRITE_OPERATIONS: Final = (
    "INSERT INTO operations (client, server, port, protocol, unit, function, sub_function, access, function_name, first, last,"
    " count, rejected, rejections, points, capture, packet, run) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET"
    " capture = CASE WHEN first <= excluded.first THEN ifnull(capture, excluded.capture) ELSE excluded.capture END,"
    " packet = CASE WHEN first <= excluded.first THEN ifnull(packet, excluded.packet) ELSE excluded.packet END,"
    " first = min(ifnull(first, excluded.first), ifnull(excluded.first, first)),"
    " last = max(ifnull(last, excluded.last), ifnull(excluded.last, last)),"
    " count = excluded.count, rejected = excluded.rejected, rejections = excluded.rejections, points = excluded.points, run = excluded.run"
)
_NOTHING: Final[Mapping[str, int]] = {}
_COUNTS: Final = ("flows", "midstream", "one_way", "half_seen", "encrypted")


def insert_operations(connection: sqlite3.Connection, run: int, result: Result, captures: Mapping[int, str]) -> None:
    """Who did what to whom, as far as the ceiling; the result's ceilings say how many are left out."""
    rows = [_operation(result.describe(tally.operation), tally, run, captures) for tally in islice(result.tallies, MAX_OPERATIONS)]
    rows = _united(rows)
    rows.sort(key=lambda row: row[:2])  # SQLite takes them in order at half the price
    connection.executemany(_WRITE_OPERATIONS, rows)


def _operation(who: Mapping[str, Any], tally: Tally, run: int, captures: Mapping[int, Any]) -> tuple[Any, ...]:
    """A row. Columns of the operation's key are never null, so that it is unique: -1 and the empty text stand for nothing."""
    function, sub, port = who.get("function"), who.get("sub_function"), who.get("port")
    detail = "" if sub is None else f"{'' if sub.group is None else sub.group}/{sub.code}"
    code, name = (-1, None) if function is None else (function.code, function.name)
    first, last = tally.first, tally.last
    rejected = tally.outcomes.get("rejected", 0)
    codes = json.dumps(dict(tally.rejections)) if rejected else "{}"
    place = (None, None) if first is None else (captures.get(first.capture), first.packet)
    return (
        who.get("client") or "", who.get("server") or "", -1 if port is None else port, who.get("protocol") or "", who.get("unit") or "",
        code, detail, who.get("access") or "", name, first and first.time, last and last.time, tally.count,
        rejected, codes, _points(tally), *place, run,
    )  # fmt: skip


def _united(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """What the columns don't tell apart (the users of OPC UA are part of an operation, and none of its columns) as one."""
    found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for row in rows:
        known = found.get(row[:8])
        found[row[:8]] = row if known is None else _joined(known, row)
    return list(found.values())


def _joined(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    """Two rows of one key: counts summed, points put together, the first packet of the earlier."""
    early, late = (one, other) if (one[9] or 0) <= (other[9] or 0) else (other, one)
    codes: dict[str, int] = json.loads(early[13])
    for code, count in json.loads(late[13]).items():
        codes[code] = codes.get(code, 0) + count
    points = merged([*json.loads(early[14]), *json.loads(late[14])])[:MAX_POINTS]
    last = max(early[10] or 0, late[10] or 0) or None
    return (*early[:10], last, early[11] + late[11], early[12] + late[12], json.dumps(codes), json.dumps(points), *early[15:])


def _points(tally: Tally) -> str:
    points = tally.points
    if not points:
        return "[]"
    return json.dumps([text[:MAX_POINT_LENGTH] for text in merged(point.text for point in points)[:MAX_POINTS]])


def insert_ledgers(connection: sqlite3.Connection, run: int, result: Result) -> None:
    """What was seen and not seen of each conversation, as far as the ceiling."""
    rows = []
    for talk in islice(result.conversations, MAX_LEDGERS):
        key = (talk.get("client") or "", talk.get("server") or "", -1 if talk.get("port") is None else talk["port"], talk["protocol"] or "")
        rows.append((*key, json.dumps(_ledger(talk)), run))
    connection.executemany(
        "INSERT INTO ledgers (client, server, port, protocol, document, run) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET document = excluded.document, run = excluded.run",
        rows,
    )


def _ledger(talk: Mapping[str, Any]) -> dict[str, Any]:
    """What is zero is left out."""
    counts: dict[str, Any] = {name: int(talk[name]) for name in _COUNTS if talk.get(name)}
    for side in ("from_client", "from_server"):
        said = talk[side]
        counts[side] = {name: value for name in said if (value := said[name])}
    return counts


def done(rows: Iterable[tuple[Any, ...]]) -> Iterator[Did]:
    """Operations as they were kept (READ_OPERATIONS); texts that are the same are one object."""
    same: dict[Any, Any] = {}
    one, new = same.setdefault, tuple.__new__  # as Did(…) does, for half of its price
    for row in rows:
        client, server, port, protocol, unit, function, name, access, count, rejected, codes, first, last, points, capture, packet = row
        yield new(Did, (
            one(client, client), one(server, server), None if port < 0 else port, one(protocol, protocol), one(unit, unit), function,
            one(name, name), one(access, access), count, rejected, _NOTHING if codes == "{}" else json.loads(codes), first, last,
            () if points == "[]" else _listed(points),
            one(capture, capture), packet,
        ))  # fmt: skip


def of_run(result: Result) -> Iterator[Did]:
    """The operations of a run as they would come back from a store; captures are its numbers."""
    numbers = {number: number for number in range(1, len(result.engine.get("captures") or ()) + 1)}
    rows = (_operation(result.describe(tally.operation), tally, 0, numbers) for tally in result.tallies)
    return done((*row[:6], row[8], row[7], *row[11:14], row[9], row[10], *row[14:17]) for row in rows)


@lru_cache(maxsize=4096)
def _listed(points: str) -> tuple[str, ...]:
    return tuple(json.loads(points))


def ledgers(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Key, Mapping[str, Any]]]:
    """Ledgers by the addresses of their sides."""
    for row in rows:
        yield (row["client"], row["server"], row["protocol"], _port(row["port"])), json.loads(row["document"])


def _port(port: int) -> int | None:
    return None if port < 0 else port
