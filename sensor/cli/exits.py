"""Exit codes (DESIGN.md, section 7)."""

from enum import IntEnum


class Exit(IntEnum):
    """What the process says when it ends."""

    DONE = 0
    FOUND = 1
    """Done, with findings at or above --fail-on."""
    USAGE = 2
    """Wrong use, policy, rules or configuration."""
    CAPTURE = 3
    """A capture could not be read, whole or in part; what could be read was analysed."""
    OUTPUT = 4
    """An output failed; what it holds is kept."""
    BUG = 70
    INTERRUPTED = 130
    """Stopped by the user (128 + SIGINT)."""
