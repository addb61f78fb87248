"""Baselines in the store: kept, loaded, widened by what people accept, and reset. Each of these leaves a line in the baseline's log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sensor.baseline.learn import joined
from sensor.baseline.model import Baseline, Key, Learned, Span, service
from sensor.clock import utc
from sensor.inventory.address import is_device
from sensor.store import BaselineError

if TYPE_CHECKING:
    import sqlite3

DEFAULT: Final = "baseline"
"""The name of the baseline that commands mean when none is given."""


def names(connection: sqlite3.Connection) -> list[str]:
    """Those that are kept, in order."""
    return [name for (name,) in connection.execute("SELECT name FROM baselines ORDER BY name")]


def vacant(connection: sqlite3.Connection, name: str) -> None:
    """Raises BaselineError where there is a baseline of this name."""
    if name in names(connection):
        raise BaselineError(f"there is a baseline {name!r} already: 'fieldtap baseline reset' takes it away, or choose another name")


def keep(connection: sqlite3.Connection, baseline: Baseline, at: str | None = None) -> None:
    """Adds a learned baseline. Raises BaselineError where one of its name is kept already: that one is reset first, with a reason."""
    vacant(connection, baseline.name)
    said = {"first": utc(baseline.first), "last": utc(baseline.last), "packets": baseline.packets, "operations": len(baseline.operations)}
    connection.execute(
        "INSERT INTO baselines (name, first, last, packets, assets, over) VALUES (?, ?, ?, ?, ?, ?)",
        (baseline.name, baseline.first, baseline.last, baseline.packets, json.dumps(sorted(baseline.assets)), json.dumps(baseline.over)),
    )
    rows = ((baseline.name, _key(key), json.dumps(learned.to_dict())) for key, learned in baseline.operations.items())
    connection.executemany("INSERT INTO baseline_operations (baseline, operation, document) VALUES (?, ?, ?)", rows)
    _log(connection, baseline.name, "learn", ("", ""), said, at)


def load(connection: sqlite3.Connection, name: str) -> Baseline:
    """The baseline of this name, with what was accepted. Raises BaselineError where there is none."""
    row = connection.execute("SELECT first, last, packets, assets, over FROM baselines WHERE name = ?", (name,)).fetchone()
    if row is None:
        known = ", ".join(names(connection)) or "none yet"
        raise BaselineError(f"the store keeps no baseline {name!r} (it keeps: {known}): 'fieldtap baseline learn CAPTURE' makes one")
    first, last, packets, assets, over = row
    made = Baseline(name=name, first=first, last=last, packets=packets, assets=set(json.loads(assets)), over=json.loads(over))
    rows = connection.execute("SELECT document FROM baseline_operations WHERE baseline = ? ORDER BY operation", (name,))
    for (document,) in rows:
        learned = Learned.of(json.loads(document))
        made.operations[learned.key] = learned
    return made


def log(connection: sqlite3.Connection, name: str | None = None) -> Iterator[dict[str, Any]]:
    """What was learned, accepted and reset, by whom and why, the newest last; of one baseline or of all."""
    rows = connection.execute(
        "SELECT baseline, action, who, why, at, document FROM baseline_log WHERE ? IS NULL OR baseline = ? ORDER BY id", (name, name)
    )
    for baseline, action, who, why, at, document in rows:
        yield {"baseline": baseline, "action": action, "who": who, "why": why, "at": at, "what": json.loads(document)}


def accept(connection: sqlite3.Connection, finding: Mapping[str, Any], who: str, why: str, at: str | None = None) -> str:
    """Widens a baseline by what a finding found new, and notes who accepted it and why; gives what was accepted, in words.

    A new operation is taken with its points, new points with them, a value with the least and greatest that the finding counted; of a
    changed interval no interval is expected any more. Raises BaselineError where the finding is none of a baseline, or it is gone.
    """
    said = (finding.get("detail") or {}).get("baseline")
    if said is None:
        raise BaselineError(f"finding {finding['id']} is none of a baseline: 'fieldtap findings ack' notes what was decided of it")
    name, way = said["name"], said["how"]
    baseline = load(connection, name)
    key = key_of_finding(finding)
    if key is None:
        raise BaselineError(f"finding {finding['id']} stands for several operations: a baseline takes them one by one")
    learned = _accepted(baseline.operations.get(key), key, finding, way)
    connection.execute(
        "INSERT INTO baseline_operations (baseline, operation, document) VALUES (?, ?, ?)"
        " ON CONFLICT (baseline, operation) DO UPDATE SET document = excluded.document",
        (name, _key(key), json.dumps(learned.to_dict())),
    )
    assets = baseline.assets | {side for side in key.pair if side is not None and is_device(side)}
    connection.execute("UPDATE baselines SET assets = ? WHERE name = ?", (json.dumps(sorted(assets)), name))
    what = {"finding": finding["id"], "how": way, "said": said["why"], "operation": list(key), "points": _points(finding)}
    _log(connection, name, "accept", (who, why), what, at)
    return str(said["why"])


def reset(connection: sqlite3.Connection, name: str, who: str, why: str, at: str | None = None) -> int:
    """Takes a baseline away; its log stays. Gives how many operations it had. Raises BaselineError where there is none."""
    load(connection, name)
    count = connection.execute("DELETE FROM baseline_operations WHERE baseline = ?", (name,)).rowcount
    connection.execute("DELETE FROM baselines WHERE name = ?", (name,))
    _log(connection, name, "reset", (who, why), {"operations": count}, at)
    return count


def key_of_finding(finding: Mapping[str, Any]) -> Key | None:
    """The operation that a finding's document speaks of; None where it speaks of several."""
    client, server, function, sub = (finding[name] for name in ("client", "server", "function", "sub_function"))
    if client is None or server is None or finding.get("protocol") is None:
        return None
    one, other = (side.get("ip") or side.get("mac") for side in (client, server))
    detail = None if sub is None else f"{'' if sub.get('group') is None else sub['group']}/{sub['code']}"
    code = None if function is None else function["code"]
    port = service(finding["protocol"], server.get("port"))
    return Key(one, other, port, finding["protocol"], finding["unit"], code, detail, finding["access"])


