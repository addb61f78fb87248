"""What is new or another of assets, put into the outbox when a run was kept: an event for each, and what is known of it now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from sensor import outbox
from sensor.documents import derived
from sensor.store import atomic

if TYPE_CHECKING:
    import sqlite3

    from sensor.store import Store

_SALIENT: Final = ("name", "role", "vendor", "model", "firmware", "hardware", "serial", "os", "location", "criticality")
_LISTS: Final = ("addresses", "vlans", "units")
_RECORD: Final = (
    "id", "kind", "parent", "addresses", "heard", "first", "last", "roles", "vlans", "units", "zone", "level", "level_by", "cpe",
)  # fmt: skip


def put_assets(store: Store) -> int:
    """Adds what differs from what was shipped before; gives how many assets do. Does nothing where no run was kept since."""
    newest = newer_run(store.connection)
    if newest is None:
        return 0
    from sensor.inventory.known import known

    run, policy = newest
    assets = known(store, _policy(store, policy)).assets
    with atomic(store.connection):
        shipped = {asset: (digest, state) for asset, digest, state in store.connection.execute("SELECT * FROM shipped_assets")}
        found = list(_changes(assets, shipped))
        outbox.put(store.connection, (row for _, _, rows in found for row in rows))
        marks = [*((asset, digest, state) for asset, digest, state in ((a, *s) for a, s, _ in found)), ("", "", str(run))]
        store.connection.executemany("INSERT OR REPLACE INTO shipped_assets VALUES (?, ?, ?)", marks)
    return len(found)


def newer_run(connection: sqlite3.Connection) -> tuple[int, str | None] | None:
    """The newest run and its policy's digest, where its assets were not put in yet."""
    newest = connection.execute("SELECT id, policy FROM runs ORDER BY id DESC LIMIT 1").fetchone()
    seen = connection.execute("SELECT state FROM shipped_assets WHERE asset = ''").fetchone()
    return None if newest is None or (seen is not None and int(seen[0]) >= newest[0]) else (newest[0], newest[1])


def _policy(store: Store, digest: str | None) -> Any:
    """The policy of the last run, as it was kept with it; None where there was none, or none that this Fieldtap can read."""
    row = store.connection.execute("SELECT file, text FROM policies WHERE sha256 = ?", (digest,)).fetchone()
    if row is None:
        return None
    import tempfile
    from pathlib import Path

    from zones import PolicyError, compile_policy

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "policy.yml"
        place.write_bytes(row[1])
        try:
            return compile_policy(str(place))
        except PolicyError:
            return None


Change = tuple[str, tuple[str, str], list[tuple[str, str, bytes]]]


def _changes(assets: Any, shipped: Mapping[str, tuple[str, str]]) -> Iterator[Change]:
    for asset in assets:
        record = _record(asset)
        text = outbox.encoded(record)
        digest = blake2b(text, digest_size=8).hexdigest()
        before = shipped.get(asset["id"])
        if before is not None and before[0] == digest:
            continue
        state = _state(record)
        held = None if before is None else json.loads(before[1])
        changed = [] if held is None else sorted(name for name in state if state[name] != held.get(name))
        rows = [("current", asset["id"], text)]
        if held is None or changed:
            said = {"change": "new"} if held is None else {"change": "changed", "changed": changed}
            rows.insert(0, ("asset", f"{asset['id']}.{digest}", outbox.encoded({**record, **said})))
        yield asset["id"], (digest, json.dumps(state, default=str)), rows


def _record(asset: Mapping[str, Any]) -> dict[str, Any]:
    """What documents need of a known asset: values, without votes and history."""
    record = {name: asset[name] for name in _RECORD}
    for name in ("declared", "observed"):
        record[name] = {topic: {"value": said["value"]} for topic, said in asset[name].items()}
    record["attributes"] = {name: {"value": said["value"]} for name, said in asset["attributes"].items()}
    record["contradictions"] = [{"kind": one["kind"]} for one in asset["contradictions"]]
    return record


def _state(record: Mapping[str, Any]) -> dict[str, Any]:
    """What makes an event when it changes; that an asset was seen again does not."""
    said = {name: derived.said_of(name, record) for name in _SALIENT}
    lists = {name: [str(one) for one in record[name]] for name in _LISTS}
    roles = {"serves": derived.serves(record), "asks": derived.asks(record)}
    places = {name: record[name] for name in ("zone", "level")}
    return {**said, **lists, **roles, **places, "contradictions": derived.contradictions(record)}


def main() -> None:
    """The shipper calls this in a process of its own, with the path of the store."""
    import sys
    from pathlib import Path

    from sensor.store import Store, StoreError

    try:
        with Store.open(Path(sys.argv[1])) as store:
            put_assets(store)
    except StoreError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
