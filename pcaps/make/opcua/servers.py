"""The servers of the OPC UA plant (real stack: asyncua): a gateway with every security, a press with none, a mixer with an old one."""

from __future__ import annotations

import asyncio
import itertools
import time
from datetime import UTC, datetime
from typing import Any

from asyncua import Node, Server, ua, uamethod
from asyncua.crypto.permission_rules import User, UserRole

from pcaps.make.opcua.certificates import SERVERS, place, uri

POLICIES = {
    "gateway": ["NoSecurity", "Basic256Sha256_Sign", "Basic256Sha256_SignAndEncrypt"],
    "press": ["NoSecurity"],
    "mixer": ["NoSecurity", "Basic128Rsa15_SignAndEncrypt"],
}
PASSWORDS = {"operator": "Ov3n-D00r", "engineer": "Tw1st3d-Pair"}
ROLES = {"operator": UserRole.User, "engineer": UserRole.Admin}


class Users:
    """Anonymous and those with a certificate may read and write; names need their passwords."""

    def get_user(self, _server: Any, username: str | None = None, password: Any = None, **_certificate: Any) -> User | None:
        if username is None:
            return User(role=UserRole.User)
        said = password.decode() if isinstance(password, bytes) else password
        return User(role=ROLES[username], name=username) if PASSWORDS.get(username) == said else None


async def serve(address: str, seconds: float) -> None:
    """A server whose line moves."""
    name = SERVERS[address]
    server = await made(name, address)
    speed, temperature = await fill(server)
    async with server:
        if name == "gateway":
            await server.historize_node_data_change(speed, period=None, count=100)
        events = await server.get_event_generator()
        events.event.Severity = 300
        end = time.monotonic() + seconds + 120
        for turn in itertools.count():
            await speed.write_value(1_450.0 + turn % 7)
            await temperature.write_value(180.0 + turn % 11 / 10)
            if turn % 20 == 5:
                await events.trigger(message=f"Batch {turn} done")
            if time.monotonic() > end:
                break
            await asyncio.sleep(0.1)


async def made(name: str, address: str) -> Server:
    """The server with its identity and security."""
    server = Server(user_manager=Users())  # type: ignore[arg-type]
    await server.init()
    await server.set_application_uri(uri(name))
    server.set_endpoint(f"opc.tcp://{address}:4840/")
    server.set_server_name(f"Riverside {name}")
    server.product_uri = "urn:riverside:line"
    built = datetime(2025, 3, 1, tzinfo=UTC)
    await server.set_build_info("urn:riverside:line", "Riverside Machines", f"Line server {name}", "2.4.1", "17", built)
    if name != "press":
        await server.load_certificate(place(name, "der"))
        await server.load_private_key(place(name, "pem"))
    server.set_security_policy([ua.SecurityPolicyType[policy] for policy in POLICIES[name]])
    tokens = [ua.AnonymousIdentityToken, ua.UserNameIdentityToken]
    server.set_identity_tokens(tokens if name == "press" else [*tokens, ua.X509IdentityToken])
    return server


async def fill(server: Server) -> tuple[Node, Node]:
    """The line with its values of several types, its methods, and a recipe that is a file."""
    await server.register_namespace("urn:riverside:line")
    line = await server.nodes.objects.add_object(ua.NodeId("Line", 2), "2:Line")

    async def variable(name: str, value: Any, kind: ua.VariantType | None = None) -> Node:
        return await line.add_variable(ua.NodeId(f"Line/{name}", 2), f"2:{name}", value, kind)

    speed, temperature = await variable("Speed", 1_450.0), await variable("Temperature", 180.0)
    await variable("Running", True)
    await variable("Batch", 7, ua.VariantType.UInt16)
    await variable("Profile", [20.0, 80.0, 180.0, 60.0])
    await variable("Started", datetime(2026, 3, 2, 6, 30, tzinfo=UTC))
    for name, value in (("SetPoint", 42.0), ("Notes", "")):
        await (await variable(name, value)).set_writable()
    string, number = ua.VariantType.String, ua.VariantType.Int64
    await line.add_method(ua.NodeId("Line/Start", 2), "2:Start", start, [string, number], [ua.VariantType.Boolean])
    await line.add_method(ua.NodeId("Line/Stop", 2), "2:Stop", stop, [], [])
    await add_recipe(server)
    return speed, temperature


@uamethod
def start(_parent: ua.NodeId, _batch: str, _number: int) -> bool:
    return True


@uamethod
def stop(_parent: ua.NodeId) -> None:
    """Nothing is left running here."""


async def add_recipe(server: Server) -> None:
    """A file; its methods are called by the numbers that its type gives them."""
    await server.nodes.objects.add_object(ua.NodeId("Recipe", 2), "2:Recipe", ua.NodeId(ua.ObjectIds.FileType))
    content = bytearray()

    @uamethod
    def opened(_parent: ua.NodeId, _mode: int) -> ua.Variant:
        return ua.Variant(1, ua.VariantType.UInt32)

    @uamethod
    def written(_parent: ua.NodeId, _handle: int, data: bytes) -> None:
        content.extend(data)

    @uamethod
    def closed(_parent: ua.NodeId, _handle: int) -> None:
        content.clear()

    for number, method in (("Open", opened), ("Write", written), ("Close", closed)):
        server.link_method(server.get_node(ua.NodeId(getattr(ua.ObjectIds, f"FileType_{number}"))), method)
