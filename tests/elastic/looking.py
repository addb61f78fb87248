"""What a cluster holds, asked without the shipper."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from sensor import outbox
from sensor.documents.fields import STREAMS
from sensor.documents.make import Maker
from sensor.shipping.elastic import ElasticOutput
from sensor.shipping.pump import Pump
from sensor.store import Store

STRICT = {"mappings": {"dynamic": "strict"}, "settings": {"index.mapping.ignore_malformed": False}}


def client(url: str, **more: Any) -> Elasticsearch:
    """Of the tests."""
    return Elasticsearch(url, request_timeout=60, **more)


def strict(es: Elasticsearch) -> None:
    """Unknown fields and wrong types are refused from now on."""
    es.cluster.put_component_template(name="fieldtap@custom", template=STRICT)


def held(es: Elasticsearch, namespace: str, *classes: str) -> Counter[str]:
    """How often each _id is there, over all streams of the namespace."""
    found: Counter[str] = Counter()
    for of in classes or tuple(STREAMS):
        name = STREAMS[of].name(namespace)
        es.indices.refresh(index=name, ignore_unavailable=True)
        after: list[Any] | None = None
        while True:
            more = {"search_after": after} if after else {}
            answer = es.search(
                index=name, ignore_unavailable=True, size=5_000, source=False, sort=[{"event.id": "asc"}, {"_doc": "asc"}], **more
            )  # fmt: skip
            hits = answer.body["hits"]["hits"]
            if not hits:
                break
            found.update(hit["_id"] for hit in hits)
            after = hits[-1]["sort"]
    return found


def output(es: Elasticsearch, namespace: str, *classes: str, sensor: str = "s1", **more: Any) -> ElasticOutput:
    """Of a sensor under test."""
    maker = Maker(name=sensor, hostname="h", version="1", site="plant", namespace=namespace)
    return ElasticOutput(es, maker, classes or tuple(STREAMS), **more)


def drained(store: Path, to: ElasticOutput, patience: float = 20) -> list[str]:
    """Ships all that waits; gives what was said."""
    said: list[str] = []
    with Store.open(store) as kept:
        Pump(kept.connection, to, say=said.append, patience=patience, longest_wait=0.5).drain()
    return said


def put(store: Path, count: int, of: str = "alert", size: int = 0) -> list[str]:
    """Findings of our making in the outbox; gives their ids."""
    from sensor.store import atomic

    with Store.open(store) as kept, atomic(kept.connection):
        start = kept.connection.execute("SELECT ifnull(max(produced), 0) FROM outbox_classes WHERE class = ?", (of,)).fetchone()
        first = start[0] if start else 0
        rows = [outbox.of_finding(finding(first + n, size), 1) for n in range(count)]
        outbox.put(kept.connection, rows)
    return [row[1] for row in rows]


def finding(n: int, size: int = 0) -> dict[str, Any]:
    """A finding as a run tells it."""
    return {
        "id": f"{n:016x}", "revision": 1, "state": "open", "kind": "alert", "rule": "r-1", "title": "Modbus write " + "x" * size,
        "severity": "high", "confidence": 0.9, "reason": "write", "client": {"ip": "10.0.0.1"}, "server": {"ip": "10.0.0.2", "port": 502},
        "protocol": "modbus", "unit": "1", "function": {"code": 16, "name": "write_multiple_registers"}, "sub_function": None,
        "access": "write", "points": [], "outcome": {"result": "accepted"}, "outcomes": {"accepted": 1}, "count": 1,
        "first": "2026-03-04T08:15:21.118000123Z", "last": "2026-03-04T08:15:21.118000123Z", "revised": "2026-03-04T08:16:00.000000000Z",
        "packets": [{"capture": 1, "packet": n + 1}], "policy": None, "attack": None,
    }  # fmt: skip


def closes(store: Path) -> list[outbox.Count]:
    """The counters, which must close."""
    with Store.open(store) as kept:
        counts = outbox.counts(kept.connection)
    assert [count for count in counts if not count.closes] == []
    return counts
