"""What was regular and stopped is told, and what only pauses is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sensor.clock import utc
from sensor.findings import Finding
from sensor.inventory.silence import findings
from tests.sensor.cases import happened, run, script
from tests.sensor.scripted import MINUTE, SECOND, START, ScriptedEngine, talk

HOUR_LONG = 30 * MINUTE


def poll(
    operation: int, client: str, server: str, *, until: int, every: int = SECOND, since: int = 0, vlan: tuple[int, ...] = ()
) -> list[Any]:
    """A client asks a server again and again."""
    return [
        happened(time, packet=time // SECOND + 1, operation=operation, client={"ip": client}, server={"ip": server, "port": 502}, vlan=vlan)
        for time in range(since, until, every)
    ]


def silences(*events: Sequence[Any], end: int = HOUR_LONG, captures: Sequence[int] = ()) -> list[Finding]:
    engine = ScriptedEngine(script(*sorted((one for part in events for one in part), key=lambda t: t.time)))
    engine.talks = [talk("10.0.0.2", sent=(60, 60))]
    pipeline = run(engine)
    spans = [{"last": utc(START + last)} for last in captures or (end,)]
    return findings(pipeline.inventory, spans, engine.talks)


def said(found: Sequence[Finding]) -> list[tuple[str, list[str]]]:
    return [(one.statement.reason, [example["asset"] for example in (one.detail or {})["examples"]]) for one in found]


GOES_ON = poll(9, "10.0.0.1", "10.0.0.9", until=HOUR_LONG)


def test_an_asset_that_was_regular_and_stopped_is_told_with_packet_and_ledger() -> None:
    (found,) = silences(poll(1, "10.0.0.1", "10.0.0.2", until=10 * MINUTE), GOES_ON)
    assert said([found]) == [("silent:assets", ["10.0.0.2"])]
    assert (found.statement.kind, found.statement.severity, found.count) == ("coverage", "medium", 1)
    assert list(found.packets) == [(1, 600)]
    (example,) = (found.detail or {})["examples"]
    assert (example["every_seconds"], example["count"], example["last"]) == (1.0, 600, utc(START + 599 * SECOND))
    assert example["ledger"]["from_server"]["packets"] == 60


def test_what_is_rare_uneven_or_just_paused_is_not() -> None:
    assert silences(poll(1, "10.0.0.1", "10.0.0.2", until=10 * SECOND), GOES_ON) == []
    uneven = [*poll(1, "10.0.0.1", "10.0.0.2", until=MINUTE), *poll(1, "10.0.0.1", "10.0.0.2", since=8 * MINUTE, until=9 * MINUTE)]
    assert silences(uneven, GOES_ON) == []
    assert silences(poll(1, "10.0.0.1", "10.0.0.2", until=HOUR_LONG - 50 * SECOND), GOES_ON) == []
    slow = poll(1, "10.0.0.1", "10.0.0.2", until=22 * MINUTE, every=MINUTE)
    assert silences(slow, GOES_ON) == []


def test_when_nothing_at_all_is_seen_any_more_nothing_is_said() -> None:
    assert silences(poll(1, "10.0.0.1", "10.0.0.2", until=10 * MINUTE)) == []


def test_an_asset_that_does_something_else_is_not_silent() -> None:
    other = poll(2, "10.0.0.7", "10.0.0.2", until=HOUR_LONG)
    assert silences(poll(1, "10.0.0.1", "10.0.0.2", until=10 * MINUTE), other, GOES_ON) == []


def test_silence_is_not_judged_across_a_hole_between_captures() -> None:
    stopped = poll(1, "10.0.0.1", "10.0.0.2", until=10 * MINUTE)
    assert silences(stopped, GOES_ON, captures=(10 * MINUTE, HOUR_LONG)) == []
    assert silences(stopped, GOES_ON, captures=()) != []


def test_when_all_of_a_vlan_stops_together_the_mirror_is_gone() -> None:
    vlan = [poll(n, "10.0.1.1", f"10.0.1.{n}", until=10 * MINUTE, vlan=(101,)) for n in range(2, 6)]
    found = silences(*vlan, GOES_ON)
    assert [one.statement.reason for one in found] == ["silent:mirror:VLAN 101"]
    assert (found[0].statement.severity, found[0].count) == ("high", 5)
