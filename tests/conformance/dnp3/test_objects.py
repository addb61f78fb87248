"""Every object of fixed size, as our encoder (pcaps/make/dnp3/catalogue.py) writes and the dissector, written apart, reads it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from dissectors import Engine
from pcaps.make.dnp3 import catalogue
from tests.conformance.dnp3 import messages
from tests.corpus import PROJECT

CAPTURE = PROJECT / "pcaps" / "dnp3" / "objects.pcap"
KINDS = [(group, variation) for group, sizes in catalogue.SIZES.items() for variation in range(1, len(sizes) + 1)]
BINARY = (2, 4, 11, 13)


def points() -> dict[str, list[tuple[int, Any, dict[str, Any]]]]:
    """The points of each object: number, value, and the rest."""
    found = defaultdict(list)
    for line in messages.lines(CAPTURE):
        for point in line["points"]:
            for place, value in enumerate(point["values"] or ()):
                found[point.get("object", "")].append((point["first"] + place, value, point))
    return found


@pytest.mark.parametrize(("group", "variation"), KINDS)
def test_an_object_is_read_as_it_was_written(group: int, variation: int) -> None:
    kind, found = (group, variation), points()[f"g{group}v{variation}"]
    written = [1.5, 2.5] if kind in catalogue.SINGLE | catalogue.DOUBLE else [0, 0] if group in BINARY else [1, 2]
    assert [(number, value) for number, value, _ in found] == list(zip((5, 6), written, strict=True))
    times = [point.get("time_ms") for _, _, point in found]
    relative = kind in ((2, 3), (4, 3))
    assert times == ([catalogue.MOMENT, catalogue.MOMENT + 1] if kind in catalogue.TIMED or relative else [None, None])
    flagged = group not in (13, 34, 43, 101, 102) and kind not in catalogue.BARE
    assert all(point.get("quality") == (["online"] if flagged else None) for _, _, point in found)


def test_nothing_is_wrong_with_them() -> None:
    assert {name for line in messages.lines(CAPTURE) for name in line["anomalies"]} == set()


def test_everything_that_is_wrong_is_said_once() -> None:
    """pcaps/dnp3/malformed.pcap, made to be wrong in each way; 12 of 140 stations are more than a flow keeps."""
    engine = Engine(follow=True, threads=1, digest=False)
    for _ in engine.replay(PROJECT / "pcaps" / "dnp3" / "malformed.pcap"):
        pass
    said = engine.result()["protocols"]["dnp3"]["anomalies"]
    assert said.pop("too_many_units") == 12
    assert said == dict.fromkeys((
        "transport_sequence", "invalid_range", "device_trouble", "invalid_value", "invalid_direction", "fragment_bits", "response_mismatch",
        "reserved_iin", "time_without_cto", "fragment_sequence", "incomplete_response", "file_block_sequence", "late_response",
        "unreadable",
    ), 1)  # fmt: skip
