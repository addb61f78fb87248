"""What was not seen, said plainly: silence here would be read as 'there was nothing'."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sensor.cli.options import UNREADABLE
from sensor.cli.table import Section
from sensor.cli.words import counted, number, size

if TYPE_CHECKING:
    from sensor.result import Result

_CAUSES = 4


def unseen(result: Result, coverage: Sequence[Mapping[str, Any]], health: Sequence[Mapping[str, Any]]) -> Section:
    """Everything that is known to be missing. `coverage` and `health` are findings of these kinds."""
    engine = result.engine
    lines = ["The run was stopped: the rest of the captures was not read"] if result.interrupted else []
    lines += [*_captures(engine), *_packets(engine["packets"]), *_streams(engine["ledger"]), *_messages(engine)]
    lines += [f"{finding['title']} ({counted(finding['count'], 'case')}, finding {finding['id'][:8]})" for finding in coverage]
    lines += [_beyond(finding) for finding in health if finding["reason"] == "alert_budget"]
    health = [finding for finding in health if finding["reason"] != "alert_budget"]
    lines += [f"{finding['title']}: what came beyond is merged, {number(finding['count'])} times" for finding in health]
    if result.left_out:
        lines.append(f"The store has no room for {counted(result.left_out, 'operation')} of this run.")
    return Section(
        "Not seen", lines=lines or ["Nothing is known to be missing: no loss, both directions of every connection, every packet read."]
    )


def _beyond(finding: Mapping[str, Any]) -> str:
    alerts, counts = finding["detail"]["alerts"], counted(finding["count"], "occurrence")
    return f"{finding['title']} ({counted(alerts, 'alert')} beyond, {counts}, finding {finding['id'][:8]}; --alerts-per-hour)"


def _captures(engine: Mapping[str, Any]) -> Iterator[str]:
    for capture in engine["captures"]:
        for name, count in capture["anomalies"].items():
            if name not in UNREADABLE:
                yield f"{capture['path']}: {name.removeprefix('capture_').replace('_', ' ')} ({number(count)})"
                continue
            at = capture["anomaly_offsets"].get(name)
            yield f"{capture['path']}: {UNREADABLE[name]} at byte {number(at or 0)}"
        if capture["dropped"]:
            yield f"{capture['path']}: the capturing host lost {counted(capture['dropped'], 'packet')}"


def _packets(packets: Mapping[str, Any]) -> Iterator[str]:
    undecoded = sum(packets["undecoded"].values())
    if undecoded:
        yield f"{number(undecoded)} of {number(packets['read'])} packets could not be read: {_causes(packets['undecoded'])}"
    twins = sum(packets["duplicates"].values())
    if twins:
        yield f"{number(twins)} packets were shown twice by the mirror and are counted once: {_causes(packets['duplicates'])}"
    if packets["suspected_duplicates"]:
        yield f"{number(packets['suspected_duplicates'])} packets may be duplicates; they are kept"


def _streams(ledger: Mapping[str, int]) -> Iterator[str]:
    if ledger["gap_bytes"]:
        yield f"{size(ledger['gap_bytes'])} of TCP streams are missing, in {counted(ledger['gaps'], 'place')}"
    if ledger["cut_bytes"]:
        yield f"{size(ledger['cut_bytes'])} of payload were cut off when the packets were captured (snaplen)"
    if ledger["midstream"]:
        yield f"{counted(ledger['midstream'], 'connection')} began before the capture"
    if ledger["encrypted"]:
        yield f"{counted(ledger['encrypted'], 'flow')} are encrypted: what they say is not seen"
    if ledger["undecoded_bytes"]:
        yield f"{size(ledger['undecoded_bytes'])} of payload were not understood (other protocols, or unreadable)"
    if ledger["set_aside_packets"] or ledger["bad_checksums"]:
        aside = counted(ledger["set_aside_packets"] + ledger["bad_checksums"], "segment")
        yield f"{aside} set aside: a wrong checksum, or no place in their stream"
    if ledger["time_backwards"]:
        yield f"{counted(ledger['time_backwards'], 'packet')} older than the one before; they count at the later time"


def _messages(engine: Mapping[str, Any]) -> Iterator[str]:
    for protocol, counts in engine["protocols"].items():
        wrong = counts["anomalies"]
        if wrong:
            yield f"{protocol}: {counted(sum(wrong.values()), 'anomaly', 'anomalies')} ({_causes(wrong)})"


def _causes(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    said = [f"{name.replace('_', ' ')} {number(count)}" for name, count in ordered[:_CAUSES]]
    return ", ".join(said) + (f" and {len(ordered) - _CAUSES} more" if len(ordered) > _CAUSES else "")
