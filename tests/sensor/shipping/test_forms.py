"""JSON lines, eve.json, CSV and CEF by syslog: golden files, read by parsers that aren't ours; files are exact after a crash."""

from __future__ import annotations

import csv
import datetime
import ipaddress
import json
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pycef
import pytest
from syslog_rfc5424_parser import SyslogMessage

from sensor import outbox
from sensor.documents.make import Maker
from sensor.outbox import Item
from sensor.shipping import eve, syslog
from sensor.shipping.cef import cef
from sensor.shipping.files import Lines
from sensor.shipping.jsonl import Documents
from sensor.shipping.pump import Pump
from sensor.shipping.rows import Rows
from sensor.shipping.syslog import Syslog, Way
from sensor.store import Store
from tests.elastic.looking import finding, put

GOLDEN = Path(__file__).with_name("golden")
MAKER = Maker(name="plant1-a", hostname="sensor-1", version="1.0", site="plant1")
NASTY = 'pipe | equals = back\\slash "quote" ] line\nend \u2028 é'
FINDINGS = [
    finding(1),
    {
        **finding(2), "title": NASTY, "reason": NASTY, "client": {"ip": "fe80::1"}, "server": {"mac": "00:1b:1b:0a:11:22"},
        "severity": "info",
    },
    {
        **finding(3), "kind": "violation", "rule": None, "conduit": None, "zones": {"from": "enterprise", "to": "cell"}, "revision": 2,
        "state": "closed", "points": [{"point": "holding_register:100-101", "kind": "holding_register", "first": 100, "last": 101}],
        "attack": {"id": "T1692.001", "legacy_id": "T0855"}, "title": "=cmd|' /C calc'!A0",
    },
    {
        **finding(4), "kind": "coverage", "client": None, "server": None, "function": None, "outcome": None, "outcomes": None,
        "protocol": None,
    },
]  # fmt: skip


def items() -> list[Item]:
    rows = [outbox.of_finding(one, 1) for one in FINDINGS]
    return [Item(n, of, known, document, "2026-03-04T08:16:01.000Z") for n, (of, known, document) in enumerate(rows)]


def golden(name: str, made: bytes, request: pytest.FixtureRequest) -> None:
    place = GOLDEN / name
    if request.config.getoption("--update-golden"):
        place.write_bytes(made)
    assert place.read_bytes() == made, f"if this is meant: pytest {Path(__file__).name} --update-golden, and read the difference"


@pytest.fixture(autouse=True)
def _fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensor.shipping.jsonl.now", lambda: "2026-03-04T08:16:02.000Z")
    monkeypatch.setattr("os.getpid", lambda: 4711)


def test_json_lines(request: pytest.FixtureRequest) -> None:
    made = b"".join(Documents(MAKER).line(item) for item in items())
    golden("findings.jsonl", made, request)
    lines = made.decode().split("\n")
    assert [json.loads(line)["event"]["kind"] for line in lines[:-1]] == ["alert", "alert", "event", "state"]


def test_eve(request: pytest.FixtureRequest) -> None:
    made = b"".join(eve.Eve(MAKER).line(item) for item in items())
    golden("eve.json", made, request)
    events = [json.loads(line) for line in made.splitlines()]
    assert len(events) == 2, "alerts and violations, each once"
    for event in events:
        # What Malcolm's and Elastic's pipelines take for granted of Suricata's alerts.
        datetime.datetime.strptime(event["timestamp"], "%Y-%m-%dT%H:%M:%S.%f%z")
        assert event["event_type"] == "alert"
        assert isinstance(event["flow_id"], int)
        assert 0 <= event["flow_id"] < 1 << 53, "JavaScript and others read it as a double"
        assert 1_000_000 <= event["alert"]["signature_id"] < 2_000_000
        assert event["alert"]["severity"] in (1, 2, 3, 4)
        assert all(isinstance(one, str) for values in event["alert"]["metadata"].values() for one in values)
        ipaddress.ip_address(event["src_ip"])
    assert events[0]["alert"]["signature_id"] == events[1]["alert"]["signature_id"], "the same rule"


def test_csv(request: pytest.FixtureRequest) -> None:
    form = Rows(MAKER)
    made = form.head() + b"".join(form.line(item) for item in items())
    golden("findings.csv", made, request)
    rows = list(csv.DictReader(made.decode().splitlines(keepends=True)))
    assert [row["id"] for row in rows] == [one["id"] for one in FINDINGS]
    assert rows[1]["title"].startswith("pipe | equals")
    assert rows[2]["title"].startswith("'="), "no spreadsheet runs it"
    assert rows[2]["points"] == "holding_register:100-101"


