"""Seeds for the fuzz targets, made from the project's own captures (pcaps/)."""

from __future__ import annotations

import gzip
import random
import re
import struct
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
PCAPS = HERE.parent.parent / "pcaps"


def blocks(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The blocks of a pcapng file (little-endian), with their types."""
    at = 0
    while at + 12 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        yield kind, data[at : at + length]
        at += max(length, 12)


def frames(path: Path) -> list[bytes]:
    """The Ethernet frames of a capture."""
    data = path.read_bytes()
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        return [block[28 : 28 + struct.unpack_from("<I", block, 20)[0]] for kind, block in blocks(data) if kind == 6]
    found, at = [], 24
    while at + 16 <= len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        found.append(data[at + 16 : at + 16 + length])
        at += 16 + length
    return found


def pcap(some: list[bytes], step: float) -> bytes:
    """A pcap file of these frames, `step` seconds apart."""
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)]
    for number, frame in enumerate(some):
        time = 1_700_000_000 + number * step
        parts.append(struct.pack("<IIII", int(time), int(time % 1 * 1e6), len(frame), len(frame)) + frame)
    return b"".join(parts)


def payload(frame: bytes, port: int) -> tuple[int, bytes] | None:
    """Of a TCP segment over IPv4: 0 where it comes from this port, else 1, and what it carries."""
    if frame[12:14] != b"\x08\x00" or frame[23] != 6:
        return None
    start = 14 + (frame[14] & 15) * 4
    carried = frame[start + (frame[start + 12] >> 4) * 4 : 14 + int.from_bytes(frame[16:18])]
    return (0 if frame[start : start + 2] == port.to_bytes(2) else 1, carried) if carried else None


def user_data(frame: bytes) -> bytes:
    """What a DNP3 frame carries, without its CRCs: a transport header and a fragment."""
    blocks = frame[10:]
    return b"".join(blocks[at : at + 18][:-2] for at in range(0, len(blocks), 18))


def write(target: str, name: str, data: bytes) -> None:
    folder = HERE / "seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


FUNCTIONS = (
    0x04BB, 0x04CA, 0x04D4, 0x04F2, 0x04FC, 0x0506, 0x0524, 0x0542, 0x054C, 0x0556, 0x0560, 0x056B, 0x057C, 0x0586, 0x05B3,
)  # fmt: skip
"""As in src/s7commplus.rs."""


def plus(said: list[tuple[int, bytes]]) -> bytes:
    """A script of the target s7commplus: of each frame of version 3 that begins a message the body."""
    script = b""
    for side, packet in said:
        message = packet[7 + 4 + 33 :]
        if packet[7:9] == b"\x72\x03" and message[:1] in (b"\x31", b"\x32"):
            function, sequence = struct.unpack_from(">H2xH", message, 3)
            head, kind = (14, 0) if message[0] == 0x31 else (10, 1)
            body = message[head:-4][:150]
            index = FUNCTIONS.index(function) if function in FUNCTIONS else len(FUNCTIONS)
            script += bytes([side | kind << 1 | 3 << 3, sequence << 4 & 0xFF | index, len(body)]) + body
    return script


def main() -> None:
    chance = random.Random(1)
    for path in sorted(PCAPS.rglob("*.pcap*")):
        everything = frames(path)
        for start in range(0, min(len(everything), 600), 60):
            some, name = everything[start : start + 60], f"{path.stem}-{start}"
            file = pcap(some, 0.05)
            write("whole", name, bytes([start // 60]) + file)
            write("capture", name, b"\x00" + file)
            pieces = b"".join(bytes([0, 5]) + len(frame).to_bytes(2) + frame for frame in some)
            write("packet", name, pieces)
            carried = [piece for frame in some if (piece := payload(frame, 502)) and len(piece[1]) < 256]
            write("modbus", name, b"\x00" + b"".join(bytes([side, 5, len(data)]) + data for side, data in carried))
            frames_of = [piece for frame in some if (piece := payload(frame, 20_000)) and len(piece[1]) < 255]
            fragments = [(side, bytes([1]) + user_data(data)[1:]) for side, data in frames_of if data[:2] == b"\x05\x64"]
            write("dnp3", name, b"\x00" + b"".join(bytes([side, 5, len(data)]) + data for side, data in fragments))
        write("capture", f"{path.stem}.gz", b"\x00" + gzip.compress(pcap(everything[:40], 1)))
        data = path.read_bytes()
        write("capture", path.name, b"\x00" + data[: 20_000 // 4 * 4])
    for case in sorted((HERE.parent / "golden").glob("s7comm*/*/case.yml")):
        pieces = re.findall(r"\{(client|server): \"([0-9a-f ]+)\"", case.read_text())
        said = [(0 if who == "server" else 1, bytes.fromhex(text)) for who, text in pieces]
        script = b"".join(bytes([side, 5, len(data)]) + data for side, data in said if len(data) < 256)
        write("s7comm", case.parent.name, b"\x00" + script)
        write("s7commplus", case.parent.name, plus(said))
    for case in sorted((HERE.parent / "golden" / "opcua").glob("*/case.yml")):
        pieces = re.findall(r"\{(client|server): \"([0-9a-f ]+)\"", case.read_text())
        said = [(0 if who == "server" else 1, bytes.fromhex(text)) for who, text in pieces]
        cut = [(side, data[place : place + 255]) for side, data in said for place in range(0, len(data), 255)]
        write("opcua", case.parent.name, b"\x00" + b"".join(bytes([side, 5, len(data)]) + data for side, data in cut))
    for number in range(10):
        pieces = (bytes([side, number]) + len(data).to_bytes(2) + data for side, data in ((0, b"Host: plc"), (4, b"\r\n\r\n")))
        write("witness", f"stream-{number}", b"".join(pieces))
    for number in range(8):
        write("stream", str(number), bytes(chance.choice((0, 4, 16, 1, 8, 24)) for _ in range(200)) + chance.randbytes(200))
        write("gate", str(number), bytes(chance.choice((5, 6, 2, 66, 0, 4)) for _ in range(300)) + chance.randbytes(300))


if __name__ == "__main__":
    main()
