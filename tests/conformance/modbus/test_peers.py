"""Published logs of Zeek, ICSNPP and Suricata-verify, line by line and field by field (PROTOCOLS.md, 1.1)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tests import corpus
from tests.conformance.decisions import Decisions
from tests.conformance.messages import Line, expected, read, zeek_log
from tests.conformance.modbus import messages

DECISIONS: Final = Decisions(Path(__file__).with_name("decisions.yml"))
ICSNPP: Final = "modbus/cisagov+icsnpp-modbus__modbus_example.pcap"
FIELD: Final = "modbus/AaronDeRybelHowest+pcap-share__modbus.pcapng"
FUZZ: Final = "modbus/zeek+zeek__fuzz-72.pcap"
NAMES: Final = {
    "report_server_id": "REPORT_SLAVE_ID", "encapsulated_interface_transport": "ENCAP_INTERFACE_TRANSPORT",
}  # fmt: skip
SUB_FUNCTIONS: Final = {"return_diagnostic_register": "Return Diagnostic Register"}


def zeek_name(line: Line) -> str:
    """Zeek's word for a function."""
    name = line["function"]["name"]
    return NAMES.get(name) or (name or f"unknown-{line['function']['code']}").upper().replace("UNKNOWN", "unknown")


def test_zeek_logs_the_same_functions_and_exceptions() -> None:
    """modbus.log of the ICSNPP test: a line a transaction."""
    path = corpus.named(ICSNPP)
    ours = []
    for line in messages.lines(path):
        rejected = line["outcome"]["result"] == "rejected"
        code = (line["outcome"]["name"] or "").upper() if rejected else None
        ours.append((line["client"]["ip"], str(line["client"]["port"]), zeek_name(line) + ("_EXCEPTION" if rejected else ""), code))
    rows = zeek_log(path, "modbus")
    assert rows
    assert ours == [(row["2"], row["3"], row["6"], row["7"]) for row in rows]


def detailed(line: Line) -> dict[str, str | None]:
    """Our transaction in the words of ICSNPP's modbus_detailed."""
    own, code = line["modbus"], line["function"]["code"]
    point = line["points"][0] if line["points"] and code not in (23,) else None
    said: dict[str, str | None] = {"tid": str(own["transaction_id"]), "unit": line["unit"], "func": zeek_name(line)}
    if point is not None:
        said["address"] = str(point["first"])
    if code in (1, 2, 3, 4, 15, 16) and point is not None:
        said["quantity"] = str(point["last"] - point["first"] + 1)
        values = point["values"] and ",".join(map(str, point["values"]))
        said["request_values" if code > 4 else "response_values"] = values
    if code in (5, 6) and point is not None:
        said["request_values"] = said["response_values"] = ",".join(map(str, point["values"]))
    if code == 8:
        said["request_subfunction_code"] = said["response_subfunction_code"] = SUB_FUNCTIONS[line["sub_function"]["name"]]
        said["request_data"] = "".join(rf"\x{byte:02x}" for byte in bytes.fromhex(own["request_data"]))
    if code == 43:
        said["mei_type"] = line["sub_function"]["name"].replace("_", " ").title()
    if line["outcome"]["result"] == "rejected":
        said["exception_code"] = line["outcome"]["name"].upper()
    return said


def test_icsnpp_details_are_ours() -> None:
    """modbus_detailed: a line for a matched pair (for functions 7 and 17 one a half). Everything that we say must be what it says."""
    path = corpus.named(ICSNPP)
    rows = zeek_log(path, "modbus_detailed")
    assert rows
    unmatched = [row for row in rows if row["matched"] is None]
    assert Counter(row["func"] for row in unmatched) == {"READ_EXCEPTION_STATUS": 2, "REPORT_SLAVE_ID": 2}
    theirs = {(row["uid"], row["tid"]): row for row in rows}
    ours = messages.lines(path)
    assert len(theirs) == len(ours)
    for line, row in zip(ours, theirs.values(), strict=True):
        said = detailed(line)
        if line["function"]["code"] in (5, 6):
            assert row["quantity"] == "1"
        assert {name: row[name] for name in said} == said, row


