"""Keys and certificates of the OPC UA plant: made anew for each recording, kept nowhere."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from pathlib import Path

FOLDER = "FIELDTAP_OPCUA_KEYS"
SERVERS = {"10.20.1.31": "gateway", "10.20.1.32": "press", "10.20.1.33": "mixer"}
CLIENTS = ("hmi", "historian", "engineering", "tablet", "operator", "attacker")


def uri(name: str) -> str:
    return f"urn:riverside:{name}"


def place(name: str, kind: str) -> str:
    """The file of a certificate (`der`) or of a key (`pem`)."""
    return str(Path(os.environ[FOLDER]) / f"{name}.{kind}")


def make(folder: Path) -> None:
    """All of them. The attacker's was valid a year ago and names another application."""
    today = dt.datetime.now(dt.UTC)
    for address, name in SERVERS.items():
        _make(folder, name, uri(name), today, address)
    for name in CLIENTS[:-1]:
        _make(folder, name, uri(name), today)
    _make(folder, CLIENTS[-1], uri("hmi"), today - dt.timedelta(days=730))


def _make(folder: Path, name: str, application: str, begin: dt.datetime, address: str | None = None) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Riverside")])
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(application), x509.DNSName(name)]
    if address is not None:
        names.append(x509.IPAddress(ipaddress.ip_address(address)))
    usage = x509.KeyUsage(True, True, True, True, False, True, False, False, False)
    builder = x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number(), begin, begin + dt.timedelta(days=365))
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False).add_extension(usage, critical=False)
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    (folder / f"{name}.der").write_bytes(certificate.public_bytes(serialization.Encoding.DER))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / f"{name}.pem").write_bytes(pem)
