"""Slices as pcapng with comments: which finding, which packets decide it, where each comes from, what is masked. Written with dpkt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, Final

from sensor.evidence.frames import Frame

_RESOLUTION: Final = 9
"""if_tsresol: times in ns (10 to the power of -9)."""
_COMMENT: Final = 1
_LARGEST: Final = (1 << 64) - 1
_LONGEST: Final = 32_768


def annotated(chosen: Sequence[tuple[Frame, bytes]], about: str, comments: Mapping[int, str]) -> bytes:
    """A pcapng with an interface for each link type. `about` stands in its section, `comments` at frames by their place."""
    from dpkt import pcapng

    out = BytesIO()
    out.write(bytes(pcapng.SectionHeaderBlockLE(opts=[_option(_COMMENT, _text(about)), pcapng.PcapngOptionLE()])))
    links = list(dict.fromkeys(frame.link for frame, _ in chosen))
    for link in links:
        resolution = _option(9, bytes([_RESOLUTION]))
        out.write(bytes(pcapng.InterfaceDescriptionBlockLE(linktype=link, snaplen=0, opts=[resolution, pcapng.PcapngOptionLE()])))
    for place, (frame, data) in enumerate(chosen):
        time = min(max(frame.time, 0), _LARGEST)
        said = comments.get(place)
        options = [] if said is None else [_option(_COMMENT, _text(said)), pcapng.PcapngOptionLE()]
        block = pcapng.EnhancedPacketBlockLE(
            iface_id=links.index(frame.link), ts_high=time >> 32, ts_low=time & 0xFFFFFFFF, caplen=len(data),
            pkt_len=max(frame.wire, len(data)), pkt_data=data, opts=options,
        )  # fmt: skip
        out.write(bytes(block))
    return out.getvalue()


def _option(code: int, data: bytes) -> Any:
    from dpkt import pcapng

    return pcapng.PcapngOptionLE(code=code, data=data)


def _text(said: str) -> bytes:
    return said.encode("utf-8", "replace")[:_LONGEST]
