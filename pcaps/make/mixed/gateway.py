"""OPC UA with asyncua: `gateway`, `historian`, `portal`, for so many seconds.

The gateway reads the controllers by Modbus and S7comm and serves them; it hands a set point that is written to it on to its controller.
The historian subscribes there and serves what it kept; the portal in the DMZ fetches that. Signed with certificates and a user's
name; the gateway leaves an endpoint without security open to anybody, as they are delivered.
"""

from __future__ import annotations

import asyncio
import struct
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from asyncua import Client, Node, Server, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from cryptography.x509.oid import ExtendedKeyUsageOID
from pymodbus.client import AsyncModbusTcpClient
from snap7.client import Client as S7Client

from pcaps.make.mixed.places import DOSING, FILTER, GATEWAY, HISTORIAN, PORTAL, Place

PORT: Final = 4840
NAMESPACE: Final = "urn:lakeside:process"
PASSWORD: Final = "water-2026"
MEASURED: Final = ("Dosing/Chlorine/Residual", "Dosing/Acid/pH", "Filter/Pressure", "Filter/Level", "Filter/Flow")
CHLORINE: Final = "Dosing/Chlorine/SetPoint"
SETPOINTS: Final = (CHLORINE, "Filter/Backwash/Interval")


class Users:
    """Who may: those with the password by name, and nobody in particular."""

    def get_user(self, _server: object, username: str | None = None, password: str | None = None, **_: object) -> User | None:
        return User(role=UserRole.User, name=username) if username is None or password == PASSWORD else None


@contextmanager
def credentials(place: Place, uri: str) -> Iterator[tuple[Path, Path]]:
    """A certificate of a host's own, and its key; the loop must not run yet."""
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = Path(folder) / "key.pem", Path(folder) / "certificate.der"
        usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        subject = {"organizationName": "Lakeside water works", "commonName": place.name}
        asyncio.run(setup_self_signed_certificate(key, certificate, uri, place.fqdn, usage, subject))
        yield key, certificate


def uri(place: Place) -> str:
    return f"urn:{place.fqdn}:opcua"


async def server_at(place: Place, product: dict[str, str], security: list[ua.SecurityPolicyType], keys: tuple[Path, Path]) -> Server:
    """A server that is set up, not started."""
    server = Server(user_manager=Users())
    await server.init()
    server.set_endpoint(f"opc.tcp://{place.ip}:{PORT}/")
    server.set_server_name(product["name"])
    server.product_uri = product["uri"]
    await server.set_application_uri(uri(place))
    await server.set_build_info(
        product["uri"], product["maker"], product["name"], product["version"], product["build"], datetime(2025, 9, 1)
    )
    server.set_security_policy(security)
    server.set_identity_tokens([ua.AnonymousIdentityToken, ua.UserNameIdentityToken])
    await server.load_certificate(str(keys[1]))
    await server.load_private_key(str(keys[0]))
    await server.register_namespace(NAMESPACE)
    return server


async def tags(server: Server) -> dict[str, Node]:
    """The plant's tags, set points writable."""
    nodes = {}
    for name in (*MEASURED, *SETPOINTS):
        node = await server.nodes.objects.add_variable(ua.NodeId(name, 2), ua.QualifiedName(name.replace("/", " "), 2), 0.0)
        nodes[name] = node
        if name in SETPOINTS:
            await node.set_writable()
    return nodes


MOXA: Final = {
    "name": "UC-8200 OPC UA Gateway", "uri": "urn:moxa.com:uc-8200", "maker": "Moxa Inc.", "version": "1.4.2", "build": "24081916",
}  # fmt: skip
ARCHIVE: Final = {
    "name": "Lakeside Historian", "uri": "urn:lakeside:historian", "maker": "Lakeside", "version": "4.1.0", "build": "1187",
}  # fmt: skip


