"""OPC UA users and security modes over captures: exact counts by the user of each session."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from dissectors import Engine
from sensor.pipeline import ReplayConfig, replay

CAPTURE = Path(__file__).parents[2] / "pcaps" / "opcua" / "normal.pcapng"
POLICY = """fieldtap: 1
zones: {{operations: {{networks: [10.20.3.0/24]}}, cell: {{networks: [10.20.1.0/24]}}}}
conduits:
  - id: down
    from: operations
    to: cell
    allow:
      - {{protocol: opcua, access: [identify, read, report]}}
      - {}
"""


def _found(tmp_path: Path, line: str, batch_packets: int = 65_536) -> dict[tuple[str, str], int]:
    """What is said of writes: (kind, reason) with their count."""
    path = tmp_path / "policy.yml"
    path.write_text(POLICY.format(line))
    config = ReplayConfig(captures=[CAPTURE], zones=path, catalog=False, keep=False, cache=False, batch_packets=batch_packets)
    counts: Counter[tuple[str, str]] = Counter()
    for finding in replay(config).findings:
        if finding.statement.policy is not None:
            assert finding.subject.access == "write"
            counts[finding.statement.kind, finding.statement.reason] += finding.count
    return counts


def _writes() -> Counter[tuple[str | None, str]]:
    writes = (t for batch in Engine().replay(CAPTURE) for t in batch.transactions if t.protocol == "opcua" and t.access == "write")
    return Counter((t.detail.get("user"), t.detail["security_mode"]) for t in writes)


def test_the_capture_has_what_is_asked_for() -> None:
    assert _writes() == {("operator", "sign"): 5}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{protocol: opcua, access: write, user: operator, security_mode: sign}", {}),
        ("{protocol: opcua, access: write, user: [guest, operator]}", {}),
        ("{protocol: opcua, access: write, user: guest}", {("violation", "user"): 5}),
        ("{protocol: opcua, access: write, user: operator, security_mode: sign_and_encrypt}", {("violation", "security_mode"): 5}),
        ("{protocol: opcua, access: write, user: operator, rate: {max: 4, per: 1h}}", {("violation", "rate"): 5}),
        ("{protocol: opcua, access: write, user: operator, rate: {max: 5, per: 1h}}", {}),
    ],
)
@pytest.mark.parametrize("batch_packets", [1, 65_536])
def test_writes_are_judged_by_their_user(tmp_path: Path, line: str, said: dict[tuple[str, str], int], batch_packets: int) -> None:
    assert _found(tmp_path, line, batch_packets) == said


def test_a_session_that_began_before_the_capture_is_insufficient_evidence(tmp_path: Path) -> None:
    path = tmp_path / "policy.yml"
    path.write_text(POLICY.format("{protocol: opcua, access: write, user: operator}"))
    writes = (t for batch in Engine().replay(CAPTURE) for t in batch.transactions if t.access == "write")
    times = [t.request.time for t in writes if t.request is not None]
    config = ReplayConfig(captures=[CAPTURE], zones=path, catalog=False, keep=False, cache=False, start=min(times) - 1_000_000)
    said = [finding.statement for finding in replay(config).findings if finding.statement.policy is not None]
    assert {(one.kind, one.reason) for one in said} == {("coverage", "user_unseen")}
    assert said[0].title.startswith("Insufficient evidence: opcua write")
