"""What rules ask of an operation, asked in an order and no longer than an answer can matter: a tree that grows as it is used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rules.compiler import Compiled, assume
from rules.expression import Expr, atoms, stage
from rules.fields import Stage
from rules.predicate import Predicate, predicate

if TYPE_CHECKING:
    from dissectors import Transaction

MAX_NODES = 4_096
"""Nodes of one tree; then it grows anew."""

Left = tuple[int, Compiled, Expr]
"""A rule, by number, with what an operation left of it."""


class _Node:
    """Rules as far as the answers so far leave them. Without a question nothing more is to be asked."""

    __slots__ = ("answered", "atom", "left", "question")

    def __init__(self, left: Iterable[Left]) -> None:
        self.left = tuple(one for one in left if one[2] is not False)
        asked = Counter(atom for _, _, expr in self.left for atom in dict.fromkeys(atoms(expr)) if stage(atom) is Stage.OPERATION)
        self.atom: Any = asked.most_common(1)[0][0] if asked else None
        self.question: Predicate | None = None if self.atom is None else predicate(self.atom)
        self.answered: dict[bool, _Node] = {}

    def grown(self, answer: bool) -> _Node:
        """The node behind an answer."""
        made = _Node((number, compiled, assume(expr, self.atom, answer)) for number, compiled, expr in self.left)
        self.answered[answer] = made
        return made


class Questions:
    """The questions that some rules have about operations; what is in most of them is asked first."""

    def __init__(self, rules: Sequence[tuple[int, Compiled]]) -> None:
        self._rules = rules
        self._root = self._new()

    def _new(self) -> _Node:
        self._nodes = 1
        return _Node((number, compiled, compiled.expr) for number, compiled in self._rules)

    def left(self, t: Transaction) -> Sequence[Left]:
        """What an operation leaves of the rules; those that can't match it are not there."""
        node = self._root
        while node.question is not None:
            answer = node.question(t)
            after = node.answered.get(answer)
            if after is None:
                if self._nodes >= MAX_NODES:
                    self._root = self._new()
                self._nodes += 1
                after = node.grown(answer)
            node = after
        return node.left
