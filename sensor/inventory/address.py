"""Which addresses can be a device's: judged from their text alone, since it is done once for each address of a run."""

from __future__ import annotations

from typing import Final

from dissectors import packed

MAC_LENGTH: Final = 17
_NOBODY: Final = frozenset({"0.0.0.0", "255.255.255.255", "::", "00:00:00:00:00:00"})

_FAMILIES: Final = {4: b"\0", 16: b"\1", 6: b"\2"}
"""Where the addresses of so many bytes stand among others."""

_SPECIAL: Final = frozenset({"0.", "22", "23", "25", "::", "ff", "FF"})
"""How the texts of IP addresses begin that may be no device's: nearly all others are told by that alone."""


def is_mac(address: str) -> bool:
    """`aa:bb:cc:dd:ee:ff`."""
    return (
        len(address) == MAC_LENGTH
        and address[2] == address[5] == address[8] == address[11] == address[14] == ":"
        and address.count(":") == 5
    )


def group_mac(mac: str) -> bool:
    """Multicast or broadcast: the lowest bit of the first octet (IEEE 802-2014, 8.2)."""
    return mac[1] in "13579bdfBDF"


def is_device(address: str) -> bool:
    """False for multicast (RFC 5771: 224/4; RFC 4291: ff00::/8), limited broadcast and unspecified addresses."""
    if len(address) < MAC_LENGTH and address[:2] not in _SPECIAL:
        return True
    if address in _NOBODY:
        return False
    if is_mac(address):
        return not group_mac(address)
    if ":" in address:
        return address[:2] not in ("ff", "FF")
    first = address.partition(".")[0]
    return not (len(first) == 3 and "224" <= first <= "239")


def same_subnet(one: str, other: str) -> bool:
    """Whether two IPv4 addresses share their first three octets: narrow on purpose, since the true mask is not seen."""
    return ":" not in one and ":" not in other and one.rpartition(".")[0] == other.rpartition(".")[0]


def is_public(address: str) -> bool:
    """Whether it is an address of the Internet at large (IANA's special-purpose registries, RFC 6890)."""
    if address.startswith(("10.", "192.168.")) or is_mac(address):
        return False
    from ipaddress import ip_address

    try:
        return ip_address(address.partition("%")[0]).is_global
    except ValueError:
        return False


def order(address: str) -> bytes:
    """Sorts addresses by number: IPv4, IPv6, MAC, then whatever can't be read."""
    number = packed(address)
    if number is None:
        return b"\3" + address.encode("utf-8", "surrogatepass")
    return _FAMILIES[len(number)] + number
