"""What README shows of `make demo`, made by running it: `python -m tests.demo` writes it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from tests.corpus import PROJECT
from tests.marked import replaced

README: Final = PROJECT / "README.md"
BEGIN: Final = "<!-- demo: made by `python -m tests.demo` -->\n"
END: Final = "<!-- end of demo -->\n"
WORDS: Final = ("replay", "pcaps/mixed/attack.pcapng", "--zones", "zones/examples/lakeside.yml")
SHORTENED: Final = ("Assets: ", "Conversations: ")
"""Sections of which README shows the first rows."""
ROWS: Final = 8
COLUMNS: Final = 120


def run(*words: str, columns: int = COLUMNS) -> str:
    """What `fieldtap` prints on a terminal so wide, without its colours, with a home of its own."""
    with tempfile.TemporaryDirectory() as home:
        own = {"HOME": home, "XDG_CACHE_HOME": f"{home}/cache", "XDG_STATE_HOME": f"{home}/state"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FIELDTAP", "NO_COLOR"))}
        terminal = {"COLUMNS": str(columns), "TERM": "xterm", "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", "from sensor.cli import main; main()", *words]
        ours, theirs = pty.openpty()
        process = subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env={**kept, **own, **terminal}, cwd=PROJECT)
        os.close(theirs)
        said = b"".join(iter(partial(_heard, ours), b"")).decode()
        os.close(ours)
        if process.wait() != 0:
            raise RuntimeError(f"fieldtap ended with {process.returncode}")
    return re.sub(r"\x1b\[[0-9;]*m|\r", "", said)


def _heard(terminal: int) -> bytes:
    """What was written to it; nothing when its other end is closed, which Linux tells as an error."""
    try:
        return os.read(terminal, 4_096)
    except OSError:
        return b""


def shortened(lines: Iterable[str]) -> Iterator[str]:
    """Without the further rows of long sections."""
    left = None
    for line in lines:
        if not line.startswith(" "):
            left = ROWS + 1 if line.startswith(SHORTENED) else None
        elif left is not None:
            left -= 1
            if left < 0:
                if left == -1:
                    yield "  …"
                continue
        yield line.rstrip()


def block() -> str:
    """The command and what it prints."""
    said = "\n".join(shortened(run(*WORDS).splitlines()))
    return f"```\n$ fieldtap {' '.join(WORDS)}\n{said}\n```\n"


def written(readme: str) -> str:
    """README with the block as it should be. Raises ValueError where the marks are gone."""
    return replaced(readme, (BEGIN, END), block(), "README.md's demo")


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
    print(README)
