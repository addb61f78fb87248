"""`fieldtap zones learn`: from captures or the store to a proposal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sensor.cli.exits import Exit

if TYPE_CHECKING:
    from sensor.result import Result
    from zones.model import Policy
    from zones.proposal import About, Home, PlacingOf, Proposal, Seen


def learned(captures: tuple[str, ...], into: Path | None, output: str, prefix: int, store: Path | None) -> int:
    """Learns, writes the policy, and says on standard error what it can't say. Gives the exit code."""
    if captures and store is not None:
        raise click.UsageError("Give captures, or --store to learn from what was kept.")
    policy = _policy(into)
    from sensor.past import places_of, seen_by

    if captures:
        result = replayed(captures)
        code = said(result)
        _write(_proposal(seen_by(result), places_of(result), policy, (prefix, {}, _about_run(result))), output)
        return code
    seen, homes, about = _kept(store)
    _write(_proposal(seen, places_of(None), policy, (prefix, homes, about)), output)
    return Exit.DONE


def _about_run(result: Result) -> dict[str, About]:
    from sensor.inventory.known import known_of
    from sensor.past import about_of

    return about_of(known_of(result))


def _policy(into: Path | None) -> tuple[Policy, str] | None:
    """The policy that is learned into, and its text."""
    if into is None:
        return None
    from zones import compile_policy

    return compile_policy(str(into)), into.read_text("utf-8-sig")


def replayed(captures: tuple[str, ...], policy: Path | None = None) -> Result:
    """The captures, judged by a policy alone."""
    from sensor.cli.replay import watched
    from sensor.pipeline import ReplayConfig, collector_at_rest, replay

    with collector_at_rest(), watched(quiet=False) as progress:
        return replay(ReplayConfig(captures=captures, zones=policy, catalog=False, keep=False), progress)


def said(result: Result) -> Exit:
    """Says what went wrong on the way, and gives the exit code."""
    from sensor.cli.replay import ended, troubles

    for line in troubles(result):
        click.echo(line, err=True)
    return ended(result, None)


def _kept(store: Path | None) -> tuple[Seen, dict[str, Home], dict[str, About]]:
    from sensor.cli.kept import opened
    from sensor.inventory.known import known
    from sensor.past import about_of, homes_of, kept_in

    with opened(store) as held:
        return kept_in(held), homes_of(held), about_of(known(held))


def _proposal(
    seen: Seen, placing: PlacingOf, into: tuple[Policy, str] | None, given: tuple[int, dict[str, Home], dict[str, About]]
) -> Proposal:  # fmt: skip
    from zones.proposal import extended, proposed

    if into is None:
        prefix, homes, about = given
        return proposed(seen, placing, prefix=prefix, homes=homes, about=about)
    policy, text = into
    try:
        return extended(seen, placing, policy, text)
    except ValueError as error:
        raise click.UsageError(f"{policy.file}: {error}.") from None


def _write(made: Proposal, output: str) -> None:
    from sensor.cli.plain import printable
    from sensor.cli.words import counted
    from sensor.cli.written import write_text

    where = None if output == "-" else Path(output)
    proposed = f"{counted(made.lines, 'line')} proposed; read it, then: fieldtap zones check {output}"
    write_text(where, lambda out: _put(out.write(made.text)), proposed)
    for note in made.notes:
        click.echo(printable(f"Note: {note}"), err=True)


def _put(_: int) -> None:
    """What was written is of no interest."""
