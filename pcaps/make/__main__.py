"""Record the project's captures anew: python -m pcaps.make [NAME …] (root, iproute2, dumpcap from wireshark-common).

With names only the captures that begin with one of them (`dnp3/`) are made.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

import yaml

from pcaps.make import gateway, network, plant, plus_crafted, s7, s7_crafted, umas
from pcaps.make.dnp3 import captures as dnp3
from pcaps.make.mixed import captures as mixed
from pcaps.make.opcua import captures as opcua

FOLDER = Path(__file__).resolve().parent.parent

SNAP7 = "recorded on the switch of a plant in network namespaces; Snap7 servers and clients (python-snap7 2)"

CRAFTED = "crafted with scapy and an encoder of our own: no open server plays this"

CAPTURES = {
    **mixed.CAPTURES,
    "plant/normal.pcapng": (
        "a shift without incidents: HMI polling and writing set points, historian, engineering station asking for identification",
        "recorded on the switch of a plant in network namespaces; pymodbus servers and clients",
        plant.normal,
    ),
    "plant/attack.pcapng": (
        "the same plant while a host of the enterprise network scans ports, units and addresses, identifies devices, toggles coils, "
        "writes set points, clears counters and forces a device into listen-only mode",
        "recorded on the switch of a plant in network namespaces; pymodbus servers and clients, attacker behind a real router",
        plant.attack,
    ),
    "plant/umas.pcap": (
        "UMAS (Modbus function 90): identification, reservation, program download into and upload out of a PLC, stop and start",
        "crafted with scapy: no open stack speaks UMAS",
        umas.craft,
    ),
    "plant/umas-stranger.pcap": (
        "UMAS by a host that is no engineering station: it asks a controller how it is, and writes to inputs and outputs",
        "crafted with scapy: no open stack speaks UMAS",
        umas.stranger,
    ),
    "plant/gateway.pcap": (
        "a Modbus gateway with six devices: an HMI polls them, another host overwrites sixty registers of one, then none answers any more",
        "crafted with scapy: serial devices that fail",
        gateway.craft,
    ),
    **dnp3.CAPTURES,
    "s7/normal.pcapng": (
        "a shift without incidents: HMI polling two S7 controllers (single and multi-item reads of all areas and types) and writing set "
        "points, historian",
        SNAP7,
        s7.normal,
    ),
    "s7/engineering.pcapng": (
        "maintenance of an S7 controller from the engineering station: system status lists, block list and information, a refused upload, "
        "clock read and set, password, stop, block deleted, compress, RAM to ROM, cold and warm start; the HMI goes on",
        SNAP7,
        s7.engineering,
    ),
    "s7/attack.pcapng": (
        "a host of the enterprise network scans ports, asks S7 controllers who they are, reads data blocks, is refused an upload, toggles "
        "outputs, writes a set point, sets the clock, deletes a block and stops the controller; the HMI goes on",
        SNAP7,
        s7.attack,
    ),
    "s7/blocks.pcap": (
        "an engineering station loads an S7 block out of the controller and two into it (headers with author, family, name, time stamps, "
        "checksum), activates them, deletes one, and is refused a cold start",
        "crafted with scapy and an encoder of our own: Snap7's server refuses block transfers",
        s7_crafted.blocks,
    ),
    "s7/services.pcap": (
        "S7 services beside reading and writing: addresses of two further forms, cyclic values, alarms and their acknowledgement, "
        "operating modes told by the controller, variables watched, modified and forced, clock set, memory reset",
        CRAFTED,
        s7_crafted.services,
    ),
    "s7/intrusion.pcap": (
        "a host of the enterprise network asks S7 controllers who they are, tries the slots of one, guesses its password, loads an "
        "organisation block, locks alarms, forces outputs, deletes a block, stops the controller and resets its memory",
        CRAFTED,
        s7_crafted.intrusion,
    ),
    "s7/flood.pcap": (
        "a host of the enterprise network writes a set point of an S7 controller over and over",
        CRAFTED,
        s7_crafted.flood,
    ),
    "s7/plus-normal.pcap": (
        "S7comm-plus: a panel's session with subscription, notifications, polling and set points",
        CRAFTED,
        plus_crafted.normal,
    ),
    "s7/plus-engineering.pcap": (
        "S7comm-plus: identification, legitimation, exploring, upload, stop, download of blocks and of the hardware configuration, start, "
        "clock; a newer controller in TLS",
        CRAFTED,
        plus_crafted.engineering,
    ),
    "s7/plus-intrusion.pcap": (
        "S7comm-plus: a host of the enterprise network identifies controllers, guesses a password, takes a block, stops a controller, "
        "loads and deletes blocks and writes set points",
        CRAFTED,
        plus_crafted.intrusion,
    ),
    **opcua.CAPTURES,
    **network.CAPTURES,
}


def main() -> None:
    """Make every capture (or those of the folders named, and new ones), then the manifest with its digests."""
    tools = ("ip", "dumpcap")
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        sys.exit(f"making captures needs root, ip (iproute2) and dumpcap (wireshark-common); missing: {', '.join(missing) or 'root'}")
    place = FOLDER / "MANIFEST.yml"
    known = {entry["file"]: entry for entry in yaml.safe_load(place.read_text())}
    for name, (content, how, make) in CAPTURES.items():
        if not name.startswith(tuple(sys.argv[1:] or [""])):
            continue
        path = FOLDER / name
        path.parent.mkdir(exist_ok=True)
        print(f"making {name} …", file=sys.stderr)
        make(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        known[name] = {"file": name, "sha256": digest, "content": content, "made": how, "by": "python -m pcaps.make"}
        place.write_text(yaml.safe_dump([known[name] for name in CAPTURES if name in known], sort_keys=False, width=140))


if __name__ == "__main__":
    main()