def test_icsnpp_mask_writes_are_ours() -> None:
    path = corpus.named(ICSNPP)
    rows = zeek_log(path, "modbus_mask_write_register")
    assert rows
    ours = [line for line in messages.lines(path) if line["function"]["code"] == 22]
    said = [
        (str(own["transaction_id"]), line["unit"], half, str(line["points"][0]["first"]), str(own["and_mask"]), str(own["or_mask"]))
        for line, own in ((line, line["modbus"]) for line in ours) for half in ("REQUEST", "RESPONSE")
    ]  # fmt: skip
    assert said == [(row["tid"], row["unit"], row["request_response"], row["address"], row["and_mask"], row["or_mask"]) for row in rows]


def test_icsnpp_reads_and_writes_in_one_are_ours() -> None:
    """Function 23: two points, each with its values."""
    path = corpus.named(ICSNPP)
    rows = zeek_log(path, "modbus_read_write_multiple_registers")
    assert rows
    said: list[dict[str, str | None]] = []
    for line in messages.lines(path):
        if line["function"]["code"] == 23:
            read, write = line["points"]
            assert (read["access"], write["access"]) == ("read", "write")
            numbers = {"tid": str(line["modbus"]["transaction_id"]), "unit": line["unit"]}
            quantity = str(read["last"] - read["first"] + 1)
            written = ",".join(map(str, write["values"]))
            said.append({
                **numbers, "request_response": "REQUEST", "write_start_address": str(write["first"]), "write_registers": written,
                "read_start_address": str(read["first"]), "read_quantity": quantity, "read_registers": None,
            })  # fmt: skip
            said.append({**numbers, "request_response": "RESPONSE", "read_registers": ",".join(map(str, read["values"]))})
    assert said == [{name: row[name] for name in mine} for mine, row in zip(said, rows, strict=True)]


def test_a_day_of_writes_in_the_field() -> None:
    """12,790 messages of function 5 in logs of an older ICSNPP, each with its unit, address and value (`T`, `F`), at its time. The log is
    of the capture before its owner filtered it, so it has more lines than the capture has messages; each of ours is in it."""
    path = corpus.named(FIELD)
    rows = zeek_log(path, "modbus_detailed")
    assert rows
    said = []
    for line in messages.lines(path):
        (point,) = line["points"]
        for half in ("request", "response"):
            at = line[half]["time"]
            said.append((at[17:26], half, line["unit"], str(point["first"]), "T" if point["values"] == [1] else "F"))
    theirs = [(row["ts"], row["network_direction"], row["unit_id"], row["address"], row["values"]) for row in rows]
    assert len(said) == 12_790
    assert not Counter((second, *rest) for second, *rest in said) - Counter(map(_of_field, theirs))


def _of_field(row: tuple[str | None, ...]) -> tuple[str | None, ...]:
    seconds, _, fraction = (row[0] or "").partition(".")
    return (f"{int(seconds) % 60:02d}.{fraction}", *row[1:])


def test_zeek_on_fuzzed_tcp() -> None:
    """modbus.log with tid, unit, func, pdu_type and exception; every difference is decided."""
    path = corpus.named(FUZZ)
    rows = zeek_log(path, "modbus")
    assert rows
    ours: Counter[str] = Counter()
    for line in messages.lines(path):
        head = f"{line['modbus']['transaction_id']} {line['unit']}"
        if line["request"] is not None:
            ours[f"{head} {line['function']['code']} REQ"] += 1
        if line["response"] is not None:
            ours[f"{head} {line['function']['code']} RESP {(line['outcome'].get('name') or '').upper()}".strip()] += 1
    theirs = Counter(
        f"{row['tid']} {row['unit']} {int((row['func'] or '')[8:]) & 0x7F} {row['pdu_type']} {row['exception'] or ''}".strip()
        for row in rows
    )
    differences = [f"ours {text}" for text in (ours - theirs).elements()] + [f"theirs {text}" for text in (theirs - ours).elements()]
    DECISIONS.hold(path, "zeek", differences)


MESSAGE: Final = re.compile(
    r"modbus_message, .*orig_p=(\d+)/tcp.*\[tid=(\d+), pid=(\d+), uid=(\d+), function_code=(\d+), len=(\d+)\], ([TF])"
)


