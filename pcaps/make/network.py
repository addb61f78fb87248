"""The network around industrial protocols, crafted with scapy: who opens which service where. Only the first words of each service are
there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

from pcaps.make.conversation import Conversation, End, Host, Recorder

PLC: Final = [(f"10.10.0.{last}", f"00:80:f4:10:00:{last:02x}") for last in range(11, 31)]
HMI: Final = ("10.20.0.21", "00:1b:1b:20:00:21")
ENGINEER: Final = ("10.30.0.41", "54:bf:64:30:00:41")
SERVER: Final = ("10.30.0.10", "94:57:a5:30:00:10")
INTRUDER: Final = ("10.35.0.51", "00:50:56:35:00:51")
OUTSIDE: Final = ("8.8.4.4", "00:09:0f:35:00:01")
FOREIGN: Final = ("45.33.32.156", "00:09:0f:35:00:01")
ROGUE: Final = ("10.20.0.66", "00:50:56:20:00:66")

INDUSTRIAL_PORTS: Final = (102, 502, 2404, 4840, 20_000, 44_818)
_ports: Iterator[int] = count(50_001)


def _visit(recorder: Recorder, client: Host, server: Host, port: int, asks: bytes = b"", answers: bytes = b"") -> None:
    """A connection that is accepted, its first words, its end."""
    talk = recorder.connect(client, server, next(_ports), port)
    if asks:
        talk.say(0, asks)
    if answers:
        talk.say(1, answers)
    talk.close()
    recorder.pause(0.2)


def _refused(recorder: Recorder, client: Host, server: Host, port: int) -> None:
    """A connection that is refused."""
    talk = Conversation((End(*client, next(_ports)), End(*server, port)), recorder)
    talk.segment(0, "S")
    talk.segment(1, "RA")


def _asks(recorder: Recorder, client: Host, server: Host, port: int, asks: bytes, answers: bytes, source: int | None = None) -> None:
    """A datagram and its answer."""
    talk = Conversation((End(*client, next(_ports) if source is None else source), End(*server, port)), recorder)
    talk.datagram(0, asks)
    if answers:
        talk.datagram(1, answers)
    recorder.pause(0.1)


def _name(transaction: int, *labels: str, answer: bool = False) -> bytes:
    """A question of DNS, or its answer without a record."""
    head = transaction.to_bytes(2, "big") + (b"\x81\x83" if answer else b"\x01\x00") + b"\0\1" + bytes(6)
    return head + b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0\0\1\0\1"


def _lease(kind: int, address: str, mac: str, transaction: int) -> bytes:
    """A message of DHCP: 1 DISCOVER, 2 OFFER, 3 REQUEST, 5 ACK."""
    given = bytes(map(int, address.split(".")))
    asks = kind in (1, 3)
    head = bytes([1 if asks else 2, 1, 6, 0]) + transaction.to_bytes(4, "big") + bytes(4)
    head += given + bytes(4) if asks else bytes(4) + given
    head += bytes(8) + bytes.fromhex(mac.replace(":", "")) + bytes(10 + 64 + 128)
    return head + b"\x63\x82\x53\x63" + bytes([53, 1, kind, 255])


def _modbus(transaction: int, body: bytes) -> bytes:
    return transaction.to_bytes(2, "big") + bytes(2) + (len(body) + 1).to_bytes(2, "big") + b"\x01" + body


def normal(path: Path) -> None:
    """A day without incidents: names, time, leases, files and remote desktops where they belong, controllers that are only polled."""
    recorder = Recorder()
    for turn in range(3):
        for client in (HMI, ENGINEER):
            _asks(recorder, client, SERVER, 53, _name(turn, "srv", "lake", "test"), _name(turn, "srv", "lake", "test", answer=True))
            _asks(recorder, client, SERVER, 123, b"\x23" + bytes(47), b"\x24\x02" + bytes(46), source=123)
        _visit(recorder, ENGINEER, SERVER, 445, b"\0\0\0\x04\xfeSMB", b"\0\0\0\x04\xfeSMB")
        _visit(recorder, ENGINEER, SERVER, 3389, b"\x03\0\0\x0b\x06\xe0\0\0\0\0\0", b"\x03\0\0\x0b\x06\xd0\0\0\x12\x34\0")
        _visit(recorder, SERVER, ("10.30.0.31", "b8:2a:72:30:00:31"), 22, b"SSH-2.0-OpenSSH_9.6\r\n", b"SSH-2.0-OpenSSH_9.6\r\n")
    _asks(recorder, ENGINEER, SERVER, 67, _lease(3, ENGINEER[0], ENGINEER[1], 7), _lease(5, ENGINEER[0], ENGINEER[1], 7), source=68)
    talk = recorder.connect(HMI, PLC[0], next(_ports), 502)
    for turn in range(20):
        talk.exchange(_modbus(turn, b"\x03\0\x64\0\x02"), _modbus(turn, b"\x03\x04\0\x64\0\x65"))
        recorder.pause(0.5)
    talk.close()
    for port in (102, 502):  # a controller that is switched off
        _refused(recorder, HMI, PLC[9], port)
    recorder.write(path)


def intrusion(path: Path) -> None:
    """From a host in the DMZ into the lower levels with everything that opens a door, and out of them."""
    recorder = Recorder()
    for last in range(1, 31):
        _asks(recorder, INTRUDER, (f"10.10.0.{last}", f"00:80:f4:10:00:{last:02x}"), 161, b"\x30\x03\x02\x01\x01", b"")
    for plc in PLC[:8]:
        for port in INDUSTRIAL_PORTS:
            _refused(recorder, INTRUDER, plc, port)
    for port in (21, 23, 25, 53, 80, 110, 111, 135, 139, 143, 443, 445, 993, 1433, 3306, 5432, 8080, 9100):
        _refused(recorder, INTRUDER, HMI, port)
    _visit(recorder, INTRUDER, HMI, 3389, b"\x03\0\0\x0b\x06\xe0\0\0\0\0\0", b"\x03\0\0\x0b\x06\xd0\0\0\x12\x34\0")
    _visit(recorder, INTRUDER, HMI, 445, b"\0\0\0\x04\xfeSMB", b"\0\0\0\x04\xfeSMB")
    _visit(recorder, INTRUDER, PLC[0], 22, b"SSH-2.0-libssh2_1.11.0\r\n", b"SSH-2.0-dropbear_2019.78\r\n")
    _visit(recorder, INTRUDER, HMI, 5900, b"RFB 003.008\n", b"RFB 003.008\n")
    _visit(
        recorder,
        INTRUDER,
        HMI,
        5985,
        b"POST /wsman HTTP/1.1\r\nHost: hmi\r\n\r\n",
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
    )
    _visit(recorder, INTRUDER, PLC[1], 23, b"\xff\xfd\x03", b"\xff\xfb\x01login: ")
    _visit(recorder, INTRUDER, PLC[1], 21, b"USER anonymous\r\n", b"220 ready\r\n")
    _asks(recorder, INTRUDER, PLC[2], 69, b"\0\2firmware.bin\0octet\0", b"\0\4\0\0")
    _visit(recorder, INTRUDER, PLC[2], 80, b"GET /index.htm HTTP/1.1\r\nHost: plc\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    _visit(recorder, INTRUDER, HMI, 135, b"\x05\0\x0b\x03", b"\x05\0\x0c\x03")
    _visit(recorder, HMI, FOREIGN, 5938, b"\x17\x24\x0a\x20", b"\x17\x24\x11\x04")
    _visit(recorder, HMI, FOREIGN, 7070, b"\x16\x03\x01\0\x05", b"\x16\x03\x03\0\x02")
    _visit(recorder, HMI, OUTSIDE, 443, b"\x16\x03\x01\0\x05", b"\x16\x03\x03\0\x02")
    _visit(recorder, FOREIGN, PLC[3], 80, b"GET / HTTP/1.1\r\nHost: plc\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    _asks(recorder, PLC[0], OUTSIDE, 53, _name(9, "a1b2c3", "example", "org"), _name(9, "a1b2c3", "example", "org", answer=True))
    _asks(recorder, PLC[1], ROGUE, 67, _lease(3, PLC[1][0], PLC[1][1], 8), _lease(5, PLC[1][0], PLC[1][1], 8), source=68)
    _visit(recorder, PLC[0], HMI, 445, b"\0\0\0\x04\xfeSMB", b"\0\0\0\x04\xfeSMB")
    _visit(recorder, PLC[4], PLC[5], 8080, b"CONNECT 10.30.0.10:443 HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n")
    talk = recorder.connect(INTRUDER, PLC[6], next(_ports), 443)
    for turn in range(5):
        talk.exchange(_modbus(turn, b"\x03\0\x64\0\x02"), _modbus(turn, b"\x03\x04\0\x64\0\x65"))
    talk.close()
    recorder.write(path)


def malformed(path: Path) -> None:
    """A host throws broken requests of Modbus at a controller, a hundred within half a minute; files are written and read as well."""
    recorder = Recorder()
    talk = recorder.connect(INTRUDER, PLC[0], next(_ports), 502)
    for turn in range(3):
        talk.exchange(_modbus(turn, b"\x03\0\x64\0\x02"), _modbus(turn, b"\x03\x04\0\x64\0\x65"))
    for turn in range(100):
        talk.exchange(_modbus(100 + turn, b"\x03\0\x64\xff\xff"), _modbus(100 + turn, b"\x83\x03"))
    written = b"\x15\x0b\x06\0\x04\0\x07\0\x02\x12\x34\x56\x78"
    talk.exchange(_modbus(300, written), _modbus(300, written))
    talk.exchange(_modbus(301, b"\x14\x07\x06\0\x04\0\x07\0\x02"), _modbus(301, b"\x14\x06\x05\x06\x12\x34\x56\x78"))
    talk.close()
    recorder.write(path)


_HOW: Final = "crafted with scapy: the first words of services, nothing behind them"

CAPTURES: Final = {
    "network/normal.pcap": (
        "a day without incidents: names, time and leases from their server, files and remote desktops among stations, an HMI polling "
        "a controller",
        _HOW,
        normal,
    ),
    "network/intrusion.pcap": (
        "a host in the DMZ sweeps and scans the lower levels, opens remote desktop, file shares, shells, remote consoles, web and file "
        "transfer there; an operator's station and controllers talk to the internet, a stranger answers for DHCP, Modbus runs on a web "
        "port",
        _HOW,
        intrusion,
    ),
    "network/malformed.pcap": (
        "a hundred broken Modbus requests within seconds, then a file written and read",
        "crafted with scapy: no stack sends it",
        malformed,
    ),
}
"""Name → what is in it, how it was made, by what."""
