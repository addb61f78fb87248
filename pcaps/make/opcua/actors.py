"""The roles of the OPC UA plant, each a program: python -m pcaps.make.opcua.actors ROLE ADDRESS SECONDS (real stack: asyncua)."""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from asyncua import Client, Node, ua
from asyncua.crypto import security_policies as policies

from pcaps.make.opcua.certificates import place, uri
from pcaps.make.opcua.servers import serve

GATEWAY, PRESS, MIXER = "10.20.1.31", "10.20.1.32", "10.20.1.33"
SERVERS = (GATEWAY, PRESS, MIXER)
NONE, SIGN, ENCRYPT = ua.MessageSecurityMode.None_, ua.MessageSecurityMode.Sign, ua.MessageSecurityMode.SignAndEncrypt
OPERATOR = {"user": "operator", "password": "Ov3n-D00r"}
ENGINEER = {"user": "engineer", "password": "Tw1st3d-Pair"}
PATIENCE = 8


class Quiet:
    """Takes what a subscription brings."""

    def datachange_notification(self, _node: Node, _value: Any, _data: Any) -> None:
        """A value changed."""

    def event_notification(self, _event: Any) -> None:
        """Something happened."""

    def status_change_notification(self, _status: Any) -> None:
        """The subscription itself changed."""


def client(address: str, name: str, user: str | None = None, password: str = "") -> Client:
    made = Client(f"opc.tcp://{address}:4840/", timeout=PATIENCE, watchdog_intervall=30)
    made.application_uri, made.name, made.description = uri(name), f"{name} of Riverside", name.capitalize()
    if user is not None:
        made.set_user(user)
        made.set_password(password)
    return made


@asynccontextmanager
async def session(
    address: str, name: str, mode: ua.MessageSecurityMode = NONE, policy: type[policies.SecurityPolicy] | None = None, **login: str
) -> AsyncIterator[Client]:
    """A session of an application, secured like that; `login` are user and password, or `certificate` names the user's."""
    certificate = login.pop("certificate", None)
    made = client(address, name, **login)
    if mode != NONE:
        policy = policy or policies.SecurityPolicyBasic256Sha256
        await made.set_security(policy, place(name, "der"), place(name, "pem"), mode=mode)
    if certificate is not None:
        await made.load_client_certificate(place(certificate, "der"))
        await made.load_private_key(place(certificate, "pem"))
    async with made:
        yield made


def node(of: Client, name: str) -> Node:
    return of.get_node(f"ns=2;s={name}")


async def hmi(seconds: float) -> None:
    """Polls the gateway as its operator and watches the press, which knows no security; now and then a set point changes."""
    end = time.monotonic() + seconds
    async with session(GATEWAY, "hmi", SIGN, **OPERATOR) as gateway, session(PRESS, "hmi") as press:
        watched = await press.create_subscription(500, Quiet())
        await watched.subscribe_data_change([node(press, name) for name in ("Line/Speed", "Line/Temperature")])
        for turn in itertools.count():
            await gateway.read_values([node(gateway, name) for name in ("Line/Speed", "Line/Temperature", "Line/Running", "Line/Batch")])
            if turn % 5 == 2:
                await node(gateway, "Line/SetPoint").write_value(40.0 + turn, ua.VariantType.Double)
            if time.monotonic() > end:
                return
            await asyncio.sleep(0.5)


async def historian(seconds: float) -> None:
    """Collects over an encrypted channel, as the user of a certificate, and from the press once a second."""
    end = time.monotonic() + seconds
    async with session(GATEWAY, "historian", ENCRYPT, certificate="historian") as gateway, session(PRESS, "historian") as press:
        watched = await gateway.create_subscription(1_000, Quiet())
        await watched.subscribe_data_change([node(gateway, name) for name in ("Line/Speed", "Line/Temperature")])
        while time.monotonic() < end:
            await press.read_values([node(press, name) for name in ("Line/Speed", "Line/Temperature", "Line/Profile", "Line/Batch")])
            await asyncio.sleep(1)


