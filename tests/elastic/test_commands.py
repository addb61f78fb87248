"""What people type, two sensors in one cluster, and rules that find in it what they match in the sensor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sensor.documents.fields import STREAMS
from tests.elastic.between import Between
from tests.elastic.looking import client, closes, held, put
from tests.sensor.cli.run import ATTACK, PCAPS, Ended, fieldtap, policy


def configured(home: Path, url: str, namespace: str, name: str = "s1", more: str = "") -> Path:
    place = home / "fieldtap.toml"
    place.write_text(
        f'[sensor]\nname = "{name}"\nsite = "site-{name}"\n[elasticsearch]\nhosts = ["{url}"]\nnamespace = "{namespace}"\n{more}\n'
    )
    return place


def sources(es: Any, namespace: str, of: str, query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    name = STREAMS[of].name(namespace)
    es.indices.refresh(index=name)
    answer = es.search(index=name, size=10_000, query=query or {"match_all": {}})
    return [hit["_source"] for hit in answer.body["hits"]["hits"]]


def test_from_a_capture_to_the_cluster(cluster: str, namespace: str, tmp_path: Path) -> None:
    configured(tmp_path, cluster, namespace, more='transactions = "unexpected"')
    setup = fieldtap(tmp_path, "elastic", "setup")
    assert setup.code == 0, setup.err
    assert "component template fieldtap@mappings" in setup.out
    ended = fieldtap(tmp_path, "replay", ATTACK, "--zones", policy(), "--elastic", "--json", "--store", "s.sqlite")
    assert (ended.code, ended.err) == (0, "")
    findings = json.loads(ended.out)["findings"]
    es = client(cluster)
    kinds = {"alert": "alert", "violation": "violation", "coverage": "coverage"}
    for of, kind in kinds.items():
        wanted = {finding["id"] for finding in findings if finding["kind"] == kind}
        if wanted:
            assert {one["fieldtap"]["finding"]["id"] for one in sources(es, namespace, of)} == wanted
    alerts = sources(es, namespace, "alert", {"term": {"event.kind": "alert"}})
    assert len(alerts) == len({one["fieldtap"]["finding"]["id"] for one in alerts})
    shown = {(packet["capture"], packet["packet"]) for finding in findings for packet in finding["packets"]}
    for one in sources(es, namespace, "transaction"):
        said = one["fieldtap"]
        assert {(said[side]["capture"], said[side]["packet"]) for side in ("request", "response") if side in said} & shown
    assert len(sources(es, namespace, "current")) == len(sources(es, namespace, "asset")) > 5
    (sensor,) = sources(es, namespace, "sensor")
    assert sensor["fieldtap"]["sensor"]["packets"]["read"] == json.loads(ended.out)["packets"]["read"]
    closes(tmp_path / "s.sqlite")
    before = held(es, namespace)
    again = fieldtap(tmp_path, "replay", ATTACK, "--zones", policy(), "--elastic", "-q", "--store", "s.sqlite")
    assert again.code == 0, again.err
    after = held(es, namespace)
    assert set(after.values()) == {1}
    assert {known for known in after if known not in before} == {known for known in after if ".run." in known and known not in before}


def test_a_cluster_that_refuses_is_said_and_the_run_is_kept(tmp_path: Path) -> None:
    configured(tmp_path, "http://127.0.0.1:9", "none")
    (tmp_path / "quick").mkdir()
    checked = fieldtap(tmp_path, "elastic", "check")
    assert checked.code == 4
    assert "no answer" in checked.out
    setup = fieldtap(tmp_path, "elastic", "setup")
    assert setup.code == 4
    assert "no answer" in setup.err


def test_two_sensors_in_one_cluster(cluster: str, namespace: str, tmp_path: Path) -> None:
    """The same plant seen by two sensors: nothing of one hides what the other says, and each document says whose it is."""
    for name in ("plant1-a", "plant2-a"):
        home = tmp_path / name
        home.mkdir()
        configured(home, cluster, namespace, name)
        ended: Ended = fieldtap(home, "replay", ATTACK, "--zones", policy(), "--elastic", "-q", "--store", "s.sqlite")
        assert (ended.code, ended.err) == (0, "")
    es = client(cluster)
    for of in ("alert", "violation", "asset", "current", "sensor"):
        found = sources(es, namespace, of)
        counts = {name: sum(one["observer"]["name"] == name for one in found) for name in ("plant1-a", "plant2-a")}
        assert counts["plant1-a"] == counts["plant2-a"] > 0, of
        assert all(one["fieldtap"]["site"]["id"] == f"site-{one['observer']['name']}" for one in found)
        assert all(abs(one["fieldtap"]["clock_offset_ms"]) < 5_000 for one in found)
    by = {"sensors": {"terms": {"field": "observer.name"}, "aggs": {"kinds": {"terms": {"field": "rule.category"}}}}}
    answer = es.search(index=f"logs-fieldtap.*-{namespace}", size=0, aggs=by, query={"term": {"event.kind": "alert"}})
    assert len(answer.body["aggregations"]["sensors"]["buckets"]) == 2


def test_a_converted_rule_finds_the_transactions_that_it_matched(cluster: str, namespace: str, tmp_path: Path) -> None:
    convert = pytest.importorskip("rules.convert", reason="rules convert is not here yet")
    from rules.loader import catalog
    from sensor.pipeline import ReplayConfig, replay
    from tests.elastic.looking import drained, output

    capture, store = PCAPS / "mixed" / "attack.pcapng", tmp_path / "s.sqlite"
    result = replay(ReplayConfig(captures=[capture], store=store, outbox="all"))
    es = client(cluster)
    drained(store, output(es, namespace, "transaction"))
    es.indices.refresh(index=STREAMS["transaction"].name(namespace))
    compared = 0
    counts: dict[str, int] = {}
    for finding in result.findings:
        named = (finding.detail or finding.statement.detail or {}).get("rule") if finding.statement.kind == "alert" else None
        if named is not None:
            counts[named["file"]] = counts.get(named["file"], 0) + finding.count
    for file, count in sorted(counts.items()):
        rule = _rule(catalog() / file)
        if "correlation" in rule:
            continue
        try:
            made = convert.converted(rule, [], {})
        except convert.ConversionError:
            continue
        if made.notes:
            continue
        found = es.count(index=STREAMS["transaction"].name(namespace), query=made.body["query"]).body["count"]
        assert found == count, (file, made.lucene)
        compared += 1
    assert compared >= 3


def _rule(path: Path) -> dict[str, Any]:
    import yaml

    return next(document for document in yaml.safe_load_all(path.read_text()) if document)


def test_by_a_proxy(cluster: str, namespace: str, tmp_path: Path) -> None:
    names = put(tmp_path / "s.sqlite", 20)
    with Between(cluster).running() as proxy:
        configured(tmp_path, cluster.replace("localhost", "127.0.0.1"), namespace, more=f'proxy = "{proxy.url}"')
        ended = fieldtap(tmp_path, "ship", "--once", "--store", "s.sqlite")
    assert (ended.code, ended.err) == (0, "")
    assert proxy.seen == 1
    assert held(client(cluster), namespace) == {f"s1.{name}": 1 for name in names}