def test_cef_says_what_a_parser_of_others_reads(request: pytest.FixtureRequest) -> None:
    texts = [cef(one, sensor="plant1-a", version="1.0") for one in FINDINGS]
    golden("findings.cef", "\n".join(texts).encode() + b"\n", request)
    for one, text in zip(FINDINGS, texts, strict=True):
        assert len(text.splitlines()) == 1
        header = unescaped(text)
        assert header[1:4] == ["Fieldtap", "Fieldtap", "1.0"]
        assert header[5].split() == one["title"].split()
        # pycef takes no header with an escape in it, which the format allows: it reads the same finding under a plain title
        read = pycef.parse(cef({**one, "title": "plain"}, sensor="plant1-a", version="1.0"))
        assert (read["DeviceVendor"], read["DeviceProduct"], read["Name"]) == ("Fieldtap", "Fieldtap", "plain")
        assert read["DeviceEventClassID"] == header[4]
        assert int(read["Severity"]) in range(11)
        assert read["externalId"] == f"{one['id']}.{one['revision']}"
        assert (int(read["cnt"]), int(read["start"]), int(read["rt"])) == (one["count"], 1772612121118, 1772612160000)
        assert (read["state"], read["access"]) == (one["state"], one["access"])
    assert pycef.parse(texts[0])["src"] == "10.0.0.1"
    assert pycef.parse(texts[0])["dpt"] == "502"
    assert " src=" not in texts[1]
    assert pycef.parse(cef({**FINDINGS[1], "title": "plain"}, sensor="s", version="1"))["Source IPv6 Address"] == "fe80::1"


def unescaped(text: str) -> list[str]:
    """The header's parts, as the format says: `|` ends one, a backslash takes the next character as it is."""
    parts, at = [""], iter(text)
    for one in at:
        if one == "|":
            parts.append("")
            if len(parts) == 8:
                break
        else:
            parts[-1] += next(at) if one == "\\" else one
    return parts[:7]


def test_syslog_messages_are_as_rfc_5424_says() -> None:
    for one in FINDINGS:
        made = syslog.message(one, sensor="plant1-a", version="1.0")
        read = SyslogMessage.parse(made.decode())
        assert (read.hostname, read.appname, read.procid, read.msgid) == ("plant1-a", "fieldtap", 4711, one["kind"].upper())
        assert read.facility.name == "local0"
        assert read.timestamp == "2026-03-04T08:16:00.000000Z"
        assert read.sd["fieldtap@32473"] == {"id": one["id"], "revision": str(one["revision"]), "state": one["state"]}
        assert read.msg.lstrip("\ufeff").startswith("CEF:0|Fieldtap|")


