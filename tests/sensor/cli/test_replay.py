"""`fieldtap replay` as a process: what it prints where, and how it ends."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import re
import shlex
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import dpkt
import pytest

from tests.sensor.cli.run import ATTACK, NORMAL, PCAPS, command, environment, fieldtap, policy

BOUND = ("fieldtap", "captures", "packets", "flows", "protocols", "ledger", "assets", "findings", "ceilings")


def test_the_summary_says_what_was_read_seen_and_found(tmp_path: Path) -> None:
    ended = fieldtap(tmp_path, "replay", ATTACK, "--zones", policy())
    assert (ended.code, ended.err) == (0, "")
    for said in ("Read: 1 capture", "Not seen", "Nothing is known to be missing", "Assets: 12", "Violations of", "Alerts: ", "T0846"):
        assert said in ended.out
    assert "\x1b" not in ended.out


def test_what_says_the_same_is_one_line_with_the_number_of_findings(tmp_path: Path) -> None:
    out = fieldtap(tmp_path, "replay", ATTACK, "--zones", policy()).out
    (swept,) = [line for line in out.splitlines() if "40 units" in line]
    assert swept.split()[:2] == ["high", "40"]
    assert swept.endswith("+39")
    tried = [line for line in out.splitlines() if "connects: ftp, ssh, telnet and 8 more" in line]
    assert [line.split()[1] for line in tried] == ["11", "11", "11"]


def test_the_last_line_is_a_command_that_works(tmp_path: Path) -> None:
    store = tmp_path / "a store.sqlite"
    out = fieldtap(tmp_path, "replay", ATTACK, "--zones", policy(), "--store", store).out
    words = shlex.split(out.strip().splitlines()[-1].partition("     (")[0])
    assert words[:3] == ["Next:", "fieldtap", "explain"]
    assert "finding" in fieldtap(tmp_path, *words[2:]).out


def test_json_is_the_whole_of_standard_output(tmp_path: Path) -> None:
    ended = fieldtap(tmp_path, "replay", ATTACK, "--zones", policy(), "--json", "--store", "none")
    document = json.loads(ended.out)
    assert (ended.code, ended.err) == (0, "")
    assert [name for name in BOUND if name not in document] == []
    assert document["captures"][0]["sha256"] == hashlib.sha256(ATTACK.read_bytes()).hexdigest()
    assert document["packets"]["read"] == document["captures"][0]["packets"]
    writes = [f for f in document["findings"] if f["kind"] == "violation" and f["access"] == "write" and f["count"] == 60]
    assert writes[0]["function"] == {"code": 5, "name": "write_single_coil"}
    assert writes[0]["packets"][0]["capture"] == 1
    assert all(finding["function"] is None or set(finding["function"]) == {"code", "name"} for finding in document["findings"])


def test_only_units_that_answered_are_assets(tmp_path: Path) -> None:
    document = json.loads(fieldtap(tmp_path, "replay", ATTACK, "--json", "--store", "none").out)
    assert [asset["id"] for asset in document["assets"] if asset["parent"] == "10.20.1.13"] == [
        "10.20.1.13/modbus:1", "10.20.1.13/modbus:2", "10.20.1.13/modbus:3",
    ]  # fmt: skip


def test_ports_that_refused_are_nobodys_role(tmp_path: Path) -> None:
    document = json.loads(fieldtap(tmp_path, "replay", ATTACK, "--json", "--store", "none").out)
    roles = {asset["id"]: {(role["role"], role["protocol"]) for role in asset["roles"]} for asset in document["assets"]}
    assert ("server", "ftp") not in roles["10.20.1.11"]
    assert ("client", "ftp") not in roles["10.20.9.66"]
    assert ("server", "modbus") in roles["10.20.1.11"]


def test_a_digest_is_worked_out_only_where_it_is_asked_for(tmp_path: Path) -> None:
    def sha256(*options: str) -> object:
        return json.loads(fieldtap(tmp_path, "replay", NORMAL, "--json", "--store", "none", *options).out)["captures"][0]["sha256"]

    assert sha256("--no-digest") is None
    assert isinstance(sha256(), str)


def test_transactions_go_to_a_file_or_to_standard_output(tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    ended = fieldtap(tmp_path, "replay", NORMAL, "--transactions", file, "--store", "none")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert "Read: 1 capture" in ended.out
    piped = fieldtap(tmp_path, "replay", NORMAL, "--transactions", "-", "--store", "none")
    assert [json.loads(line) for line in piped.out.splitlines()] == lines
    assert "Read: 1 capture" in piped.err
    assert (
        len(lines)
        == json.loads(fieldtap(tmp_path, "replay", NORMAL, "--json", "--store", "none").out)["protocols"]["modbus"]["transactions"]
    )


def test_a_capture_can_come_from_standard_input(tmp_path: Path) -> None:
    ended = fieldtap(tmp_path, "replay", "-", "--json", "--store", "none", stdin=NORMAL.read_bytes())
    whole = json.loads(fieldtap(tmp_path, "replay", NORMAL, "--json", "--store", "none").out)
    assert json.loads(ended.out)["assets"] == whole["assets"]


def test_time_limits_leave_packets_out_and_say_so(tmp_path: Path) -> None:
    whole = json.loads(fieldtap(tmp_path, "replay", NORMAL, "--json", "--store", "none").out)
    last = whole["captures"][0]["last"]
    ended = fieldtap(tmp_path, "replay", NORMAL, "--to", last, "--store", "none")
    assert "left out by --from and --to" in ended.out
    limited = json.loads(fieldtap(tmp_path, "replay", NORMAL, "--from", last, "--json", "--store", "none").out)
    assert limited["packets"]["read"] < 5


@pytest.mark.parametrize(("severity", "code"), [("high", 1), ("critical", 0)])
def test_fail_on(tmp_path: Path, severity: str, code: int) -> None:
    assert fieldtap(tmp_path, "replay", ATTACK, "--zones", policy(), "--fail-on", severity, "-q", "--store", "none").code == code


def test_quiet_says_nothing(tmp_path: Path) -> None:
    ended = fieldtap(tmp_path, "replay", NORMAL, "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_a_capture_cut_in_the_middle_gives_a_result_and_3(tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(NORMAL.read_bytes()[:100_001])
    ended = fieldtap(tmp_path, "replay", cut, "--store", "none")
    assert ended.code == 3
    assert "Assets: " in ended.out
    assert "ends in the middle of a record" in ended.out
    assert f"{cut}: the capture ends in the middle of a record" in ended.err


def test_one_direction_alone_is_said_and_found(tmp_path: Path) -> None:
    half = tmp_path / "half.pcap"
    write_half(ATTACK, half)
    ended = fieldtap(tmp_path, "replay", half, "--json", "--store", "none")
    document = json.loads(ended.out)
    (found,) = [finding for finding in document["findings"] if finding["reason"] == "one_way"]
    assert (found["kind"], found["count"] > 3) == ("coverage", True)
    assert {example["seen"] for example in found["detail"]["examples"]} == {"client"}
    outcomes = {outcome for finding in document["findings"] for outcome in finding["outcomes"] or ()}
    assert "unanswered" not in outcomes, "with one direction nobody can know"
    assert "Only one direction of some conversations was seen" in fieldtap(tmp_path, "replay", half, "--store", "none").out


def write_half(source: Path, target: Path) -> None:
    """Leaves out what TCP port 502 sends."""
    with source.open("rb") as read, target.open("wb") as written:
        writer = dpkt.pcap.Writer(written, nano=True)
        for when, frame in dpkt.pcapng.Reader(read):
            packet = dpkt.ethernet.Ethernet(frame).data
            if isinstance(packet, dpkt.ip.IP) and isinstance(packet.data, dpkt.tcp.TCP) and packet.data.sport == 502:
                continue
            writer.writepkt(frame, ts=when)


def test_lost_segments_are_said_and_found(tmp_path: Path) -> None:
    lossy = tmp_path / "lossy.pcap"
    with ATTACK.open("rb") as read, lossy.open("wb") as written:
        writer = dpkt.pcap.Writer(written, nano=True)
        for number, (when, frame) in enumerate(dpkt.pcapng.Reader(read)):
            if not (number > 100 and number % 5 == 0):
                writer.writepkt(frame, ts=when)
    ended = fieldtap(tmp_path, "replay", lossy, "--store", "none")
    assert "of TCP streams are missing" in ended.out


def test_ctrl_c_stops_with_what_was_read(tmp_path: Path) -> None:
    lines = tmp_path / "lines.jsonl"
    process = subprocess.Popen(
        command("replay", "-", "--store", "none", "--transactions", lines),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(tmp_path),
    )  # fmt: skip
    assert process.stdin is not None
    feed = endless()
    process.stdin.write(next(feed) + next(feed))
    process.stdin.flush()
    while not lines.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(BrokenPipeError):
        for _ in range(5000):
            process.stdin.write(next(feed))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"packets were analysed" in err
    assert b"Read: 1 capture" in out
    assert b"The run was stopped" in out


def endless() -> Iterator[bytes]:
    """A capture without an end: the normal one over and over, each time a minute later."""
    with NORMAL.open("rb") as read:
        packets = [(int(when * 1_000_000), frame) for when, frame in dpkt.pcapng.Reader(read)]
    yield struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for turn in itertools.count():
        block = bytearray()
        for when, frame in packets:
            block += struct.pack("<IIII", *divmod(when + turn * 60_000_000, 1_000_000), len(frame), len(frame)) + frame
        yield bytes(block)


def test_whoever_stops_reading_hears_nothing_more(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    process = subprocess.Popen(command("findings", "--help"), stdout=write, stderr=subprocess.PIPE, env=environment(tmp_path))
    os.close(write)
    _, err = process.communicate(timeout=60)
    assert err == b""
    assert process.returncode == 4


WATER_WORKS = (PCAPS / "mixed" / "attack.pcapng", "--zones", policy().with_name("lakeside.yml"))


def rows(out: str, section: str) -> list[list[str]]:
    """The cells of a section's table."""
    lines = out[out.index(f"\n{section}") :].splitlines()[3:]
    cells = (re.split(r" {2,}", line.strip()) for line in itertools.takewhile(lambda line: re.match(r" +\S", line), lines))
    return [row for row in cells if len(row) > 1]


