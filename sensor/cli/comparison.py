"""Our decode of a packet beside tshark's, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sensor.clock import utc

if TYPE_CHECKING:
    from dissectors import Transaction


class Compared(NamedTuple):
    """One fact: what we say, what tshark says (None: it says nothing of it), and whether they are the same."""

    what: str
    ours: str
    theirs: str | None
    same: bool


_LAYER: Final[Mapping[str, str]] = {"modbus": "modbus", "umas": "modbus", "dnp3": "dnp3", "s7comm": "s7comm", "opcua": "opcua"}
"""Protocols that tshark knows by itself, and its name for their layer. It has no dissector for S7comm-plus."""


_LINK: Final = 256
"""DNP3's functions of the link layer are numbered from here on; application functions have one octet."""


def compared(t: Transaction, packet: Mapping[str, Any]) -> list[Compared]:
    """Compares a transaction with the layers of a packet (`second_opinion.decode`), its request or response."""
    is_request = t.request is not None and utc(t.request.time) == packet["time"]
    return [_judged(what, ours, theirs) for what, ours, theirs in _facts(t, packet["values"], is_request=is_request)]


def _judged(what: str, ours: Any, theirs: Sequence[str] | None) -> Compared:
    if not theirs:
        return Compared(what, str(ours), None, False)
    said = [_number(one) for one in theirs]
    return Compared(what, str(ours), ", ".join(dict.fromkeys(str(one) for one in said)), _number(str(ours)) in said)


def _number(text: str) -> int | str:
    """Numbers as numbers: tshark writes some in hexadecimal."""
    try:
        return int(text, 0)
    except ValueError:
        return int(text) if text.isdigit() else text


def _facts(t: Transaction, layers: Mapping[str, Mapping[str, Sequence[str]]], *, is_request: bool) -> Iterator[tuple[str, Any, Any]]:
    """What is compared: label, our value, tshark's values."""
    sender, receiver = (t.client, t.server) if is_request else (t.server, t.client)
    for side, party, name in (("from", sender, "src"), ("to", receiver, "dst")):
        if party.ip is not None:
            yield side, party.ip, layers.get("ipv6" if ":" in party.ip else "ip", {}).get(name)
    layer = _LAYER.get(t.protocol)
    if layer is not None:
        yield "protocol", layer, [layer] if layer in layers else None
    known = {"modbus": _modbus, "umas": _modbus, "dnp3": _dnp3, "s7comm": _s7, "opcua": _opcua}.get(t.protocol)
    if known is not None:
        yield from known(t, layers, is_request)


_Facts = Iterator[tuple[str, Any, Any]]
_Layers = Mapping[str, Mapping[str, Sequence[str]]]


def _modbus(t: Transaction, layers: _Layers, is_request: bool) -> _Facts:
    own = layers.get("modbus", {})
    yield "function", t.function.code if t.protocol == "modbus" else 90, own.get("func_code")
    yield "unit", t.unit, layers.get("mbtcp", {}).get("unit_id") or layers.get("mbrtu", {}).get("unit_id")
    if is_request and t.points and t.protocol == "modbus" and "reference_num" in own:
        yield "first address", t.points[0].first, own["reference_num"]
        if "word_cnt" in own:
            yield "quantity", t.points[0].last - t.points[0].first + 1, own["word_cnt"]
    if not is_request and "exception_code" in own:
        yield "exception", t.outcome.code, own["exception_code"]


def _dnp3(t: Transaction, layers: _Layers, is_request: bool) -> _Facts:
    own = layers.get("dnp3", {})
    source, _, destination = (t.unit or "").partition(">")
    yield "source", source if is_request else destination, own.get("src")
    yield "destination", destination if is_request else source, own.get("dst")
    if is_request and t.function.code < _LINK:
        yield "function", t.function.code, own.get("al_func")
    elif is_request:
        yield "link function", t.function.code - _LINK, own.get("ctl_prifunc")


def _s7(t: Transaction, layers: _Layers, is_request: bool) -> _Facts:
    own = layers.get("s7comm", {})
    if "param_func" in own:
        yield "function", t.function.code, own["param_func"]
    elif t.sub_function is not None and "param_userdata_subfunc" in own:
        yield "sub-function", t.sub_function.code, own["param_userdata_subfunc"]
    if not is_request and "param_errcod" in own and t.outcome.code is not None:
        yield "error", t.outcome.code, own["param_errcod"]


def _opcua(t: Transaction, layers: _Layers, is_request: bool) -> _Facts:
    if is_request:
        yield "service", t.function.code, layers.get("opcua", {}).get("servicenodeid_numeric")
