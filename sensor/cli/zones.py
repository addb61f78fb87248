"""`fieldtap zones`: policies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sensor.cli import options
from sensor.cli.exits import Exit

if TYPE_CHECKING:
    from zones import Problem


@click.group(epilog="\b\nExample:\n  fieldtap zones check site.yml")
def zones() -> None:
    """Policies: the zones of a plant, and the conduits between them that say what is allowed."""


@zones.command(epilog="\b\nExample:\n  fieldtap zones check site.yml")
@click.argument("policies", metavar="POLICY...", nargs=-1, required=True, type=options.FILE)
def check(policies: tuple[Path, ...]) -> int:
    """Say everything that is wrong with a POLICY, each with its line, and how doubtful parts are understood."""
    from zones import check as problems_of

    wrong = False
    for policy in policies:
        problems = problems_of(str(policy))
        errors = sum(problem.level == "error" for problem in problems)
        wrong = wrong or errors > 0
        for problem in problems:
            click.echo(_line(problem), err=problem.level == "error")
        click.echo(f"{policy}: {_verdict(errors)}" if errors else _sound(policy), err=errors > 0)
    return Exit.USAGE if wrong else Exit.DONE


def _line(problem: Problem) -> str:
    from sensor.cli.plain import printable

    return printable(str(problem))


def _verdict(errors: int) -> str:
    return f"{errors} {'error' if errors == 1 else 'errors'}; it can't be used"


def _sound(policy: Path) -> str:
    from zones import compile_policy

    made = compile_policy(str(policy))
    site = "" if made.site is None else f"{made.site}: "
    declared = [zone for zone in made.zones.values() if zone.line]
    return f"{policy}: {site}{len(declared)} zones, {len(made.assets)} assets, {len(made.conduits)} conduits; nothing wrong"


@zones.command(
    epilog="\b\nExamples:\n  fieldtap zones explain site.yml 10.20.3.5\n  fieldtap zones explain site.yml 10.20.3.5 10.20.1.11\n"
    "  fieldtap zones explain site.yml 10.20.3.5 10.20.1.11 --protocol modbus --access write --point holding_register:100 --value 20"
)
@click.argument("policy", type=options.FILE)
@click.argument("address")
@click.argument("server", required=False)
@click.option("--protocol", metavar="NAME", help="Decide about a transaction of this protocol.")
@click.option(
    "--access", type=click.Choice(("session", "report", "identify", "read", "configure", "write", "mode", "program")), help="Its access."
)
@click.option("--function", metavar="NAME|CODE", help="Its function; where it is not given, one with that access.")
@click.option("--unit", metavar="UNIT", help="Its unit.")
@click.option("--port", type=click.IntRange(0, 65535), help="The server's port.")
@click.option("--point", "points", multiple=True, metavar="POINT", help="A point that it touches, e.g. holding_register:100-101.")
@click.option("--value", "values", multiple=True, type=float, metavar="NUMBER", help="A value for each address of the point.")
@click.option("--at", callback=options.time_of, metavar="TIME", help="When (UTC, 2026-03-04T08:15); where it is not given, now.")
def explain(policy: Path, address: str, server: str | None, **asked: object) -> None:
    """Say in which zone an ADDRESS (IP, MAC, or a declared asset) is, and why; with a SERVER which conduits join the two.

    With --protocol and --access it decides about such a transaction, and gives its reasons.
    """
    from sensor.cli import show
    from sensor.cli.zone_view import explained

    show.sections(explained(policy, address, server, asked))
