"""What a policy says of an operation as it was counted: who did what to whom, without each occurrence's values, user and opener."""

from __future__ import annotations

from typing import Any, NamedTuple

from zones.fitting import fits
from zones.judge import Judge, Rung
from zones.places import Place
from zones.points import read_point
from zones.stages import Operation
from zones.supposed import Code, Outcome, Point, Side, Supposed
from zones.vocabulary import Vocabulary


class Sides(NamedTuple):
    """Where client and server of something stand."""

    client: Place
    server: Place


class Done(NamedTuple):
    """An operation as it was counted. `points` are (access, text); `coarse`: they are more than is kept. `first` in ns, `where` its
    packet in words, `sub` a sub-function's group, code and name, `outcome` the gravest one's name."""

    client: str
    server: str
    port: int | None
    protocol: str
    unit: str | None
    code: int
    name: str | None
    access: str
    points: tuple[tuple[str, str], ...]
    coarse: bool
    times: int
    first: int
    where: str
    sub: tuple[int | None, int, str | None] | None = None
    outcome: str = "accepted"


def standing(judge: Judge, sides: Sides, done: Done, words: Vocabulary) -> Rung:
    """The rung that it stands on. What was not kept (values, user, who opened the connection) counts as not seen."""
    operation = Operation(done.protocol, done.access, done.code, done.name, done.sub, done.unit, done.port)
    rungs = judge.rungs(sides.client, sides.server, operation, done.first)
    if len(rungs) == 1:
        return rungs[0]
    t: Any = Supposed(
        client=Side(done.client, None), server=Side(done.server, None, done.port), protocol=done.protocol, access=done.access,
        function=Code(done.code, done.name), points=_points(done, words), outcome=Outcome(done.outcome), initiator=None,
    )  # fmt: skip
    return next(rung for rung in rungs if fits(rung.clause, t))


def _points(done: Done, words: Vocabulary) -> list[Point]:
    """Points as transactions have them; what a policy can't name can't be in one of its lines either."""
    made = []
    for access, text in done.points:
        try:
            one = read_point(done.protocol, text, words)
        except ValueError:
            made.append(Point("", None, 0, 0, access, None, text))
        else:
            made.append(Point(one.kind, one.block, one.first, one.last, access, None, one.name))
    return made
