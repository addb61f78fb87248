"""The tree of commands. Names and what they do stand here, so that `--help` loads none of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any, Final

import click

from sensor.cli.exits import Exit

_COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "replay": ("replay:replay", "Analyse captures: assets, who does what to whom, violations, alerts."),
    "watch": ("watch:watch", "Analyse live interfaces: the same, as it happens."),
    "report": ("report:report", "The report on zones and conduits, for people who sign it."),
    "evidence": ("evidence:evidence", "Evidence that others can check without trusting you."),
    "assets": ("assets:assets", "What is on the network."),
    "findings": ("findings:findings", "What was found: violations, alerts, what was not seen."),
    "incidents": ("incidents:incidents", "Findings that are one story, stage by stage."),
    "timeline": ("timeline:timeline", "What happened in captures, in the order of time."),
    "explain": ("explain:explain", "Open a finding's packets and show their layers."),
    "graph": ("graph:graph", "The asset graph, for other tools."),
    "zones": ("zones:zones", "Policies: zones, conduits and what they allow."),
    "rules": ("rules:rules", "Detections, in Sigma."),
    "baseline": ("baseline:baseline", "What was: learned from traffic, to tell what is new."),
    "elastic": ("elastic:elastic", "Elasticsearch: set a cluster up, check it, dashboards."),
    "ship": ("ship:ship", "Deliver what waits to Elasticsearch and other outputs."),
    "outbox": ("outbox:outbox", "What waits for outputs, and what they refused."),
    "protocols": ("protocols:protocols", "What is understood of each protocol."),
    "doctor": ("doctor:doctor", "What this machine can and can't do, and how to mend it."),
    "completion": ("completion:completion", "The script that completes commands in your shell."),
}
"""Name → (module:object in this package, what it does). In the order in which people meet them."""


class Tree(click.Group):
    """A group that loads a command when it is used, and ends the process with the exit codes of `Exit`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """In the order of the table."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Loads a command's module."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(f"sensor.cli.{module}"), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggests the nearest name for a wrong one."""
        name = args[0]
        if name not in _COMMANDS and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, _COMMANDS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else " See 'fieldtap --help'."
            ctx.fail(f"No such command '{name}'.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The table, without loading anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in _COMMANDS.items()])

    def main(self, *args: Any, **extra: Any) -> Any:
        """Runs a command line. Whatever a command raises becomes a message and an exit code."""
        from sensor.cli.failures import guarded

        alone = extra.pop("standalone_mode", True)
        code = guarded(partial(super().main, *args, standalone_mode=False, **extra))
        if alone:
            raise SystemExit(int(code))
        return code


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from sensor.outputs.json_result import fieldtap_version

    click.echo(f"fieldtap {fieldtap_version()}")
    ctx.exit(Exit.DONE)


@click.group(
    cls=Tree,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nExample:\n  fieldtap replay plant.pcapng --zones site.yml\n\nEach command has its own --help, with an example.",
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit.")
def fieldtap() -> None:
    """Fieldtap, a passive security sensor for industrial (OT) networks.

    It reads captures, or listens on a mirror port, and says what is on the network, who does what to whom, whether that is allowed, and
    whether it is an attack. It never sends a packet.
    """