@pytest.mark.parametrize("name", ["modbus/zeek+zeek__modbusSmall.pcap", "modbus/zeek+zeek__modbusBig.pcap"])
def test_zeek_sees_the_same_messages(name: str) -> None:
    """Every modbus_message event: connection, transaction, unit, function, direction."""
    path = corpus.named(name)
    (place,) = expected(path).glob("zeek_*/output*")
    theirs: Counter[str] = Counter()
    for line in read(place).splitlines():
        if found := MESSAGE.search(line):
            port, tid, _, unit, code, _, is_request = found.groups()
            theirs[f"{port} {tid} {unit} {int(code) & 0x7F} {is_request}"] += int(line.split(" ", 1)[0])
    assert theirs
    ours: Counter[str] = Counter()
    for transaction in messages.lines(path):
        own, code = transaction["modbus"], transaction["function"]["code"]
        head = f"{transaction['client']['port']} {own['transaction_id']} {transaction['unit']} {code}"
        ours.update(f"{head} {flag}" for half, flag in (("request", "T"), ("response", "F")) if transaction[half])
    differences = [f"ours {text}" for text in (ours - theirs).elements()] + [f"theirs {text}" for text in (theirs - ours).elements()]
    DECISIONS.hold(path, "zeek", differences)


def test_suricata_verify() -> None:
    """The counts that Suricata's own test asks of its rules, asked of our transactions in the same words."""
    ours = messages.lines(corpus.named("modbus/OISF+suricata-verify__modbus.pcap"))
    asked = [line for line in ours if line["request"] is not None and not {"invalid_protocol_id"} & set(line["anomalies"])]
    assert sum(1 for line in asked if line["function"]["code"] == 1) == 2, "function 1"
    assert sum(1 for line in asked if line["unit"] == "10") == 18, "unit 10; all of them assigned functions"
    assert sum(1 for line in asked if line["unit"] == "10" and line["function"]["code"] == 43) == 2
    assert sum(1 for line in asked if line["access"] == "read" and line["points"]) == 3, "access read"
    assert sum(1 for line in asked if line["access"] == "write") == 3, "access write"
    assert sum(1 for line in asked if line["function"]["code"] == 8) == 8, "function 8"
    coils = [point for line in asked for point in line["points"] if line["access"] == "read" and point["kind"] == "coil"]
    assert sum(1 for point in coils if point["first"] + 1 <= 1 <= point["last"] + 1) == 1, (
        "read coils, address between 0 and 2, counted from 1"
    )


def test_ipal_reads_the_same_values() -> None:
    """The transcriber's lines: which points a request asks for, and their values in the response. For function 15 it counts coils from 1
    (frame 3, `0f 00 05 00 01 01 00`, is coil.6 there and coil:5 by the bytes), for all others from 0."""
    path = corpus.named("modbus/fkie-cad+ipal_transcriber__modbus.pcap")
    text = next(expected(path).glob("ipal/modbus.ipal")).read_text(encoding="utf-8")
    theirs = [ipal(json.loads(line)) for line in text.splitlines() if line.startswith("{")]
    assert sorted(map(str, (ours for line in messages.lines(path) for ours in halves(line)))) == sorted(map(str, theirs))


def ipal(line: Mapping[str, Any]) -> tuple[str, int, list[Any]]:
    data = sorted((int(key.rpartition(".")[2]), value) for key, value in line["data"].items())
    base = 1 if line["type"] == 15 else 0
    return line["activity"], line["type"], [(at - base, None if value is None else int(value)) for at, value in data]


ACTIVITY: Final = {"read": ("interrogate", "inform"), "write": ("command", "action")}


def halves(line: Line) -> Iterator[tuple[str, int, list[Any]]]:
    """Our transaction as its two lines."""
    (point,) = line["points"]
    addresses = range(point["first"], point["last"] + 1)
    with_values = list(zip(addresses, point["values"], strict=True))
    nothing = [(address, None) for address in addresses]
    request, response = ACTIVITY[line["access"]]
    read = line["access"] == "read"
    yield request, line["function"]["code"], nothing if read else with_values
    yield response, line["function"]["code"], with_values
