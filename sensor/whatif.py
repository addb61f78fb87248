"""What would be decided with another policy: of the store's operations, or of captures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensor.past import Kept, merged, of_run, of_store, places_of
from zones.judge import Judge
from zones.whatif import ALLOWED, UNSEEN, Decided, Decisions, Outlook, What, decided, outlook, what_of

if TYPE_CHECKING:
    from sensor.findings import Finding
    from sensor.result import Result
    from sensor.store import Store
    from zones.learn import Placing
    from zones.model import Policy
    from zones.past import Done
    from zones.vocabulary import Vocabulary


class _Judged:
    """A policy, with what it takes to ask it about operations."""

    def __init__(self, policy: Policy, words: Vocabulary) -> None:
        self.judge = Judge(policy)
        self.place: Placing = places_of(None)(policy)
        self.words = words

    def of(self, done: Done) -> Decisions:
        """What it says of an operation."""
        return decided(self.judge, self.place, done, self.words)


def of_captures(before: Result, after: Result) -> Outlook:
    """Two runs over the same captures, each with its policy: counts are exact."""
    was, would = _decisions(before), _decisions(after)
    pairs = [(what, was.get(what, {}), would.get(what, {})) for what in {**was, **would}]
    left = merged(after)
    notes = [f"{left:,} occurrences are of operations that were merged at a ceiling, and not compared"] if left else []
    grouped = sum(1 for result in (before, after) for finding in _said(result) if _is_grouped(finding))
    notes += [f"{grouped:,} findings stand for several operations, and were not compared"] if grouped else []
    return outlook(((what, *_whole(one, other)) for what, one, other in pairs), notes)


def _whole(one: Decisions, other: Decisions) -> tuple[Decisions, Decisions]:
    """A rate's violation beside nothing: what it counts was allowed."""
    missing = sum(part.times for part in other.values()) - sum(part.times for part in one.values())
    if missing > 0:
        return {**one, ALLOWED: Decided(missing, None)}, other
    return one, {**other, ALLOWED: Decided(-missing, None)} if missing < 0 else other


def _decisions(result: Result) -> dict[What, Decisions]:
    """By operation what its policy said, and how often. What nothing was said of is allowed."""
    from zones.vocabulary import vocabulary

    policy = result.plan.policy
    assert policy is not None
    judge, place, words = Judge(policy), places_of(result)(policy), vocabulary()
    said: dict[What, dict[str, Decided]] = {}
    for finding in _said(result):
        if not _is_grouped(finding):
            word = "violation" if finding.statement.kind == "violation" else "insufficient"
            parts = said.setdefault(_what(finding), {})
            text, line = f"{word} {finding.statement.reason}", (finding.statement.policy or {}).get("line")
            parts[text] = Decided(finding.count + (parts[text].times if text in parts else 0), line)
    times: dict[What, int] = {}
    lines: dict[What, int | None] = {}
    for done in of_run(result):
        what = what_of(done)
        times[what] = times.get(what, 0) + done.times
        own = decided(judge, place, done, words).get(ALLOWED)
        lines[what] = own.line if own is not None else lines.get(what)
    made: dict[What, Decisions] = {}
    for what, total in times.items():
        parts = said.pop(what, {})
        allowed = total - sum(part.times for part in parts.values())
        made[what] = {**parts, ALLOWED: Decided(allowed, lines[what])} if allowed > 0 else parts
    return {**made, **said}


def _said(result: Result) -> Iterator[Finding]:
    """What the policy said."""
    return (finding for finding in result.findings if finding.statement.policy is not None)


def _is_grouped(finding: Finding) -> bool:
    return "operations" in (finding.subject.group or {})


def _what(finding: Finding) -> What:
    about = finding.subject
    client, server = about.client or {}, about.server or {}
    function, sub = about.function or {}, about.sub_function
    return What(
        client.get("ip") or client.get("mac") or "", server.get("ip") or server.get("mac") or "", about.protocol or "", about.access,
        about.unit, function.get("code"), function.get("name"), server.get("port"),
        None if sub is None else (sub.get("group"), sub["code"]),
    )  # fmt: skip


def of_kept(store: Store, policy: Policy, before: Policy | None) -> Outlook:
    """The store's operations: as the policies that were in force then (or `before`) judge them, and as `policy` would. Raises
    zones.PolicyError where a kept policy can't be read any more."""
    from zones.vocabulary import vocabulary

    words = vocabulary()
    after = _Judged(policy, words)
    kept = of_store(store)
    then = _then(store, kept, before, words)
    pairs = [(what_of(one.done), then[one.run].of(one.done), after.of(one.done)) for one in kept if one.run in then]
    return outlook(pairs, _notes(policy, pairs, sum(1 for one in kept if one.run not in then)))


def _then(store: Store, kept: Sequence[Kept], before: Policy | None, words: Vocabulary) -> dict[int, _Judged]:
    """The policy of each run that had one. Raises StoreError where a kept one is damaged."""
    runs = {one.run for one in kept}
    if before is not None:
        judged = _Judged(before, words)
        return dict.fromkeys(runs, judged)
    from sensor.store import StoreError
    from zones import PolicyError
    from zones.loader import compile_bytes

    rows = store.connection.execute("SELECT id, sha256, file, text FROM runs JOIN policies ON sha256 = policy").fetchall()
    texts: Mapping[str, Any] = {sha256: (file, text) for run, sha256, file, text in rows if run in runs}
    try:
        made = {sha256: _Judged(compile_bytes(file, text), words) for sha256, (file, text) in texts.items()}
    except PolicyError as error:
        raise StoreError(store.path, f"a policy that it keeps is damaged ({error}); --before names one to compare with") from error
    return {run: made[sha256] for run, sha256, _, _ in rows if run in runs}


def _notes(policy: Policy, pairs: Sequence[tuple[What, Decisions, Decisions]], unjudged: int) -> Iterator[str]:
    blind = sum(1 for _, before, after in pairs if any(said in UNSEEN for said in (*before, *after)))
    lines = [line for conduit in policy.conduits for line in conduit.allow]
    if unjudged:
        yield f"{unjudged:,} operations were not judged by a policy that is kept: --before names one to compare with"
    if blind:
        yield f"{blind:,} operations depend on values, users or who opened the connection, which a store doesn't keep: give the captures"
    if any(line.rates for line in lines):
        yield "how often something happened within a span isn't kept in a store: give the captures to judge rates"
    if policy.schedules or any(conduit.term is not None for conduit in policy.conduits):
        yield "an operation is judged at the time of its first occurrence"


def joined_with(store: Path | None, policy: Policy) -> Policy:
    """The policy with the declared assets of the store, as a run would judge."""
    from sensor.inventory.trusted import joined, kept_declarations
    from sensor.places import default_store

    return joined(policy, kept_declarations(default_store() if store is None else store))
