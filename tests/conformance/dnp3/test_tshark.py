"""Every open DNP3 capture: our messages and objects against tshark's (STYLE.md, 24)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests import corpus
from tests.conformance.decisions import Decisions
from tests.conformance.dnp3 import messages
from tests.conformance.dnp3.messages import Message
from tests.conformance.messages import each

NAMES = Path(__file__).with_name("captures.txt").read_text(encoding="utf-8").split()
OWN = [str(path.relative_to(corpus.PROJECT)) for path in sorted(corpus.PROJECT.glob("pcaps/dnp3/*.pcap*")) if path.name != "malformed.pcap"]
DECISIONS = Decisions(Path(__file__).with_name("decisions.yml"))
DECODE_AS = {"dnp3_read_p20001.pcap": ("-d", "tcp.port==20001,dnp3")}


def test_the_corpus_is_here() -> None:
    """Says how many captures are not compared where the corpus is absent, and that none is forgotten where it is there."""
    if corpus.folder() is None:
        pytest.skip(f"{len(NAMES)} open captures are not compared: no corpus (set FIELDTAP_CORPUS)")
    here = {f"{path.parent.name}/{path.name}" for path in corpus.captures("dnp3")}
    assert here <= set(NAMES), f"not in captures.txt: {sorted(here - set(NAMES))}"


COMPARED: dict[str, Callable[[Iterable[Message]], Counter[tuple[int, str]]]] = {
    "tshark": messages.functions,
    "tshark objects": messages.objects,
    "tshark indications": messages.indications,
}
"""By frame: functions; group, variation, qualifier, and range or count of each object header; the sixteen indications."""


def compared(name: str) -> tuple[Path, dict[str, list[str]]]:
    """The differences between ours and tshark's, and how many frames tshark loses."""
    path = corpus.PROJECT / name if name in OWN else corpus.named(name)
    rows = messages.tshark_rows(path, next((options for end, options in DECODE_AS.items() if name.endswith(end)), ()))
    if not rows and messages.lines(path):
        pytest.skip("tshark is not installed")
    theirs = messages.theirs(rows)
    ours = [message for message in messages.ours(path) if message.frame not in theirs.lost]
    lost = [f"{len(theirs.lost)} frames that tshark loses"] * bool(theirs.lost)
    return path, {peer: [*messages.compared(what(ours), what(theirs.messages)), *lost] for peer, what in COMPARED.items()}


@each([*NAMES, *OWN])
def test_what_we_say_is_what_tshark_says(name: str) -> None:
    path, differences = compared(name)
    for peer, texts in differences.items():
        DECISIONS.hold(path, peer, texts)
