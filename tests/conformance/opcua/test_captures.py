"""The project's own captures of OPC UA: what real stacks said is told, what is wrong is told once, and no secret leaves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from dissectors import Engine
from dissectors import Transaction as Seen
from rules.fields import FIELDS
from tests.corpus import PROJECT

PLACE = PROJECT / "pcaps" / "opcua"
CAPTURES = sorted(path.name for path in PLACE.glob("*.pcap*"))
SECRETS = ("Ov3n-D00r", "Tw1st3d-Pair", "C0llect-all", "a token of an identity provider", "authentication!!")
SERVER, ATTACKER = "10.20.1.31", "10.20.9.66"


@cache
def lines(name: str) -> tuple[dict[str, Any], ...]:
    """The transactions of OPC UA."""
    batches = Engine(follow=True, threads=1, digest=False).replay(PLACE / name)
    return tuple(json.loads(fact.to_json()) for batch in batches for fact in batch if isinstance(fact, Seen) and fact.protocol == "opcua")


def called(capture: str, function: str, **outcome: str) -> Iterator[dict[str, Any]]:
    for line in lines(capture):
        if line["function"]["name"] == function and outcome.items() <= line["outcome"].items():
            yield line


def test_everything_that_is_wrong_is_said_once() -> None:
    engine = Engine(follow=True, threads=1, digest=False)
    for _ in engine.replay(PLACE / "malformed.pcap"):
        pass
    assert engine.result()["protocols"]["opcua"]["anomalies"] == dict.fromkeys((
        "unsupported_version", "limit_too_small", "limit_raised", "invalid_header", "invalid_size", "message_too_large", "aborted",
        "sequence_gap", "sequence_reused", "request_reused", "unknown_channel", "chunk_too_large", "chunk_order", "unknown_token",
        "token_reused", "type_error", "too_deep", "malformed_body", "trailing_bytes", "count_mismatch", "invalid_attribute",
        "unknown_service", "response_mismatch", "unsolicited_response", "unknown_session", "late_response", "unknown_policy",
        "certificate_unreadable",
    ), 1)  # fmt: skip


@pytest.mark.parametrize(
    "name", ["normal.pcapng", "sessions.pcapng", "engineering.pcapng", "second.pcapng", "services.pcap", "reverse.pcap"]
)
def test_nothing_is_wrong_with_what_real_stacks_say(name: str) -> None:
    assert {anomaly for line in lines(name) for anomaly in line["anomalies"]} == set()


def test_sessions_are_told_with_security_and_user() -> None:
    """Nine ways; what is signed and encrypted is not seen."""
    seen = Counter(
        (line["opcua"]["security_mode"], line["opcua"]["user_type"], line["opcua"].get("user"))
        for line in called("sessions.pcapng", "write") if line["server"]["ip"] == SERVER
    )  # fmt: skip
    users = [("anonymous", None), ("user_name", "operator"), ("certificate", "CN=operator, O=Riverside")]
    assert seen == {(mode, *user): 1 for mode in ("none", "sign") for user in users}
    sealed = [line for line in called("sessions.pcapng", "encrypted_message") if line["opcua"]["direction"] == "request"]
    assert len(sealed) == 15, "create, activate, read, write, close, three times"
    assert {line["opcua"]["security_mode"] for line in sealed} == {"sign_and_encrypt"}


def test_who_was_asked_before_a_session_closed_is_known() -> None:
    waiting = list(called("normal.pcapng", "publish", result="unanswered"))
    assert [line["opcua"]["user_type"] for line in waiting] == ["anonymous"]


def test_a_file_that_is_loaded_is_told_piece_by_piece() -> None:
    points = [point for line in called("engineering.pcapng", "call") for point in line["points"]]
    methods = Counter(point.get("method_name") for point in points)
    assert (methods["file_open"], methods["file_write"], methods["file_close"]) == (1, 3, 1)
    recipe = b"oven=180;time=42;" * 40
    pieces = [point["values"][1] for point in points if point.get("method_name") == "file_write"]
    assert "".join(pieces) in (recipe.hex(), recipe.decode())


def test_refusals_of_single_operations_are_rejections() -> None:
    refused = list(called("attack.pcapng", "write", result="rejected", name="bad_user_access_denied"))
    assert len(refused) == 12
    assert {line["client"]["ip"] for line in refused} == {ATTACKER}


@pytest.mark.parametrize("name", CAPTURES)
def test_user_and_security_are_part_of_the_operation(name: str) -> None:
    """What rules decide once for each operation (rules/fields.py) is the same for all its occurrences."""
    fields = [name.partition(".")[2] for name, known in FIELDS.items() if name.startswith("opcua.") and known.static]
    seen: dict[int, set[tuple[Any, ...]]] = {}
    for batch in Engine(follow=False, threads=1, digest=False).replay(PLACE / name):
        for fact in batch:
            if isinstance(fact, Seen) and fact.protocol == "opcua":
                seen.setdefault(fact.operation, set()).add(tuple((fact.detail or {}).get(field) for field in fields))
    assert len(fields) == 3
    assert len(seen) >= 3
    assert [values for values in seen.values() if len(values) > 1] == []


@pytest.mark.parametrize("name", CAPTURES)
def test_no_secret_leaves(name: str) -> None:
    said = "\n".join(json.dumps(line) for line in lines(name))
    assert said
    for secret in SECRETS:
        assert secret not in said
        assert secret.encode().hex() not in said


def test_the_secrets_are_there_to_be_hidden() -> None:
    """Otherwise the test above could not fail."""
    bytes_of = {name: (PLACE / name).read_bytes() for name in CAPTURES}
    assert b"Ov3n-D00r" in bytes_of["sessions.pcapng"]
    assert b"C0llect-all" in bytes_of["reverse.pcap"]
    assert b"a token of an identity provider" in bytes_of["services.pcap"]
