"""`fieldtap watch` on a mirror port: what is sent there is found as if it had been replayed, and nothing comes back."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from dissectors import Engine
from sensor.cli.exits import Exit
from sensor.cli.tree import fieldtap as root
from sensor.cli.watch import watch
from sensor.pipeline import ReplayConfig, replay
from sensor.store import Store
from tests.live.send import frames, write_pcap
from tests.live.wires import FIELDTAP, line_with, needs_namespaces, wait_for, wires

PCAPS = Path(__file__).parents[2] / "pcaps"
ATTACK = PCAPS / "dnp3" / "attack.pcapng"
OWN = {"id", "first", "last", "revised", "packets", "detail", "policy"}
"""What depends on when and where a finding was made."""


class Ended(NamedTuple):
    """How a watch ended: exit code, result, standard error."""

    code: int
    result: dict[str, Any]
    said: str


def end(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> Ended:
    """Ends a watch that was started with --json."""
    time.sleep(0.2)
    process.send_signal(number)
    out, said = process.communicate(timeout=60)
    assert out, said
    return Ended(process.returncode, json.loads(out), said)


def comparable(findings: list[dict[str, Any]]) -> list[str]:
    """Findings without times and ids, in an order of their own."""
    return sorted(json.dumps({name: value for name, value in one.items() if name not in OWN}, sort_keys=True) for one in findings)


def replayed(*captures: Path, **more: Any) -> dict[str, Any]:
    """The result document of a replay, as JSON has it."""
    result = replay(ReplayConfig(captures=captures, keep=False, **more)).to_dict()
    document: dict[str, Any] = json.loads(json.dumps(result, default=str))
    return document


class Watched(NamedTuple):
    """A whole watch of the attack: what it gave, where it was kept and recorded, and what was in the store before its end."""

    ended: Ended
    store: Path
    record: Path
    early: list[dict[str, Any]]
    sent: int


@pytest.fixture(scope="module")
def attack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The attack on a DNP3 substation, sent over one veth pair as fast as it was."""
    place = tmp_path_factory.mktemp("watch")
    store, record = place / "store.sqlite", place / "record"
    record.mkdir()
    with wires() as made:
        process = made.watch("mirror0", "--store", str(store), "--record", str(record), "--json")
        line_with(process, "Listening on mirror0")
        made.send(ATTACK)
        early: list[dict[str, Any]] = []
        with Store.open(store) as kept:
            assert wait_for(lambda: len(kept.findings(kind="alert")) >= 7), kept.findings()
            early = kept.findings()
            ended = end(process)
        yield Watched(ended, store, record, early, made.sent())


def test_it_finds_what_a_replay_of_the_same_frames_finds(attack: Watched) -> None:
    expected = replayed(ATTACK)
    assert attack.ended.code == Exit.DONE, attack.ended.said
    assert attack.ended.result["captures"][0]["packets"] == expected["captures"][0]["packets"]
    assert comparable(attack.ended.result["findings"]) == comparable(expected["findings"])
    for name in ("protocols", "flows"):
        assert attack.ended.result[name] == expected[name]


def test_replaying_the_record_gives_the_same_byte_for_byte(attack: Watched) -> None:
    expected = replayed(attack.record)
    for name in ("findings", "incidents", "assets", "conversations", "packets", "flows", "protocols", "ledger", "ceilings"):
        assert attack.ended.result[name] == expected[name], name


def test_the_record_holds_the_frames_as_they_were_sent(attack: Watched, tmp_path: Path) -> None:
    (file,) = attack.record.iterdir()
    plain = tmp_path / "plain.pcapng"
    plain.write_bytes(unpacked(file))
    assert [frame for _, frame in frames(plain)] == [frame for _, frame in frames(ATTACK)]


def unpacked(file: Path) -> bytes:
    """A file of a record without its compression, by another implementation."""
    return subprocess.run(["zstd", "-dc", str(file)], capture_output=True, check=True).stdout


def test_the_interface_never_sends(attack: Watched) -> None:
    assert attack.sent == 0


def test_findings_are_in_the_store_while_it_runs_and_the_end_tells_them_anew(attack: Watched) -> None:
    early = {finding["id"]: finding for finding in attack.early}
    with Store.open(attack.store) as kept:
        late = {finding["id"]: finding for finding in kept.findings()}
        assert len(kept.runs()) == 1
        revisions = [len(kept.revisions(finding)) for finding in late]
    assert early.keys() <= late.keys(), "what was told early is what it became"
    assert revisions == [finding["revision"] for finding in late.values()]
    own = [{name: value for name, value in finding.items() if name != "run"} for finding in late.values()]
    assert sorted(own, key=lambda one: (one["first"], one["id"])) == attack.ended.result["findings"]


def test_findings_are_said_as_they_come(attack: Watched) -> None:
    lines = [line for line in attack.ended.said.splitlines() if "alert: " in line]
    assert len(lines) == len([one for one in attack.ended.result["findings"] if one["kind"] == "alert"])


