"""What hosts of the mixed plant ask others for."""

from __future__ import annotations

import http.client
import ssl
import struct
import time
from socket import AF_INET, SOCK_DGRAM, create_connection, socket

from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.snmp import SNMP, SNMPget, SNMPvarbind

from pcaps.make.mixed.places import Place
from pcaps.make.mixed.served import NTP_EPOCH, READ_COMMUNITY, algorithms


def once(place: Place, server: Place, port: int, request: bytes, own_port: int = 0) -> bytes:
    """A datagram and its answer."""
    with socket(AF_INET, SOCK_DGRAM) as line:
        line.settimeout(2)
        line.bind((place.ip, own_port))
        line.sendto(request, (server.ip, port))
        return line.recv(2_048)


def time_of_day(place: Place, server: Place) -> None:
    """NTP."""
    now = time.time() + NTP_EPOCH
    once(place, server, 123, b"\x23\0\6\xec" + bytes(36) + struct.pack(">II", int(now), int(now % 1 * 2**32)))


def address_of(place: Place, other: Place, server: Place) -> None:
    """DNS."""
    number = (other.number << 8 | place.number) ^ int(time.time()) & 0xFFFF
    once(place, server, 53, bytes(DNS(id=number, rd=1, qd=DNSQR(qname=other.fqdn))))


def lease(place: Place, server: Place) -> None:
    """DHCP: renews, saying its name and what it is."""
    mac = bytes.fromhex(place.mac.replace(":", ""))
    options = [
        ("message-type", "request"), ("client_id", b"\x01" + mac), ("hostname", place.name.upper().encode()),
        ("vendor_class_id", b"MSFT 5.0"), ("param_req_list", [1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252]), "end",
    ]  # fmt: skip
    once(place, server, 67, bytes(BOOTP(xid=0x2F31_7A00 | place.number, ciaddr=place.ip, chaddr=mac) / DHCP(options=options)), 68)


def description_of(place: Place, other: Place) -> None:
    """SNMP."""
    wanted = [SNMPvarbind(oid="1.3.6.1.2.1.1.1.0"), SNMPvarbind(oid="1.3.6.1.2.1.1.5.0")]
    request = SNMP(version=1, community=READ_COMMUNITY, PDU=SNMPget(id=int(time.time()) & 0x7FFF_FFFF, varbindlist=wanted))
    once(place, other, 161, bytes(request))


def page(server: Place) -> None:
    """HTTP."""
    line = http.client.HTTPConnection(server.ip, timeout=3)
    line.request("GET", "/", headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "Host": server.fqdn})
    line.getresponse().read()
    line.close()


def trusting() -> ssl.SSLContext:
    """TLS that takes the certificates which hosts sign themselves."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def secure(place: Place, server: Place) -> None:
    """HTTPS."""
    with (
        create_connection((server.ip, 443), timeout=3, source_address=(place.ip, 0)) as line,
        trusting().wrap_socket(line, server_hostname=server.fqdn) as inner,
    ):
        inner.sendall(f"GET / HTTP/1.1\r\nHost: {server.fqdn}\r\nConnection: close\r\n\r\n".encode())
        while inner.recv(4_096):
            continue


def remote_desktop(server: Place, user: str) -> None:
    """Remote desktop as far as TLS."""
    with create_connection((server.ip, 3389), timeout=3) as line:
        cookie = f"Cookie: mstshash={user}\r\n".encode()
        body = bytes.fromhex("e0 0000 0000 00") + cookie + bytes.fromhex("01 00 0800 03000000")
        line.sendall(struct.pack(">BBHB", 3, 0, len(body) + 5, len(body)) + body)
        line.recv(64)
        with trusting().wrap_socket(line, server_hostname=server.fqdn):
            time.sleep(0.5)


def shell(server: Place) -> None:
    """SSH as far as the algorithms."""
    with create_connection((server.ip, 22), timeout=3) as line:
        line.recv(256)
        line.sendall(b"SSH-2.0-PuTTY_Release_0.81\r\n")
        line.recv(2_048)
        line.sendall(
            algorithms("curve25519-sha256,ecdh-sha2-nistp256", "ssh-ed25519,rsa-sha2-256", "aes256-ctr,aes128-ctr", "hmac-sha2-256")
        )
        time.sleep(0.3)
