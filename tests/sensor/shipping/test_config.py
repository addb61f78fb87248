"""fieldtap.toml: read strictly, every mistake at once, and no secrets in it, in logs or in process lists."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from sensor.shipping.client import connect
from sensor.shipping.config import Configuration, ConfigurationError, Elastic, found, load, secret
from tests.sensor.cli.run import ATTACK, fieldtap

GOOD = """
[sensor]
name = "plant1-a"
site = "plant1"
[elasticsearch]
hosts = ["https://es.example:9200"]
transactions = "unexpected"
[[outputs]]
kind = "syslog"
host = "siem.example"
transport = "tls"
[[outputs]]
kind = "jsonl"
path = "out/findings.jsonl"
"""


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("API_KEY", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"FIELDTAP_ELASTICSEARCH_{name}", raising=False)


def written(text: str, place: Path) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    return place


def test_it_is_found_where_it_is_named_here_and_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found() is None
    assert load() == Configuration()
    home = written(GOOD, tmp_path / "config" / "fieldtap" / "fieldtap.toml")
    assert found() == home
    written(GOOD, tmp_path / "fieldtap.toml")
    assert found() == Path("fieldtap.toml")
    monkeypatch.setenv("FIELDTAP_CONFIG", str(home))
    assert found() == home


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    read = load(written(GOOD, tmp_path / "etc" / "fieldtap.toml"))
    assert read.outputs[1].name == f"jsonl:{tmp_path}/etc/out/findings.jsonl"
    assert read.sensor.site == "plant1"


def test_every_mistake_is_said(tmp_path: Path) -> None:
    wrong = """
    [sensor]
    name = "no spaces please"
    colour = "red"
    [elasticsearch]
    timeout = -1
    [[outputs]]
    kind = "jsonl"
    path = "x"
    rotate_bytes = "many"
    [[outputs]]
    kind = "fax"
    """
    with pytest.raises(ConfigurationError) as raised:
        load(written(wrong, tmp_path / "w.toml"))
    said = str(raised.value).splitlines()
    for part in ("sensor.name", "sensor.colour: there is no such setting", "elasticsearch.timeout", "outputs.0.rotate_bytes", "outputs.1"):
        assert any(f"w.toml: {part}" in line for line in said), (part, said)


@pytest.mark.parametrize("line", ['api_key = "c2VjcmV0"', 'password = "c2VjcmV0"', 'hosts = ["https://u:c2VjcmV0@h:9200"]'])
def test_secrets_are_refused_and_not_repeated(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(written(f"[elasticsearch]\n{line}\n", tmp_path / "s.toml"))
    assert "c2VjcmV0" not in str(raised.value)
    assert "environment" in str(raised.value) or "FIELDTAP_ELASTICSEARCH" in str(raised.value)


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert secret("api_key") is None
    monkeypatch.setenv("FIELDTAP_ELASTICSEARCH_API_KEY_FILE", str(written("from-a-file\n", tmp_path / "key")))
    assert secret("api_key") == "from-a-file"
    monkeypatch.setenv("FIELDTAP_ELASTICSEARCH_API_KEY", "from-the-environment")
    assert secret("api_key") == "from-the-environment"
    monkeypatch.delenv("FIELDTAP_ELASTICSEARCH_API_KEY")
    monkeypatch.setenv("FIELDTAP_ELASTICSEARCH_API_KEY_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="No such file"):
        secret("api_key")


def test_half_a_login_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIELDTAP_ELASTICSEARCH_USERNAME", "sensor")
    with pytest.raises(ConfigurationError, match="a user needs a password"):
        connect(Elastic(hosts=["http://localhost:9200"]))


def test_a_certificate_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"ca\.crt is no file"):
        connect(Elastic(hosts=["https://localhost:9200"], ca_file=tmp_path / "ca.crt"))


def test_without_an_output_ship_says_so(tmp_path: Path) -> None:
    ended = fieldtap(tmp_path, "ship", "--once")
    assert ended.code == 2
    assert "there is no output" in ended.err


def test_files_from_the_command_line(tmp_path: Path) -> None:
    written('[[outputs]]\nkind = "csv"\npath = "f.csv"\n[[outputs]]\nkind = "eve"\npath = "eve.json"\n', tmp_path / "fieldtap.toml")
    assert fieldtap(tmp_path, "replay", ATTACK, "-q").code == 0
    ended = fieldtap(tmp_path, "ship", "--once")
    assert ended.code == 0, ended.err
    rows = (tmp_path / "f.csv").read_bytes().count(b"\r\n")
    assert f"csv:{tmp_path}/f.csv: {rows - 1} delivered" in ended.out
    again = fieldtap(tmp_path, "ship", "--once")
    assert again.out.count(": 0 delivered") == 2
    listed = fieldtap(tmp_path, "outbox", "list")
    assert "csv:" in listed.out


def test_two_shippers_on_one_store_are_one_too_many(tmp_path: Path) -> None:
    from sensor.shipping.ship import alone

    written('[[outputs]]\nkind = "csv"\npath = "f.csv"\n', tmp_path / "fieldtap.toml")
    with alone(tmp_path / "s.sqlite"):
        ended = fieldtap(tmp_path, "ship", "--once", "--store", "s.sqlite")
    assert ended.code == 2
    assert "Another 'fieldtap ship'" in ended.err


def test_the_configured_limit_holds_and_says_what_it_took(tmp_path: Path) -> None:
    from sensor import outbox
    from sensor.store import Store, atomic

    written('[outbox]\nmax_bytes = 1048576\n[[outputs]]\nkind = "csv"\npath = "f.csv"\nclasses = ["alert"]\n', tmp_path / "fieldtap.toml")
    with Store.open(tmp_path / "s.sqlite") as store, atomic(store.connection):
        outbox.put(store.connection, [("transaction", str(n), b"x" * 10_000) for n in range(200)])
    ended = fieldtap(tmp_path, "ship", "--once", "--store", "s.sqlite")
    assert ended.code == 0, ended.err
    with Store.open(tmp_path / "s.sqlite") as store:
        assert 1_000_000 < outbox.held_bytes(store.connection) <= 1 << 20


def test_an_outbox_without_an_output_waits_for_one(tmp_path: Path) -> None:
    assert fieldtap(tmp_path, "replay", ATTACK, "-q").code == 0
    assert "(none yet)" in fieldtap(tmp_path, "outbox", "list").out


def test_a_cloud_id_names_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    import base64

    monkeypatch.setenv("FIELDTAP_ELASTICSEARCH_API_KEY", "aWQ6c2VjcmV0")
    known = "plant:" + base64.b64encode(b"cloud.example:9243$abc$").decode()
    client = connect(Elastic(cloud_id=known))
    (node,) = client.transport.node_pool.all()
    assert (node.base_url, client._headers["authorization"]) == ("https://abc.cloud.example:9243", "ApiKey aWQ6c2VjcmV0")
    client.close()


def test_a_client_certificate_is_presented(tmp_path: Path) -> None:
    import ssl
    import subprocess

    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(made, check=True, capture_output=True, cwd=tmp_path)
    seen: list[object] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...
        def do_GET(self) -> None:
            seen.append(self.connection.getpeercert()["subject"])  # type: ignore[attr-defined]
            self.send_response(200)
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    context.load_verify_locations(tmp_path / "cert.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.handle_request, daemon=True).start()
    place = tmp_path / "cert.pem"
    elastic = Elastic(
        hosts=[f"https://localhost:{server.server_address[1]}"], ca_file=place, client_certificate=place, client_key=tmp_path / "key.pem"
    )
    connect(elastic).cluster.health()
    server.server_close()
    assert seen == [((("commonName", "localhost"),),)]