async def engineering(_seconds: float) -> None:
    """Looks around, reads the past, calls methods, changes the address space and loads a recipe; all signed, so that it can be read."""
    async with session(GATEWAY, "engineering", SIGN, **ENGINEER) as gateway:
        for step in (look_around, watch, read_the_past, call_methods, change_nodes, load_recipe):
            await step(gateway)


async def look_around(gateway: Client) -> None:
    await gateway.get_node(ua.ObjectIds.Server_ServerStatus).read_value()
    await gateway.get_namespace_array()
    line = node(gateway, "Line")
    for child in await line.get_children_descriptions():
        await gateway.get_node(child.NodeId).read_attributes([ua.AttributeIds.BrowseName, ua.AttributeIds.DataType])
    await gateway.nodes.objects.get_child(["2:Line", "2:Speed"])
    registered = await gateway.register_nodes([node(gateway, "Line/Speed")])
    await gateway.unregister_nodes(registered)


async def watch(gateway: Client) -> None:
    """Data and events, each way that a subscription can be changed."""
    watched = await gateway.create_subscription(200, Quiet())
    items = await watched.subscribe_data_change([node(gateway, "Line/Speed"), node(gateway, "Line/Temperature")])
    await watched.subscribe_events(gateway.nodes.server)
    await asyncio.sleep(0.6)
    await watched.modify_monitored_item(items[0], 500)
    await watched.set_monitoring_mode(ua.MonitoringMode.Disabled)
    await watched.set_publishing_mode(False)
    await watched.set_publishing_mode(True)
    await watched.unsubscribe(items)
    await watched.delete()


async def read_the_past(gateway: Client) -> None:
    now = datetime.now(UTC)
    await node(gateway, "Line/Speed").read_raw_history(now - timedelta(minutes=1), now, 10)
    await tried(lambda: node(gateway, "Line/Batch").read_raw_history(now - timedelta(minutes=1), now, 10))


async def call_methods(gateway: Client) -> None:
    line = node(gateway, "Line")
    await line.call_method(ua.NodeId("Line/Start", 2), "batch-7", 3)
    await tried(lambda: line.call_method(ua.NodeId("Line/Start", 2), "batch-7"))


async def change_nodes(gateway: Client) -> None:
    line = node(gateway, "Line")
    added = await line.add_variable(ua.NodeId("Line/Comment", 2), "2:Comment", "calibrated")
    reference = ua.NodeId(ua.ObjectIds.Organizes)
    await gateway.nodes.objects.add_reference(added, reference)
    await gateway.nodes.objects.delete_reference(added, reference)
    await gateway.delete_nodes([added])


async def load_recipe(gateway: Client, text: bytes = b"oven=180;time=42;" * 40) -> None:
    """A file by the methods of its type; in pieces."""
    recipe, method = node(gateway, "Recipe"), lambda number: ua.NodeId(number)
    handle = await recipe.call_method(method(ua.ObjectIds.FileType_Open), ua.Variant(2, ua.VariantType.Byte))
    number = ua.Variant(handle, ua.VariantType.UInt32)
    for start in range(0, len(text), 256):
        await recipe.call_method(method(ua.ObjectIds.FileType_Write), number, text[start : start + 256])
    await recipe.call_method(method(ua.ObjectIds.FileType_Close), number)


async def second(seconds: float) -> None:
    """A tablet with the operator's password writes the set point that the HMI writes."""
    await asyncio.sleep(seconds / 3)
    async with session(GATEWAY, "tablet", SIGN, **OPERATOR) as gateway:
        for value in (55.0, 60.0, 65.0):
            await node(gateway, "Line/SetPoint").write_value(value, ua.VariantType.Double)
            await asyncio.sleep(0.3)


async def sessions(_seconds: float) -> None:
    """Each way to secure a channel with each kind of user; a password that goes readable to the press; large messages in chunks."""
    users: tuple[dict[str, str], ...] = ({}, OPERATOR, {"certificate": "operator"})
    for mode, user in itertools.product((NONE, SIGN, ENCRYPT), users):
        await tried(lambda mode=mode, user=user: one_session(GATEWAY, mode, user))
    await one_session(PRESS, NONE, OPERATOR)
    async with session(PRESS, "engineering") as press:
        await node(press, "Line/Notes").write_value("the press wants oil every 200 hours; " * 1_900)


