"""Every open capture with S7comm: our messages against tshark's, by function, sub-function, items and lists (STYLE.md, 24)."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from dissectors import Engine, Transaction
from tests import corpus

COTP: Final = {0xE0, 0x80, 0x70}
"""Functions that stand for the set-up and end of connections, which tshark does not give to S7comm."""
USERDATA: Final = 7
FIELDS: Final = ("param.func", "param.userdata.funcgroup", "param.userdata.subfunc", "param.modetrans.subfunc")

# Where we differ, and why: the bytes decide. Counts are ours less tshark's.
REPLAYED: Final = "one direction, holes in it and wrong checksums: what has one behind a hole is set aside"
DECIDED: Final[dict[str, tuple[str, dict[tuple[Any, ...], int]]]] = {
    "20160915_114800_replay_toggle_on_convayor_s7.pcap": (REPLAYED, {("function", 5): -2}),
    "20160915_114900_replay_toggle_off_convayor_s7.pcap": (REPLAYED, {("function", 5): -2}),
    "20160915_125800_replay_convayor.pcap": (REPLAYED, {("function", 5): -4}),
    "20160915_130300_replay_convayor_time_update.pcap": (REPLAYED, {("function", 5): -4}),
    "ConvOn.pcap": (REPLAYED, {("function", 5): -1}),
    "s7comm_clean.pcap": ("twelve segments come after their acknowledgement: tshark calls them retransmissions", {("function", 4): 12}),
    "teb.pcapng": ("answers are there three times, routed and sent again; each is one", {("function", 4): -22}),
}  # fmt: skip

Counts = Counter[tuple[Any, ...]]


def captures() -> list[Path]:
    return corpus.captures("s7comm", "mixed_plant")


def ours(path: Path) -> Counts:
    """Messages by function or sub-function, items that are asked for, identifiers of lists that are asked for."""
    found: Counts = Counter()
    for batch in Engine(follow=True, threads=1, digest=False).replay(path):
        for t in batch:
            if not isinstance(t, Transaction) or t.protocol != "s7comm" or t.function.code in COTP:
                continue
            halves = (t.request is not None) + (t.response is not None)
            if t.function.code == USERDATA and t.sub_function is not None:
                found["userdata", t.sub_function.group, t.sub_function.code] += halves
                if t.request is not None and "szl_id" in (t.detail or {}) and not _continued(t):
                    found["list", (t.detail or {})["szl_id"]] += 1
            else:
                # An answer that is an error shows no function in tshark.
                error = t.outcome.result == "rejected" and t.outcome.code is not None and t.outcome.code > 0xFF
                found["function", t.function.code] += halves - (1 if error and t.response is not None else 0)
                if t.request is not None and t.function.code in (4, 5):
                    found["items", t.function.code] += len(t.points)
    return +found


def _continued(t: Transaction) -> bool:
    """A further part of a list: its request names none."""
    detail = t.detail or {}
    return "part" in detail and "records" in detail


def theirs(path: Path) -> Counts:
    """The same of tshark, each message of each frame."""
    command = ["tshark", "-n", "-r", str(path), "-Y", "s7comm", "-T", "fields", "-E", "occurrence=a"]
    for field in FIELDS:
        command += ["-e", f"s7comm.{field}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: Counts = Counter()
    for line in done.stdout.splitlines():
        functions, groups, codes, modes = (cell.split(",") if cell else [] for cell in line.split("\t"))
        found.update(("function", int(code, 0)) for code in functions)
        found.update(("userdata", int(group, 0), int(code, 0)) for group, code in zip(groups, codes or modes, strict=True))
    return found


@pytest.mark.parametrize("path", captures(), ids=lambda path: path.name.rpartition("__")[2])
def test_messages_are_those_of_tshark(path: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    difference = Counter(ours(path))
    difference.subtract(theirs(path))
    found = {key: count for key, count in difference.items() if count and key[0] in ("function", "userdata")}
    _, decided = DECIDED.get(path.name.rpartition("__")[2], ("", {}))
    assert found == decided


@pytest.mark.parametrize("path", captures(), ids=lambda path: path.name.rpartition("__")[2])
def test_lists_are_those_of_tshark(path: Path) -> None:
    """Identifiers of the lists that are asked for, by the requests."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    command = ["tshark", "-n", "-r", str(path), "-Y", "s7comm.param.userdata.type == 4 && s7comm.data.userdata.szl_id"]
    command += ["-T", "fields", "-e", "s7comm.data.userdata.szl_id"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wanted = Counter(int(number, 0) for line in done.stdout.splitlines() for number in line.split(","))
    found = Counter({key[1]: count for key, count in ours(path).items() if key[0] == "list"})
    assert found == wanted


@pytest.mark.parametrize("path", captures(), ids=lambda path: path.name.rpartition("__")[2])
def test_items_are_those_of_tshark(path: Path) -> None:
    """How many variables are asked for; ranges of data blocks within one item are points of their own."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    if path.name.rpartition("__")[2] in DECIDED:
        pytest.skip("not the same messages")
    command = ["tshark", "-n", "-r", str(path), "-Y", "s7comm.header.rosctr == 1", "-T", "fields", "-E", "occurrence=a"]
    for field in ("func", "item.address", "item.dbread.startaddress"):
        command += ["-e", f"s7comm.param.{field}"]
    command += ["-e", "s7comm.tiap.item.crc"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    cells = [line.split("\t") for line in done.stdout.splitlines()]
    wanted = sum(len(cell.split(",")) for row in cells for cell in row[1:] if cell)
    assert sum(count for key, count in ours(path).items() if key[0] == "items") == wanted


def test_the_corpus_is_here() -> None:
    if corpus.folder() is None:
        pytest.skip("the open captures are not compared: no corpus (set FIELDTAP_CORPUS)")
    assert len(captures()) >= 60
