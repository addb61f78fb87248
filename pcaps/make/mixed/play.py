"""A role, ready before its time: python -m pcaps.make.mixed.play MOMENT MODULE ROLE [WORD …].

It loads what it needs, waits until the moment (of the monotonic clock, which all processes share), and begins.
"""

from __future__ import annotations

import sys
import time
from importlib import import_module


def main(moment: float, module: str, words: list[str]) -> None:
    """Plays the role."""
    play = import_module(f"pcaps.make.mixed.{module}").play
    time.sleep(max(0.0, moment - time.monotonic()))
    play(*words)


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2], sys.argv[3:])