def receiver(transport: str, tmp_path: Path, into: list[bytes], count: int) -> tuple[int, Path | None, threading.Thread]:
    """A receiver of its own, which takes octet-counted frames or datagrams."""
    if transport == "udp":
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(20)
        thread = threading.Thread(target=lambda: into.extend(udp.recv(65536) for _ in range(count)))
        thread.start()
        return udp.getsockname()[1], None, thread
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(20)
    context, ca = None, None
    if transport == "tls":
        ca, key = tmp_path / "cert.pem", tmp_path / "key.pem"
        names = "-subj /CN=localhost -addext subjectAltName=DNS:localhost"
        command = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 {names} -keyout {key} -out {ca}"
        subprocess.run(command.split(), check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(ca, key)

    def take() -> None:
        connection, _ = listening.accept()
        if context is not None:
            try:
                connection = context.wrap_socket(connection, server_side=True)
            except ssl.SSLError:
                return
        file = connection.makefile("rb")
        for _ in range(count):
            size = re.fullmatch(rb"([1-9]\d*)", b"".join(iter(lambda: file.read(1), b" ")))
            assert size is not None
            into.append(file.read(int(size[1])))
        connection.close()

    thread = threading.Thread(target=take)
    thread.start()
    return listening.getsockname()[1], ca, thread


@pytest.mark.parametrize("transport", ["tcp", "tls", "udp"])
def test_syslog_arrives(transport: str, tmp_path: Path) -> None:
    got: list[bytes] = []
    port, ca, thread = receiver(transport, tmp_path, got, len(FINDINGS))
    way = Way(host="localhost" if transport == "tls" else "127.0.0.1", port=port, transport=transport, ca_file=ca)
    output = Syslog("syslog", ["alert"], MAKER, way)
    attempt = output.deliver(items(), False)
    thread.join(20)
    output.close()
    assert (list(attempt.left), dict(attempt.refused), attempt.trouble) == ([], {}, None)
    assert [SyslogMessage.parse(one.decode()).sd["fieldtap@32473"]["id"] for one in got] == [one["id"] for one in FINDINGS]


def test_a_receiver_that_went_away_gets_the_batch_when_it_is_back(tmp_path: Path) -> None:
    got: list[bytes] = []
    port, _, thread = receiver("tcp", tmp_path, got, 4)
    output = Syslog("syslog", ["alert"], MAKER, Way(host="127.0.0.1", port=port, transport="tcp"))
    assert not output.deliver(items(), False).left
    thread.join(20)
    import time

    time.sleep(0.2)
    attempt = output.deliver(items(), False)
    assert list(attempt.left) == [0, 1, 2, 3]
    assert "syslog" in (attempt.trouble or "")


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    port, _, thread = receiver("tls", tmp_path, [], 0)
    attempt = Syslog("syslog", ["alert"], MAKER, Way(host="localhost", port=port, transport="tls")).deliver(items(), False)
    assert list(attempt.left) == [0, 1, 2, 3]
    assert "certificate" in (attempt.trouble or "").lower()
    thread.join(20)


def lines(path: Path, form: Any = None, **more: Any) -> Lines:
    return Lines("file", ["alert"], path, form or Documents(MAKER), **more)


def drain(store: Path, output: Lines) -> None:
    with Store.open(store) as kept:
        Pump(kept.connection, output, say=lambda _: None, patience=0).drain()
    output.close()


def test_full_files_are_turned_and_nothing_is_missing(tmp_path: Path) -> None:
    names = put(tmp_path / "s", 200)
    output = lines(tmp_path / "out.jsonl", rotate_bytes=40_000, keep=100)
    output.most = 10
    drain(tmp_path / "s", output)
    files = sorted(tmp_path.glob("out.jsonl*"))
    assert len(files) > 3
    found = [json.loads(line)["event"]["id"] for file in files for line in file.read_text().splitlines()]
    assert sorted(found) == sorted(f"plant1-a.{name}" for name in names)


def test_only_so_many_old_files_are_kept(tmp_path: Path) -> None:
    put(tmp_path / "s", 200)
    output = lines(tmp_path / "out.jsonl", rotate_bytes=20_000, keep=2)
    output.most = 10
    drain(tmp_path / "s", output)
    assert sorted(path.name for path in tmp_path.glob("out.jsonl*")) == ["out.jsonl", "out.jsonl.1", "out.jsonl.2"]


@pytest.mark.parametrize("rotate", [1 << 20, 9_000])
def test_what_a_crash_left_beyond_the_last_settled_batch_is_written_once(tmp_path: Path, rotate: int) -> None:
    class Crash(Exception):
        pass

    names = put(tmp_path / "s", 60)
    path = tmp_path / "out.jsonl"
    for crash in range(5):
        output = lines(path, rotate_bytes=rotate, keep=100)
        output.most = 7
        real, calls = output.deliver, iter(range(100))

        def deliver(batch: Any, doubtful: bool, real: Any = real, calls: Iterator[int] = calls, output: Any = output) -> Any:
            done = real(batch, doubtful)
            if next(calls) == 1:
                with output._path.open("ab") as half:
                    half.write(b'{"half of a')
                raise Crash
            return done

        output.deliver = deliver  # type: ignore[method-assign]
        with pytest.raises(Crash):
            drain(tmp_path / "s", output)
        assert crash < 5
    drain(tmp_path / "s", lines(path, rotate_bytes=rotate, keep=100))
    found = [json.loads(line)["event"]["id"] for file in tmp_path.glob("out.jsonl*") for line in file.read_text().splitlines()]
    assert sorted(found) == sorted(f"plant1-a.{name}" for name in names)


def test_a_full_disk_is_waited_for() -> None:
    attempt = lines(Path("/dev/full")).deliver(items(), False)
    assert list(attempt.left) == [0, 1, 2, 3]
    assert attempt.trouble == "file: No space left on device"