async def one_session(address: str, mode: ua.MessageSecurityMode, user: dict[str, str]) -> None:
    async with session(address, "engineering", mode, **user) as there:
        await node(there, "Line/Speed").read_value()
        await node(there, "Line/SetPoint").write_value(42.0, ua.VariantType.Double)


async def attacker(_seconds: float) -> None:
    """Finds the servers, guesses passwords, takes a session without security, looks around, writes, calls, loads a recipe."""
    await asyncio.to_thread(scan_ports)
    for address in SERVERS:
        visitor = client(address, "attacker")
        await visitor.connect_and_get_server_endpoints()
        await visitor.connect_and_find_servers()
    for word in ("operator", "Operator", "123456", "password", "siemens", "admin", "riverside", "oven"):
        await tried(lambda word=word: one_session(GATEWAY, NONE, {"user": "operator", "password": word}))
    await tried(lambda: one_session(PRESS, NONE, {"user": "admin", "password": "admin"}))
    async with session(GATEWAY, "attacker") as gateway:
        await interfere(gateway)
    async with session(MIXER, "attacker", ENCRYPT, policies.SecurityPolicyBasic128Rsa15) as mixer:
        await node(mixer, "Line/Speed").read_value()
    async with session(GATEWAY, "attacker", SIGN, **OPERATOR) as gateway:
        await node(gateway, "Line/Speed").read_value()
    await asyncio.sleep(1)


async def interfere(gateway: Client) -> None:
    """What an anonymous session does to the gateway."""
    await browse_all(gateway, 120)
    await gateway.get_node(ua.ObjectIds.Server_ServerStatus).read_value()
    for value in range(20):
        await node(gateway, "Line/SetPoint").write_value(500.0 + value, ua.VariantType.Double)
    for turn in range(12):
        await tried(lambda turn=turn: node(gateway, "Line/Speed").write_value(float(turn), ua.VariantType.Double))
    line = node(gateway, "Line")
    await line.call_method(ua.NodeId("Line/Stop", 2))
    await tried(lambda: gateway.delete_nodes([node(gateway, "Line/Running")]))
    await tried(lambda: line.add_variable(ua.NodeId("Line/Backdoor", 2), "2:Backdoor", 1))
    stolen = ua.TransferSubscriptionsParameters(SubscriptionIds=[ua.UInt32(number) for number in range(70, 90)], SendInitialValues=True)
    await tried(lambda: gateway.uaclient.session.transfer_subscriptions(stolen))
    await load_recipe(gateway, b"oven=900;time=1;" * 20)


async def browse_all(gateway: Client, most: int) -> None:
    """One node after the other, from the root on."""
    waiting = [gateway.nodes.root]
    for _ in range(most):
        if waiting:
            waiting += await waiting.pop(0).get_children()


async def tried(call: Callable[[], Awaitable[object]]) -> None:
    """An attempt whose refusal is no reason to stop."""
    try:
        await call()
    except (ua.UaError, ConnectionError, TimeoutError) as error:
        print(f"attempt: {error}", file=sys.stderr)


def scan_ports() -> None:
    for address in SERVERS:
        for port in (21, 22, 23, 80, 102, 443, 502, 2404, 4840, 20_000, 44_818):
            with socket.socket() as probe:
                probe.settimeout(0.5)
                probe.connect_ex((address, port))


def main(role: str, address: str, seconds: float) -> None:
    """Plays a role until it is over or a signal ends it."""
    logging.disable(logging.CRITICAL)
    roles: dict[str, Callable[[float], Awaitable[None]]] = {
        "plc": lambda seconds: serve(address, seconds),
        "hmi": hmi,
        "historian": historian,
        "engineering": engineering,
        "second": second,
        "sessions": sessions,
        "attacker": attacker,
    }
    asyncio.run(roles[role](seconds))  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
