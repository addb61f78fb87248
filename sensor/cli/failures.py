"""From exceptions to messages and exit codes. Known by name, so that nothing has to be loaded to know them."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import click

from sensor.cli.exits import Exit
from sensor.cli.plain import printable

_KNOWN: Final[Mapping[str, Exit]] = {
    "PolicyError": Exit.USAGE,
    "RuleErrors": Exit.USAGE,
    "NoRuleError": Exit.USAGE,
    "BaselineError": Exit.USAGE,
    "ConfigurationError": Exit.USAGE,
    "DeclarationError": Exit.USAGE,
    "FormMissing": Exit.USAGE,
    "KeyFileError": Exit.USAGE,
    "NoPackError": Exit.FOUND,
    "UnreadableError": Exit.CAPTURE,
    "CaptureError": Exit.CAPTURE,
    "OutputError": Exit.OUTPUT,
    "StoreError": Exit.OUTPUT,
    "InterfaceError": Exit.USAGE,
    "PrivilegeError": Exit.USAGE,
}
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What the system says of an output that takes no more."""
_OURS: Final = ("sensor", "zones", "rules", "dissectors")


def guarded(run: Callable[[], Any]) -> Exit | int:
    """Runs a command and gives its exit code; whatever it raises is said on standard error."""
    try:
        code = run()
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nStopped.", err=True)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        return _quiet()
    except SystemExit:  # only click raises it, where a pipe broke, with a code that means something else here
        return _quiet()
    except Exception as error:
        return _told(error)
    return code if isinstance(code, int) else Exit.DONE


def _told(error: Exception) -> Exit:
    known = next((_KNOWN[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _KNOWN and _ours(kind)), None)
    if known is None and isinstance(error, OSError) and error.filename is not None:
        known = Exit.USAGE
        error = ValueError(f"{os.fsdecode(error.filename)}: {error.strerror}")
    if known is None and isinstance(error, OSError) and error.errno in _FULL:
        click.echo(f"The output can't be written: {error.strerror}", err=True)
        return _quiet()
    if known is None:
        return _bug(error)
    for line in str(error).splitlines() or [type(error).__name__]:
        click.echo(printable(line), err=True)
    return known


def _ours(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in _OURS or kind.__module__ == "_native"


def _bug(error: Exception) -> Exit:
    if os.environ.get("FIELDTAP_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    said = printable(f"{type(error).__name__}: {error}".splitlines()[0])
    click.echo(f"This is a bug in Fieldtap: {said}", err=True)
    if os.environ.get("FIELDTAP_DEBUG") != "1":
        click.echo("Run it again with FIELDTAP_DEBUG=1 to see where, and please report that.", err=True)
    return Exit.BUG


def _quiet() -> Exit:
    """Whoever read our output has gone (`| head`), or it is full: nothing more to write at the interpreter's end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return Exit.OUTPUT
