"""Transactions on their way into the outbox: lines that the engine wrote beside the store, read when the run is kept."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final, Literal

Transactions = Literal["none", "unexpected", "all"]
_PLACE: Final = re.compile(rb'"(?:request|response)":\{"capture":(\d+),"packet":(\d+)')
_CAPTURE: Final = re.compile(rb'"capture":\d+,')
_REMEMBERED: Final = 65_536
"""Ids among which the same line is told apart; the same lines have the same time and stand close together."""


@dataclass(frozen=True, slots=True)
class Lines:
    """A file of transactions, and which of them are wanted."""

    path: Path
    wanted: Transactions


@contextmanager
def spool(store: Path) -> Iterator[Path]:
    """A file beside the store, for its owner alone, that goes in the end."""
    store.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{store.name}-", dir=store.parent) as folder:
        yield Path(folder) / "transactions.jsonl"


def rows(lines: Lines, shown: Collection[tuple[int, int]]) -> Iterator[tuple[str, str, bytes]]:
    """Rows for the outbox. `shown`: the packets of findings, which say what was unexpected. The same transaction has the same id in every
    run, whatever number its capture has there."""
    seen: dict[bytes, int] = {}
    if not lines.path.exists():
        return
    with lines.path.open("rb") as file:
        for line in file:
            if lines.wanted == "unexpected" and not any((int(c), int(p)) in shown for c, p in _PLACE.findall(line)):
                continue
            digest = blake2b(_CAPTURE.sub(b"", line), digest_size=12).digest()
            turn = seen[digest] = seen.get(digest, 0) + 1
            if len(seen) > _REMEMBERED:
                del seen[next(iter(seen))]
            yield "transaction", digest.hex() if turn == 1 else f"{digest.hex()}.{turn}", line.rstrip(b"\n")
