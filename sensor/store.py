"""The local store: one SQLite file with assets, operations, findings and what is to be shipped (DESIGN.md, 5).

A run is written in one transaction, so a store never holds half of one. Writing the same run again changes nothing but `runs`: findings,
attributes and captures are known by ids that depend on the packets alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from sensor import outbox
from sensor.clock import nanoseconds, utc
from sensor.inventory import kept
from sensor.inventory.edges import Edges, edges
from sensor.places import default_store
from sensor.schema import MIGRATIONS

if TYPE_CHECKING:
    import sqlite3

    from sensor.findings import Finding
    from sensor.inventory.declared import Declaration
    from sensor.plan import Plan
    from sensor.result import Result

BUSY_SECONDS: Final = 5.0
"""How long another process may keep the store to itself before this one gives up."""


class StoreError(Exception):
    """The store can't be used. The text says what, where and how to mend it; `path` is the file."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"store {path}: {what}")
        self.path = path


class BaselineError(ValueError):
    """A baseline that isn't there, is there already, or can't take what is to be accepted. The text says what, and how to go on."""


class Store:
    """An open store. Use `with Store.open(path) as store`."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, path: Path | None = None) -> Self:
        """Opens the store at `path` (None: the user's own); a missing one is made, an older one brought up to date. Raises StoreError."""
        import sqlite3

        place = default_store() if path is None else Path(path)
        with _explained(place):
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not place.exists():
                place.touch(mode=0o600)
            connection = sqlite3.connect(place, timeout=BUSY_SECONDS, isolation_level=None)
            try:
                _migrate(place, connection)
            except BaseException:
                connection.close()
                raise
        return cls(place, connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def begin(self, plan: Plan) -> int:
        """Adds a run that has only begun; gives its number. Raises StoreError."""
        with _explained(self.path), atomic(self._connection) as connection:
            return _insert_run(connection, plan)

    def tell(self, run: int, findings: Iterable[Finding], revisions: Iterable[Finding], withdrawn: Iterable[str] = ()) -> None:
        """Writes what a run that has begun found meanwhile. `withdrawn` are ids of findings that turned out to be part of another, which
        counts all of it. Raises StoreError."""
        with _explained(self.path), atomic(self._connection) as connection:
            _insert_findings(connection, run, findings, revisions)
            for known in withdrawn:
                outbox.put(connection, _withdrawn(connection, known))

    def write(self, result: Result, run: int | None = None) -> int:
        """Adds a run, or ends one that has begun, all of it or nothing; gives its number. Raises StoreError."""
        with _explained(self.path), atomic(self._connection) as connection:
            run = _insert_run(connection, result.plan) if run is None else _end_run(connection, run)
            captures = _insert_captures(connection, run, result)
            _insert_assets(connection, result, captures)
            kept.insert_operations(connection, run, result, captures)
            kept.insert_ledgers(connection, run, result)
            _insert_findings(connection, run, result.findings, result.revisions)
            outbox.put_run(connection, run, result)
            _insert_incidents(connection, run, result)
            _keep_baseline(connection, result)
            if result.plan.policy is not None:
                from sensor.reports.kept import keep_chapter

                keep_chapter(connection, run, result)
        return run

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is written within, or nothing. Raises StoreError."""
        with _explained(self.path), atomic(self._connection) as connection:
            yield connection

    @property
    def connection(self) -> sqlite3.Connection:
        """For those who keep tables of their own in the store (sensor.reports.kept)."""
        return self._connection

    def captures(self, run: int | None = None) -> list[dict[str, Any]]:
        """All captures, or those of a run with their `number` in it."""
        if run is None:
            return self._rows("SELECT id, sha256, path, packets, bytes, first, last FROM captures ORDER BY first, id")
        return self._rows(
            "SELECT number, id, sha256, path, packets, bytes, first, last FROM run_captures JOIN captures ON id = capture"
            " WHERE run = ? ORDER BY number",
            run,
        )

    def runs(self) -> list[dict[str, Any]]:
        """Every run, the newest last."""
        return self._rows("SELECT * FROM runs ORDER BY id")

    def assets(self, until: int | None = None) -> list[dict[str, Any]]:
        """All assets as in the result document, with the attributes that all runs together know; as it was at `until` (ns) where given."""
        time = _EVER if until is None else until
        rows = self._rows("SELECT * FROM assets WHERE first IS NULL OR first <= ? ORDER BY place, id", time)
        assets = {row["id"]: _asset(row) for row in rows}
        attributes = "SELECT * FROM attributes WHERE time <= ? ORDER BY asset, name, confidence DESC, time DESC, value"
        for row in self._rows(attributes, time):
            if row["asset"] in assets:
                _add_attribute(assets[row["asset"]]["attributes"], row)
        return list(assets.values())

    def declare(self, declarations: Iterable[Declaration]) -> int:
        """Adds what people declare; gives how many of them say anything new. Raises StoreError."""
        from datetime import UTC, datetime

        held, at = self.declared(), datetime.now(UTC).isoformat(timespec="seconds")
        rows = [
            (said.asset, said.name, said.value, said.who, said.why, at, said.source)
            for said in declarations
            if held.get(said.asset, {}).get(said.name, {}).get("value") != said.value
        ]
        with _explained(self.path), atomic(self._connection) as connection:
            connection.executemany("INSERT INTO declared (asset, name, value, who, why, at, source) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        return len(rows)

    def declared(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What is declared now, by asset (in lower case) and name: value, who, why, at, source."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for row in self._rows("SELECT asset, name, value, who, why, at, source FROM declared ORDER BY id"):
            asset, name = row.pop("asset"), row.pop("name")
            if row["value"] is None:
                found.get(asset, {}).pop(name, None)
            else:
                found.setdefault(asset, {})[name] = row
        return {asset: fields for asset, fields in found.items() if fields}

    def declarations(self, asset: str) -> list[dict[str, Any]]:
        """All that was ever declared of an asset, the newest last."""
        return self._rows("SELECT name, value, who, why, at, source FROM declared WHERE asset = ? ORDER BY id", asset.lower())

    def conversations(self, until: int | None = None) -> Edges:
        """Who talks to whom, over all runs: the edges of the graph (see sensor.inventory.edges), by their first time; those that were there
        at `until` (ns) where it is given."""
        rows = self._each(kept.READ_OPERATIONS, _EVER if until is None else until)
        return edges(kept.done(rows), self._homes(), kept.ledgers(self._rows("SELECT * FROM ledgers")))

    def _homes(self) -> dict[str, str]:
        """Addresses and the assets that they belong to. A router's own id goes before the addresses behind it."""
        homes: dict[str, str] = {}
        for row in self._rows("SELECT id, addresses FROM assets WHERE parent IS NULL ORDER BY place, id"):
            homes[row["id"]] = row["id"]
            for address in row["addresses"].split():
                homes.setdefault(address, row["id"])
        return homes

    def in_force(self, run: int) -> str | None:
        """SHA-256 of a run's policy; None where it had none."""
        rows = self._rows("SELECT policy FROM runs WHERE id = ?", run)
        return rows[0]["policy"] if rows else None

    def policy(self, sha256: str) -> tuple[str, bytes] | None:
        """File and bytes of a policy that was in force in some run."""
        rows = self._rows("SELECT file, text FROM policies WHERE sha256 = ?", sha256)
        return (rows[0]["file"], rows[0]["text"]) if rows else None

    def incidents(self) -> list[dict[str, Any]]:
        """The stories as each run told them (sensor.incidents), by first time; sensor.finding_listing.stories tells them over all runs."""
        rows = self._rows("SELECT document, run FROM incidents ORDER BY first, id")
        return [_finding(row) for row in rows]

    def findings(self, **equal: str | None) -> list[dict[str, Any]]:
        """The newest state of findings, by first time, limited to those whose kind, severity, rule, conduit, protocol, state, client
        or server equals what is given."""
        wanted = {name: value for name, value in equal.items() if value is not None}
        unknown = wanted.keys() - _FILTERS
        if unknown:
            raise ValueError(f"findings can't be limited by {', '.join(sorted(unknown))}")
        where = " AND ".join(f"{name} = ?" for name in wanted) or "1"
        return [
            _finding(row) for row in self._rows(f"SELECT document, run FROM findings WHERE {where} ORDER BY first, id", *wanted.values())
        ]

    def finding(self, prefix: str) -> dict[str, Any] | None:
        """The finding with this id, or the only one whose id begins so, or None. Raises LookupError where there are several."""
        place = self._rows("SELECT document, run FROM findings WHERE substr(id, 1, ?) = ? ORDER BY id LIMIT 2", len(prefix), prefix.lower())
        if len(place) > 1:
            raise LookupError(f"more than one finding begins with {prefix}")
        return _finding(place[0]) if place else None

    def revisions(self, finding: str) -> list[dict[str, Any]]:
        """All revisions of a finding, the first one first."""
        return [_finding(row) for row in self._rows("SELECT document, run FROM revisions WHERE finding = ? ORDER BY revision", finding)]

    def _rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        with _explained(self.path):
            cursor = self._connection.execute(query, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def _each(self, query: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Rows as they are read."""
        with _explained(self.path):
            yield from self._connection.execute(query, values)


_EVER: Final = (1 << 63) - 1
_FILTERS: Final = frozenset({"kind", "severity", "rule", "conduit", "protocol", "state", "client", "server"})


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Errors of SQLite and of the file system, in words that say how to mend it."""
    import sqlite3

    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StoreError(path, _mend(error, path)) from error
    except OSError as error:
        raise StoreError(path, f"{error.strerror or error}; choose another place with --store") from error


def _mend(error: sqlite3.DatabaseError, path: Path) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"another process has kept it locked for {BUSY_SECONDS:.0f} s; wait until it is done, or choose another place with --store"
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return f"it is damaged or no store at all ({error}); move {path.name} away and a new one is made"
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return f"it can't be written ({error}); mend the permissions of the file and its folder, or choose another place with --store"
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return f"the disk did not take it ({error}); make room, or choose another place with --store"
    return f"{error}; move {path.name} away and a new one is made"


def _migrate(path: Path, connection: sqlite3.Connection) -> None:
    """Brings the schema to the newest version, one step in one transaction."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise StoreError(
            path, f"a newer Fieldtap wrote it (schema {version}, this one knows {len(MIGRATIONS)}); update Fieldtap, or use --store"
        )
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")
    if version == len(MIGRATIONS):
        return
    connection.execute("PRAGMA journal_mode = WAL")
    with atomic(connection):
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for step in MIGRATIONS[version:]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


@contextmanager
def atomic(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One transaction, rolled back where anything goes wrong in it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _insert_run(connection: sqlite3.Connection, plan: Plan) -> int:
    from sensor.outputs.json_result import fieldtap_version

    policy, rules = plan.policy_summary, plan.rules_summary
    cursor = connection.execute(
        "INSERT INTO runs (finished, fieldtap, policy, rules) VALUES (?, ?, ?, ?)",
        (_now(), fieldtap_version(), policy and policy["sha256"], rules and rules["digest"]),
    )
    return int(cursor.lastrowid or 0)


def _end_run(connection: sqlite3.Connection, run: int) -> int:
    connection.execute("UPDATE runs SET finished = ? WHERE id = ?", (_now(), run))
    return run


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds")


def _withdrawn(connection: sqlite3.Connection, known: str) -> list[tuple[str, str, bytes]]:
    """Takes a finding back, and tells outputs that it is closed."""
    rows = connection.execute("SELECT document FROM findings WHERE id = ?", (known,)).fetchall()
    connection.execute("DELETE FROM revisions WHERE finding = ?", (known,))
    connection.execute("DELETE FROM findings WHERE id = ?", (known,))
    return [outbox.of_finding({**json.loads(said), "revision": 2, "state": "closed"}, 1) for (said,) in rows]


def _keep_baseline(connection: sqlite3.Connection, result: Result) -> None:
    """What was learned under a name."""
    learned = None if result.course is None else result.course.learned
    if learned is not None and learned.name:
        from sensor.baseline.kept import keep

        keep(connection, learned)


def _insert_captures(connection: sqlite3.Connection, run: int, result: Result) -> dict[int, str]:
    """Captures by their number in the run."""
    numbers = {}
    for number, capture in enumerate(result.engine.get("captures") or (), start=1):
        times = [None if text is None else nanoseconds(text) for text in (capture.get("first"), capture.get("last"))]
        place = str(capture["path"])
        live = capture.get("format") == "live"
        path = _column(place if place == "-" or live else str(Path(place).absolute()))
        rest = (path, capture.get("packets"), capture.get("bytes"), *times)
        numbers[number] = capture.get("sha256") or blake2b(repr(rest).encode(), digest_size=32).hexdigest()
        connection.execute(
            "INSERT INTO captures (id, sha256, path, packets, bytes, first, last) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET path = excluded.path",
            (numbers[number], capture.get("sha256"), *rest),
        )
        connection.execute("INSERT INTO run_captures (run, number, capture) VALUES (?, ?, ?)", (run, number, numbers[number]))
    return numbers


def _column(text: str) -> str:
    """Text that is no Unicode (a file name may be anything) is kept as far as it is."""
    return text.encode("utf-8", "replace").decode()


def _insert_assets(connection: sqlite3.Connection, result: Result, captures: Mapping[int, str]) -> None:
    """The newest run says what an asset is; first, last and attributes are united with what is known."""
    rows, traits = [], []
    for place, asset in enumerate(result.assets):
        roles = " ".join(f"{role.role}:{role.protocol}:{'' if role.port is None else role.port}" for role in asset.roles)
        lists = (" ".join(asset.addresses), roles, " ".join(map(str, asset.vlans)), " ".join(asset.units))
        rows.append((asset.id, place, asset.parent, asset.kind, asset.heard, asset.first, asset.last, *lists))
        for attribute in asset.attributes.values():
            for said in (*attribute.history, attribute.current):
                capture = captures.get(said.capture, "")
                value = json.dumps(said.value, default=str)
                traits.append(
                    (asset.id, attribute.name, value, said.confidence, said.protocol, said.field, capture, said.packet, said.time)
                )
    connection.executemany(
        "INSERT INTO assets (id, place, parent, kind, heard, first, last, addresses, roles, vlans, units)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET place = excluded.place, parent = excluded.parent, kind = excluded.kind,"
        " heard = max(heard, excluded.heard), addresses = excluded.addresses, roles = excluded.roles, vlans = excluded.vlans,"
        " units = excluded.units,"
        " first = min(ifnull(first, excluded.first), ifnull(excluded.first, first)),"
        " last = max(ifnull(last, excluded.last), ifnull(excluded.last, last))",
        rows,
    )
    connection.executemany(
        "INSERT INTO attributes (asset, name, value, confidence, protocol, field, capture, packet, time) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        traits,
    )


def _insert_findings(connection: sqlite3.Connection, run: int, findings: Iterable[Finding], revisions: Iterable[Finding]) -> None:
    """The newest state of each, every revision, and for each revision that is new or another than before a row in the outbox."""
    connection.executemany(
        "INSERT INTO findings (id, revision, kind, severity, rule, conduit, protocol, client, server, state, first, last, count,"
        " run, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET revision = excluded.revision,"
        " severity = excluded.severity, state = excluded.state, last = excluded.last, count = excluded.count, run = excluded.run,"
        " document = excluded.document",
        (_finding_row(finding, run) for finding in findings),
    )
    told: list[tuple[str, str, bytes]] = []
    for finding in revisions:
        said = finding.to_dict()
        document = json.dumps(said, default=str)
        changed = connection.execute(
            "INSERT INTO revisions (finding, revision, revised, run, document) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (finding, revision) DO UPDATE SET revised = excluded.revised, run = excluded.run, document = excluded.document,"
            " edition = edition + 1 WHERE document <> excluded.document RETURNING edition",
            (finding.id, finding.revision, utc(finding.revised), run, document),
        ).fetchone()
        if changed is not None:
            told.append(outbox.of_finding(said, changed[0]))
    outbox.put(connection, told)


def _insert_incidents(connection: sqlite3.Connection, run: int, result: Result) -> None:
    """The newest run says what a story is."""
    rows = [(incident.id, incident.severity, incident.to_dict(), run) for incident in result.incidents()]
    connection.executemany(
        "INSERT OR REPLACE INTO incidents (id, severity, first, last, run, document) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (known, severity, nanoseconds(said["first"]), nanoseconds(said["last"]), run, json.dumps(said))
            for known, severity, said, run in rows
        ],
    )


def _finding_row(finding: Finding, run: int) -> Sequence[Any]:
    said, about = finding.statement, finding.subject
    sides = [None if side is None else side.get("ip") or side.get("mac") for side in (about.client, about.server)]
    return (
        finding.id, finding.revision, said.kind, said.severity, said.rule, said.conduit, about.protocol, *sides, finding.state,
        finding.first, finding.last, finding.count, run, json.dumps(finding.to_dict(), default=str),
    )  # fmt: skip


def _asset(row: Mapping[str, Any]) -> dict[str, Any]:
    """An asset as in the result document, without attributes."""
    roles = [role.split(":", 2) for role in row["roles"].split()]
    times = {name: None if row[name] is None else utc(row[name]) for name in ("first", "last")}
    return {
        "id": row["id"], "kind": row["kind"], "parent": row["parent"], "addresses": row["addresses"].split(),
        "heard": bool(row["heard"]), **times,
        "roles": [{"role": role, "protocol": protocol, "port": int(port) if port else None} for role, protocol, port in roles],
        "vlans": [int(vlan) for vlan in row["vlans"].split()], "units": row["units"].split(), "attributes": {},
    }  # fmt: skip


def _finding(row: Mapping[str, Any]) -> dict[str, Any]:
    """The document, and the run whose capture numbers its packets have."""
    return {**json.loads(row["document"]), "run": row["run"]}


def _add_attribute(attributes: dict[str, Any], row: Mapping[str, Any]) -> None:
    """The first row of a name is the most credible, newest one."""
    provenance = {
        "capture": row["capture"],
        "packet": row["packet"],
        "time": utc(row["time"]),
        "protocol": row["protocol"],
        "field": row["field"],
    }
    said = {"value": json.loads(row["value"]), "confidence": row["confidence"], "provenance": provenance}
    held = attributes.setdefault(row["name"], {**said, "history": []})
    if held["value"] != said["value"] or held["provenance"] != provenance:
        held["history"].insert(0, said)
