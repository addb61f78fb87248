"""How a line of a policy is held against an operation, stage by stage: the first stage that fails is why the line doesn't allow it.

Points, values and times are not looked at here: each occurrence has its own (zones.judge makes clauses of them).
"""

from __future__ import annotations

from typing import NamedTuple

from zones.model import ACCESSES, TRANSPORTS, Line
from zones.times import EXPIRED, NOT_NOW

OPENER, OPENER_UNSEEN = "initiator", "initiator_unseen"
SECURITY, SECURITY_UNSEEN = "security_mode", "security_mode_unseen"
USER, USER_UNSEEN = "user", "user_unseen"
RATE = "rate"
UNSEEN = (OPENER_UNSEEN, SECURITY_UNSEEN, USER_UNSEEN)
"""Stages at which the evidence is insufficient rather than against the line."""

STAGES = (
    *("protocol", "port", "access", "function", "sub_function", "unit", SECURITY, SECURITY_UNSEEN, USER, USER_UNSEEN),
    *(OPENER, OPENER_UNSEEN, NOT_NOW, EXPIRED),
)  # fmt: skip
"""In which order a line is held against an operation; the first that fails is why the line doesn't allow it."""

LATE = (NOT_NOW, EXPIRED, OPENER, OPENER_UNSEEN, SECURITY, SECURITY_UNSEEN, USER, USER_UNSEEN)
"""Stages behind all that is the operation's alone: at another time, or for another, the line would fit."""

CONNECT = "connect"
"""The function of a flow that no dissector claims; its code is 0, or the ethertype or IP protocol number where there are no ports."""


class Operation(NamedTuple):
    """What of an operation a policy looks at, its two sides apart. `unit` and `port` are None where no line asks for them."""

    protocol: str
    access: str
    code: int
    name: str | None
    sub: tuple[int | None, int, str | None] | None
    unit: str | None
    port: int | None
    user: str | None = None
    """None: it was not seen; empty: nobody (anonymous)."""
    security_mode: str | None = None


def accesses_of(line: Line) -> tuple[str, ...]:
    """The accesses that a line grants to points."""
    if line.access is not None:
        return line.access
    return tuple(access for access in ACCESSES if access != "report")


def denies(line: Line, operation: Operation) -> bool:
    """Whether a line that denies means this operation; a session only where it says so, and not for what no session has."""
    if operation.access == "session":
        if "session" not in accesses_of(line) or line.units is not None or line.points is not None:
            return False
        return failure(line, operation) is None and _function_failure(line, operation) is None
    return failure(line, operation) is None


def failure(line: Line, operation: Operation) -> str | None:
    """The first stage at which a line doesn't fit an operation; None where it fits them all (points and values apart)."""
    session = operation.access == "session"
    if not _speaks(line, operation):
        return "protocol"
    if line.ports is not None and not _between(operation.port, line.ports):
        return "port"
    if session:
        return None
    if operation.access not in accesses_of(line):
        return "access"
    return narrow_failure(line, operation)


def narrow_failure(line: Line, operation: Operation) -> str | None:
    """What fails of a line whose protocol, port and access fit."""
    failed = _function_failure(line, operation)
    if failed is None and line.units is not None and not _unit(line.units, operation.unit):
        return "unit"
    return failed


def _function_failure(line: Line, operation: Operation) -> str | None:
    if line.functions is not None and operation.code not in line.functions and operation.name not in line.functions:
        return "function"
    if line.sub_functions is not None and not _sub_function(line.sub_functions, operation.sub):
        return "sub_function"
    return None


def user_failure(line: Line, operation: Operation) -> str | None:
    """Who asks, over which channel. A session has no user before it is there, so sessions are not asked for one."""
    if operation.access == "session":
        return None
    if line.security_modes is not None and operation.security_mode not in line.security_modes:
        return SECURITY_UNSEEN if operation.security_mode is None else SECURITY
    if line.users is not None and operation.user not in line.users:
        return USER_UNSEEN if operation.user is None else USER
    return None


def counts(line: Line, operation: Operation) -> bool:
    """Whether what a line allows counts towards its rates."""
    return bool(line.rates) and (operation.access != "session" or line.sessions_count)


def _speaks(line: Line, operation: Operation) -> bool:
    """The protocol itself; for sessions also the one that carries it, and a connection that nobody dissected to one of its ports."""
    if operation.protocol == line.protocol:
        return True
    if operation.access != "session":
        return False
    if operation.protocol == line.carrier:
        return True
    if operation.name != CONNECT:
        return False
    if operation.port is None:
        return line.protocol == f"0x{operation.code:04x}"
    if operation.code != 0 or (operation.protocol in TRANSPORTS and line.protocol in TRANSPORTS):
        return False
    return operation.port in line.known_ports if line.ports is None else _between(operation.port, line.ports)


def _between(number: int | None, ranges: tuple[tuple[int, int], ...]) -> bool:
    return number is not None and any(first <= number <= last for first, last in ranges)


def _unit(units: tuple[str | tuple[int, int], ...], unit: str | None) -> bool:
    if unit is None:
        return False
    number = int(unit) if unit.isascii() and unit.isdigit() else None
    return any(unit == one if isinstance(one, str) else number is not None and one[0] <= number <= one[1] for one in units)


def _sub_function(wanted: frozenset[int | str], sub: tuple[int | None, int, str | None] | None) -> bool:
    if sub is None:
        return False
    group, code, name = sub
    return code in wanted or name in wanted or f"{group}/{code}" in wanted
