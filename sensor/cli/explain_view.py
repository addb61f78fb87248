"""An explanation for people: what matched, and packets as two decoders read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sensor.cli.comparison import compared
from sensor.cli.table import Column, Section, Table

if TYPE_CHECKING:
    from dissectors import Transaction
    from sensor.explanation import Explanation


_BELOW: Final = frozenset({"eth", "sll", "vlan", "ip", "ipv6", "tcp", "udp", "tpkt", "cotp"})
"""Layers whose fields are left out where there is one above them."""


def why(finding: Mapping[str, Any], told: Explanation) -> Iterator[Section]:
    """The rule's condition with its selections, or the policy's line."""
    if told.policy is not None:
        line, text = told.policy
        yield Section("Why: the policy", lines=[f"{finding['policy']['file']}:{line}", f"    {text}", f"reason: {finding['reason']}"])
    if told.rule is None:
        return
    at = "" if told.place is None else f", held against packet {told.place[1]}"
    lines = [f"condition: {told.rule.condition}"] + ([f"counted: {told.rule.counted}"] if told.rule.counted else [])
    columns = (Column("selection", keep=True), Column("fits", keep=True), Column("asks"), Column("the transaction has"))
    rows = [(one.name, "yes" if one.fits else "no", one.asks, "; ".join(one.has)) for one in told.rule.selections]
    yield Section(f"Why: what of the rule matched{at}", lines=lines, table=Table(columns, rows))


def opened_packets(packets: Sequence[Mapping[str, Any]], finding: Mapping[str, Any], told: Explanation | None) -> list[Section]:
    """Each packet: our transaction, where tshark agrees and where not, and tshark's layers."""
    if not packets:
        return [Section("", lines=["This finding names no packets: it is about what was not seen, or about the run as a whole."])]
    made = []
    for packet in packets:
        place = (packet["capture_number"], packet["packet"])
        made.append(_packet(packet, () if told is None else told.occurrences.get(place, ())))
    left = len(finding["packets"]) - len(packets)
    if left > 0:
        made[-1].notes.append(f"{left} more of its packets are known: --packets {min(50, len(finding['packets']))}")
    return made


def _packet(packet: Mapping[str, Any], occurrences: Sequence[Transaction]) -> Section:
    section = Section(f"Packet {packet['packet']} of {packet['capture']}, {packet['time']}")
    for t in occurrences[:4]:
        section.lines.append(f"fieldtap: {_said(t)}")
    if occurrences:
        facts = compared(occurrences[0], packet)
        wrong = [one for one in facts if not one.same and one.theirs is not None]
        missing = [one.what for one in facts if one.theirs is None]
        rows = [(one.what, one.ours, one.theirs or "", "same" if one.same else "says nothing" if one.theirs is None else "DIFFERS")
                for one in facts]  # fmt: skip
        section.table = Table((Column("fact", keep=True), Column("fieldtap"), Column("tshark"), Column("", keep=True)), rows)
        section.notes.append(_verdict(len(facts), [one.what for one in wrong], missing))
    else:
        section.notes.append("fieldtap: no transaction was completed by this packet in its exchange alone")
    below = [layer["name"] for layer in packet["layers"] if layer["name"] in _BELOW]
    if below and len(below) < len(packet["layers"]):
        section.notes.append(f"tshark {', '.join(below)}: --json has their fields")
    for layer in packet["layers"]:
        if layer["name"] not in below or len(below) == len(packet["layers"]):
            section.notes.append(f"tshark {layer['name']}")
            section.notes.extend(f"    {field}" for field in layer["fields"])
    return section


def _verdict(count: int, wrong: Sequence[str], missing: Sequence[str]) -> str:
    if wrong:
        return f"The two decoders DIFFER in {', '.join(wrong)}: look at the bytes."
    silent = f"; of {', '.join(missing)} tshark says nothing here" if missing else ""
    return f"The two decoders agree in {count - len(missing)} of {count} facts{silent}."


def _said(t: Transaction) -> str:
    """`modbus write_single_coil (5), write, unit 1, coil:7 = 1, accepted`."""
    sub = t.sub_function
    function = f"{t.function.name or 'function'} ({t.function.code})" + (f" {sub.name or sub.code}" if sub is not None else "")
    points = ", ".join(f"{point.text}{'' if point.values is None else f' = {list(point.values)[:8]}'}" for point in t.points[:4])
    code = "" if t.outcome.code is None else f" ({t.outcome.name or t.outcome.code})"
    parts = (f"{t.protocol} {function}", t.access, t.unit and f"unit {t.unit}", points, f"{t.outcome.result}{code}", ", ".join(t.anomalies))
    return ", ".join(part for part in parts if part)
