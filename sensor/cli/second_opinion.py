"""What tshark says of packets, through pyshark: an independent decoder."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from sensor.cli.explain import Missing

MOST_FIELDS: Final = 40
"""Fields of a layer that are shown."""
_DULL: Final = frozenset({"eth", "sll", "frame"})
_DERIVED: Final = re.compile(
    r"\((resolved)\)|^Expert Info|^(Source or Destination|Time since|The RTT|iRTT|Stream |Conversation completeness)"
)


def decode(path: Path, packets: Sequence[int]) -> Iterator[dict[str, Any]]:
    """For each packet number its time (UTC text) and layers, each a name and lines of fields. Raises Missing without tshark."""
    if shutil.which("tshark") is None:
        raise Missing("Packets are opened with tshark, which is missing: apt-get install tshark (or Wireshark from wireshark.org).")
    import pyshark
    from pyshark.capture.capture import TSharkCrashException

    wanted = ",".join(str(packet) for packet in sorted(packets))
    capture = pyshark.FileCapture(
        str(path), display_filter=f"frame.number in {{{wanted}}}", keep_packets=False,
        custom_parameters=["-n", "-c", str(max(packets))],
    )  # fmt: skip
    try:
        for packet in capture:
            yield {
                "packet": int(packet.number),
                "time": _time(packet),
                "values": _values(packet),
                "layers": [{"name": layer.layer_name, "fields": list(_fields(layer))} for layer in packet.layers],
            }
    except TSharkCrashException as error:
        raise Missing(f"tshark can't read {path}: {str(error).partition(chr(10))[0]}") from error
    finally:
        capture.close()


def _values(packet: Any) -> dict[str, dict[str, list[str]]]:
    """The raw values of each layer's fields, as text; the first layer of a name that has a field speaks for it."""
    found: dict[str, dict[str, list[str]]] = {}
    for layer in packet.layers:
        own = found.setdefault(layer.layer_name, {})
        for name in layer.field_names:
            field = layer.get_field(name)
            texts = [text for one in getattr(field, "all_fields", [field]) if (text := getattr(one, "show", None)) is not None]
            own.setdefault(name, []).extend(texts)
    return found


def _time(packet: Any) -> str:
    from sensor.clock import SECOND, utc

    text = str(packet.sniff_timestamp)
    if "T" in text:
        return text
    seconds, _, rest = text.partition(".")
    return utc(int(seconds) * SECOND + int(rest[:9].ljust(9, "0") or 0))


def _fields(layer: Any) -> Iterator[str]:
    """The lines that Wireshark shows, without those that only repeat or are worked out by it."""
    shown = 0
    for name in layer.field_names:
        line = getattr(layer.get_field(name), "showname", None)
        if line is None or _DERIVED.search(line) or (layer.layer_name in _DULL and name not in ("src", "dst", "type")):
            continue
        shown += 1
        if shown > MOST_FIELDS:
            yield "…"
            return
        yield line