def test_what_the_policy_names_is_called_so(tmp_path: Path) -> None:
    out = fieldtap(tmp_path, "replay", *WATER_WORKS, "--store", "none").out
    (controller,) = [row for row in rows(out, "Assets") if row[0] == "10.10.0.11"]
    assert controller[1:4] == ["plc-filter", "cell", "Siemens CPU 315-2 PN/DP 6ES7 315-2EH14-0AB0 V3.2.6"]
    assert ["hmi-1", "plc-dosing"] in [row[1:3] for row in rows(out, "Conversations")]
    assert {row[2] for row in rows(out, "Violations") if row[0] == "critical"} == {
        "eng-station → plc-filter",
        "eng-station → plc-dosing",
    }


def test_the_gravest_findings_come_first_and_a_scan_is_one_line(tmp_path: Path) -> None:
    out = fieldtap(tmp_path, "replay", *WATER_WORKS, "--store", "none").out
    done = [(row[0], row[3]) for row in rows(out, "Violations")]
    assert [severity for severity, _ in done] == sorted((severity for severity, _ in done), key=("critical", "high", "medium", "low").index)
    high = [what.split()[1] for severity, what in done if severity == "high" and not what.startswith("connects")]
    assert high == sorted(high, key=("mode", "write", "read", "identify", "report").index)
    scans = [row for row in rows(out, "Violations") if row[3].startswith("connects: ssh")]
    assert [row[2] for row in scans] == ["dmz-portal → 14 servers"]
    assert int(scans[0][1]) > 80


