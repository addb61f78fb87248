"""The captures of DNP3: what is in them, how they were made, and by which function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from pcaps.make.dnp3 import catalogue, crafted, record

STATIONS: Final = "recorded on the switch of a substation in network namespaces; masters and outstations of opendnp3 3.1.2 (Apache-2.0)"
BY_HAND: Final = STATIONS + ", and requests by hand (pcaps/make/dnp3/roles.py) that its outstations answer"
CRAFTED: Final = "crafted with an encoder of our own (pcaps/make/dnp3/wire.py) and scapy: opendnp3 3.1.2 doesn't speak it"

CAPTURES: Final[dict[str, tuple[str, str, Callable[[Path], None]]]] = {
    "dnp3/normal.pcapng": (
        "a shift without incidents: integrity and class polls, events, unsolicited responses, clocks set over LAN and serial procedures, "
        "switches and a set point operated with select, two outstations behind one address",
        STATIONS,
        record.normal,
    ),
    "dnp3/polling.pcapng": (
        "polls by class, of all events and of all points, ranges, whole groups, a freeze",
        STATIONS,
        record.polling,
    ),
    "dnp3/select_operate.pcapng": (
        "select and operate, right (relays, an analog output); operate with another output, code or time, without select, too late, "
        "by a second master over the same and over another connection",
        BY_HAND,
        record.select_operate,
    ),
    "dnp3/restart.pcapng": (
        "an engineering station restarts an outstation, warm and cold; the master clears the indication and sets the clock",
        STATIONS,
        record.restart,
    ),
    "dnp3/unsolicited.pcapng": (
        "unsolicited responses enabled, confirmed, disabled; then left without confirmation, so that they are repeated",
        BY_HAND,
        record.unsolicited,
    ),
    "dnp3/two_outstations.pcapng": (
        "two outstations behind one address, polled and controlled over one connection",
        STATIONS,
        record.two_outstations,
    ),
    "dnp3/broadcast.pcapng": (
        "the clock, a freeze and controls to all outstations at once, as broadcasts of each kind",
        BY_HAND,
        record.broadcast,
    ),
    "dnp3/time_sync.pcapng": (
        "clocks set by the LAN and by the serial procedure, at the beginning and after a restart",
        STATIONS,
        record.time_sync,
    ),
    "dnp3/attack.pcapng": (
        "a host of the enterprise network plays master 1: scan of link addresses, attributes, unsolicited responses off, classes taken "
        "away, deadbands widened, the clock set back, sixty outputs operated, a program stopped, a broadcast control, wrong CRCs, "
        "a cold restart",
        BY_HAND,
        record.attack,
    ),
    "dnp3/files.pcap": (
        "file transfer by an engineering station: signing in, a folder, settings read, a program written and activated, a file deleted, "
        "a transfer given up; then the configuration saved and an application stopped, initialised and started",
        CRAFTED,
        crafted.files,
    ),
    "dnp3/firmware.pcap": (
        "an engineering station writes a file of firmware to an outstation and restarts it; another host tries to and is refused",
        CRAFTED,
        crafted.firmware,
    ),
    "dnp3/authentication.pcap": (
        "secure authentication: session keys changed, a control authenticated; then eight attempts by somebody without the key",
        CRAFTED,
        crafted.authentication,
    ),
    "dnp3/attributes.pcap": (
        "device attributes: all of them, one alone, the device's name written",
        CRAFTED,
        crafted.attributes,
    ),
    "dnp3/objects.pcap": (
        "two objects of every fixed size, static and as events, read and answered",
        CRAFTED,
        catalogue.objects,
    ),
    "dnp3/functions.pcap": (
        "commands with every status, rare functions, file refusals, frames of the link layer alone, authentication refused for all reasons",
        CRAFTED,
        catalogue.functions,
    ),
    "dnp3/malformed.pcap": (
        "what is wrong in each way that one frame or fragment can be: transport, ranges, values, directions, bits, echoes, numbers, times",
        "crafted with an encoder of our own (pcaps/make/dnp3/wire.py) and scapy: no stack sends it",
        catalogue.malformed,
    ),
    "dnp3/forged_reports.pcap": (
        "over UDP: a master switches reports off, and another host sends some in the outstation's name",
        "crafted with an encoder of our own (pcaps/make/dnp3/wire.py) and scapy: no stack gives itself out as another",
        crafted.forged_reports,
    ),
}
