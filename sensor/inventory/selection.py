"""Filters as people write them: `vendor=Siemens role=plc`, `level>=2 address=10.20.1.0/24 model~315`.

All have to hold; values of one name are separated by commas, and one of them is enough. Text is compared without regard to case. A role
by its protocol is `client=modbus` or `server=s7comm`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from sensor.inventory.known import value

_TERM: Final = re.compile(r"([a-z_]+)(!=|>=|<=|=|~|>|<)(.+)", re.IGNORECASE)
_OWN: Final = ("role", "vendor", "model", "firmware", "hardware", "serial", "os", "name", "zone", "level", "criticality", "tags")
KNOWN: Final = (*_OWN, "id", "kind", "address", "mac", "vlan", "protocol", "client", "server", "cpe", "contradiction")
"""Names that a filter may have; any attribute is one as well."""


class SelectionError(ValueError):
    """A filter that can't be read; the text says what and how to write it."""


Test = Callable[[Mapping[str, Any]], bool]


def selection(terms: Sequence[str]) -> Test:
    """A test of a known asset. Raises SelectionError."""
    tests = [_test(term) for term in terms]
    return lambda asset: all(test(asset) for test in tests)


def _test(term: str) -> Test:
    found = _TERM.fullmatch(term.strip())
    if found is None:
        raise SelectionError(f"{term!r} is no filter: write NAME=VALUE, for example vendor=Siemens, role=plc, level>=2, model~315.")
    name, sign, wanted = found.group(1).lower(), found.group(2), found.group(3)
    compare = _comparison(name, sign, wanted, term)
    if sign == "!=":
        return lambda asset: not any(compare(held) for held in _values(asset, name))
    return lambda asset: any(compare(held) for held in _values(asset, name))


def _comparison(name: str, sign: str, wanted: str, term: str) -> Callable[[Any], bool]:
    if sign in (">", "<", ">=", "<="):
        return _ordered(sign, wanted, term)
    options = [one.strip().lower() for one in wanted.split(",") if one.strip()]
    if name == "address":
        networks = [_network(option, term) for option in options]
        return lambda held: any(_within(str(held), network) for network in networks)
    if sign == "~":
        return lambda held: any(option in str(held).lower() for option in options)
    return lambda held: _plain(held) in options


def _ordered(sign: str, wanted: str, term: str) -> Callable[[Any], bool]:
    try:
        limit = float(wanted)
    except ValueError:
        raise SelectionError(f"{term!r}: {sign} compares numbers, and {wanted!r} is none.") from None

    def compare(held: Any) -> bool:
        try:
            number = float(held)
        except (TypeError, ValueError):
            return False
        return {">": number > limit, "<": number < limit, ">=": number >= limit, "<=": number <= limit}[sign]

    return compare


def _network(text: str, term: str) -> Any:
    if "/" not in text:
        return text
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise SelectionError(f"{term!r}: {error}.") from None


def _within(address: str, network: Any) -> bool:
    if isinstance(network, str):
        return address.lower() == network
    try:
        return ipaddress.ip_address(address) in network
    except ValueError:
        return False


def _values(asset: Mapping[str, Any], name: str) -> Iterable[Any]:
    """What an asset has under a name."""
    if name in ("client", "server", "protocol"):
        return [role["protocol"] for role in asset["roles"] if name in ("protocol", role["role"])]
    if name in ("address", "vlan"):
        return list(asset["addresses" if name == "address" else "vlans"])
    if name == "contradiction":
        return [one["kind"] for one in asset["contradictions"]]
    if name in ("id", "kind", "cpe"):
        return [] if asset[name] is None else [asset[name]]
    held = value(asset, name) if name in _OWN else None
    if held is None:
        said = asset["attributes"].get(name)
        held = None if said is None else said["value"]
    if name == "tags" and held is not None:
        return [tag.strip() for tag in str(held).split(",")]
    return [] if held is None else [held]


def _plain(held: Any) -> str:
    return f"{held:g}" if isinstance(held, float) else str(held).lower()
