"""The transactions that a finding's packets are part of: read from its exchanges alone, so that nothing has to be kept of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sensor.evidence.slices import around, exchanges, written

if TYPE_CHECKING:
    from dissectors import Transaction


def occurrences(document: Mapping[str, Any], paths: Sequence[Path]) -> dict[tuple[int, int], list[Transaction]]:
    """By packet that a finding names, the transactions that it is the request or the response of, those of its own operation first."""
    from dissectors import Engine

    places = {(packet["capture"], packet["packet"]) for packet in document["packets"]}
    if not places:
        return {}
    keys, gathered = exchanges(paths, places)
    chosen = around(keys, gathered, None)
    times: dict[int, tuple[int, int]] = {}
    for held in chosen:
        if (held.capture, held.frame.number) in places:
            times.setdefault(held.frame.time, (held.capture, held.frame.number))
    found: dict[tuple[int, int], list[Transaction]] = {}
    if not chosen:
        return found
    with TemporaryDirectory(prefix="fieldtap-") as folder:
        path = Path(folder) / "exchange.pcap"
        path.write_bytes(written([(held.frame, held.frame.data) for held in chosen]))
        for batch in Engine(digest=False).replay(path):
            for t in batch.transactions:
                for moment in (t.request, t.response):
                    place = times.get(moment.time) if moment is not None else None
                    if place is not None and t not in found.setdefault(place, []):
                        found[place].append(t)
    return {place: sorted(told, key=lambda t: not _own(document, t)) for place, told in found.items()}


def _own(document: Mapping[str, Any], t: Transaction) -> bool:
    """Whether a transaction is of the finding's operation, as far as the finding says it."""
    function = document.get("function")
    return document.get("protocol") in (None, t.protocol) and (function is None or function["code"] == t.function.code)