def _accepted(known: Learned | None, key: Key, finding: Mapping[str, Any], way: str) -> Learned:
    function, sub = finding["function"], finding["sub_function"]
    seen = tuple(_span(point) for point in finding["points"])
    if known is None:
        return Learned(
            key=key, function=None if function is None else function["name"], sub_function=None if sub is None else sub["name"],
            merged=function is None, points=None if function is None else joined(seen), accepted=True,
        )  # fmt: skip
    if way == "interval":
        return replace(known, interval=None, accepted=True)
    if way == "value" and known.points is not None:
        return replace(known, points=tuple(_wider(span, seen, finding) for span in known.points), accepted=True)
    return replace(known, points=None if known.points is None else joined((*known.points, *seen)), accepted=True)


def _wider(span: Span, seen: Sequence[Span], finding: Mapping[str, Any]) -> Span:
    """Limits that take in what the finding counted, where it was at these points; without limits where that is not known."""
    touched = any(
        (span.kind, span.access, span.block, span.name) == (one.kind, one.access, one.block, one.name)
        and (span.name is not None or (span.first <= one.last and one.first <= span.last))
        for one in seen
    )
    if not touched or span.least is None or span.greatest is None:
        return span
    values = (finding.get("detail") or {}).get("values")
    if values is None:
        return replace(span, least=None, greatest=None)
    return replace(span, least=min(span.least, values["least"]), greatest=max(span.greatest, values["greatest"]))


def _span(point: Mapping[str, Any]) -> Span:
    return Span(point["kind"], point["access"], point.get("block"), point["first"], point["last"], point.get("name"))


def _points(finding: Mapping[str, Any]) -> list[str]:
    return [str(point["point"]) for point in finding["points"]]


def _key(key: Key) -> str:
    return json.dumps(list(key))


def _log(
    connection: sqlite3.Connection, name: str, action: str, said: tuple[str, str], what: Mapping[str, Any], at: str | None
) -> None:  # fmt: skip
    when = datetime.now(UTC).isoformat(timespec="seconds") if at is None else at
    connection.execute(
        "INSERT INTO baseline_log (baseline, action, who, why, at, document) VALUES (?, ?, ?, ?, ?, ?)",
        (name, action, *said, when, json.dumps(what)),
    )
