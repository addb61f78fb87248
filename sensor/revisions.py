"""Revisions of findings: due at once, made when somebody reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sensor.findings import Finding


class Revision:
    """A revision that is due, with the tallies as they were: the finding is made of it when somebody reads it."""

    __slots__ = ("_made", "_make", "order")

    def __init__(self, order: tuple[int, str], make: Callable[[], Finding]) -> None:
        self.order = order
        self._make: Callable[[], Finding] | None = make
        self._made: Finding | None = None

    @classmethod
    def of(cls, finding: Finding) -> Revision:
        """A revision that is made already."""
        return cls(finding.order, lambda: finding)

    def finding(self) -> Finding:
        """The finding as this revision says it."""
        if self._made is None and self._make is not None:
            self._made, self._make = self._make(), None
        assert self._made is not None
        return self._made


class Revisions(Sequence[Finding]):
    """All revisions in the order they came, each made when it is read: a run that is not kept reads none."""

    def __init__(self, held: Iterable[Revision] = ()) -> None:
        self._held = list(held)
        self.marked: Callable[[Finding], Finding] = _as_it_is
        """What is done with each before it is given: suppressed ones say so."""

    def extend(self, more: Iterable[Revision]) -> None:
        """Adds what came next."""
        self._held += more

    def drain(self) -> list[Finding]:
        """What came since the last call, and no longer waits here: for a run that keeps it as it comes."""
        drained = list(self)
        self._held.clear()
        return drained

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Finding]:
        return (self.marked(revision.finding()) for revision in self._held)

    def __getitem__(self, place: Any) -> Any:
        held = self._held[place]
        return [self.marked(one.finding()) for one in held] if isinstance(held, list) else self.marked(held.finding())


def _as_it_is(finding: Finding) -> Finding:
    return finding
