"""Bytes that nobody should send: mutated payloads with the right checksums, so that they reach the dissectors."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tests.robustness.frames import Frame, segment, with_payload

SHARE = 0.3
"""Of the payloads that are changed."""


def mutated(frames: Sequence[Frame], seed: int) -> list[Frame]:
    """The frames with some payloads changed: bits, bytes, runs of bytes; lengths stay, so that the stream goes on."""
    chance = random.Random(seed)
    changed = []
    for frame in frames:
        place = segment(frame)
        if place is None or not place.length or chance.random() > SHARE:
            changed.append(frame)
            continue
        payload = bytearray(frame.data[place.payload : place.end])
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(payload))
            how = chance.randrange(3)
            if how == 0:
                payload[at] ^= 1 << chance.randrange(8)
            elif how == 1:
                payload[at] = chance.choice((0, 1, 0x5A, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            else:
                run = payload[at : at + 4]
                payload[at : at + 4] = chance.randbytes(len(run))
        changed.append(with_payload(frame, place, bytes(payload), 0))
    return changed
