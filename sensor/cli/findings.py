"""`fieldtap findings`: what was found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sensor.cli.kept import json_option, opened, store_option

if TYPE_CHECKING:
    from sensor.store import Store

_KINDS = ("alert", "violation", "coverage", "health")
_DISPOSITIONS = ("open", "accepted", "fixed")
_SEVERITIES = ("info", "low", "medium", "high", "critical")


@click.group(epilog="\b\nExample:\n  fieldtap findings list --severity high")
def findings() -> None:
    """What was found: violations of the policy, alerts, what was not seen, and the sensor's own health."""


@findings.command("list", epilog="\b\nExample:\n  fieldtap findings list --kind alert --severity medium --json")
@store_option
@json_option
@click.option("--kind", type=click.Choice(_KINDS), help="Only this kind.")
@click.option("--severity", type=click.Choice(_SEVERITIES), help="Only this severity and above.")
@click.option("--client", metavar="ADDRESS", help="Only where this address asked.")
@click.option("--server", metavar="ADDRESS", help="Only where this address was asked.")
@click.option("--protocol", metavar="NAME", help="Only this protocol.")
@click.option("--rule", metavar="ID", help="Only alerts of this rule.")
@click.option("--conduit", metavar="ID", help="Only violations of this conduit.")
def list_(store: Path | None, as_json: bool, severity: str | None, **equal: str | None) -> None:
    """List the findings that the store keeps, each on a line of its own, the gravest first."""
    from sensor.cli import show
    from sensor.findings import SEVERITIES, at_least

    with opened(store) as kept:
        found = kept.findings(**equal)
    found = [finding for finding in found if severity is None or at_least(finding["severity"], severity)]
    found.sort(key=lambda finding: (-SEVERITIES.index(finding["severity"]), finding["first"], finding["id"]))
    if as_json:
        show.document(found)
        return
    from sensor.cli.finding_view import overview

    show.sections([overview(found)])


@findings.command(
    "ack", epilog="\b\nExample:\n  fieldtap findings ack 3e0d32c5 --as accepted --by 'J. Smith' --why 'loading test, ticket 4711'"
)
@click.argument("finding")
@store_option
@click.option("--as", "state", type=click.Choice(_DISPOSITIONS), required=True, help="What was decided of it.")
@click.option("--by", "who", required=True, metavar="NAME", help="Who decided.")
@click.option("--why", required=True, metavar="TEXT", help="Why.")
def ack(finding: str, store: Path | None, state: str, who: str, why: str) -> None:
    """Note what was decided of a FINDING, by whom and why. It stands in reports from the store; the finding itself stays as it is."""
    from datetime import UTC, datetime

    from sensor.reports.kept import dispose

    with opened(store) as kept:
        found = one(kept, finding)
        dispose(kept, found["id"], state, who, why, datetime.now(UTC).isoformat(timespec="seconds"))
    click.echo(f"{found['id']}: {state} by {who}", err=True)


@findings.command("show", epilog="\b\nExample:\n  fieldtap findings show 3e0d32c5")
@click.argument("finding")
@store_option
@json_option
def show_(finding: str, store: Path | None, as_json: bool) -> None:
    """Show one FINDING, by its id or the beginning of it."""
    from sensor.cli import show

    with opened(store) as kept:
        found = one(kept, finding)
        captures = kept.captures(found["run"])
        revisions = kept.revisions(found["id"])
    if as_json:
        show.document({**found, "revisions": revisions})
        return
    from sensor.cli.finding_view import detail

    show.sections([detail(found, captures, revisions)])


def one(kept: Store, prefix: str) -> Mapping[str, Any]:
    """The finding whose id begins so. A usage error where there is none, or more than one."""
    try:
        found = kept.finding(prefix.strip())
    except LookupError as error:
        raise click.UsageError(f"{str(error).capitalize()}: give more of its id ('fieldtap findings list' shows them).") from error
    if found is None or not prefix.strip():
        raise click.UsageError(f"The store keeps no finding {prefix}: 'fieldtap findings list' shows all.")
    return found