def test_two_interfaces_that_each_bring_one_direction_are_one_source(tmp_path: Path) -> None:
    """As a TAP splits a line. With equal times in both nothing could be compared, so the capture has none."""
    whole = frames(ATTACK)
    assert len({at for at, _ in whole}) == len(whole)
    halves = [tmp_path / "left.pcap", tmp_path / "right.pcap"]
    for half, path in enumerate(halves):
        write_pcap(path, [(at, frame) for at, frame in whole if (frame[6:12] > frame[0:6]) == bool(half)])
    record = tmp_path / "record"
    record.mkdir()
    with wires(2) as made:
        process = made.watch("mirror0", "mirror1", "--store", "none", "--record", str(record), "--json")
        line_with(process, "Listening on mirror0, mirror1")
        made.send(*halves)
        ended = end(process)
    assert [capture["path"] for capture in ended.result["captures"]] == ["mirror0", "mirror1"]
    assert comparable(ended.result["findings"]) == comparable(replayed(ATTACK)["findings"])
    again = replayed(record)
    for name in ("assets", "conversations", "protocols", "ledger"):
        assert elsewhere(ended.result[name]) == elsewhere(again[name]), name
    assert comparable(ended.result["findings"]) == comparable(again["findings"])


def elsewhere(part: Any) -> Any:
    """Without numbers of captures and packets: a record is one capture, whatever number of interfaces it has."""
    if isinstance(part, dict):
        return {name: elsewhere(value) for name, value in part.items() if name not in {"capture", "packet", "packets", "provenance"}}
    return [elsewhere(value) for value in part] if isinstance(part, list) else part


def test_tags_are_put_back_and_the_filter_sees_the_frame_as_it_was(tmp_path: Path) -> None:
    tagged = tmp_path / "tagged.pcap"
    inside = [(at, frame[:12] + tag + frame[12:]) for tag in (b"\x81\x00\x20\x65",) for at, frame in frames(ATTACK)[:40]]
    stacked = [(at + 0.001, frame[:12] + b"\x88\xa8\x00\x07" + frame[12:]) for at, frame in inside]
    write_pcap(tagged, sorted(inside + stacked))
    with wires() as made:
        record = tmp_path / "record"
        record.mkdir()
        process = made.watch("mirror0", "--store", "none", "--record", str(record), "--filter", "vlan 101", "--json")
        line_with(process, "Listening")
        made.send(tagged, pace=5)
        ended = end(process)
    expected = replayed(tagged, filter="vlan 101")
    (mine,), (theirs,) = ended.result["captures"], expected["captures"]
    for name in ("packets", "skipped_by_filter"):
        assert mine[name] == theirs[name], name
    plain = tmp_path / "plain.pcapng"
    plain.write_bytes(unpacked(next(record.iterdir())))
    wanted = [frame for _, frame in frames(tagged) if frame[12:16] == b"\x81\x00\x20\x65"]
    assert [frame for _, frame in frames(plain)] == wanted


def test_what_the_kernel_drops_is_counted_exactly_and_is_a_finding() -> None:
    with wires() as made:
        process = made.watch("mirror0", "--store", "none", "--ring-memory", "1M", "--json")
        line_with(process, "Listening")
        process.send_signal(signal.SIGSTOP)
        sent = made.flood(ATTACK, times=200)
        process.send_signal(signal.SIGCONT)
        ended = end(process)
    (capture,) = ended.result["captures"]
    assert capture["dropped"] > 0
    assert capture["packets"] + capture["dropped"] == sent
    (finding,) = [one for one in ended.result["findings"] if one["reason"] == "dropped"]
    assert (finding["kind"], finding["count"]) == ("coverage", capture["dropped"])
    assert "mirror0 lost" in ended.said


def test_it_goes_on_when_the_interface_was_down() -> None:
    with wires() as made:
        process = made.watch("mirror0", "--store", "none", "--json")
        line_with(process, "Listening")
        made.flood(ATTACK, times=1)
        made.set("mirror0", "down")
        assert "went down" in line_with(process, "mirror0 went")
        made.set("mirror0", "up")
        time.sleep(0.2)
        made.flood(ATTACK, times=1)
        ended = end(process, signal.SIGINT)
    assert ended.code == Exit.DONE
    assert ended.result["captures"][0]["packets"] == 2 * len(frames(ATTACK))


