"""Policy: zones, conduits, and what they decide.

`compile_policy` reads a policy strictly and gives a frozen, picklable `Policy`; `check` gives everything there is to say of a
policy file. Both import what they need only when called, so that importing this package and unpickling a policy stays cheap.
`zones.decision.Decider` answers the gate.
"""

from __future__ import annotations

from zones.model import Asset, Conduit, Line, Network, PointRange, Policy, PolicyError, Problem, Zone

__all__ = ["Asset", "Conduit", "Line", "Network", "PointRange", "Policy", "PolicyError", "Problem", "Zone", "check", "compile_policy"]


def compile_policy(path: str) -> Policy:
    """Reads the policy file at `path`; raises `PolicyError` with every error, or OSError where the file can't be read."""
    from zones.loader import compile_policy as read

    return read(path)


def check(path: str) -> list[Problem]:
    """Errors, warnings and notes on the policy file at `path`, in the order of its lines."""
    from zones.loader import check as look

    return look(path)
