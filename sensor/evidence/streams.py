"""Secrets that lie across frames: TCP put in order as far as a slice's exchange was captured, so that what is split is masked in each part.

Unlike the engine this looks at all bytes that were captured, retransmissions and twins included: a secret has to go from each of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from sensor.evidence import dnp3_masks
from sensor.evidence.layers import Layers
from sensor.evidence.masks import MASK, Split, in_payload, starts_with

_TCP: Final = 6
_SYN: Final = 2
_MODULUS: Final = 1 << 32
_LONGEST: Final = 1 << 16
"""No frame carries more payload."""
_DNP3_REACH: Final = 4096
"""How far a DNP3 link frame with a secret is followed: several times its greatest size."""


class Piece(NamedTuple):
    """Payload of a frame in a run: it begins at `at` in the run, and at `begin` in the frame."""

    at: int
    length: int
    frame: int
    begin: int


class Run(NamedTuple):
    """Bytes of one direction without a gap, and the frames that carry them, by where they begin."""

    data: bytes
    pieces: Sequence[Piece]


def splits(frames: Sequence[tuple[bytes, Layers]]) -> Mapping[int, Split]:
    """What is to be masked of secrets that lie across these frames of an exchange, in the order of their capture; by index."""
    found: dict[int, Split] = {}
    for run in runs(frames):
        if len(run.pieces) < 2:
            continue
        starts = [piece.at for piece in run.pieces]
        for first, end in {*in_payload(run.data), *starts_with(run.data, starts)}:
            _note(found, run, starts, dict.fromkeys(range(first, end)))
        for changes in _dnp3(run):
            _note(found, run, starts, changes)
    return found


def runs(frames: Sequence[tuple[bytes, Layers]]) -> Iterator[Run]:
    """The runs of each direction. A new connection between the same ports begins anew."""
    directions: dict[tuple[bytes, int], list[Piece]] = {}
    news: dict[bytes, tuple[int, int]] = {}
    last: dict[tuple[bytes, int], tuple[int, int]] = {}
    for index, (data, layers) in enumerate(frames):
        if layers.transport != _TCP or layers.segment + 14 > len(data):
            continue
        sequence = int.from_bytes(data[layers.segment + 4 : layers.segment + 8], "big")
        if data[layers.segment + 13] & _SYN and news.get(layers.source, (0, -1))[1] != sequence:
            news[layers.source] = news.get(layers.source, (0, -1))[0] + 1, sequence
        key = layers.source, news.get(layers.source, (0, -1))[0]
        before, place = last.get(key, (sequence, 0))
        place += (sequence - before + _MODULUS // 2) % _MODULUS - _MODULUS // 2
        last[key] = sequence, place
        if layers.end > layers.payload:
            directions.setdefault(key, []).append(Piece(place, layers.end - layers.payload, index, layers.payload))
    for pieces in directions.values():
        yield from _joined(sorted(pieces), frames)


def _joined(pieces: Sequence[Piece], frames: Sequence[tuple[bytes, Layers]]) -> Iterator[Run]:
    data, kept, base = bytearray(), list[Piece](), 0
    for piece in pieces:
        if kept and piece.at > base + len(data):
            yield Run(bytes(data), kept)
            data, kept = bytearray(), []
        base = base if kept else piece.at
        kept.append(piece._replace(at=piece.at - base))
        new = base + len(data) - piece.at
        data += frames[piece.frame][0][piece.begin + new : piece.begin + piece.length] if new < piece.length else b""
    if kept:
        yield Run(bytes(data), kept)


def _note(found: dict[int, Split], run: Run, starts: Sequence[int], changes: Mapping[int, int | None]) -> None:
    """Notes for every frame what of it changes: places of a run, with the new byte, or None for a secret's."""
    first, end = min(changes), max(changes) + 1
    for piece in run.pieces[bisect_left(starts, first - _LONGEST) : bisect_left(starts, end)]:
        split = found.setdefault(piece.frame, Split(set(), {}))
        for place in range(max(first, piece.at), min(end, piece.at + piece.length)):
            if place in changes:
                new, there = changes[place], piece.begin + place - piece.at
                if new is None:
                    split.secret.add(there)
                else:
                    split.sums[there] = new


def _dnp3(run: Run) -> Iterator[Mapping[int, int | None]]:
    """DNP3 link frames that are split and have secrets: those, and the checksums that fit again."""
    for piece in run.pieces:
        alone = run.data[piece.at : piece.at + piece.length]
        if (begin := dnp3_masks.split_at(alone)) is None:
            continue
        old = run.data[piece.at + begin : piece.at + begin + _DNP3_REACH]
        secret = set(dnp3_masks.secrets(old))
        if secret:
            new = bytearray(MASK if place in secret else byte for place, byte in enumerate(old))
            dnp3_masks.mend(new, secret)
            at = piece.at + begin
            yield {
                at + place: None if place in secret else new[place]
                for place in range(len(old))
                if place in secret or new[place] != old[place]
            }
