"""Refusals, lost answers, full disks: nothing is lost, nothing is there twice, and the counters close."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensor import outbox
from sensor.documents.fields import STREAMS
from sensor.shipping.pump import GivenUpError
from sensor.store import Store
from tests.elastic.between import Between
from tests.elastic.looking import client, closes, drained, held, output, put

ALERTS = STREAMS["alert"]


def ids(names: list[str]) -> dict[str, int]:
    return {f"s1.{name}": 1 for name in names}


def test_what_is_refused_for_a_while_arrives_once(cluster: str, namespace: str, tmp_path: Path) -> None:
    names = put(tmp_path / "s.sqlite", 300)
    with Between(cluster).running() as proxy:
        answers = iter([429, 503, 502, 500, "unsent", 401, 403, 429])
        proxy.decide = lambda path, *_: next(answers, None) if "_bulk" in path else None
        said = drained(tmp_path / "s.sqlite", output(client(proxy.url), namespace, "alert", most=100))
    assert proxy.seen >= 8 + 3
    assert any("429" in line for line in said)
    assert any("401: the credentials are refused" in line for line in said)
    assert held(client(cluster), namespace) == ids(names)
    (count,) = closes(tmp_path / "s.sqlite")
    assert (count.delivered, count.waiting, count.dead) == (300, 0, 0)


def test_an_answer_that_was_lost_is_looked_up_even_after_a_rollover(cluster: str, namespace: str, tmp_path: Path) -> None:
    names = put(tmp_path / "s.sqlite", 200)
    es = client(cluster)
    with Between(cluster).running() as proxy:
        lost = iter([True])

        def decide(path: str, *_: object) -> str | None:
            if "_bulk" not in path:
                return None
            if next(lost, False):
                return "lost"
            return None

        proxy.decide = decide
        to = output(client(proxy.url), namespace, "alert", most=1000)
        with pytest.raises(GivenUpError, match="everything is kept"):
            drained(tmp_path / "s.sqlite", to, patience=0)
        assert sum(held(es, namespace).values()) == 200
        es.indices.rollover(alias=ALERTS.name(namespace))
        more = put(tmp_path / "s.sqlite", 50)
        drained(tmp_path / "s.sqlite", output(client(proxy.url), namespace, "alert"))
    assert held(es, namespace) == ids(names + more)
    (count,) = closes(tmp_path / "s.sqlite")
    assert count.delivered == 250


def test_without_looking_a_rollover_would_have_doubled_them(cluster: str, namespace: str, tmp_path: Path) -> None:
    """What the test before rests on: an _id is unique in a backing index only."""
    put(tmp_path / "s.sqlite", 20)
    es = client(cluster)
    to = output(es, namespace, "alert")
    with Store.open(tmp_path / "s.sqlite") as store:
        outbox.register(store.connection, to.name, ["alert"])
        items, _ = outbox.next_batch(store.connection, to.name, "alert", 100, 1 << 20)
    assert to.deliver(items, doubtful=False).left == []
    es.indices.rollover(alias=ALERTS.name(namespace))
    to.deliver(items, doubtful=True)
    assert set(held(es, namespace).values()) == {1}
    to.deliver(items, doubtful=False)
    assert set(held(es, namespace).values()) == {2}


def test_a_request_that_is_too_large_is_halved(cluster: str, namespace: str, tmp_path: Path) -> None:
    names = put(tmp_path / "s.sqlite", 64)
    large = put(tmp_path / "s.sqlite", 1, size=60_000)
    names += put(tmp_path / "s.sqlite", 10)
    with Between(cluster, lambda path, size, _: 413 if "_bulk" in path and size > 40_000 else None).running() as proxy:
        drained(tmp_path / "s.sqlite", output(client(proxy.url), namespace, "alert"))
    assert held(client(cluster), namespace) == ids(names)
    (count,) = closes(tmp_path / "s.sqlite")
    assert (count.delivered, count.dead) == (74, 1)
    with Store.open(tmp_path / "s.sqlite") as store:
        (letter,) = outbox.dead_letters(store.connection)
        assert letter["id"] == large[0]
        assert letter["reason"].startswith("413")
        assert outbox.retry(store.connection) == 1
    drained(tmp_path / "s.sqlite", output(client(cluster), namespace, "alert"))
    assert held(client(cluster), namespace) == ids(names + large)
    (count,) = closes(tmp_path / "s.sqlite")
    assert (count.delivered, count.dead) == (75, 0)


def test_a_document_that_the_mapping_refuses_is_a_dead_letter_and_the_others_arrive(cluster: str, namespace: str, tmp_path: Path) -> None:
    from tests.elastic.looking import finding

    names = put(tmp_path / "s.sqlite", 10)
    wrong = [
        outbox.of_finding({**finding(100), "client": {"ip": "no address"}}, 1),
        ("alert", "broken", b"{"),
        outbox.of_finding({**finding(101), "unit": {"nested": 1}}, 1),
    ]
    with Store.open(tmp_path / "s.sqlite") as store:
        outbox.put(store.connection, wrong)
    drained(tmp_path / "s.sqlite", output(client(cluster), namespace, "alert"))
    assert held(client(cluster), namespace) == ids(names)
    with Store.open(tmp_path / "s.sqlite") as store:
        letters = outbox.dead_letters(store.connection)
        assert sorted(letter["id"] for letter in letters) == sorted(row[1] for row in wrong)
        reasons = " ".join(letter["reason"] for letter in letters)
        assert "no address" in reasons
        assert "no document can be made of it" in reasons
        assert outbox.drop(store.connection) == 3
    (count,) = closes(tmp_path / "s.sqlite")
    assert (count.produced, count.delivered, count.dead, count.dropped) == (13, 10, 0, 3)


def test_a_full_disk_blocks_and_is_waited_for(cluster: str, namespace: str, tmp_path: Path) -> None:
    names = put(tmp_path / "s.sqlite", 20)
    es = client(cluster)
    drained(tmp_path / "s.sqlite", output(es, namespace, "alert"))
    name = ALERTS.name(namespace)
    es.indices.put_settings(index=name, settings={"index.blocks.read_only_allow_delete": True})
    names += put(tmp_path / "s.sqlite", 30)
    with pytest.raises(GivenUpError, match="429: cluster_block_exception"):
        drained(tmp_path / "s.sqlite", output(es, namespace, "alert"), patience=1)
    (count,) = closes(tmp_path / "s.sqlite")
    assert (count.delivered, count.waiting, count.dead) == (20, 30, 0)
    es.indices.put_settings(index=name, settings={"index.blocks.read_only_allow_delete": None})
    drained(tmp_path / "s.sqlite", output(es, namespace, "alert"))
    assert held(es, namespace) == ids(names)


def test_a_cluster_that_is_not_there_is_waited_for(cluster: str, namespace: str, tmp_path: Path) -> None:
    names = put(tmp_path / "s.sqlite", 5)
    with pytest.raises(GivenUpError, match="no answer: ConnectionError"):
        drained(tmp_path / "s.sqlite", output(client("http://127.0.0.1:9"), namespace, "alert"), patience=0.3)
    drained(tmp_path / "s.sqlite", output(client(cluster), namespace, "alert"))
    assert held(client(cluster), namespace) == ids(names)
