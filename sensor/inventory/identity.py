"""Whose a hardware address is when several addresses were seen with it: one device with several, or a router before others.

A binding is vouched for where a protocol of the link says it (ARP, neighbour discovery, DHCP, PROFINET DCP, LLDP, CDP): a packet alone
may have been routed. A link-local IPv6 address is never routed (RFC 4291, 2.5.6), and one that is formed from the hardware address (EUI-64,
RFC 4291, appendix A) is its own. PRP and HSR (IEC 62439-3) give both ports of a device one hardware address, so that such twins are one
device here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Final, NamedTuple

from dissectors import packed
from sensor.inventory.address import is_mac, order, same_subnet
from sensor.inventory.asset import Evidence

VOUCHING: Final = frozenset({"arp", "ndp", "dhcp", "profinet_dcp", "lldp", "cdp"})
OWN_WORD: Final = frozenset({"dhcp", "profinet_dcp", "lldp", "cdp"})
"""Those that name a device's own address whatever the subnet, where who answers ARP may do so for others."""
MAX_MERGED: Final = 4
"""IPv4 addresses of one device; a MAC that answers ARP for more is more likely a router that does so for others (proxy ARP, RFC 1027)."""
MAX_MERGED_V6: Final = 8
"""IPv6 addresses of one device: link-local, global, temporary ones (RFC 8981)."""

LEAST_ROUTED: Final = 3
"""Addresses that share a MAC and have nobody to vouch for any of them: from so many on it is a router's."""
_TTL: Final = re.compile(r"ttl=([0-9]{1,3}),")
_FIRST_TTLS: Final = frozenset({32, 60, 64, 128, 255})
"""What systems begin with."""
MAX_UNVOUCHED_V6: Final = 3
"""IPv6 addresses of one host that nothing but its packets speaks for."""


class Bearer(NamedTuple):
    """The device that has a hardware address: its own addresses in order, others that were seen with it, and whether it routes for them.

    An address that nobody vouches for and that never spoke with a single other device, or two of which none is vouched for, may as well be
    the host's own, with a foot in two networks: they are left apart, without a router.
    """

    own: Sequence[str]
    behind: Sequence[str]
    router: bool


def bearer(
    mac: str, owners: Mapping[str, Evidence], talking: Callable[[], Set[str]], routed_here: Callable[[str], bool] = lambda _: False
) -> Bearer:
    """Judges the addresses that were seen with `mac`, each with what said so. `talking` gives the addresses that spoke with a single other
    device: a broadcast is not routed. `routed_here` says of an address that its packets had passed a router wherever they were seen: who
    answers ARP for it does so for another (proxy ARP)."""
    hosts = sorted((address for address in owners if not is_mac(address)), key=order)
    vouched = [address for address in hosts if _is_vouched(address, owners[address].protocol, routed_here) or _tied(address, mac)]
    others = [address for address in hosts if address not in vouched]
    if not _one_device([address for address in vouched if owners[address].protocol not in OWN_WORD]):
        return Bearer((), hosts, True)
    if _its_own(others, vouched):
        return Bearer(hosts, (), False)
    routed = sum(address in talking() for address in others)
    return Bearer(vouched, others, routed >= (1 if vouched else LEAST_ROUTED))


def _is_vouched(address: str, protocol: str, routed_here: Callable[[str], bool]) -> bool:
    return protocol in OWN_WORD or (protocol in VOUCHING and not routed_here(address))


def is_routed(stacks: Sequence[Evidence]) -> bool:
    """Whether no connection was opened with a TTL that systems begin with: each packet had passed a router. `stacks` are `tcp_stack`s."""
    lives = [int(found.group(1)) for stack in stacks if (found := _TTL.match(str(stack.value)))]
    return bool(lives) and not any(life in _FIRST_TTLS for life in lives)


def one_network(addresses: Sequence[str]) -> bool:
    """Whether no two of the IPv4 ones lie in different subnets."""
    four = [address for address in addresses if ":" not in address]
    return all(same_subnet(address, four[0]) for address in four[1:])


def _v6(addresses: Sequence[str]) -> list[str]:
    return [address for address in addresses if ":" in address]


def _its_own(routed: Sequence[str], vouched: Sequence[str]) -> bool:
    """As few as one host has without anybody vouching for them: the one IPv4 address, and IPv6 ones of one prefix."""
    six = _v6(routed)
    four = len(routed) - len(six)
    has_four = len(vouched) > len(_v6(vouched))
    prefixes = {(packed(address) or b"")[:8] for address in six}
    return four <= (0 if has_four else 1) and len(six) <= MAX_UNVOUCHED_V6 and len(prefixes) <= 1


def _one_device(vouched: Sequence[str]) -> bool:
    """Few enough, and the IPv4 ones in one narrow subnet."""
    six = _v6(vouched)
    return len(six) <= MAX_MERGED_V6 and len(vouched) - len(six) <= MAX_MERGED and one_network(vouched)


def _tied(address: str, mac: str) -> bool:
    """Link-local, or formed from the hardware address."""
    low = address.lower()
    if ":" not in low:
        return False
    return low.startswith(("fe8", "fe9", "fea", "feb")) or low.partition("%")[0].endswith(_eui64(mac))


def _eui64(mac: str) -> str:
    """How an address ends that was formed from a hardware address: `00:80:f4:0b:33:44` gives `280:f4ff:fe0b:3344`."""
    octets = [int(part, 16) for part in mac.split(":")]
    octets[0] ^= 2
    words = (octets[0] << 8 | octets[1], octets[2] << 8 | 0xFF, 0xFE00 | octets[3], octets[4] << 8 | octets[5])
    return ":".join(f"{word:x}" for word in words)
