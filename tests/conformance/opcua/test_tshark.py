"""Every open OPC UA capture: our messages, nodes, values and statuses against tshark's (STYLE.md, 24)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import corpus
from tests.conformance.decisions import Decisions
from tests.conformance.messages import Row, compared, each, tshark_rows
from tests.conformance.opcua import messages

NAMES = Path(__file__).with_name("captures.txt").read_text(encoding="utf-8").split()
DECISIONS = Decisions(Path(__file__).with_name("decisions.yml"))


def test_the_corpus_is_here() -> None:
    """None of the corpus is forgotten where it is there."""
    if corpus.folder() is None:
        pytest.skip(f"{len(NAMES)} open captures are not compared: no corpus (set FIELDTAP_CORPUS)")
    here = {f"{path.parent.name}/{path.name}" for path in corpus.captures("opcua")}
    assert here <= set(NAMES), f"not in captures.txt: {sorted(here - set(NAMES))}"


def seen(name: str) -> tuple[Path, dict[int, Row]]:
    """A capture, and what tshark says of it on the ports on which we found OPC UA."""
    path = corpus.named(name)
    ports = sorted({line["server"]["port"] for line in messages.lines(path)} - {4_840})
    options = tuple(part for port in ports for part in ("-d", f"tcp.port=={port},opcua"))
    rows = messages.rows(path, options)
    if not rows:
        pytest.skip("tshark is not installed")
    return path, rows


def texts(ours: Counter[tuple[int, str]], theirs: Counter[tuple[int, str]]) -> list[str]:
    return [f"{frame} {whose} {what}" for whose, (frame, what) in compared(ours, theirs)]


@each(NAMES)
def test_messages_are_those_of_tshark(name: str) -> None:
    """By frame: request id and type id of the service; HEL, ACK, ERR, OPN, CLO."""
    path, rows = seen(name)
    differences = texts(messages.calls(path, rows), messages.their_calls(rows))
    kinds = messages.types_of_connection(path)
    theirs = Counter((frame, kind) for frame, row in rows.items() for kind in row["opcua.transport.type"] if kind != "MSG")
    DECISIONS.hold(path, "tshark", differences + texts(kinds, theirs))


@each(NAMES)
def test_refusals_are_those_of_tshark(name: str) -> None:
    """By frame: bad service results."""
    path, rows = seen(name)
    DECISIONS.hold(path, "tshark refusals", texts(messages.refusals(path), messages.their_refusals(rows)))


@each(NAMES)
def test_nodes_and_values_are_those_of_tshark(name: str) -> None:
    """Nodes of requests; values, their number and statuses of reads, writes and notifications."""
    path, rows = seen(name)
    differences = [*messages.nodes(path, rows), *messages.value_counts(path, rows), *messages.values(path, rows)]
    DECISIONS.hold(path, "tshark values", differences)


def told(value: Any) -> Iterator[str]:
    """Every value within it as text; the names of fields are ours."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from told(inner)
    else:
        yield str(value)


@each(NAMES)
def test_no_password_leaves(name: str) -> None:
    """What tshark reads as a password is in no value of our lines, neither as text nor as hexadecimal digits."""
    path = corpus.named(name)
    rows = tshark_rows(path, ("frame.number", "opcua.Password"), "opcua.Password")
    said = "\n".join(text for line in messages.lines(path) for text in told([line["opcua"], line["points"]]))
    for secret in (text for row in rows for text in row["opcua.Password"]):
        assert secret not in said
        assert bytes.fromhex(secret).decode("latin-1") not in said