def test_a_record_stays_within_its_size_and_lacks_only_its_oldest_part(tmp_path: Path) -> None:
    noise = tmp_path / "noise.pcap"
    frame = frames(ATTACK)[0][1]
    of = random.Random(7)
    write_pcap(noise, [(1_000 + number / 100, frame[:12] + b"\x90\x99" + of.randbytes(1_400)) for number in range(1_000)])
    with wires() as made:
        process = made.watch(
            "mirror0", "--store", "none", "--record", str(tmp_path), "--record-size", "4M", "--json", "--ring-memory", "64M"
        )
        line_with(process, "Listening")
        sent = sum(made.flood(noise, times=1, rate=4_000) for _ in range(8))
        ended = end(process)
    assert ended.result["captures"][0]["packets"] == sent
    files = sorted(tmp_path.glob("fieldtap-*.pcapng.zst"))
    assert 2 <= len(files) <= 4
    assert sum(file.stat().st_size for file in files) <= 4_300_000
    counts = [Path(capture["path"]).name for capture in replayed(*files)["captures"]]
    assert counts == [file.name for file in files], "their names are in the order of time"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere0",), "nowhere0 is no interface here"),
        (("mirror0", "mirror0"), "mirror0 is named twice"),
        (("mirror0", "--record", "/nowhere"), "does not exist"),
        (("mirror0", "--ring-memory", "12X"), "is no size"),
        (("mirror0", "--filter", "hosst 1"), "filter"),
        (("mirror0", "--hardware-time"), "mirror0 makes no time stamps of its own"),
    ],
)
def test_what_can_not_be_watched_is_said_and_exits_with_2(words: tuple[str, ...], said: str) -> None:
    with wires() as made:
        done = subprocess.run(made.inside(str(FIELDTAP), "watch", *words), capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, said in done.stderr) == (Exit.USAGE, True), done.stderr


def test_without_the_right_to_listen_it_says_which_right() -> None:
    with wires() as made:
        bare = ("setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw", str(FIELDTAP))
        done = subprocess.run(made.inside(*bare, "watch", "mirror0"), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == Exit.USAGE
    assert "CAP_NET_RAW" in done.stderr


def test_the_engine_alone_listens_too() -> None:
    """Python: dissectors.Engine.watch, in this process and on the loopback interface of this host."""
    needs_namespaces()
    engine = Engine()
    batches = 0
    for batch in engine.watch("lo", snap_length=96, ring_bytes=2**20):
        batches += 1
        assert list(batch) is not None
        if batches == 3:
            engine.stop()
    assert 3 <= batches < 20
    assert [one["name"] for one in engine.interfaces()] == ["lo"]


def test_a_service_manager_hears_that_it_is_ready_alive_and_ending(tmp_path: Path) -> None:
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, wires() as made:
        manager.bind(str(place))
        manager.settimeout(20)
        environment = os.environ | {"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "400000"}
        process = made.watch("mirror0", "--store", "none", "--json", env=environment)
        heard = [manager.recv(100).decode() for _ in range(3)]
        ended = end(process)
        while heard[-1] != "STOPPING=1":
            heard.append(manager.recv(100).decode())
    assert ended.code == Exit.DONE
    assert heard[:3] == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]


def test_the_unit_starts_what_the_command_understands() -> None:
    unit = (files("sensor.watch") / "data" / "fieldtap-watch@.service").read_text()
    (line,) = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    command, name, *words = line.removeprefix("ExecStart=").split()
    assert (Path(command).name, name) == ("fieldtap", "watch")
    known = {option for parameter in watch.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known
    assert "WatchdogSec=" in unit
    assert "Type=notify" in unit


EXAMPLES = re.findall(r"^ +(fieldtap watch .*)$", CliRunner().invoke(root, ["watch", "--help"]).stdout, re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_its_help_run(example: str, tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text("fieldtap: 1\nsite: Test\nzones: {cell: {level: 1, networks: [10.20.1.0/24]}}\n")
    (tmp_path / "record").mkdir()
    environment = os.environ | {"XDG_STATE_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    with wires(2, ("eth1", "eth2")) as made:
        process = made.watch(*shlex.split(example)[2:], cwd=tmp_path, env=environment)
        line_with(process, "Listening")
        made.flood(ATTACK, times=1)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=60)
    assert process.returncode == Exit.DONE, said
    assert "362" in out


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 3


def test_a_silent_line_passes_time_and_the_record_says_so(tmp_path: Path) -> None:
    with wires() as made:
        process = made.watch("mirror0", "--store", "none", "--record", str(tmp_path), "--json")
        line_with(process, "Listening")
        made.flood(ATTACK, times=1)
        time.sleep(2.8)
        ended = end(process)
    (file,) = tmp_path.glob("*.zst")
    silent = b"\x05\0\0\0\x18\0\0\0"  # an interface's statistics without a count: only their time
    assert 1 <= unpacked(file).count(silent) <= 3
    again = replayed(file)
    for name in ("findings", "packets", "flows", "protocols", "ledger"):
        assert ended.result[name] == again[name], name
    last, alerts = ended.result["captures"][0]["last"], [one for one in ended.result["findings"] if one["kind"] == "alert"]
    assert alerts
    assert all(one["revised"] > last for one in alerts), "the clock went on without a packet"
