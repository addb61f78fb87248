"""What hosts of the mixed plant tell everybody: neighbours (LLDP), services (mDNS), and names that they look for or claim."""

from __future__ import annotations

from socket import AF_INET, IP_MULTICAST_IF, IP_MULTICAST_TTL, IPPROTO_IP, SO_BROADCAST, SOCK_DGRAM, SOL_SOCKET, inet_aton, socket

from scapy.contrib import lldp
from scapy.layers.dns import DNS, DNSQR, DNSRR, DNSRRSRV
from scapy.layers.l2 import Ether
from scapy.layers.llmnr import LLMNRQuery
from scapy.layers.netbios import NBNSHeader, NBNSRegistrationRequest
from scapy.sendrecv import sendp

from pcaps.make.mixed.places import Place

HIRSCHMANN = ("Hirschmann RSP20 Railswitch, HiOS-2S-07.1.05", "1/1")
SIEMENS = ("Siemens, SIMATIC S7, CPU 315-2 PN/DP, 6ES7 315-2EH14-0AB0, HW: 1, FW: V3.2.6", "port-001")
MOXA = ("Moxa UC-8220, Linux 4.4", "LAN1")


def neighbour(place: Place, what: tuple[str, str]) -> None:
    """LLDP (IEEE 802.1AB)."""
    text, port = what
    told = (
        lldp.LLDPDUChassisID(subtype=4, id=place.mac),
        lldp.LLDPDUPortID(subtype=7, id=port.encode()),
        lldp.LLDPDUTimeToLive(ttl=120),
        lldp.LLDPDUSystemName(system_name=place.name.encode()),
        lldp.LLDPDUSystemDescription(description=text.encode()),
        lldp.LLDPDUManagementAddress(management_address_subtype=1, management_address=inet_aton(place.ip), interface_number=1),
        lldp.LLDPDUEndOfLLDPDU(),
    )
    frame = Ether(src=place.mac, dst="01:80:c2:00:00:0e")
    for part in told:
        frame = frame / part
    sendp(frame, iface="eth0", verbose=False)


def to_all(place: Place, group: str, port: int, message: bytes, ttl: int = 1, own_port: int = 0) -> None:
    """A datagram to a group, or to everybody on the network."""
    with socket(AF_INET, SOCK_DGRAM) as line:
        line.setsockopt(SOL_SOCKET, SO_BROADCAST, 1)
        line.setsockopt(IPPROTO_IP, IP_MULTICAST_IF, inet_aton(place.ip))
        line.setsockopt(IPPROTO_IP, IP_MULTICAST_TTL, ttl)
        line.bind((place.ip, own_port))
        line.sendto(message, (group, port))


def service(place: Place) -> None:
    """The gateway's OPC UA server, by mDNS (RFC 6762, OPC 10000-12 annex C)."""
    kind = "_opcua-tcp._tcp.local."
    own, host = f"{place.name}.{kind}", f"{place.name}.local."
    records = [
        DNSRR(rrname=kind, type="PTR", ttl=4_500, rdata=own),
        DNSRRSRV(rrname=own, rclass=0x8001, ttl=120, port=4840, target=host),
        DNSRR(rrname=own, type="TXT", rclass=0x8001, ttl=4_500, rdata=[b"path=/", b"caps=DA"]),
        DNSRR(rrname=host, type="A", rclass=0x8001, ttl=120, rdata=place.ip),
    ]
    to_all(place, "224.0.0.251", 5353, bytes(DNS(id=0, qr=1, aa=1, rd=0, qd=[], an=records)), 255, 5353)


def asking(place: Place, name: str) -> None:
    """A Windows host looks for a name that nobody has (LLMNR, RFC 4795)."""
    to_all(place, "224.0.0.252", 5355, bytes(LLMNRQuery(id=place.number * 257, qd=DNSQR(qname=name))))


def registering(place: Place, group: str) -> None:
    """A Windows host claims its name (NetBIOS, RFC 1002)."""
    head = NBNSHeader(NAME_TRN_ID=place.number * 131, OPCODE=5, NM_FLAGS=0x11, QDCOUNT=1, ARCOUNT=1)
    for name in (place.name.upper(), group):
        body = NBNSRegistrationRequest(QUESTION_NAME=name.encode(), RR_NAME=0xC00C, NB_ADDRESS=place.ip, G=name == group)
        to_all(place, f"{place.switch.network}.255", 137, bytes(head / body), own_port=137)
