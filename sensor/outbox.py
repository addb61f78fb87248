"""What is to be delivered, in the store: put in by the transaction that keeps it, taken out when every output has it.

Rows stand in classes (sensor.documents.fields.STREAMS); each output has a position in each class, up to which all is settled, and a mark
up to which it may have been sent. What an output refuses for good is a dead letter of that output. For every output and class

    produced = delivered + waiting + dead + dropped

where dropped is what the limits took away before it was sent, and what people took away.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from sensor.clock import utc
from sensor.documents.fields import CLASSES, STREAMS

if TYPE_CHECKING:
    import sqlite3

    from sensor.result import Result

MAX_BYTES: Final = 1 << 30
"""What the outbox holds at most, all classes together."""
MAX_OF_CLASS: Final[Mapping[str, int]] = {
    "transaction": 1_000_000,
    "sensor": 100_000,
    "current": 200_000,
    "asset": 200_000,
    "coverage": 200_000,
}
"""Documents of a class at most. Alerts and violations have no limit of their own."""
DROPPED_FIRST: Final = ("transaction", "sensor", "current", "asset", "coverage", "violation", "alert")
"""Where the whole is too large: the oldest of the first class that has any."""
_SLICE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Item:
    """A row: `id` without the sensor's name, `document` the record as JSON, `at` when it came. A dead letter tried again has its number."""

    sequence: int
    of: str
    id: str
    document: bytes
    at: str
    letter: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """The counters of an output and a class."""

    output: str
    of: str
    produced: int
    delivered: int
    waiting: int
    dead: int
    dropped: int

    @property
    def closes(self) -> bool:
        """Nothing is missing and nothing too many."""
        return self.produced == self.delivered + self.waiting + self.dead + self.dropped


def put(connection: sqlite3.Connection, rows: Iterable[tuple[str, str, bytes]]) -> None:
    """Adds (class, id, record as JSON), in the caller's transaction."""
    at = now()
    connection.executemany(
        "INSERT INTO outbox (class, id, document, bytes, at) VALUES (?, ?, ?, ?, ?)",
        ((of, known, document, len(document), at) for of, known, document in rows),
    )


def of_finding(said: Mapping[str, Any], edition: int) -> tuple[str, str, bytes]:
    """The row of a revision. A revision that is told anew, by another policy or from other captures, has an id of its own."""
    known = f"{said['id']}.{said['revision']}" + (f".{edition}" if edition > 1 else "")
    return CLASSES[said["kind"]], known, encoded({**said, "edition": edition})


def put_run(connection: sqlite3.Connection, run: int, result: Result) -> None:
    """What the run says of the sensor and of transactions, then the limits."""
    said = encoded({**_of_run(result), "run": run})
    put(connection, [("sensor", f"run.{blake2b(said + now().encode(), digest_size=8).hexdigest()}", said)])
    if result.lines is not None:
        from sensor.spool import rows

        put(connection, rows(result.lines, {packet for finding in result.findings for packet in finding.packets}))
    limit(connection)


def _of_run(result: Result) -> dict[str, Any]:
    """What was read, dropped and counted."""
    engine = result.engine
    counted = {name: engine.get(name) for name in ("packets", "flows", "protocols", "ledger", "captures", "ceilings")}
    return {**counted, "findings": len(result.findings), "interrupted": result.interrupted, "time": utc(result.clock)}


