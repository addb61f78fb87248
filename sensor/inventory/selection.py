"""Filters as people write them: `vendor=Siemens role=plc`, `level>=2 address=10.20.1.0/24 model~315`.

All have to hold; values of one name are separated by commas, and one of them is enough. Text is compared without regard to case. A role
by its protocol is `client=modbus` or `server=s7comm`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from sensor.inventory.known import value
from sensor.terms import SelectionError as SelectionError
from sensor.terms import comparison, term

_OWN: Final = ("role", "vendor", "model", "firmware", "hardware", "serial", "os", "name", "zone", "level", "criticality", "tags")
KNOWN: Final = (*_OWN, "id", "kind", "address", "mac", "vlan", "protocol", "client", "server", "cpe", "contradiction")
"""Names that a filter may have; any attribute is one as well."""

Test = Callable[[Mapping[str, Any]], bool]


def selection(terms: Sequence[str]) -> Test:
    """A test of a known asset. Raises SelectionError."""
    tests = [_test(text) for text in terms]
    return lambda asset: all(test(asset) for test in tests)


def _test(text: str) -> Test:
    read = term(text, "vendor=Siemens, role=plc, level>=2, model~315")
    name, compare = read.name, comparison(read, address=read.name == "address")
    if read.sign == "!=":
        return lambda asset: not any(compare(held) for held in _values(asset, name))
    return lambda asset: any(compare(held) for held in _values(asset, name))


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