async def gateway(seconds: float, keys: tuple[Path, Path]) -> None:
    """Polls both controllers once a second."""
    open_and_signed = [ua.SecurityPolicyType.NoSecurity, ua.SecurityPolicyType.Basic256Sha256_Sign]
    server = await server_at(GATEWAY, MOXA, open_and_signed, keys)
    nodes = await tags(server)
    modbus = AsyncModbusTcpClient(DOSING.ip, timeout=3, retries=0)
    await modbus.connect()
    s7 = S7Client()
    s7.set_connection_type(3)
    await asyncio.to_thread(s7.connect, FILTER.ip, 0, 2)
    async with server:
        end = time.monotonic() + seconds
        known = 1.8
        await nodes[CHLORINE].write_value(known)
        while time.monotonic() < end:
            read = await modbus.read_input_registers(0, count=8, device_id=1)
            values = struct.unpack(">fff", await asyncio.to_thread(s7.db_read, 20, 0, 12))
            for name, value in zip(MEASURED, (read.registers[0] / 1_000, read.registers[1] / 100, *values), strict=True):
                await nodes[name].write_value(round(float(value), 3))
            wanted = float(await nodes[CHLORINE].read_value())
            if wanted != known:
                known = wanted
                await modbus.write_register(100, int(wanted * 100), device_id=1)
            await asyncio.sleep(1)
    modbus.close()
    s7.disconnect()


async def client_at(place: Place, keys: tuple[Path, Path], user: str, server: Place) -> Client:
    """A client that signs, for a user; not connected yet."""
    client = Client(f"opc.tcp://{server.ip}:{PORT}/", timeout=60, watchdog_intervall=10)
    client.name = client.description = f"{place.name} client"
    client.application_uri = uri(place)
    client.product_uri = f"urn:lakeside:{user}"
    client.set_user(user)
    client.set_password(PASSWORD)
    await client.set_security(SecurityPolicyBasic256Sha256, str(keys[1]), str(keys[0]), mode=ua.MessageSecurityMode.Sign)
    return client


async def historian(seconds: float, keys: tuple[Path, Path]) -> None:
    """Watches the gateway's tags, keeps them, and serves what it kept."""
    server = await server_at(HISTORIAN, ARCHIVE, [ua.SecurityPolicyType.Basic256Sha256_Sign], keys)
    nodes = await tags(server)
    archive = Archive(nodes)
    async with server:
        for name in MEASURED:
            await server.historize_node_data_change(nodes[name], period=timedelta(hours=1), count=1_000)
        async with await client_at(HISTORIAN, keys, "historian", GATEWAY) as client:
            await client.nodes.server_state.read_value()
            await client.get_node(ua.ObjectIds.Server_ServerStatus_BuildInfo).read_value()
            subscription = await client.create_subscription(1_000, archive)
            await subscription.subscribe_data_change([client.get_node(ua.NodeId(name, 2)) for name in MEASURED])
            await asyncio.sleep(seconds)


class Archive:
    """Takes over what changed."""

    def __init__(self, nodes: dict[str, Node]) -> None:
        self.nodes = nodes
        self.tasks: set[asyncio.Task[None]] = set()

    def datachange_notification(self, node: Node, value: float, _data: object) -> None:
        """A tag has changed."""
        task = asyncio.create_task(self.nodes[str(node.nodeid.Identifier)].write_value(float(value)))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


async def portal(seconds: float, keys: tuple[Path, Path]) -> None:
    """Fetches the last minute of each tag, now and then."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        async with await client_at(PORTAL, keys, "portal", HISTORIAN) as client:
            now = datetime.now(UTC)
            for name in MEASURED:
                await client.get_node(ua.NodeId(name, 2)).read_raw_history(now - timedelta(seconds=20), now, numvalues=20)
        await asyncio.sleep(min(20, max(1, end - time.monotonic())))


ROLES: Final[dict[str, tuple[Place, Callable[[float, tuple[Path, Path]], Coroutine[Any, Any, None]]]]] = {
    "gateway": (GATEWAY, gateway), "historian": (HISTORIAN, historian), "portal": (PORTAL, portal),
}  # fmt: skip


def play(role: str, seconds: str) -> None:
    """Plays a role until it is over."""
    place, act = ROLES[role]
    with credentials(place, uri(place)) as keys:
        asyncio.run(act(float(seconds), keys))
