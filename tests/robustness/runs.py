"""One run of the engine, and what of it can be compared with another run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dissectors import Engine
from tests.robustness.frames import Frame, write

Line = dict[str, Any]

SWEPT = ("modbus", "umas", "dnp3", "s7comm", "s7commplus", "opcua")
"""Protocols whose streams are cut, lost and shuffled."""

REMEMBERED = {
    "opcua": ("channel_id", "security_mode", "security_policy", "user_type", "user", "application_uri", "session_name", "session_endpoint",
              "downgraded", "unnamed_values", "renewals"),
}  # fmt: skip
"""Fields that come from messages before: where those are lost, less is said."""

NOTIFIED = ("publish", "republish")
"""Functions of OPC UA whose points are in the response, and have the nodes of the items that were created before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What an engine gave: transactions as they are written, anomalies that belong to none, and the result with its ledger."""

    lines: Sequence[Line]
    loose: Sequence[str]
    result: Mapping[str, Any]
    conversations: Sequence[Mapping[str, Any]]

    @property
    def ledger(self) -> Mapping[str, int]:
        ledger: Mapping[str, int] = self.result["ledger"]
        return ledger

    def spoken(self, *protocols: str) -> list[Line]:
        """The transactions of these protocols (those that are swept here if none is named)."""
        return [line for line in self.lines if line["protocol"] in (protocols or SWEPT)]


def run(*captures: Path, threads: int = 1, **options: Any) -> Run:
    """Follows everything in these captures."""
    engine = Engine(follow=True, threads=threads, digest=False, **options)
    lines, loose = [], []
    for batch in engine.replay(*captures):
        for fact in batch:
            if fact.kind == "transaction":
                lines.append(json.loads(fact.to_json()))
            elif fact.kind == "anomaly":
                loose.append(fact.name)
    return Run(lines=lines, loose=loose, result=engine.result(), conversations=engine.conversations())


def run_frames(folder: Path, frames: Sequence[Frame], **options: Any) -> Run:
    """The same for frames that a test made."""
    return run(write(folder / "frames.pcap", frames), **options)


def without_numbers(line: Line) -> Line:
    """A transaction without the numbers of its packets, which change when frames are cut or added."""
    same = dict(line)
    for side in ("request", "response"):
        if same[side] is not None:
            same[side] = {"time": same[side]["time"]}
    if "select" in (same.get(line["protocol"]) or {}):
        same[line["protocol"]] = {**same[line["protocol"]], "select": None}
    return same


def unit(line: Line) -> str | None:
    """The device behind the address, where the message itself says which: rack and slot of S7 stand in the connection's request alone,
    which a damaged capture may lack."""
    return None if line["protocol"] in ("s7comm", "s7commplus") else line["unit"]


def asked(line: Line) -> str:
    """What the request said, as far as a damaged capture keeps it: who asked whom what about which points. What is read, from the process
    or of a session, only the response says, and what a DNP3 poll is about as well; there the request names objects."""
    said = [(point["point"], point["access"], point["access"] not in ("read", "session")) for point in line["points"]]
    write_values = [(*what, point["values"] if known else None) for (*what, known), point in zip(said, line["points"], strict=True)]
    own = line.get(line["protocol"]) or {}
    if line["protocol"] == "dnp3":
        write_values = own.get("request_objects") or []
    if line["function"]["name"] in NOTIFIED:
        write_values = []
    return json.dumps([
        line["flow"], line["client"]["ip"], line["server"]["ip"], unit(line), line["function"], line.get("sub_function"),
        write_values, own.get("transaction_id"), own.get("sequence"),
    ])  # fmt: skip


def answered(line: Line) -> str:
    """The whole exchange without its times and packets."""
    kept = {key: value for key, value in line.items() if key not in ("time", "latency_ns", "request", "response", "vlan", "initiator")}
    kept = {**kept, "client": line["client"]["ip"], "server": line["server"]["ip"], "unit": unit(line)}
    before = ("select", *REMEMBERED.get(line["protocol"], ()))
    kept[line["protocol"]] = {name: value for name, value in (line.get(line["protocol"]) or {}).items() if name not in before}
    if line["function"]["name"] in NOTIFIED:
        del kept["points"]
    return json.dumps(kept)


def more_than(damaged: Iterable[str], whole: Iterable[str]) -> Counter[str]:
    """What the first has that the second hasn't, each as often as it does."""
    return Counter(damaged) - Counter(whole)
