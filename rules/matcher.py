"""Whether a rule matches one transaction: for what is delivered, and for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.expression import reduce
from rules.fields import Stage
from rules.plan import Rule

if TYPE_CHECKING:
    from dissectors import Transaction


def matches(rule: Rule, t: Transaction) -> bool:
    """Whether the transaction is one that the rule alerts on, or, for a correlation, counts."""
    return reduce(rule.expr, t, Stage.FREE) is True