def now() -> str:
    """The system's time, to the millisecond."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:23] + "Z"


def encoded(record: Mapping[str, Any]) -> bytes:
    """A record as JSON. What is no Unicode is replaced."""
    return json.dumps(record, default=str, ensure_ascii=True, separators=(",", ":")).encode()


def limit(connection: sqlite3.Connection, most_bytes: int = MAX_BYTES, most: Mapping[str, int] = MAX_OF_CLASS) -> int:
    """Takes away what is beyond the limits, the oldest of the least important first; gives how many. What is being sent stays."""
    gone = 0
    for of in DROPPED_FIRST:
        held = _held(connection).get(of, (0, 0))[0]
        if of in most and held > most[of]:
            gone += _drop_oldest(connection, of, held - most[of])
    for of in DROPPED_FIRST:
        while held_bytes(connection) > most_bytes:
            dropped = _drop_oldest(connection, of, _SLICE if _held(connection).get(of, (0, 0))[0] > _SLICE else 1)
            gone += dropped
            if not dropped:
                break
    return gone


def held_bytes(connection: sqlite3.Connection) -> int:
    """How much waits, all classes together."""
    return sum(size for _, size in _held(connection).values())


def _held(connection: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    return {of: (held, size) for of, held, size in connection.execute("SELECT class, held, bytes FROM outbox_classes")}


def _drop_oldest(connection: sqlite3.Connection, of: str, count: int) -> int:
    sent = connection.execute("SELECT ifnull(max(sending), 0) FROM outputs WHERE class = ?", (of,)).fetchone()[0]
    rows = "SELECT sequence FROM outbox WHERE class = ? AND sequence > ? ORDER BY sequence LIMIT ?"
    (last,) = connection.execute(f"SELECT max(sequence) FROM ({rows})", (of, sent, count)).fetchone()
    if last is None:
        return 0
    connection.execute(
        "UPDATE outputs SET dropped = dropped + (SELECT count(*) FROM outbox o WHERE o.class = outputs.class"
        " AND o.sequence > max(?, outputs.position) AND o.sequence <= ?) WHERE class = ?",
        (sent, last, of),
    )
    return _take_out(connection, of, sent, last)


def _take_out(connection: sqlite3.Connection, of: str, after: int, until: int) -> int:
    """What is held is counted by batch: a trigger for each row costs more than the rest of the delivery in SQLite."""
    place = (of, after, until)
    size = connection.execute("SELECT sum(bytes) FROM outbox WHERE class = ? AND sequence > ? AND sequence <= ?", place).fetchone()[0]
    if size is None:
        return 0
    gone = connection.execute("DELETE FROM outbox WHERE class = ? AND sequence > ? AND sequence <= ?", place).rowcount
    connection.execute("UPDATE outbox_classes SET held = held - ?, bytes = bytes - ? WHERE class = ?", (gone, size, of))
    return int(gone)


def register(connection: sqlite3.Connection, output: str, classes: Sequence[str]) -> None:
    """Makes an output known: it gets what the outbox holds of these classes, and what comes."""
    for of in classes:
        connection.execute(
            "INSERT INTO outputs (name, class, position, sending, before)"
            " VALUES (?1, ?2, 0, 0, ifnull((SELECT produced - held FROM outbox_classes WHERE class = ?2), 0)) ON CONFLICT DO NOTHING",
            (output, of),
        )


def forget(connection: sqlite3.Connection, output: str) -> int:
    """An output that is no more: nothing waits for it, its dead letters go. Gives how many classes it had."""
    connection.execute("DELETE FROM dead_letters WHERE output = ?", (output,))
    found = connection.execute("DELETE FROM outputs WHERE name = ?", (output,)).rowcount
    purge(connection)
    return int(found)


def next_batch(connection: sqlite3.Connection, output: str, of: str, most: int, most_bytes: int) -> tuple[list[Item], bool]:
    """The next rows for an output, oldest first, and whether they may have been sent before. At least one where there is any."""
    row = connection.execute("SELECT position, sending FROM outputs WHERE name = ? AND class = ?", (output, of)).fetchone()
    if row is None:
        return [], False
    position, sending = row
    items: list[Item] = []
    size = 0
    until = sending if sending > position else (1 << 62)
    query = (
        "SELECT sequence, class, id, document, at FROM outbox WHERE class = ? AND sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?"
    )
    for found in connection.execute(query, (of, position, until, most)):
        size += len(found[3])
        if items and size > most_bytes:
            break
        items.append(Item(found[0], found[1], found[2], _bytes(found[3]), found[4]))
    return items, sending > position


def again(connection: sqlite3.Connection, output: str, most: int) -> list[Item]:
    """Dead letters that are to be tried again."""
    query = "SELECT number, class, id, document, at FROM dead_letters WHERE output = ? AND again = 1 ORDER BY number LIMIT ?"
    return [
        Item(0, of, known, _bytes(document), at, number) for number, of, known, document, at in connection.execute(query, (output, most))
    ]


def _bytes(document: bytes | str) -> bytes:
    return document.encode("utf-8", "replace") if isinstance(document, str) else document


def mark_sending(connection: sqlite3.Connection, output: str, items: Sequence[Item]) -> None:
    """Before a batch leaves: after a crash it is known that it may have arrived."""
    connection.execute(
        "UPDATE outputs SET sending = max(sending, ?) WHERE name = ? AND class = ?", (items[-1].sequence, output, items[0].of)
    )


def settle(
    connection: sqlite3.Connection, output: str, items: Sequence[Item], refused: Mapping[int, str], place: str | None = None
) -> None:
    """A batch is done with: what is in `refused` (by place in the batch) is a dead letter with its reason, the rest was delivered."""
    of, at = items[0].of, now()
    connection.executemany(
        "INSERT INTO dead_letters (output, class, id, document, at, reason, refused) VALUES (?, ?, ?, ?, ?, ?, ?)",
        ((output, of, items[i].id, items[i].document, items[i].at, reason, at) for i, reason in refused.items()),
    )
    connection.execute(
        "UPDATE outputs SET position = ?, sending = max(sending, ?), delivered = delivered + ?, place = ? WHERE name = ? AND class = ?",
        (items[-1].sequence, items[-1].sequence, len(items) - len(refused), place, output, of),
    )


def settle_again(connection: sqlite3.Connection, output: str, items: Sequence[Item], refused: Mapping[int, str]) -> None:
    """The same for dead letters that were tried again."""
    at = now()
    for place, item in enumerate(items):
        if place in refused:
            connection.execute(
                "UPDATE dead_letters SET again = 0, reason = ?, refused = ? WHERE number = ?", (refused[place], at, item.letter)
            )
        else:
            connection.execute("DELETE FROM dead_letters WHERE number = ?", (item.letter,))
            connection.execute("UPDATE outputs SET delivered = delivered + 1 WHERE name = ? AND class = ?", (output, item.of))


def purge(connection: sqlite3.Connection) -> None:
    """Takes out what every output has. Without an output everything waits for the first one."""
    for of, position in connection.execute("SELECT class, min(position) FROM outputs GROUP BY class").fetchall():
        _take_out(connection, of, 0, position)


def counts(connection: sqlite3.Connection) -> list[Count]:
    """Of every output and class, in the order in which they are sent. What no output takes stands under no name."""
    found = []
    outputs = connection.execute(
        "SELECT p.name, p.class, c.produced - p.before, p.delivered, p.dropped,"
        " (SELECT count(*) FROM outbox o WHERE o.class = p.class AND o.sequence > p.position),"
        " (SELECT count(*) FROM dead_letters d WHERE d.output = p.name AND d.class = p.class AND again = 0),"
        " (SELECT count(*) FROM dead_letters d WHERE d.output = p.name AND d.class = p.class AND again = 1)"
        " FROM outputs p LEFT JOIN outbox_classes c ON c.class = p.class"
    ).fetchall()
    for name, of, produced, delivered, dropped, waiting, dead, retried in outputs:
        found.append(
            Count(output=name, of=of, produced=produced or 0, delivered=delivered, waiting=waiting + retried, dead=dead, dropped=dropped)
        )
    taken = {count.of for count in found}
    for of, (held, _) in _held(connection).items():
        if of not in taken and held:
            found.append(Count(output="", of=of, produced=held, delivered=0, waiting=held, dead=0, dropped=0))
    order = list(STREAMS)
    return sorted(found, key=lambda count: (count.output, order.index(count.of) if count.of in order else len(order)))


def dead_letters(connection: sqlite3.Connection, output: str | None = None, most: int = 1_000) -> list[dict[str, Any]]:
    """The newest ones, with why they were refused and when."""
    names = ("number", "output", "class", "id", "reason", "refused", "again")
    query = f"SELECT {', '.join(names)} FROM dead_letters WHERE ?1 IS NULL OR output = ?1 ORDER BY number DESC LIMIT ?2"
    return [dict(zip(names, row, strict=True)) for row in connection.execute(query, (output, most))]


def retry(connection: sqlite3.Connection, numbers: Sequence[int] | None = None) -> int:
    """Dead letters (None: all) wait again; gives how many."""
    return _on_letters(connection, "UPDATE dead_letters SET again = 1 WHERE again = 0", numbers)


def drop(connection: sqlite3.Connection, numbers: Sequence[int] | None = None) -> int:
    """Dead letters (None: all) are given up and counted as dropped; gives how many."""
    chosen = "again = 0" if numbers is None else f"again = 0 AND number IN ({','.join(map(str, map(int, numbers)))})"
    connection.execute(
        "UPDATE outputs SET dropped = dropped + (SELECT count(*) FROM dead_letters d WHERE d.output = outputs.name"
        f" AND d.class = outputs.class AND {chosen})"
    )
    return _on_letters(connection, "DELETE FROM dead_letters WHERE again = 0", numbers)


def _on_letters(connection: sqlite3.Connection, statement: str, numbers: Sequence[int] | None) -> int:
    if numbers is None:
        return int(connection.execute(statement).rowcount)
    return sum(int(connection.execute(f"{statement} AND number = ?", (number,)).rowcount) for number in numbers)
