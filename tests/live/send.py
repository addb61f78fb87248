"""Sends the frames of captures on interfaces `out0`, `out1` …, in their order of time: `python -m tests.live.send CAPTURE...`.

For tests, in a network namespace of their own. `--fast N` sends the first one N times, as fast as the kernel takes it.
"""

from __future__ import annotations

import argparse
import ctypes
import heapq
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import dpkt

SOL_PACKET: Final = 263
PACKET_QDISC_BYPASS: Final = 20
TOGETHER: Final = 256
"""Frames that one call hands to the kernel."""


def frames(path: Path) -> list[tuple[float, bytes]]:
    """Time and bytes of each frame."""
    with path.open("rb") as file:
        magic = file.read(4)
        file.seek(0)
        reader = dpkt.pcapng.Reader(file) if magic == b"\x0a\x0d\x0d\x0a" else dpkt.pcap.Reader(file)
        assert reader.datalink() == dpkt.pcap.DLT_EN10MB, path
        return [(float(time), bytes(frame)) for time, frame in reader]


def write_pcap(path: Path, held: Sequence[tuple[float, bytes]]) -> None:
    """A capture of these frames, times in ns."""
    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file, nano=True)
        for at, frame in held:
            writer.writepkt(frame, at)


def paced(captures: list[Path], pace: float) -> int:
    """All of them together, in the order of their times."""
    sockets = [opened(number) for number in range(len(captures))]
    merged = list(heapq.merge(*([(at, number, frame) for at, frame in frames(path)] for number, path in enumerate(captures))))
    began, first = time.monotonic(), merged[0][0]
    for at, number, frame in merged:
        wait = (at - first) / pace - (time.monotonic() - began)
        if wait > 0.0002:
            time.sleep(wait)
        sockets[number].send(frame)
    return len(merged)


class Message(ctypes.Structure):
    """struct mmsghdr."""

    _fields_ = (
        ("name", ctypes.c_void_p), ("name_length", ctypes.c_uint32), ("vectors", ctypes.c_void_p), ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t), ("flags", ctypes.c_int), ("length", ctypes.c_uint),
    )  # fmt: skip


class Vector(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def fast(path: Path, times: int, rate: float) -> int:
    """One capture again and again; `rate` frames a second, 0 for as fast as it goes."""
    out = opened(0)
    contents = [ctypes.create_string_buffer(frame, len(frame)) for _, frame in frames(path)]
    vectors = (Vector * len(contents))()
    messages = (Message * len(contents))()
    for vector, message, content in zip(vectors, messages, contents, strict=True):
        vector.base, vector.length = ctypes.addressof(content), len(content)
        message.vectors, message.vector_count = ctypes.addressof(vector), 1
    send = ctypes.CDLL(None, use_errno=True).sendmmsg
    sent, began = 0, time.monotonic()
    for _ in range(times):
        place = 0
        while place < len(contents):
            count = min(TOGETHER, len(contents) - place)
            done = send(out.fileno(), ctypes.byref(messages, place * ctypes.sizeof(Message)), count, 0)
            if done < 0:
                raise OSError(ctypes.get_errno(), "sendmmsg")
            place += done
            sent += done
            if rate and (wait := sent / rate - (time.monotonic() - began)) > 0:
                time.sleep(wait)
    took = time.monotonic() - began
    print(sent, round(sent / took))
    return sent


def opened(number: int) -> socket.socket:
    """The interface `out<number>`."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    made.bind((f"out{number}", 0))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
    made.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
    return made


def main(given: list[str]) -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("captures", nargs="+", type=Path)
    parser.add_argument("--pace", type=float, default=1.0)
    parser.add_argument("--fast", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0)
    wanted: Any = parser.parse_args(given)
    if wanted.fast:
        fast(wanted.captures[0], wanted.fast, wanted.rate)
    else:
        paced(wanted.captures, wanted.pace)


if __name__ == "__main__":
    main(sys.argv[1:])
