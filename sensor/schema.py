"""The store's schema, one step a version (SQLite's user_version). A step that was released is never changed; a new one is added.

Times are capture time in ns, lists of an asset are joined by spaces (a role is `server:modbus:502`), `document` is JSON as in the result of
a replay. A capture's `id` is its SHA-256 where that was worked out, else a digest of path, size and times; its path is absolute. `declared`
is only ever added to: the newest row of an asset and name holds, and one without a value takes it back. A policy is kept as the bytes
that were in force, a run's chapter as its report's JSON (sensor.reports). Of dispositions the newest row of a finding holds. A suppression
ends by capture time (`until`), or when it is lifted; `terms` is a JSON list. A baseline's
`operation` is its key as JSON (sensor.baseline.model); its log is only ever added to, and outlives it.

The outbox (sensor.outbox) holds what outputs have to deliver until all of them have; two triggers count what was ever put into it and
what it holds, so that its counters can't be forgotten. `edition` of a revision grows when it is told anew.
"""

from __future__ import annotations

from typing import Final

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        "CREATE TABLE runs (id INTEGER PRIMARY KEY, finished TEXT NOT NULL, fieldtap TEXT NOT NULL, policy TEXT, rules TEXT)",
        "CREATE TABLE captures (id TEXT PRIMARY KEY, sha256 TEXT, path TEXT NOT NULL, packets INTEGER, bytes INTEGER,"
        " first INTEGER, last INTEGER) WITHOUT ROWID",
        "CREATE TABLE run_captures (run INTEGER NOT NULL REFERENCES runs, number INTEGER NOT NULL,"
        " capture TEXT NOT NULL REFERENCES captures, PRIMARY KEY (run, number)) WITHOUT ROWID",
        "CREATE TABLE assets (id TEXT PRIMARY KEY, place INTEGER NOT NULL, parent TEXT, kind TEXT NOT NULL, heard INTEGER NOT NULL,"
        " first INTEGER, last INTEGER, addresses TEXT NOT NULL,"
        " roles TEXT NOT NULL, vlans TEXT NOT NULL, units TEXT NOT NULL) WITHOUT ROWID",
        "CREATE TABLE attributes (asset TEXT NOT NULL REFERENCES assets, name TEXT NOT NULL, value TEXT NOT NULL, confidence REAL NOT NULL,"
        " protocol TEXT NOT NULL, field TEXT NOT NULL, capture TEXT NOT NULL, packet INTEGER NOT NULL, time INTEGER NOT NULL,"
        " PRIMARY KEY (asset, name, value, protocol, field, time, packet)) WITHOUT ROWID",
        "CREATE TABLE operations (client TEXT NOT NULL, server TEXT NOT NULL, port NOT NULL, protocol TEXT NOT NULL, unit TEXT NOT NULL,"
        " function INTEGER NOT NULL, sub_function TEXT NOT NULL, access TEXT NOT NULL, function_name TEXT,"
        " first INTEGER, last INTEGER, count INTEGER NOT NULL,"
        " run INTEGER NOT NULL REFERENCES runs,"
        " PRIMARY KEY (client, server, port, protocol, unit, function, sub_function, access)) WITHOUT ROWID",
        "CREATE TABLE findings (id TEXT PRIMARY KEY, revision INTEGER NOT NULL, kind TEXT NOT NULL, severity TEXT NOT NULL, rule TEXT,"
        " conduit TEXT, protocol TEXT, client TEXT, server TEXT, state TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
        " count INTEGER NOT NULL, run INTEGER NOT NULL REFERENCES runs, document TEXT NOT NULL) WITHOUT ROWID",
        "CREATE INDEX findings_by_time ON findings (first, id)",
        "CREATE TABLE revisions (finding TEXT NOT NULL REFERENCES findings, revision INTEGER NOT NULL, revised TEXT NOT NULL,"
        " run INTEGER NOT NULL REFERENCES runs, document TEXT NOT NULL, PRIMARY KEY (finding, revision)) WITHOUT ROWID",
        "CREATE TABLE outbox (sequence INTEGER PRIMARY KEY AUTOINCREMENT, finding TEXT NOT NULL, revision INTEGER NOT NULL,"
        " state TEXT NOT NULL DEFAULT 'waiting', attempts INTEGER NOT NULL DEFAULT 0, error TEXT, UNIQUE (finding, revision),"
        " FOREIGN KEY (finding, revision) REFERENCES revisions)",
    ),
    (
        "ALTER TABLE operations ADD COLUMN rejected INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE operations ADD COLUMN rejections TEXT NOT NULL DEFAULT '{}'",
        "ALTER TABLE operations ADD COLUMN points TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE operations ADD COLUMN capture TEXT",
        "ALTER TABLE operations ADD COLUMN packet INTEGER",
        "CREATE TABLE ledgers (client TEXT NOT NULL, server TEXT NOT NULL, port INTEGER NOT NULL, protocol TEXT NOT NULL,"
        " document TEXT NOT NULL, run INTEGER NOT NULL REFERENCES runs, PRIMARY KEY (client, server, port, protocol)) WITHOUT ROWID",
        "CREATE TABLE declared (id INTEGER PRIMARY KEY, asset TEXT NOT NULL, name TEXT NOT NULL, value TEXT, who TEXT NOT NULL,"
        " why TEXT NOT NULL, at TEXT NOT NULL, source TEXT NOT NULL)",
        "CREATE INDEX declared_by_asset ON declared (asset, name, id)",
    ),
    (
        "CREATE TABLE policies (sha256 TEXT PRIMARY KEY, file TEXT NOT NULL, text BLOB NOT NULL) WITHOUT ROWID",
        "CREATE TABLE chapters (run INTEGER PRIMARY KEY REFERENCES runs, policy TEXT NOT NULL, first INTEGER, last INTEGER,"
        " document TEXT NOT NULL)",
        "CREATE INDEX chapters_by_time ON chapters (first, last)",
        "CREATE TABLE dispositions (id INTEGER PRIMARY KEY, finding TEXT NOT NULL, state TEXT NOT NULL, who TEXT NOT NULL,"
        " why TEXT NOT NULL, at TEXT NOT NULL)",
    ),
    (
        "ALTER TABLE revisions ADD COLUMN edition INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE outbox RENAME TO outbox_before",
        "CREATE TABLE outbox (sequence INTEGER PRIMARY KEY AUTOINCREMENT, class TEXT NOT NULL, id TEXT NOT NULL, document BLOB NOT NULL,"
        " bytes INTEGER NOT NULL, at TEXT NOT NULL)",
        "CREATE INDEX outbox_by_class ON outbox (class, sequence)",
        "CREATE TABLE outbox_classes (class TEXT PRIMARY KEY, produced INTEGER NOT NULL, held INTEGER NOT NULL, bytes INTEGER NOT NULL)"
        " WITHOUT ROWID",
        "CREATE TRIGGER outbox_produced AFTER INSERT ON outbox BEGIN"
        " INSERT INTO outbox_classes VALUES (new.class, 1, 1, new.bytes)"
        " ON CONFLICT DO UPDATE SET produced = produced + 1, held = held + 1, bytes = bytes + excluded.bytes; END",
        "CREATE TRIGGER outbox_gone AFTER DELETE ON outbox BEGIN"
        " UPDATE outbox_classes SET held = held - 1, bytes = bytes - old.bytes WHERE class = old.class; END",
        "INSERT INTO outbox (class, id, document, bytes, at)"
        " SELECT CASE f.kind WHEN 'health' THEN 'coverage' ELSE f.kind END, o.finding || '.' || o.revision, r.document,"
        " length(CAST(r.document AS BLOB)), strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
        " FROM outbox_before o JOIN revisions r ON r.finding = o.finding AND r.revision = o.revision JOIN findings f ON f.id = o.finding"
        " ORDER BY o.sequence",
        "DROP TABLE outbox_before",
        "CREATE TABLE outputs (name TEXT NOT NULL, class TEXT NOT NULL, position INTEGER NOT NULL, sending INTEGER NOT NULL,"
        " before INTEGER NOT NULL, delivered INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0, place TEXT,"
        " PRIMARY KEY (name, class)) WITHOUT ROWID",
        "CREATE TABLE dead_letters (number INTEGER PRIMARY KEY AUTOINCREMENT, output TEXT NOT NULL, class TEXT NOT NULL, id TEXT NOT NULL,"
        " document BLOB NOT NULL, at TEXT NOT NULL, reason TEXT NOT NULL, refused TEXT NOT NULL, again INTEGER NOT NULL DEFAULT 0)",
        "CREATE INDEX dead_letters_by_output ON dead_letters (output, again)",
        "CREATE TABLE shipped_assets (asset TEXT PRIMARY KEY, digest TEXT NOT NULL, state TEXT NOT NULL) WITHOUT ROWID",
    ),
    (
        "CREATE TABLE suppressions (id INTEGER PRIMARY KEY, terms TEXT NOT NULL, until INTEGER NOT NULL, who TEXT NOT NULL,"
        " why TEXT NOT NULL, at TEXT NOT NULL, lifted TEXT)",
        "CREATE TABLE incidents (id TEXT PRIMARY KEY, severity TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
        " run INTEGER NOT NULL REFERENCES runs, document TEXT NOT NULL) WITHOUT ROWID",
    ),
    (
        "CREATE TABLE baselines (name TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, packets INTEGER NOT NULL,"
        " assets TEXT NOT NULL, over TEXT NOT NULL) WITHOUT ROWID",
        "CREATE TABLE baseline_operations (baseline TEXT NOT NULL REFERENCES baselines, operation TEXT NOT NULL, document TEXT NOT NULL,"
        " PRIMARY KEY (baseline, operation)) WITHOUT ROWID",
        "CREATE TABLE baseline_log (id INTEGER PRIMARY KEY, baseline TEXT NOT NULL, action TEXT NOT NULL, who TEXT NOT NULL,"
        " why TEXT NOT NULL, at TEXT NOT NULL, document TEXT NOT NULL)",
    ),
    ("DROP TRIGGER outbox_gone",),
)
