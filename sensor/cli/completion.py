"""`fieldtap completion`: the script that completes commands in a shell."""

from __future__ import annotations

import click

_HOW = {
    "bash": 'Put this line into ~/.bashrc:  eval "$(fieldtap completion bash)"',
    "zsh": 'Put this line into ~/.zshrc:  eval "$(fieldtap completion zsh)"',
    "fish": "Keep it:  fieldtap completion fish > ~/.config/fish/completions/fieldtap.fish",
}


@click.command(epilog='\b\nExample:\n  fieldtap completion bash\n\nTo switch it on in bash:  eval "$(fieldtap completion bash)"')
@click.argument("shell", type=click.Choice(tuple(_HOW)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes fieldtap's commands and options in your SHELL."""
    from click.shell_completion import BashComplete, ShellComplete, get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    maker: ShellComplete = kind(ctx.find_root().command, {}, "fieldtap", "_FIELDTAP_COMPLETE")
    # bash's class runs bash to look at its version; the script is the same whether or not there is one here
    script = ShellComplete.source(maker) if isinstance(maker, BashComplete) else maker.source()
    click.echo(script)
    import sys

    if sys.stdout.isatty():
        click.echo(f"# {_HOW[shell]}", err=True)
