"""Policies on real captures: the engine counts exactly what was not allowed, and a finding names point, packet and time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sensor.pipeline import ReplayConfig, replay

CAPTURE = Path(__file__).parents[2] / "pcaps" / "plant" / "normal.pcapng"
"""A shift of 20 seconds, begun at 02:07:40 UTC: minutes are too coarse to cut it, so the exception's end does."""

POLICY = """fieldtap: 1
timezone: Asia/Kathmandu
zones:
  above: {{level: 2, networks: [10.20.3.0/24, 10.20.4.0/24]}}
  cell: {{level: 1, networks: [10.20.1.0/24]}}
schedules: {{shift: {{hours: "{hours}"}}}}
conduits:
  - id: polling
    from: above
    to: cell
    schedule: shift
    allow: [{{protocol: modbus, access: [read, session, identify]}}]
exceptions:
  - {{id: writes, owner: O. Perator, ticket: T-1, start: 2026-11-22, end: 2026-11-22, from: above, to: cell,
      allow: [{{protocol: modbus, access: write}}]}}
"""


def _replayed(tmp_path: Path, hours: str, batch: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    policy, lines = tmp_path / "p.yml", tmp_path / "lines.jsonl"
    policy.write_text(POLICY.format(hours=hours))
    config = ReplayConfig(
        captures=[CAPTURE], zones=policy, catalog=False, keep=False, transactions=str(lines), batch_packets=batch, cache=False
    )
    result = replay(config)
    said = [finding.to_dict() for finding in result.findings if finding.to_dict()["kind"] == "violation"]
    return said, [json.loads(line) for line in lines.read_text().splitlines()]


@pytest.mark.parametrize("batch", [1, 65_536])
@pytest.mark.parametrize(("hours", "switches_at"), [("07:53-12:00", "02:08:00"), ("06:00-07:53", "02:08:00")])
def test_what_comes_outside_of_a_schedule_is_counted_exactly(tmp_path: Path, hours: str, switches_at: str, batch: int) -> None:
    """07:53 in Kathmandu (+05:45) is 02:08 UTC. The exception for writes covers their sessions, whatever the time."""
    found, lines = _replayed(tmp_path, hours, batch)
    opens = hours.startswith("07:53")
    boundary = f"2026-11-22T{switches_at}.000000000Z"
    outside = [line for line in lines if line["access"] not in ("write", "session") and (line["time"] < boundary) == opens]
    assert outside
    assert sum(finding["count"] for finding in found) == len(outside)
    assert {finding["reason"] for finding in found} == {"time"}
    assert all((finding["last"] < boundary) if opens else (finding["first"] >= boundary) for finding in found)


def test_an_expired_exception_that_is_used_says_whose_it_was(tmp_path: Path) -> None:
    policy = tmp_path / "p.yml"
    policy.write_text(POLICY.format(hours="00:00-24:00").replace("end: 2026-11-22", "end: 2026-11-22 07:53"))
    result = replay(ReplayConfig(captures=[CAPTURE], zones=policy, catalog=False, keep=False, cache=False))
    found = [finding.to_dict() for finding in result.findings if finding.to_dict()["kind"] == "violation"]
    assert {finding["reason"] for finding in found} == {"expired_exception"}
    assert all("(writes, T-1, O. Perator)" in finding["title"] and finding["conduit"] == "writes" for finding in found)
    assert all(finding["first"] >= "2026-11-22T02:08:00" for finding in found)
    assert datetime.fromisoformat(found[0]["first"]) > datetime(2026, 11, 22, 2, 8, tzinfo=UTC)


DENIAL = """fieldtap: 1
zones:
  above: {level: 2, networks: [10.20.3.0/24, 10.20.4.0/24]}
  cell: {level: 1, networks: [10.20.1.0/24]}
conduits:
  - id: polling
    from: above
    to: cell
    allow: [{protocol: modbus, access: [read, write, identify], initiator: OPENER}]
    deny: [{protocol: modbus, access: write, points: ["POINT"]}]
"""


def _violations(tmp_path: Path, opener: str, point: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    policy, lines = tmp_path / "p.yml", tmp_path / "lines.jsonl"
    policy.write_text(DENIAL.replace("OPENER", opener).replace("POINT", point))
    result = replay(ReplayConfig(captures=[CAPTURE], zones=policy, catalog=False, keep=False, transactions=str(lines), cache=False))
    found = [finding.to_dict() for finding in result.findings]
    by_kind = ([one for one in found if one["kind"] == kind] for kind in ("violation", "coverage"))
    return (*by_kind, [json.loads(line) for line in lines.read_text().splitlines()])


def test_one_denied_register_inside_polled_flows_is_named_with_its_packets(tmp_path: Path) -> None:
    _, _, lines = _violations(tmp_path, "client", "coil:65535")
    written = [line for line in lines if line["access"] == "write"]
    first = written[0]["points"][0]
    point = f"{first['kind']}:{first['first']}"
    touching = [
        line for line in written for one in line["points"] if one["kind"] == first["kind"] and one["first"] <= first["first"] <= one["last"]
    ]
    found, coverage, _ = _violations(tmp_path, "client", point)
    assert 0 < len(touching) < len(written)
    assert sum(one["count"] for one in found) == len(touching)
    assert {one["reason"] for one in found} == {"denied"}
    named = {(packet["capture"], packet["packet"]) for one in found for packet in one["packets"]}
    assert named <= {(line["request"]["capture"], line["request"]["packet"]) for line in touching}
    assert not coverage


def test_who_opened_a_connection_decides_as_far_as_it_was_seen(tmp_path: Path) -> None:
    found, coverage, lines = _violations(tmp_path, "server", "coil:65535")
    for said, opener in ((found, "client"), (coverage, None)):
        assert sum(one["count"] for one in said if one["reason"].startswith("initiator")) == sum(
            line["initiator"] == opener for line in lines
        )
    assert {one["reason"] for one in found} == {"initiator"}
