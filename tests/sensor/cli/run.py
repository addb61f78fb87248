"""Runs the command line as people do, with a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
PCAPS = ROOT / "pcaps"
ATTACK = PCAPS / "plant" / "attack.pcapng"
NORMAL = PCAPS / "plant" / "normal.pcapng"


def policy() -> Path:
    """The policy of the small plant, as it is installed."""
    import zones

    return Path(zones.__file__).parent / "examples" / "small-plant.yml"


@dataclass(frozen=True, slots=True)
class Ended:
    """A finished process."""

    code: int
    out: str
    err: str


def environment(home: Path) -> dict[str, str]:
    """Caches and state below `home`, no colours asked for."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FIELDTAP", "NO_COLOR", "XDG"))}
    folders = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "XDG_STATE_HOME": str(home / "state")}
    path = [] if os.environ.get("FIELDTAP_AWAY") else [str(ROOT)]
    return {**kept, **folders, "PYTHONPATH": os.pathsep.join([*path, *filter(None, [kept.get("PYTHONPATH")])]), "COLUMNS": "100"}


def command(*arguments: object) -> list[str]:
    """The command line of `fieldtap`."""
    return [sys.executable, "-m", "sensor.cli", *map(str, arguments)]


def fieldtap(home: Path, *arguments: object, stdin: bytes | None = None, extra: Mapping[str, str] | None = None) -> Ended:
    """Runs `fieldtap` to its end."""
    done = subprocess.run(
        command(*arguments),
        input=stdin,
        capture_output=True,
        env={**environment(home), **(extra or {})},
        check=False,
        timeout=120,
        cwd=home,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())
