"""Wider and wider choices of packets for a finding whose own exchange doesn't show it: sweeps over hosts, windows that count.

Each is read from the captures anew, so that nothing is held for findings that don't need it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sensor.clock import MINUTE, SECOND
from sensor.evidence.frames import Frame, frames
from sensor.evidence.layers import Key, layers

if TYPE_CHECKING:
    from sensor.evidence.slices import Held
    from sensor.findings import Finding

BEFORE: Final = MINUTE
"""Context before a finding's first occurrence, ns of capture time."""
AFTER: Final = 35 * SECOND
"""And after its last: longer than any answer is waited for."""

Wanted = Callable[[int, Frame], bool]


def scopes(finding: Finding, paths: Sequence[Path], most_frames: int, most_bytes: int) -> Iterator[list[Held]]:
    """The exchanges of all packets that it names; what its client sent and got around its time, then from the beginning; everything up to
    its end. A choice of more than `most_frames` frames or `most_bytes` bytes is not given."""
    places = set(finding.packets)
    keys = _keys_of(paths, places)
    end = finding.last + AFTER
    source = _source(finding)
    choices: list[Wanted] = [lambda _, frame: frame.time <= end and not keys.isdisjoint(layers(frame.link, frame.data).keys)]
    if source is not None:
        choices.append(lambda _, frame: finding.first - BEFORE <= frame.time <= end and source in frame.data)
        choices.append(lambda _, frame: frame.time <= end and source in frame.data)
    choices.append(lambda _, frame: finding.first - BEFORE <= frame.time <= end)
    choices.append(lambda _, frame: frame.time <= end)
    for wanted in choices:
        chosen = _chosen(paths, wanted, most_frames, most_bytes)
        if chosen:
            yield chosen


def _source(finding: Finding) -> bytes | None:
    """The bytes of who did it, as they stand in frames."""
    from dissectors import packed

    about = finding.subject
    group = about.group or {}
    said = [(side or {}).get(part) for side in (about.client, about.server) for part in ("ip", "mac")]
    for address in (*said, *(group.get(name) for name in ("client.ip", "server.ip", "client.mac", "server.mac"))):
        if isinstance(address, str) and (known := packed(address)) is not None:
            return known
    return None


def _keys_of(paths: Sequence[Path], places: set[tuple[int, int]]) -> set[Key]:
    found: set[Key] = set()
    for capture, path in enumerate(paths, start=1):
        last = max((packet for number, packet in places if number == capture), default=0)
        for frame in frames(path) if last else ():
            if (capture, frame.number) in places:
                found.update(layers(frame.link, frame.data).keys)
            if frame.number >= last:
                break
    return found


def _chosen(paths: Sequence[Path], wanted: Wanted, most_frames: int, most_bytes: int) -> list[Held]:
    from sensor.evidence.slices import Held

    chosen: list[Held] = []
    room = most_bytes
    for capture, path in enumerate(paths, start=1):
        for frame in frames(path):
            if wanted(capture, frame):
                chosen.append(Held(capture, frame, layers(frame.link, frame.data)))
                room -= len(frame.data)
                if len(chosen) > most_frames or room < 0:
                    return []
    return sorted(chosen, key=lambda held: (held.frame.time, held.capture, held.frame.number))
