"""Whether an address is one of many, or lies in one of many networks: at the price of one look for each length of prefix."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network
from socket import AF_INET, AF_INET6, inet_pton

from rules.expression import Test


class Addresses:
    """A set of addresses and networks, from tests of which one has to pass (`in`, `cidr`)."""

    __slots__ = ("networks", "single")

    def __init__(self, tests: Iterable[Test]) -> None:
        self.single: set[str] = set()
        found: dict[bool, dict[int, set[int]]] = {False: {}, True: {}}
        for test in tests:
            if test.op == "in":
                self.single.update(map(str, test.value))
                continue
            network = ip_network(test.value)
            shift = network.max_prefixlen - network.prefixlen
            found[network.version == 6].setdefault(shift, set()).add(int(network.network_address) >> shift)
        self.networks = tuple(tuple(sorted(found[six].items())) for six in (False, True))

    def __contains__(self, text: str) -> bool:
        """Whether an address, as text, is one of them. What is no address is none."""
        if text in self.single:
            return True
        six = ":" in text
        networks = self.networks[six]
        if not networks:
            return False
        try:
            number = int.from_bytes(inet_pton(AF_INET6 if six else AF_INET, text), "big")
        except OSError:
            return False
        for shift, values in networks:  # noqa: SIM110 - any() over a generator takes twice as long, and this runs for each new operation
            if number >> shift in values:
                return True
        return False
