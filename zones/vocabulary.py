"""The words that a policy may use: protocols with their functions and kinds of points, from the registry of the dissectors.

Loaded only when a policy is compiled. What the registry doesn't know yet (a protocol of a later version) is still a word of the
language (DESIGN.md, 7): its functions and points are then taken as written, and the check says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from zones.model import INDUSTRIAL, TRANSPORTS

PORTLESS = (
    *("arp", "lldp", "profinet", "ethercat", "powerlink", "sercos", "gse", "ptp", "prp", "hsr", "loopback", "cdp", "stp", "bacnet_llc"),
    *("eapol", "lacp", "igmp", "ospf", "vrrp", "pim", "esp", "ah", "sctp", "ip", "ethernet"),
)  # fmt: skip
"""Protocols without ports, by the names of their ethertypes and IP protocol numbers; `ip` and `ethernet` are those without a name. Any
ethertype can be written as `0x88cc`."""
USERS = ("opcua",)
"""Protocols that tell for which user something is asked, and how that is secured."""
CARRIERS = {"umas": "modbus", "cip": "enip"}
"""Protocols that ride on another: its sessions and ports are theirs."""


def suggestion(word: str, words: Iterable[str]) -> str:
    """`; did you mean "…"?` where one of `words` is close to `word`, else nothing."""
    lowered = {known.lower(): known for known in words}
    close = get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    return f'; did you mean "{lowered[close[0]]}"?' if close else ""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`registry` by protocol name (dissectors.protocols), `services` the IANA names of ports."""

    registry: Mapping[str, Mapping[str, Any]]
    services: frozenset[str]

    @property
    def protocols(self) -> list[str]:
        """Every protocol name but the services'."""
        return [*INDUSTRIAL, *(name for name in self.registry if name not in INDUSTRIAL), *TRANSPORTS, *PORTLESS]

    def industrial(self, protocol: str) -> bool:
        """Whether it has functions, points and accesses of its own."""
        return protocol in INDUSTRIAL or protocol in self.registry

    def protocol_error(self, name: str) -> str | None:
        """What is wrong with this protocol name."""
        if name in self.protocols or name in self.services or _ethertype(name):
            return None
        near = suggestion(name, self.protocols) or suggestion(name, self.services)
        return f'protocol "{name}" is not known{near}'

    def functions(self, protocol: str) -> dict[str, int] | None:
        """Codes by name; None where the registry doesn't have the protocol."""
        entry = self.registry.get(protocol)
        return None if entry is None else {row["name"]: row["code"] for row in entry["functions"]}

    def sub_functions(self, protocol: str) -> set[str] | None:
        """Names; None where the registry doesn't have the protocol."""
        entry = self.registry.get(protocol)
        return None if entry is None else {row["name"] for row in entry["sub_functions"]}

    def kinds(self, protocol: str) -> dict[str, Mapping[str, Any]] | None:
        """Kinds of points by name (`max`, `block`, `example`); None where the registry doesn't have the protocol."""
        entry = self.registry.get(protocol)
        return None if entry is None else {row["name"]: row for row in entry["point_kinds"]}

    def ports(self, protocol: str) -> frozenset[int]:
        """Usual ports of a dissected protocol (and of the one that it rides on)."""
        found: set[int] = set()
        for name in (protocol, CARRIERS.get(protocol)):
            entry = self.registry.get(name) if name else None
            if entry is not None:
                found.update(entry["tcp_ports"], entry["udp_ports"])
        return frozenset(found)


def _ethertype(name: str) -> bool:
    digits = name.removeprefix("0x")
    return digits != name and len(digits) == 4 and all(digit in "0123456789abcdef" for digit in digits)


def vocabulary() -> Vocabulary:
    """The words of this installation."""
    from dissectors import _native, protocols

    return Vocabulary(registry=protocols(), services=frozenset(name for _, _, name in _native.services()))
