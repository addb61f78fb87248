"""Detections: Sigma rules, read and checked, compiled into clauses and windows, and matched on what is delivered.

>>> from rules import Judge, catalog, compile_rules
>>> plan = compile_rules([catalog()], dissectors.protocols())
>>> lanes = Judge(plan, engine.window).lanes(transaction, {})
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rules.judge import Judge
    from rules.loader import catalog, check, compile_rules, digest
    from rules.matcher import matches
    from rules.plan import Alert, Plan, Problem, Rule, RuleErrors
    from rules.windows import Group

__all__ = ["Alert", "Group", "Judge", "Plan", "Problem", "Rule", "RuleErrors", "catalog", "check", "compile_rules", "digest", "matches"]

_HOMES = {
    "Judge": "judge",
    "catalog": "loader",
    "check": "loader",
    "compile_rules": "loader",
    "digest": "loader",
    "matches": "matcher",
    "Group": "windows",
} | dict.fromkeys(["Alert", "Plan", "Problem", "Rule", "RuleErrors"], "plan")


def __getattr__(name: str) -> Any:
    """Loads what is asked for when it is asked for: a plan that is unpickled needs neither the loader nor the engine."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
