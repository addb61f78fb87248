"""`fieldtap zones`: policies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from sensor.cli import kept, options
from sensor.cli.exits import Exit
from sensor.cli.written import output_option, write_text

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


@zones.command(epilog="\b\nExamples:\n  fieldtap zones init new-site.yml\n  fieldtap zones init -")
@click.argument("policy", metavar="FILE", type=options.WRITTEN)
def init(policy: str) -> None:
    """Write a commented policy to start from into FILE (`-`: standard output). A file that is there already stays as it is."""
    from importlib.resources import files

    text = (files("zones") / "template.yml").read_text(encoding="utf-8")
    if policy == "-":
        click.echo(text, nl=False)
        return
    try:
        with Path(policy).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.UsageError(f"{policy} is there already.") from None
    click.echo(f"{policy}: written; fit it to your site, then: fieldtap zones check {policy}", err=True)


@zones.command(epilog="\b\nExample:\n  fieldtap zones schema")
def schema() -> None:
    """Print the JSON Schema of the policy language, for editors that check and complete while one types."""
    from sensor.cli import show
    from zones.jsonschema import policy_schema

    show.document(policy_schema())


@zones.command(epilog="\b\nExample:\n  fieldtap zones test site.yml site-tests.yml")
@click.argument("policy", type=options.FILE)
@click.argument("expectations", metavar="EXPECTATIONS...", nargs=-1, required=True, type=options.FILE)
def test(policy: Path, expectations: tuple[Path, ...]) -> int:
    """Hold a POLICY against EXPECTATIONS: what it has to say of transactions, each an item of YAML.

    \b
    - {from: hmi, to: plc-1, protocol: modbus, access: read, expect: allowed}
    - {from: 10.10.0.5, to: plc-1, protocol: s7comm, access: mode, expect: violation no_conduit}

    Ends with 1 where one isn't met. Keys: from, to, protocol, access, function, sub_function, unit, port, points, values, at, vlan,
    initiator, user, security_mode, outcome, conduit, severity, name, expect.
    """
    from zones import compile_policy
    from zones.expectations import check_expectations

    made = compile_policy(str(policy))
    checked = [one for path in expectations for one in check_expectations(made, str(path))]
    wrong = [one for one in checked if one.wrong is not None]
    for one in wrong:
        click.echo(f"{one.file}:{one.line}: {one.name}: {one.wrong}", err=True)
        for reason in one.reasons:
            click.echo(f"    {reason}", err=True)
    click.echo(f"{policy}: {len(checked) - len(wrong)} of {len(checked)} expectations met", err=bool(wrong))
    return Exit.FOUND if wrong else Exit.DONE


@zones.command(epilog="\b\nExample:\n  fieldtap zones diff site.yml site-2027.yml --at 2026-03-04T08:15")
@click.argument("before", type=options.FILE)
@click.argument("after", type=options.FILE)
@click.option("--at", callback=options.time_of, metavar="TIME", help="When it is decided (UTC, 2026-03-04T08:15); else now.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def diff(before: Path, after: Path, at: int | None, *, as_json: bool) -> int:
    """Compare two policies by what they would decide, not by how they are written.

    Both are asked about every side, access, point and limit that a line of either names, and what lies just beyond. Ends with 1 where
    they differ.
    """
    from time import time_ns

    from sensor.cli import show
    from sensor.cli.zone_view import compared
    from zones import compile_policy
    from zones.difference import compare

    found = compare(compile_policy(str(before)), compile_policy(str(after)), time_ns() if at is None else at)
    if as_json:
        show.document(found.to_dict())
    else:
        show.sections(compared(found, str(before), str(after)))
    return Exit.FOUND if found.moved or found.changes else Exit.DONE


@zones.command(epilog="\b\nExample:\n  fieldtap zones draw site.yml --output zones.svg")
@click.argument("policy", type=options.FILE)
@output_option
def draw(policy: Path, output: Path | None) -> None:
    """Picture a POLICY as SVG: zones by Purdue level, conduits by the gravest access that they allow, and what each of them says."""
    from zones import compile_policy
    from zones.drawing import draw as drawn

    picture = drawn(compile_policy(str(policy)))

    def write(out: TextIO) -> None:
        out.write(picture)

    write_text(output, write, "drawn")


@zones.command(epilog="\b\nExample:\n  fieldtap zones export site.yml --output zones.csv")
@click.argument("policy", type=options.FILE)
@click.option("--format", "form", type=click.Choice(("csv",)), default="csv", show_default=True, help="How it is written.")
@output_option
def export(policy: Path, form: str, output: Path | None) -> None:
    """Export the zones of a POLICY as a list for spreadsheets, a row a zone: level, security level, networks, VLANs, MACs, assets.

    zones import reads it again.
    """
    from zones import compile_policy
    from zones.document import data_of
    from zones.zone_list import write_list

    assert form == "csv"
    made, said = compile_policy(str(policy)), data_of(policy.read_bytes())
    declared = sum(zone.line > 0 for zone in made.zones.values())
    write_text(output, lambda out: write_list(made, said, out), f"{declared} zones")


@zones.command(
    "import",
    epilog="\b\nExamples:\n  fieldtap zones import zones.csv --output listed-site.yml\n"
    "  fieldtap zones import zones.csv --policy site.yml --output site-2027.yml",
)
@click.argument("listed", metavar="LIST", type=options.FILE)
@click.option("--policy", type=options.FILE, help="A policy whose zones are replaced by the LIST's; all else stays as it is written there.")
@output_option
def import_(listed: Path, policy: Path | None, output: Path | None) -> None:
    """Make a policy out of a LIST of zones in CSV, or put the list into a policy.

    The head line names columns; only zone has to be there: zone, inside (the zone that it is nested in), level, security level, internal,
    networks, vlans, macs, assets, roles, vendors, tags, description. Several in a cell have a semicolon between. An asset may have its
    addresses behind it: plc-1 (10.20.1.11). Comments among the zones that are replaced are lost. What is wrong is said all at once, each
    with its line, and nothing is written then.
    """
    from zones.rewriting import new_policy, with_zones

    text = new_policy(str(listed)) if policy is None else with_zones(str(policy), str(listed))

    def write(out: TextIO) -> None:
        out.write(text)

    write_text(output, write, "written; what changed by it: fieldtap zones diff")


@zones.command(
    epilog="\b\nExamples:\n  fieldtap zones learn plant.pcapng --output learned.yml\n"
    "  fieldtap zones learn plant.pcapng --into site.yml --output more.yml\n  fieldtap zones learn"
)
@click.argument("captures", metavar="[CAPTURE]...", nargs=-1, type=options.CAPTURE)
@click.option("--into", type=options.FILE, metavar="POLICY", help="Keep this policy, and add conduits for what it forbids.")
@click.option("-o", "--output", type=options.WRITTEN, metavar="FILE", default="-", show_default="standard output", help="Where to.")
@click.option("--prefix", type=click.IntRange(8, 32), default=24, show_default=True, help="Bits of the IPv4 networks that become zones.")
@kept.store_option
def learn(captures: tuple[str, ...], into: Path | None, output: str, prefix: int, store: Path | None) -> int:
    """Propose the smallest policy under which what was seen is no violation: from a CAPTURE, else from the store.

    Zones are what people declared of assets in the store, else the networks that were met. Each line says how often it was needed and
    where first; what could not be seen is said beside it and on standard error. What was seen is proposed, attacks included: read it.
    """
    from sensor.cli.zone_learn import learned

    return learned(captures, into, output, prefix, store)


@zones.command(
    epilog="\b\nExamples:\n  fieldtap zones whatif site-2027.yml\n"
    "  fieldtap zones whatif site-2027.yml plant.pcapng --before site.yml\n\n"
    "Exit codes: 0 nothing changes, 1 verdicts change, 2 wrong use or policy, 3 a capture could not be read."
)
@click.argument("policy", type=options.FILE)
@click.argument("captures", metavar="[CAPTURE]...", nargs=-1, type=options.CAPTURE)
@click.option("--before", type=options.FILE, metavar="POLICY", help="What to compare with; else the policies that were in force then.")
@kept.store_option
@kept.json_option
def whatif(policy: Path, captures: tuple[str, ...], before: Path | None, store: Path | None, as_json: bool) -> int:
    """Judge what was seen with another POLICY, and say which verdicts change, how often, and which lines say so.

    Without a CAPTURE it judges the store's operations, which hold no values; with one (and --before) every message.
    """
    from sensor.cli.zone_whatif import compared

    return compared(policy, captures, before, store, as_json=as_json)


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
@click.option("--user", metavar="NAME", help="For which user it is asked; '' for nobody (anonymous). Without it: not seen.")
@click.option("--security-mode", type=click.Choice(("none", "sign", "sign_and_encrypt")), help="How the channel is secured.")
@click.option("--at", callback=options.time_of, metavar="TIME", help="When (UTC, 2026-03-04T08:15); where it is not given, now.")
def explain(policy: Path, address: str, server: str | None, **asked: object) -> None:
    """Say in which zone an ADDRESS (IP, MAC, or a declared asset) is, and why; with a SERVER which conduits join the two.

    With --protocol and --access it decides about such a transaction, and gives its reasons.
    """
    from sensor.cli import show
    from sensor.cli.zone_view import explained

    show.sections(explained(policy, address, server, asked))
