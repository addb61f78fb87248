"""SNMP, the dissector in Python that ships: paired, told, and without the community."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectors import Engine, Transaction
from dissectors.plugin import Message
from dissectors.snmp import Snmp
from tests.dissectors.crafted import Sent, udp

COMMUNITY = "S3cr3t-community"
OID = "1.3.6.1.2.1.1.5.0"


def message(pdu: Any, *, community: str = COMMUNITY, version: int = 1) -> bytes:
    from scapy.layers.snmp import SNMP

    return bytes(SNMP(version=version, community=community, PDU=pdu))


def bindings(value: bytes = b"") -> list[Any]:
    from scapy.asn1.asn1 import ASN1_STRING
    from scapy.layers.snmp import SNMPvarbind

    return [SNMPvarbind(oid=OID, value=ASN1_STRING(value))]


def conversation() -> list[Sent]:
    from scapy.layers.snmp import SNMPbulk, SNMPget, SNMPinform, SNMPresponse, SNMPset, SNMPtrapv1, SNMPtrapv2

    pieces = [
        (True, message(SNMPget(id=1, varbindlist=bindings()))),
        (False, message(SNMPresponse(id=1, varbindlist=bindings(b"plc-7")))),
        (True, message(SNMPset(id=-5, varbindlist=bindings(b"new")))),
        (False, message(SNMPresponse(id=-5, error=17, error_index=1, varbindlist=bindings(b"new")))),
        (True, message(SNMPbulk(id=2**31 - 1, varbindlist=bindings()), community="public")),
        (False, message(SNMPtrapv2(id=9, varbindlist=bindings(b"up")))),
        (False, message(SNMPtrapv1(enterprise="1.3.6.1.4.1", agent_addr="10.0.0.2", time_stamp=7, varbindlist=bindings()), version=0)),
        (False, message(SNMPinform(id=11, varbindlist=bindings()))),
        (True, message(SNMPresponse(id=11, varbindlist=bindings()))),
    ]
    return [Sent(payload=payload, up=up, time=place / 10) for place, (up, payload) in enumerate(pieces)]


def replay(path: Path, **options: Any) -> tuple[list[Transaction], dict[str, Any]]:
    engine = Engine(plugins=["snmp"], **options)
    return [t for batch in engine.replay(path) for t in batch.transactions], engine.result()


def test_a_conversation(tmp_path: Path) -> None:
    transactions, result = replay(udp(tmp_path / "a.pcap", conversation()))
    told = [(t.function.name, t.access, t.outcome.result, t.outcome.name, t.client.ip) for t in transactions]
    assert told == [
        ("get_request", "read", "accepted", None, "10.0.0.1"),
        ("set_request", "write", "rejected", "not_writable", "10.0.0.1"),
        ("trap_v2", "report", "accepted", None, "10.0.0.1"),
        ("trap", "report", "accepted", None, "10.0.0.1"),
        ("inform_request", "report", "accepted", None, "10.0.0.1"),
        ("get_bulk_request", "read", "unknown", None, "10.0.0.1"),
    ]
    assert transactions[0].detail["objects"] == [OID]
    assert (transactions[0].detail["default_community"], transactions[-1].detail["default_community"]) == (False, True)
    assert (transactions[0].detail["version"], transactions[3].detail["version"]) == ("2c", "1")
    assert result["protocols"]["snmp"]["anomalies"] == {}
    assert (result["errors"], result["ceilings"]) == ([], {})


def test_the_community_is_in_no_output(tmp_path: Path) -> None:
    lines = tmp_path / "lines.jsonl"
    transactions, result = replay(udp(tmp_path / "a.pcap", conversation()), transactions=lines)
    everything = repr(transactions) + repr(result) + lines.read_text() + repr([t.detail for t in transactions])
    assert lines.read_text().count('"protocol":"snmp"') == 6
    assert COMMUNITY not in everything
    assert COMMUNITY.encode().hex() not in everything


def test_every_cut_is_unreadable_or_not_recognised() -> None:
    for piece in conversation():
        for cut in range(len(piece.payload)):
            part = Message(payload=piece.payload[:cut], sender="a", ports=(40_000, 161), time=0, datagram=True)
            assert Snmp.probe(part) == 0
            answer = Snmp().dissect(part)
            assert (answer.used, answer.unreadable, list(answer.says)) == (cut, True, [])


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 8), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=6), st.binary(max_size=20))
def test_mutated_and_random_bytes_never_raise(which: int, changes: list[tuple[int, int]], tail: bytes) -> None:
    payload = bytearray(conversation()[which].payload)
    for place, byte in changes:
        payload[place % len(payload)] = byte
    for hostile in (bytes(payload), bytes(payload) + tail, tail):
        given_bytes = Message(payload=hostile, sender="a", ports=(161, 4), time=0, datagram=True)
        assert 0 <= Snmp.probe(given_bytes) <= 100
        assert Snmp().dissect(given_bytes).used == len(hostile)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4)), max_size=8))
def test_hostile_datagrams_cost_themselves(
    tmp_path_factory: pytest.TempPathFactory, hostile: list[tuple[int, list[tuple[int, int]]]]
) -> None:
    sent = conversation()[:2]
    for number, (which, changes) in enumerate(hostile):
        payload = bytearray(conversation()[which].payload)
        for place, byte in changes:
            payload[place % len(payload)] = byte
        sent.append(Sent(payload=bytes(payload), up=True, time=1 + number / 100))
    last = [Sent(payload=piece.payload, up=piece.up, time=20 + piece.time) for piece in conversation()[2:4]]
    transactions, result = replay(udp(tmp_path_factory.mktemp("snmp") / "a.pcap", [*sent, *last]))
    assert "set_request" in [t.function.name for t in transactions if t.outcome.result == "rejected"]
    assert (result["errors"], result["ceilings"]) == ([], {})


def test_version_3_is_left_alone(tmp_path: Path) -> None:
    payload = bytes.fromhex(
        "303e020103301102047e1a2b3c020300ffe304010702010304140412040d80001f8880e9630000d61ff449020100020100040004000400300e0400040030080400a00402010702"
    )
    transactions, _ = replay(udp(tmp_path / "a.pcap", [Sent(payload=payload, up=True, time=0)]))
    assert [t.function.name for t in transactions] == ["connect"]
