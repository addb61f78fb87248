"""Whether a network interface is fit to be a mirror port: there, up, and silent. The kernel itself answers ARP and speaks IPv6 on every
interface where nobody told it not to; a port that is listened to should do neither."""

from __future__ import annotations

import fcntl
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_REQUEST: Final = struct.Struct("16s24x")
_FLAGS, _ADDRESS = 0x8913, 0x8915
"""SIOCGIFFLAGS and SIOCGIFADDR (linux/sockios.h)."""
_UP, _LOOPBACK, _NOARP = 0x1, 0x8, 0x80
"""Flags of an interface (netdevice(7))."""


class Found(NamedTuple):
    """One thing about an interface: is it well, what was found, how to mend it where it isn't."""

    well: bool
    found: str
    mend: str = ""


def may_listen() -> Found:
    """Whether this process may open an interface."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except PermissionError:
        mend = (
            "run it as root with --user NAME, or as a service with AmbientCapabilities=CAP_NET_RAW, or"
            " 'sudo setpriv --reuid NAME --init-groups --inh-caps +net_raw --ambient-caps +net_raw fieldtap watch IFACE'"
        )
        return Found(False, "CAP_NET_RAW is missing", mend)
    except (OSError, AttributeError) as error:
        return Found(False, f"this system has no packet sockets: {error}", "watch on Linux; captures can be replayed anywhere")
    return Found(True, "this user may listen on interfaces")


def interface(name: str) -> Iterator[Found]:
    """What there is to say of an interface."""
    try:
        flags = struct.unpack_from("H", _asked(name, _FLAGS), 16)[0]
    except OSError:
        yield Found(False, "is no interface here", "'ip link' lists the interfaces")
        return
    yield Found(bool(flags & _UP), "up" if flags & _UP else "down", f"ip link set {name} up")
    if flags & _LOOPBACK:
        return
    addresses = [*_ipv4(name), *_ipv6(name)]
    said = f"has the address {', '.join(addresses)}: the kernel answers there" if addresses else "has no address"
    yield Found(not addresses, said, f"if it is for listening alone: ip address flush dev {name}")
    quiet = bool(flags & _NOARP)
    yield Found(
        quiet,
        "ARP is off" if quiet else "ARP is on: the kernel may ask and answer",
        f"if it is for listening alone: ip link set {name} arp off",
    )
    speaks = _ipv6_enabled(name)
    said = "IPv6 is on: the kernel announces itself" if speaks else "IPv6 is off"
    yield Found(not speaks, said, f"if it is for listening alone: sysctl -w net.ipv6.conf.{name}.disable_ipv6=1")


def _asked(name: str, what: int) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        return fcntl.ioctl(asking.fileno(), what, _REQUEST.pack(name.encode()[:15]))


def _ipv4(name: str) -> list[str]:
    try:
        return [socket.inet_ntoa(_asked(name, _ADDRESS)[20:24])]
    except OSError:
        return []


def _ipv6(name: str) -> list[str]:
    try:
        lines = Path("/proc/self/net/if_inet6").read_text(encoding="ascii").splitlines()
    except OSError:
        return []
    rows = [line.split() for line in lines]
    return [socket.inet_ntop(socket.AF_INET6, bytes.fromhex(row[0])) for row in rows if row[-1] == name]


def _ipv6_enabled(name: str) -> bool:
    try:
        return Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").read_text(encoding="ascii").strip() == "0"
    except OSError:
        return False
