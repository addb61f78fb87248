"""What hosts of the mixed plant serve: names, time, addresses, descriptions, pages, shells, remote desktops."""

from __future__ import annotations

import ssl
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, SO_BROADCAST, SO_REUSEADDR, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, socket
from tempfile import NamedTemporaryFile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from scapy.asn1.asn1 import ASN1_STRING
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dns import DNS, DNSRR
from scapy.layers.snmp import SNMP, SNMPresponse, SNMPvarbind

from pcaps.make.mixed.places import DOMAIN, PLACES, Place

NTP_EPOCH = 2_208_988_800
READ_COMMUNITY = "lakeside-ro"


def datagrams(place: Place, port: int, answer: Callable[[bytes], bytes | None]) -> None:
    """Answers datagrams for ever."""
    with socket(AF_INET, SOCK_DGRAM) as served:
        served.setsockopt(SOL_SOCKET, SO_BROADCAST, 1)
        served.bind((place.ip, port))
        while True:
            asked, whom = served.recvfrom(2_048)
            said = answer(asked)
            if said:
                served.sendto(said, whom)


def connections(place: Place, port: int, talk: Callable[[socket], None]) -> None:
    """Serves connections for ever, one after another."""
    with socket(AF_INET, SOCK_STREAM) as listening:
        listening.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        listening.bind((place.ip, port))
        listening.listen(8)
        while True:
            one, _ = listening.accept()
            one.settimeout(3)
            try:
                with one:
                    talk(one)
            except (OSError, ValueError):
                continue


def names(place: Place) -> None:
    """DNS: the plant's hosts."""
    known = {f"{host.fqdn}.": host.ip for host in PLACES}

    def answer(asked: bytes) -> bytes:
        query = DNS(asked)
        wanted = query.qd[0].qname.decode()
        found = known.get(wanted)
        records = [DNSRR(rrname=wanted, type="A", ttl=3_600, rdata=found)] if found else []
        return bytes(DNS(id=query.id, qr=1, aa=1, rd=1, ra=1, rcode=0 if found else 3, qd=query.qd, an=records))

    datagrams(place, 53, answer)


def clock(place: Place) -> None:
    """NTP version 4 (RFC 5905), stratum 2."""

    def moment() -> bytes:
        now = time.time() + NTP_EPOCH
        return struct.pack(">II", int(now), int(now % 1 * 2**32))

    def answer(asked: bytes) -> bytes:
        now = moment()
        head = struct.pack(">BBbbII4s", 0x24, 2, asked[2], -23, 0x0120, 0x0340, bytes((192, 0, 2, 1)))
        return head + now + asked[40:48] + now + moment()

    datagrams(place, 123, answer)


def leases(place: Place) -> None:
    """DHCP (RFC 2131): renews what is asked for."""

    def answer(asked: bytes) -> bytes:
        request = BOOTP(asked)
        options = [
            ("message-type", "ack"), ("server_id", place.ip), ("lease_time", 86_400), ("subnet_mask", "255.255.255.0"),
            ("router", place.switch.gateway), ("domain", DOMAIN.encode()), ("name_server", place.ip), "end",
        ]  # fmt: skip
        head = BOOTP(op=2, xid=request.xid, ciaddr=request.ciaddr, yiaddr=request.ciaddr, siaddr=place.ip, chaddr=request.chaddr)
        return bytes(head / DHCP(options=options))

    datagrams(place, 67, answer)


def description(place: Place) -> None:
    """SNMP version 2c: what it is, and its name."""
    texts = {"1.3.6.1.2.1.1.1.0": b"Hirschmann RSP20 Railswitch, HiOS-2S-07.1.05", "1.3.6.1.2.1.1.5.0": place.name.encode()}

    def answer(asked: bytes) -> bytes:
        request = SNMP(asked)
        found = [SNMPvarbind(oid=one.oid, value=ASN1_STRING(texts.get(one.oid.val, b""))) for one in request.PDU.varbindlist]
        return bytes(SNMP(version=1, community=READ_COMMUNITY, PDU=SNMPresponse(id=request.PDU.id, varbindlist=found)))

    datagrams(place, 161, answer)


def server_of(place: Place, port: int, software: str, title: str) -> ThreadingHTTPServer:
    """A web server with one page."""
    body = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1><p>{place.fqdn}</p></body></html>".encode()

    class Page(BaseHTTPRequestHandler):
        server_version, sys_version, protocol_version = software, "", "HTTP/1.1"

        def version_string(self) -> str:
            return software

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return ThreadingHTTPServer((place.ip, port), Page)


def page(place: Place, software: str, title: str) -> None:
    """HTTP."""
    server_of(place, 80, software, title).serve_forever()


def secure_page(place: Place, software: str, title: str) -> None:
    """HTTPS."""
    server = server_of(place, 443, software, title)
    server.socket = secured(place).wrap_socket(server.socket, server_side=True)
    server.serve_forever()


def secured(place: Place) -> ssl.SSLContext:
    """TLS 1.2, as plants have it, with a certificate that the host signed itself."""
    key = rsa.generate_private_key(65_537, 2_048)
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lakeside"), x509.NameAttribute(NameOID.COMMON_NAME, place.fqdn)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now).not_valid_after(now + timedelta(days=825))
    certificate = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with NamedTemporaryFile() as file:
        file.write(private + certificate.public_bytes(serialization.Encoding.PEM))
        file.flush()
        context.load_cert_chain(file.name)
    return context


def remote_desktop(place: Place) -> None:
    """The first words of remote desktop ([MS-RDPBCGR] 2.2.1.1 and 2.2.1.2), then TLS; nobody signs in."""
    context = secured(place)

    def talk(one: socket) -> None:
        head = one.recv(4)
        one.recv(int.from_bytes(head[2:4]) - 4)
        one.sendall(bytes.fromhex("03000013 0ed00000123400 02 1f 0800 01000000"))
        with context.wrap_socket(one, server_side=True) as inner:
            inner.recv(1)

    connections(place, 3389, talk)


def shell(place: Place, banner: str) -> None:
    """The first words of SSH (RFC 4253): banner, algorithms."""

    def talk(one: socket) -> None:
        one.sendall(banner.encode() + b"\r\n")
        one.recv(256)
        one.sendall(
            algorithms("curve25519-sha256,diffie-hellman-group14-sha256", "ssh-ed25519,ssh-rsa", "aes128-ctr,aes256-ctr", "hmac-sha2-256")
        )
        one.recv(2_048)
        one.recv(1)

    connections(place, 22, talk)


def algorithms(exchange: str, keys: str, ciphers: str, codes: str) -> bytes:
    """SSH_MSG_KEXINIT (RFC 4253, 7.1) in a packet."""
    lists = (exchange, keys, ciphers, ciphers, codes, codes, "none", "none", "", "")
    payload = b"\x14" + bytes(range(16)) + b"".join(struct.pack(">I", len(text)) + text.encode() for text in lists) + bytes(5)
    padding = 4 + -(len(payload) + 9) % 8
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)
