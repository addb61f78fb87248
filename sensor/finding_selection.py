"""Filters on findings: `severity>=high rule=s7comm-plc-stop client=10.20.0.0/16 title~restart`. All have to hold (sensor.terms)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from sensor.findings import SEVERITIES
from sensor.terms import SelectionError, Term, comparison, term

EXAMPLES: Final = "severity>=high, kind=alert, rule=s7comm-plc-stop, client=10.20.0.0/16, title~restart"
_ADDRESSES: Final = ("client", "server", "source", "address")
_WORDS: Final = ("kind", "severity", "protocol", "unit", "access", "reason", "conduit", "state", "title", "count", "confidence")
NAMES: Final = (
    *_ADDRESSES,
    *_WORDS,
    "id",
    "rule",
    "zone",
    "from",
    "to",
    "function",
    "point",
    "technique",
    "outcome",
    "evidence_class",
    "disposition",
)
"""Names that a filter may have. `source` is who did it: the client, or what a group names; `address` is either side."""

Document = Mapping[str, Any]
Test = Callable[[Document], bool]


def selection(terms: Sequence[str]) -> Test:
    """A test of a finding's document. Raises SelectionError."""
    tests = [_test(term(text, EXAMPLES)) for text in terms]
    return lambda finding: all(test(finding) for test in tests)


def _test(read: Term) -> Test:
    name = read.name
    if name not in NAMES:
        near = get_close_matches(name, NAMES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the names are {', '.join(NAMES)}."
        raise SelectionError(f"{read.text!r}: findings have no {name}; {hint}")
    compare = _comparison(read)
    if read.sign == "!=":
        return lambda finding: not any(compare(held) for held in _values(finding, name))
    return lambda finding: any(compare(held) for held in _values(finding, name))


def _comparison(read: Term) -> Callable[[Any], bool]:
    if read.name == "severity":
        return _severity(read)
    if read.name == "id":
        options = read.options
        return lambda held: any(str(held).startswith(option) for option in options)
    return comparison(read, address=read.name in _ADDRESSES and read.sign in ("=", "!="))


def _severity(read: Term) -> Callable[[Any], bool]:
    """Severities have an order."""
    wrong = [option for option in read.options if option not in SEVERITIES]
    if wrong or not read.options:
        raise SelectionError(f"{read.text!r}: a severity is one of {', '.join(SEVERITIES)}.")
    order: Sequence[str] = SEVERITIES
    places = [order.index(option) for option in read.options]
    low, high = min(places), max(places)
    meant = {">=": range(low, len(order)), ">": range(low + 1, len(order)), "<=": range(high + 1), "<": range(high)}.get(read.sign, places)
    return lambda held: order.index(held) in meant


def _values(finding: Document, name: str) -> Iterable[Any]:
    """What a finding has under a name."""
    meant = _MEANT.get(name)
    values = [finding.get(name)] if meant is None else meant(finding)
    return [held for held in values if held is not None]


def _side(finding: Document, side: str) -> list[Any]:
    said = finding.get(side) or {}
    asset = (finding.get("detail") or {}).get({"client": "from_asset", "server": "to_asset"}[side])
    return [said.get("ip"), said.get("mac"), asset]


def _rule(finding: Document) -> list[Any]:
    said = (finding.get("detail") or {}).get("rule")
    return [finding.get("rule"), said.get("name") if isinstance(said, Mapping) else None]


def _codes(finding: Document) -> list[Any]:
    said = [finding.get("function"), finding.get("sub_function")]
    return [one[part] for one in said if one for part in ("code", "name")]


def _techniques(finding: Document) -> list[Any]:
    attacks = finding.get("attacks") or ([finding["attack"]] if finding.get("attack") else [])
    return [attack.get(part) for attack in attacks for part in ("id", "legacy_id")]


def _zones(*sides: str) -> Callable[[Document], list[Any]]:
    return lambda finding: [(finding.get("zones") or {}).get(side) for side in sides]


_MEANT: Final[Mapping[str, Callable[[Document], list[Any]]]] = {
    "client": lambda finding: _side(finding, "client"), "server": lambda finding: _side(finding, "server"),
    "source": lambda finding: _side(finding, "client"),
    "address": lambda finding: [*_side(finding, "client"), *_side(finding, "server")],
    "rule": _rule, "function": _codes, "technique": _techniques, "zone": _zones("from", "to"), "from": _zones("from"), "to": _zones("to"),
    "point": lambda finding: [point["point"] for point in finding.get("points") or ()],
    "outcome": lambda finding: list(finding.get("outcomes") or ()),
    "disposition": lambda finding: [(finding.get("disposition") or {"state": "open"})["state"]],
    "evidence_class": lambda finding: [(finding.get("detail") or {}).get("evidence_class")],
}  # fmt: skip