def test_points_stand_beside_what_was_done_to_them_and_dates_where_they_differ(tmp_path: Path) -> None:
    out = fieldtap(tmp_path, "replay", *WATER_WORKS, "--store", "none").out
    (beyond,) = [row for row in rows(out, "Violations") if row[4].startswith("beyond limits")]
    assert beyond[3] == "modbus write holding_register:100-101"
    assert re.fullmatch(r"\d\d:\d\d:\d\d", beyond[5])
    two = fieldtap(tmp_path, "replay", WATER_WORKS[0], ATTACK, *WATER_WORKS[1:], "--store", "none").out
    (beyond,) = [row for row in rows(two, "Violations") if row[4].startswith("beyond limits")]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", beyond[5])


def test_a_lone_unit_is_its_device(tmp_path: Path) -> None:
    def units(*words: object) -> list[str]:
        return [row[0] for row in rows(fieldtap(tmp_path, "replay", *words, "--store", "none").out, "Assets") if row[0].startswith("unit")]

    assert units(*WATER_WORKS) == []
    assert units(ATTACK) == ["unit 1", "unit 2", "unit 3"]


def test_what_to_look_at_next_is_the_first_row_of_the_gravest(tmp_path: Path) -> None:
    out = fieldtap(tmp_path, "replay", *WATER_WORKS, "--store", tmp_path / "a.sqlite").out
    (named,) = re.findall(r"^Next: fieldtap explain (\w+)", out, re.MULTILINE)
    assert named in out[: out.index("Next: ")]
