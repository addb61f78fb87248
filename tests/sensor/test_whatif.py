"""Which verdicts another policy changes: from captures with exact counts, from the store as far as it knows."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from sensor.pipeline import ReplayConfig, replay
from sensor.result import Result
from sensor.store import Store, StoreError
from sensor.whatif import of_captures, of_kept
from tests.sensor.cli.run import fieldtap
from zones import compile_policy
from zones.whatif import Decided, Outlook, What, outlook

ROOT = Path(__file__).parents[2]
ATTACK = ROOT / "pcaps" / "mixed" / "attack.pcapng"
NORMAL = ROOT / "pcaps" / "mixed" / "normal.pcapng"
LAKESIDE = ROOT / "zones" / "examples" / "lakeside.yml"
COILS = 'points: ["coil:0-7"]}'


def _edited(tmp_path: Path, *edits: tuple[str, str]) -> Path:
    text = LAKESIDE.read_text()
    for before, after in edits:
        assert before in text
        text = text.replace(before, after)
    path = tmp_path / "edited.yml"
    path.write_text(text)
    return path


def _judged(capture: Path, policy: Path) -> Result:
    return replay(ReplayConfig(captures=[capture], zones=policy, catalog=False, keep=False, cache=False))


def _compared(capture: Path, before: Path, after: Path) -> Outlook:
    return of_captures(_judged(capture, before), _judged(capture, after))


def _turns(found: Outlook) -> list[tuple[int, str, str, str | None]]:
    return [(turn.times, turn.before, turn.after, turn.what.access) for turn in found.turns]


def test_the_same_policy_changes_nothing() -> None:
    found = _compared(ATTACK, LAKESIDE, LAKESIDE)
    assert found.turns == ()
    assert found.operations > 150


@pytest.mark.parametrize("capture", [NORMAL, ATTACK], ids=lambda path: path.name)
def test_counts_are_those_of_the_findings(tmp_path: Path, capture: Path) -> None:
    after = _edited(tmp_path, ("values: {min: 50, max: 300}", "values: {min: 50, max: 100}"), ("coil:0-7", "coil:0-2"))
    results = [_judged(capture, policy) for policy in (LAKESIDE, after)]
    before_count, after_count = (sum(one.count for one in result.findings if one.statement.kind == "violation") for result in results)
    found = of_captures(*results)
    new = sum(turn.times for turn in found.turns if turn.kind == "allowed → violation")
    assert new == after_count - before_count > 0
    assert {turn.after for turn in found.turns} <= {"violation value", "violation point"}
    lines = after.read_text().splitlines()
    for turn in found.turns:
        assert turn.lines[1] is not None
        assert "protocol: modbus, access: write" in lines[turn.lines[1] - 1]


def test_a_rate_is_judged_over_captures(tmp_path: Path) -> None:
    after = _edited(tmp_path, (COILS, COILS[:-1] + ", rate: {max: 1, per: 60s}}"))
    assert _turns(_compared(NORMAL, LAKESIDE, after)) == [(5, "allowed", "violation rate", "write")]
    assert _turns(_compared(NORMAL, after, LAKESIDE)) == [(5, "violation rate", "allowed", "write")]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whatif") / "s.sqlite"
    replay(ReplayConfig(captures=[ATTACK], zones=LAKESIDE, catalog=False, store=path, cache=False))
    return path


def test_the_store_is_judged_by_the_policies_of_then(tmp_path: Path, store: Path) -> None:
    after = _edited(tmp_path, ("from: [hmi-1, ua-gateway]", "from: [hmi-1, ua-gateway, dmz-portal]\n    skip_level: test"))
    with Store.open(store) as held:
        same = of_kept(held, compile_policy(str(LAKESIDE)), None)
        found = of_kept(held, compile_policy(str(after)), None)
    assert same.turns == ()
    assert any("a store doesn't keep" in note for note in same.notes)
    changed = Counter((turn.kind, turn.what.access) for turn in found.turns)
    assert changed["violation → allowed", "read"] > 0
    assert ("violation → allowed", "write") not in changed
    assert all(turn.kind in ("violation → allowed", "another reason") for turn in found.turns)
    assert found.turns[-1].kind == "another reason"


def test_a_run_without_a_policy_needs_one_to_compare_with(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    replay(ReplayConfig(captures=[NORMAL], catalog=False, store=path, cache=False))
    policy = compile_policy(str(LAKESIDE))
    with Store.open(path) as held:
        assert of_kept(held, policy, None).operations == 0
        assert any("--before names one" in note for note in of_kept(held, policy, None).notes)
        assert of_kept(held, policy, policy).operations > 50


def test_a_kept_policy_that_is_damaged_is_said(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    replay(ReplayConfig(captures=[NORMAL], zones=LAKESIDE, catalog=False, store=path, cache=False))
    with Store.open(path) as held:
        for text in (b"fieldtap: 1\nzones: {\xff", b"fieldtap: 1\nzones: {"):
            held.connection.execute("UPDATE policies SET text = ?", (text,))
            with pytest.raises(StoreError, match="is damaged"):
                of_kept(held, compile_policy(str(LAKESIDE)), None)


def test_what_is_lost_on_one_side_is_won_on_the_other() -> None:
    what = What("a", "b", "modbus", "write", code=6)
    before = {"allowed": Decided(50, 4), "violation point": Decided(2, 5)}
    after = {"allowed": Decided(40, 7), "violation value": Decided(9, 8), "violation point": Decided(3, 9)}
    found = outlook([(what, before, after)], ())
    assert [(turn.times, turn.before, turn.after, turn.lines) for turn in found.turns] == [
        (9, "allowed", "violation value", (4, 8)), (1, "allowed", "violation point", (4, 9)),
    ]  # fmt: skip
    assert found.totals == {"allowed → violation": (1, 10)}
    assert (found.operations, found.occurrences) == (1, 52)


def test_the_command_line(tmp_path: Path, store: Path) -> None:
    after = _edited(tmp_path, ("coil:0-7", "coil:0"))
    ended = fieldtap(tmp_path, "zones", "whatif", after, NORMAL, "--before", LAKESIDE)
    assert ended.code == 1
    assert "allowed → violation" in ended.out
    assert "hmi-1 → plc-dosing" in ended.out
    ended = fieldtap(tmp_path, "zones", "whatif", after, NORMAL, "--before", LAKESIDE, "--json")
    document = json.loads(ended.out)
    assert document["totals"]["allowed → violation"]["occurrences"] == sum(change["count"] for change in document["changes"])
    assert document["changes"][0]["function"]["name"] == "write_single_coil"
    assert fieldtap(tmp_path, "zones", "whatif", LAKESIDE, "--store", store).code == 0
    for wrong, said in (
        ((after, NORMAL), "--before says"), ((after, NORMAL, "--before", LAKESIDE, "--store", store), "Give captures, or"),
        ((after, "-", "--before", LAKESIDE), "can't be read twice"), ((after,), "There is no store"),
    ):  # fmt: skip
        ended = fieldtap(tmp_path, "zones", "whatif", *wrong)
        assert ended.code == 2
        assert said in ended.err.replace("\n", " ")


def test_the_store_counts_what_several_users_did_as_one(store: Path) -> None:
    with Store.open(store) as held:
        kept = of_kept(held, compile_policy(str(LAKESIDE)), None)
    result = _judged(ATTACK, LAKESIDE)
    assert kept.occurrences == sum(tally.count for tally in result.tallies)
