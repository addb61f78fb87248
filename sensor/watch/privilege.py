"""What a watch gives up once its interfaces are open, before anything of the network is parsed.

It becomes an unprivileged user where it was told which, loses every capability, and can no longer send (dissectors.confine). None of this
can be taken back.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_VERSION: Final = 0x20080522
"""_LINUX_CAPABILITY_VERSION_3 (capabilities(7)): two sets of 32 bits each."""
CAPABILITIES: Final = {"CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13}
"""Numbers of those that capture has to do with (linux/capability.h)."""


class PrivilegeError(OSError):
    """Rights can't be given up; the watch does not go on with them. The text says which and how to mend it."""


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def give_up(user: str | None, descriptors: Sequence[int]) -> None:
    """Gives up all that only opening the interfaces needed. `user`: a name or number, None stays who it is. To be called before any
    other thread runs. Raises PrivilegeError."""
    from dissectors import confine

    try:
        if user is not None:
            _become(user)
        _drop_capabilities()
        confine(descriptors)
    except OSError as error:
        if isinstance(error, PrivilegeError):
            raise
        raise PrivilegeError(f"rights can't be given up: {error.strerror or error}") from error
    if held():
        raise PrivilegeError(f"rights can't be given up: {', '.join(held())} stayed")


def held() -> list[str]:
    """Names of capabilities that this process has in effect; those that have nothing to do with capture by their number."""
    names = {number: name for name, number in CAPABILITIES.items()}
    bits = _effective()
    return [names.get(number, f"capability {number}") for number in range(64) if bits >> number & 1]


def _effective() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def _become(user: str) -> None:
    import pwd

    try:
        who = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
    except KeyError:
        raise PrivilegeError(f"there is no user {user!r}: 'useradd --system {user}' makes one") from None
    if os.geteuid() == who.pw_uid:
        return
    if os.geteuid() != 0:
        raise PrivilegeError(f"only root can become {user}; started without root no --user is needed")
    os.setgroups([])
    os.setresgid(who.pw_gid, who.pw_gid, who.pw_gid)
    os.setresuid(who.pw_uid, who.pw_uid, who.pw_uid)


def _drop_capabilities() -> None:
    header, sets = _Header(_VERSION, 0), (_Sets * 2)()
    if ctypes.CDLL(None, use_errno=True).capset(ctypes.byref(header), ctypes.byref(sets)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
