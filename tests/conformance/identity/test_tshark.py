"""What witnesses say of open captures against tshark's fields, as sets of statement, address and value (STYLE.md, 24)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import corpus
from tests.conformance.decisions import Decisions
from tests.conformance.identity import messages
from tests.conformance.messages import each

NAMES = Path(__file__).with_name("captures.txt").read_text(encoding="utf-8").split()
"""The captures of at most 8 MB in which tshark or we say one of the statements."""
DECISIONS = Decisions(Path(__file__).with_name("decisions.yml"))


def test_the_corpus_is_here() -> None:
    """So many captures are skipped where there is none."""
    if corpus.folder() is None:
        pytest.skip(f"{len(NAMES)} open captures are not compared: no corpus (set FIELDTAP_CORPUS)")
    missing = [name for name in NAMES if not (corpus.folder() / name).is_file()]  # type: ignore[operator]
    assert not missing, f"not in the corpus any more: {missing}"


@each(NAMES)
def test_statements_are_those_of_tshark(name: str) -> None:
    path = corpus.named(name)
    if not messages.tshark(path):
        pytest.skip("tshark is not installed")
    ours, theirs = messages.ours(path), messages.theirs(path)
    alone = [f"ours {' '.join(said)}" for said in ours.statements - theirs]
    DECISIONS.hold(path, "tshark", alone + [f"theirs {' '.join(said)}" for said in ours.missing(theirs)])


@each(NAMES)
def test_every_statement_has_a_row_in_its_table(name: str) -> None:
    """What is said is documented: attribute and field stand in the table of the witness."""
    for protocol, attribute, field in messages.said(corpus.named(name)):
        rows = messages.witnesses()[protocol]["says"]
        assert any((row["attribute"], row["field"]) == (attribute, field) for row in rows), f"{protocol}: {attribute} by {field}"


NOT_MET = {"browser name", "llmnr addresses", "rdp cookie", "ssh software"}
"""Statements that no open capture has, or that another field has said before wherever they are."""


def test_every_statement_is_said_somewhere() -> None:
    """None of the comparisons compares nothing: each finds its statement in some capture, but for those that no open capture has."""
    if corpus.folder() is None:
        pytest.skip("no corpus")
    met = {said[0] for name in NAMES for said in messages.ours(corpus.named(name)).statements}
    assert {one.name for one in messages.STATEMENTS} - met == NOT_MET
