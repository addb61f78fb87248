"""Every open Modbus and UMAS capture: our messages against those of other decoders (STYLE.md, 24)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests import corpus
from tests.conformance.decisions import Decisions
from tests.conformance.messages import each, expected
from tests.conformance.modbus import messages

NAMES = Path(__file__).with_name("captures.txt").read_text(encoding="utf-8").split()
DECODE_AS = {"AgentCarter1": ("-d", "tcp.port==505,mbtcp", "-d", "tcp.port==503,mbtcp", "-d", "tcp.port==504,mbtcp")}
DECISIONS = Decisions(Path(__file__).with_name("decisions.yml"))


def test_the_corpus_is_here() -> None:
    """Says how many captures are not compared where the corpus is absent, and that none is forgotten where it is there."""
    if corpus.folder() is None:
        pytest.skip(f"{len(NAMES)} open captures are not compared: no corpus (set FIELDTAP_CORPUS)")
    here = {f"{path.parent.name}/{path.name}" for path in corpus.captures("modbus", "umas")}
    assert here <= set(NAMES), f"not in captures.txt: {sorted(here - set(NAMES))}"


@each(NAMES)
def test_messages_are_those_of_tshark(name: str) -> None:
    """By frame, function and exception; live where tshark is installed, else against the published baseline."""
    path = corpus.named(name)
    options = next((options for owner, options in DECODE_AS.items() if owner in name), ())
    rows = messages.tshark_rows(path, options) or messages.tshark_stored(path)
    theirs = messages.tshark_counted(rows)
    DECISIONS.hold(path, "tshark", messages.compared(messages.counted(messages.ours(path)), theirs))


@each(NAMES)
def test_fields_are_those_of_tshark(name: str) -> None:
    """Identifiers, units, addresses, quantities, values, masks, sub-functions, objects, wherever tshark gives them."""
    path = corpus.named(name)
    options = next((options for owner, options in DECODE_AS.items() if owner in name), ())
    rows = messages.tshark_rows(path, options)
    if not rows and messages.lines(path):
        pytest.skip("tshark is not installed")
    DECISIONS.hold(path, "tshark fields", messages.field_differences(path, rows))


@each(NAMES)
def test_published_counts_by_function(name: str) -> None:
    """The whole capture's counts by function in the published baseline (tshark 4.0.17), through the same decisions."""
    path = corpus.named(name)
    if not list(expected(path).glob("tshark-*/pdus.tsv.gz")) or any(owner in name for owner in DECODE_AS):
        pytest.skip("no published baseline of all its messages")
    ours = Counter(message.code for message in messages.ours(path))
    theirs = Counter(int(code) for row in messages.tshark_stored(path) for code in row["modbus.func_code"])
    for text in DECISIONS.of(path, "tshark"):
        whose, code = text.split()[1:3]
        (theirs if whose == "ours" else ours)[int(code)] += 1
    assert ours == theirs
