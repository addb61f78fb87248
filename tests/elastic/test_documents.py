"""Every document of captures is indexed strictly, with zero refusals, and is found by query with the right types."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from sensor import outbox
from sensor.documents.fields import STREAMS, fields_of
from sensor.pipeline import ReplayConfig, replay
from sensor.shipping.assets import put_assets
from sensor.shipping.setup import check, set_up
from sensor.store import Store
from tests.corpus import SUFFIXES, captures
from tests.elastic.looking import client, closes, drained, held, output
from tests.sensor.cli.run import PCAPS, policy

CORPUS = [path for path in captures(most=1 << 30) if path.suffix in SUFFIXES]
SMALL = [path for path in CORPUS if path.stat().st_size < 1 << 20]
WANTED = CORPUS if os.environ.get("FIELDTAP_WHOLE_CORPUS") == "1" else SMALL[:: max(1, len(SMALL) // 40)]
OWN = [PCAPS / "mixed" / "attack.pcapng", *sorted(PCAPS.glob("*/*.pcap*"))[::6]]


def test_set_up_says_what_it_did_and_a_second_time_that_nothing_was_left(cluster: str) -> None:
    es = client(cluster)
    assert {done.how for done in set_up(es)} == {"unchanged"}
    (policy,) = [done for done in set_up(es, lifecycle=True) if done.what == "lifecycle policy"]
    assert policy.how == "left out", "this distribution has no index lifecycle management"
    name = "fieldtap.sensor@mappings"
    es.cluster.put_component_template(name=name, template={"mappings": {}})
    assert [done.name for done in check(es, "none") if done.how == "failed"] == [name]
    assert [(done.how, done.name) for done in set_up(es) if done.how != "unchanged"] == [("updated", name)]
    assert [done for done in check(es, "none") if done.how == "failed"] == []


@pytest.mark.parametrize("group", range(4))
def test_every_document_is_taken(cluster: str, namespace: str, tmp_path: Path, group: int) -> None:
    es, store = client(cluster), tmp_path / "s.sqlite"
    produced = dict.fromkeys(STREAMS, 0)
    known_ids: dict[str, set[str]] = {of: set() for of in STREAMS}
    for place in [*OWN, *WANTED][group::4]:
        replay(ReplayConfig(captures=[place], zones=policy(), store=store, outbox="all"))
        with Store.open(store) as kept:
            put_assets(kept)
            for of, known in kept.connection.execute("SELECT class, id FROM outbox"):
                known_ids[of].add(known)
        said = drained(store, output(es, namespace), patience=60)
        with Store.open(store) as kept:
            assert outbox.dead_letters(kept.connection) == [], place
        assert said == [], place
    for count in closes(store):
        produced[count.of] = count.produced
        assert count.delivered == count.produced
    assert produced["transaction"] > 0
    for of, stream in STREAMS.items():
        found = held(es, namespace, of)
        assert max(found.values(), default=1) == 1
        assert set(found) == {f"s1.{known}" for known in known_ids[of]}
        if found:
            types_fit(es, stream.name(namespace), stream.record)


def types_fit(es: Any, name: str, record: str) -> None:
    """Each field that has a value answers as its type: numbers and dates by range, addresses by network, texts by their words."""
    caps = es.field_caps(index=name, fields="*").body["fields"]
    for field in fields_of(record):
        if field.type not in ("object",):
            assert field.type in caps[field.name], field.name
    queries = {
        "long": {"gte": -(1 << 60)}, "double": {"gte": -1e300}, "date": {"gte": "0001-01-01", "lte": "9999-12-31"},
    }  # fmt: skip
    for field in fields_of(record):
        there = es.count(index=name, query={"exists": {"field": field.name}}).body["count"]
        if field.type in queries and there:
            ranged = es.count(index=name, query={"range": {field.name: queries[field.type]}}).body["count"]
            assert ranged == there, field.name
        if field.type == "ip" and there:
            both = [{"term": {field.name: network}} for network in ("0.0.0.0/0", "::/0")]
            assert es.count(index=name, query={"bool": {"should": both}}).body["count"] == there, field.name
