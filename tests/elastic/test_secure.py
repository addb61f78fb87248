"""TLS, a user with the least rights, wrong credentials and right ones, an API key, a proxy; secrets stand in no log and no process list."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensor.shipping.setup import check, set_up
from tests.elastic.between import Between
from tests.elastic.conftest import folder
from tests.elastic.looking import client, closes, held, put, strict
from tests.elastic.server import Server
from tests.sensor.cli.run import command, environment, fieldtap

PASSWORD = "Tr0ub4dor-and-3"


@pytest.fixture(scope="module")
def secure(_tools: None) -> Iterator[Server]:
    server = Server(folder(), password=PASSWORD)
    server.start()
    es = client(server.url, ca_certs=str(server.ca), basic_auth=("elastic", PASSWORD))
    strict(es)
    list(set_up(es))
    yield server
    server.stop()


def configured(place: Path, server: Server, namespace: str, trust: str | None = None) -> list[str]:
    trusted = f'ca_file = "{server.ca}"' if trust is None else trust
    (place / "fieldtap.toml").write_text(
        f'[sensor]\nname = "s1"\n[elasticsearch]\nhosts = ["{server.url}"]\nnamespace = "{namespace}"\n{trusted}\n'
    )
    return ["--config", str(place / "fieldtap.toml"), "--store", str(place / "s.sqlite")]


def login(password: str = PASSWORD, user: str = "sensor") -> dict[str, str]:
    return {"FIELDTAP_ELASTICSEARCH_USERNAME": user, "FIELDTAP_ELASTICSEARCH_PASSWORD": password}


def test_wrong_credentials_keep_everything_and_right_ones_ship_it(secure: Server, namespace: str, tmp_path: Path) -> None:
    names = put(tmp_path / "s.sqlite", 50)
    arguments = configured(tmp_path, secure, namespace)
    wrong = fieldtap(tmp_path, "ship", "--once", "--patience", 1, *arguments, extra=login("Wr0ng-word-here"))
    assert wrong.code == 4
    assert "401: the credentials are refused" in wrong.err
    assert "everything is kept" in wrong.err
    assert "Wr0ng-word-here" not in wrong.err + wrong.out
    right = fieldtap(tmp_path, "ship", "--once", *arguments, extra=login())
    assert (right.code, right.err) == (0, "")
    es = client(secure.url, ca_certs=str(secure.ca), basic_auth=("elastic", PASSWORD))
    assert held(es, namespace) == {f"s1.{name}": 1 for name in names}
    closes(tmp_path / "s.sqlite")


def test_a_sensor_with_least_rights_looks_lost_answers_up(secure: Server, namespace: str, tmp_path: Path) -> None:
    """It may not refresh, so it waits until the cluster has done so by itself; a rollover lies in between."""
    from sensor import outbox
    from sensor.documents.fields import STREAMS
    from sensor.store import Store
    from tests.elastic.looking import drained, output

    names = put(tmp_path / "s.sqlite", 30)
    own = client(secure.url, ca_certs=str(secure.ca), basic_auth=("sensor", PASSWORD))
    es = client(secure.url, ca_certs=str(secure.ca), basic_auth=("elastic", PASSWORD))
    to = output(own, namespace, "alert")
    with Store.open(tmp_path / "s.sqlite") as store:
        outbox.register(store.connection, to.name, ["alert"])
        items, _ = outbox.next_batch(store.connection, to.name, "alert", 100, 1 << 20)
        outbox.mark_sending(store.connection, to.name, items)
    assert to.deliver(items, doubtful=False).left == []
    es.indices.rollover(alias=STREAMS["alert"].name(namespace))
    drained(tmp_path / "s.sqlite", output(own, namespace, "alert"), patience=30)
    assert held(es, namespace) == {f"s1.{name}": 1 for name in names}


def test_least_rights_are_enough_for_every_stream_and_for_no_more(secure: Server, namespace: str, tmp_path: Path) -> None:
    from elasticsearch import AuthorizationException

    from sensor.pipeline import ReplayConfig, replay
    from tests.sensor.cli.run import ATTACK

    replay(ReplayConfig(captures=[ATTACK], store=tmp_path / "s.sqlite", outbox="all"))
    arguments = configured(tmp_path, secure, namespace)
    shipped = fieldtap(tmp_path, "ship", "--once", *arguments, extra=login())
    assert (shipped.code, shipped.err) == (0, "")
    assert {count.of: count.delivered for count in closes(tmp_path / "s.sqlite")}["current"] > 5
    own = client(secure.url, ca_certs=str(secure.ca), basic_auth=("sensor", PASSWORD))
    assert [done for done in check(own, namespace) if done.how == "failed"] == []
    es = client(secure.url, ca_certs=str(secure.ca), basic_auth=("elastic", PASSWORD))
    es.cluster.put_component_template(name="fieldtap.sensor@mappings", template={"mappings": {}})
    with pytest.raises(AuthorizationException):
        list(set_up(own))
    refused = fieldtap(tmp_path, "elastic", "setup", "--config", tmp_path / "fieldtap.toml", extra=login())
    assert refused.code == 4
    assert "403" in refused.err
    assert {done.how for done in set_up(es)} == {"unchanged", "updated"}
    checked = fieldtap(tmp_path, "elastic", "check", "--config", tmp_path / "fieldtap.toml", extra=login())
    assert checked.code == 0, checked.out + checked.err
    assert "fits       rights logs-fieldtap.alert-" in checked.out


def test_an_unknown_certificate_is_refused_and_a_fingerprint_is_enough(secure: Server, namespace: str, tmp_path: Path) -> None:
    put(tmp_path / "s.sqlite", 3)
    none = fieldtap(tmp_path, "ship", "--once", "--patience", 0, *configured(tmp_path, secure, namespace, ""), extra=login())
    assert none.code == 4
    assert "TlsError" in none.err
    asked = ["openssl", "x509", "-in", secure.ca, "-noout", "-fingerprint", "-sha256"]
    text = subprocess.run(asked, check=True, capture_output=True, text=True)
    known = text.stdout.strip().partition("=")[2]
    wrong = configured(tmp_path, secure, namespace, f'fingerprint = "{known[:-2]}00"')
    assert fieldtap(tmp_path, "ship", "--once", "--patience", 0, *wrong, extra=login()).code == 4
    right = configured(tmp_path, secure, namespace, f'fingerprint = "{known}"')
    shipped = fieldtap(tmp_path, "ship", "--once", *right, extra=login())
    assert (shipped.code, shipped.err) == (0, "")


def test_secrets_are_in_no_process_list(secure: Server, namespace: str, tmp_path: Path) -> None:
    put(tmp_path / "s.sqlite", 3)
    arguments = configured(tmp_path, secure, namespace)
    run = {**environment(tmp_path), **login()}
    process = subprocess.Popen(command("ship", *arguments), cwd=tmp_path, env=run, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    until = time.monotonic() + 60
    while time.monotonic() < until and sum(count.delivered for count in closes(tmp_path / "s.sqlite")) < 3:
        time.sleep(0.2)
    line = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    process.terminate()
    said, _ = process.communicate(timeout=20)
    assert PASSWORD.encode() not in line + said
    assert process.returncode == 0


def test_an_api_key_is_sent_as_one(cluster: str, namespace: str, tmp_path: Path) -> None:
    """This distribution can't make keys: a small stand-in in front looks at the header."""
    put(tmp_path / "s.sqlite", 3)
    with Between(cluster).running() as proxy:
        (tmp_path / "fieldtap.toml").write_text(f'[elasticsearch]\nhosts = ["{proxy.url}"]\nnamespace = "{namespace}"\n')
        key = {"FIELDTAP_ELASTICSEARCH_API_KEY": "aWQ6c2VjcmV0"}
        shipped = fieldtap(tmp_path, "ship", "--once", "--store", "s.sqlite", extra=key)
    assert shipped.code == 0, shipped.err
    assert {name.lower(): value for name, value in proxy.headers.items()}["authorization"] == "ApiKey aWQ6c2VjcmV0"
