"""kill -9 of the shipper, the sensor and the server at random points: nothing is lost, nothing is there twice.

FIELDTAP_KILLS says how often in all (100 by `make test-elastic`; less in CI).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from sensor import outbox
from sensor.documents.fields import STREAMS
from sensor.shipping.setup import set_up
from sensor.store import Store
from tests.elastic.looking import client, closes, held, put, strict
from tests.elastic.server import Server
from tests.sensor.cli.run import PCAPS, command, environment

KILLS = int(os.environ.get("FIELDTAP_KILLS", "9"))
SERVER_KILLS = max(1, KILLS // 5)
SEED = int(os.environ.get("FIELDTAP_SEED", "1"))


def configured(folder: Path, url: str, namespace: str) -> list[str]:
    place = folder / "fieldtap.toml"
    place.write_text(f'[sensor]\nname = "s1"\n[elasticsearch]\nhosts = ["{url}"]\nnamespace = "{namespace}"\ntimeout = 10\n')
    return ["--config", str(place), "--store", str(folder / "s.sqlite")]


def shipper(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command("ship", *arguments), cwd=folder, env=environment(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def moved(store: Path) -> tuple[int, int]:
    """How far the alerts are: the mark up to which they may have been sent, and how many of them are not settled yet."""
    with Store.open(store) as kept:
        row = kept.connection.execute("SELECT sending, sending - position FROM outputs WHERE class = 'alert'").fetchone()
    return (0, 0) if row is None else (row[0], max(0, row[1]))


def at_work(process: subprocess.Popen[bytes], store: Path, before: int) -> None:
    """Waits until the shipper sends: what comes before is its start, where a kill shows little."""
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None and moved(store)[0] <= before:
        time.sleep(0.05)


def finish(folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        command("ship", "--once", "--patience", "60", *arguments), cwd=folder, env=environment(folder), capture_output=True, timeout=300
    )
    assert done.returncode == 0, done.stderr.decode()


def test_shipper_and_server_killed(own_server: Server, namespace: str, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    es = client(own_server.url)
    strict(es)
    list(set_up(es))
    arguments, store, names = configured(tmp_path, own_server.url, namespace), tmp_path / "s.sqlite", []
    kills = ["server"] * SERVER_KILLS + ["shipper"] * (KILLS - SERVER_KILLS)
    chance.shuffle(kills)
    amid = 0
    for kill in kills:
        names += put(store, chance.randrange(1_000, 4_000))
        before = moved(store)[0]
        process = shipper(tmp_path, *arguments)
        at_work(process, store, before)
        time.sleep(chance.uniform(0, 0.8))
        if kill == "server":
            own_server.kill()
            time.sleep(chance.uniform(0, 1))
            own_server.start()
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        amid += moved(store)[1] > 0
        if chance.random() < 0.4:
            es.indices.rollover(alias=STREAMS["alert"].name(namespace), body={"conditions": {}}) if es.indices.exists(
                index=STREAMS["alert"].name(namespace)
            ) else None
    print(f"{len(kills)} kills, {SERVER_KILLS} of them of the server; after {amid} of them a batch was not settled")
    assert amid >= KILLS // 10
    finish(tmp_path, *arguments)
    found = held(client(own_server.url), namespace, "alert")
    assert found == {f"s1.{name}": 1 for name in names}
    (count,) = [count for count in closes(store) if count.of == "alert"]
    assert count.delivered == count.produced == len(names)


def test_sensor_killed_at_random_points(cluster: str, namespace: str, tmp_path: Path) -> None:
    """A finding is shipped if and only if it was stored, wherever the run is killed."""
    chance = random.Random(SEED)
    arguments, store = configured(tmp_path, cluster, namespace), tmp_path / "s.sqlite"
    captures = sorted(PCAPS.glob("*/attack.pcapng"))
    killed = 0
    while killed < max(2, KILLS // 3):
        run = ["replay", chance.choice(captures), "-q", "--store", store]
        process = subprocess.Popen(command(*run), cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.2, 2.5))
        killed += process.poll() is None
        process.kill()
        process.wait(30)
        if chance.random() < 0.5:
            finish(tmp_path, *arguments)
    finish(tmp_path, *arguments)
    with Store.open(store) as kept:
        stored = {f"s1.{row[0]}.{row[1]}" for row in kept.connection.execute("SELECT finding, revision FROM revisions")}
    found = held(client(cluster), namespace, "alert", "violation", "coverage")
    assert set(found.values()) <= {1}
    assert {known for known in found if known.count(".") == 2} == stored
    closes(store)


def test_a_run_is_in_the_outbox_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sensor.pipeline import ReplayConfig, replay

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outbox, "put_run", full)
    result = replay(ReplayConfig(captures=[PCAPS / "plant" / "attack.pcapng"], store=tmp_path / "s.sqlite"))
    assert result.store_error is not None
    with Store.open(tmp_path / "s.sqlite") as kept:
        assert kept.findings() == []
        assert outbox.counts(kept.connection) == []
