"""Points as a policy writes them: as transactions do (`kind:first-last`, `DB10.DBW2`), Modicon's 5 and 6 digit numbers for Modbus, and
groups of objects for DNP3 (`g12 index 3`)."""

from __future__ import annotations

import re

from zones.model import PointRange
from zones.vocabulary import Vocabulary, suggestion

_GENERIC = re.compile(r"([A-Za-z_][A-Za-z0-9_]*):(?:([0-9]+)/)?([0-9]+)(?:-([0-9]+))?")
_MODICON = re.compile(r"([0-9]{5,6})(?:-([0-9]{5,6}))?")
_GROUP = re.compile(r"g([0-9]{1,3}) index ([0-9]+)(?:-([0-9]+))?")
GROUPS = {
    1: "binary_input", 2: "binary_input", 3: "double_bit_input", 4: "double_bit_input", 10: "binary_output", 11: "binary_output",
    12: "binary_output", 13: "binary_output", 20: "counter", 21: "frozen_counter", 22: "counter", 23: "frozen_counter",
    30: "analog_input", 31: "frozen_analog_input", 32: "analog_input", 33: "frozen_analog_input", 34: "analog_input_deadband",
    40: "analog_output", 41: "analog_output", 42: "analog_output", 43: "analog_output",
}  # fmt: skip
"""Kinds of DNP3's points by the group of the objects that carry them (IEEE 1815-2012, annex A)."""
_TABLES = {"0": "coil", "1": "discrete_input", "3": "input_register", "4": "holding_register"}
_LATER = {"s7commplus": "DB10.DBW2", "cip": "a tag's name"}


def read_point(protocol: str, text: str, words: Vocabulary) -> PointRange:
    """The range that `text` means for `protocol`; ValueError says what is wrong with it."""
    if protocol == "modbus" and (modicon := _MODICON.fullmatch(text)):
        return _modicon(text, modicon.group(1), modicon.group(2) or modicon.group(1))
    if protocol == "dnp3" and (grouped := _GROUP.fullmatch(text)):
        return _grouped(text, grouped, words)
    generic = _GENERIC.fullmatch(text)
    if generic is None or _is_own(protocol, generic.group(1), words):
        if _is_own(protocol, None, words):
            return _own(protocol, text)
        if protocol in _LATER:
            raise ValueError(f'point "{text}": points of {protocol} ({_LATER[protocol]}) are not supported by this version')
        raise ValueError(f'point "{text}" is not written as kind:first or kind:first-last (holding_register:100-119)')
    kind, block, first, last = generic.groups()
    made = PointRange(kind, None if block is None else int(block), int(first), int(last or first), text)
    _judge(protocol, made, words)
    return made


def _is_own(protocol: str, kind: str | None, words: Vocabulary) -> bool:
    """The protocol (or this kind of its points) is written in a way of its own, which the dissectors' registry reads."""
    kinds = words.kinds(protocol) or {}
    rows = kinds.values() if kind is None else [kinds[kind]] if kind in kinds else []
    return any(row.get("syntax", "colon") != "colon" for row in rows)


def _own(protocol: str, text: str) -> PointRange:
    from dissectors import point_text, read_point

    try:
        kind, block, first, last, name = read_point(protocol, text)
    except ValueError as wrong:
        joint = " " if str(wrong).startswith("is not") else ": "
        raise ValueError(f'point "{text}"{joint}{wrong}') from None
    return PointRange(kind, block, first, last, text, name, point_text(protocol, kind, block, first, last, name))


def _grouped(text: str, parts: re.Match[str], words: Vocabulary) -> PointRange:
    """The points that objects of this group carry: of one kind, whichever of its groups carries them."""
    group, first, last = parts.groups()
    kind = GROUPS.get(int(group))
    if kind is None:
        known = ", ".join(f"g{one}" for one in GROUPS)
        raise ValueError(f'point "{text}": objects of group {int(group)} are no points with an index; these are: {known}')
    made = PointRange(kind, None, int(first), int(last or first), text)
    _judge("dnp3", made, words)
    return made


def _modicon(text: str, low: str, high: str) -> PointRange:
    """Reference numbers of Modicon's convention: the table's digit, then the 1-based number in it."""
    kind = _TABLES.get(low[0])
    if kind is None:
        raise ValueError(f'point "{text}": a Modicon number begins with 0, 1, 3 or 4')
    if low[0] != high[0] or len(low) != len(high):
        raise ValueError(f'point "{text}": both ends must be of the same table and length')
    first, last = int(low[1:]) - 1, int(high[1:]) - 1
    if first < 0 or last < first or last > 65535:
        raise ValueError(f'point "{text}": numbers run from {low[0]}{"1".zfill(len(low) - 1)} upwards, to 65536 at most')
    return PointRange(kind, None, first, last, text)


def _judge(protocol: str, made: PointRange, words: Vocabulary) -> None:
    if made.last < made.first:
        raise ValueError(f'point "{made.written}": the last is less than the first')
    if made.last >= 2**64:
        raise ValueError(f'point "{made.written}": there are no addresses above {2**64 - 1}')
    kinds = words.kinds(protocol)
    if kinds is None:
        return
    if made.kind not in kinds:
        near = suggestion(made.kind, kinds)
        raise ValueError(f'point "{made.written}": {protocol} has no points of kind "{made.kind}"{near}')
    row = kinds[made.kind]
    if made.last > row["max"]:
        raise ValueError(f'point "{made.written}": the greatest address of {made.kind} is {row["max"]}')
    if made.block is None and row["block"]:
        raise ValueError(f'point "{made.written}": {made.kind} needs a block ({row["example"]})')
    if made.block is not None and not row["block"]:
        raise ValueError(f'point "{made.written}": {made.kind} has no blocks ({row["example"]})')
