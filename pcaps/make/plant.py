"""A small plant in network namespaces: hosts on one switch, the enterprise network behind a router, a mirror port on the switch."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

PREFIX = "ftap-"
ROUTER = "10.20.0.1"
ENTERPRISE_ROUTER = "10.20.9.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host: its address and MAC (of a maker that builds such devices), and the role it plays in the module of its actors."""

    name: str
    ip: str
    mac: str
    role: str | None = None
    actors: str = "pcaps.make.actors"


PLANT = (
    Host(name="plc-1", ip="10.20.1.11", mac="00:80:f4:10:00:11", role="plc"),
    Host(name="plc-2", ip="10.20.1.12", mac="00:80:f4:10:00:12", role="plc"),
    Host(name="gateway", ip="10.20.1.13", mac="00:20:4a:10:00:13", role="gateway"),
    Host(name="hmi", ip="10.20.3.5", mac="00:1b:1b:30:00:05", role="hmi"),
    Host(name="historian", ip="10.20.3.6", mac="00:14:22:30:00:06", role="historian"),
    Host(name="engineering", ip="10.20.4.7", mac="00:14:22:40:00:07", role="engineering"),
)
ATTACKER = Host(name="attacker", ip="10.20.9.66", mac="00:0c:29:90:00:66", role="attacker")


def run(*words: str) -> None:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def inside(host: str, *words: str) -> tuple[str, ...]:
    return ("ip", "netns", "exec", PREFIX + host, *words)


@contextmanager
def namespace(name: str) -> Iterator[None]:
    run("ip", "netns", "add", PREFIX + name)
    try:
        run(*inside(name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"))
        run(*inside(name, "ip", "link", "set", "lo", "up"))
        yield
    finally:
        run("ip", "netns", "del", PREFIX + name)


def plug(host: str, device: str, mac: str, bridge: str) -> None:
    """Connect a host's new device to a bridge of the switch."""
    port = f"{host[:9]}-{device}"
    run("ip", "link", "add", port, "netns", PREFIX + "switch", "type", "veth", "peer", "name", device, "netns", PREFIX + host)
    run(*inside("switch", "ip", "link", "set", port, "master", bridge, "up"))
    run(*inside(host, "ip", "link", "set", device, "address", mac))
    run(*inside(host, "ip", "link", "set", device, "up"))
    # Checksums are to be right in the capture, as they are on a wire.
    run(*inside(host, "ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off"))


def connect(host: Host, device: str, bridge: str, prefix: int, gateway: str) -> None:
    plug(host.name, device, host.mac, bridge)
    run(*inside(host.name, "ip", "address", "add", f"{host.ip}/{prefix}", "dev", device))
    run(*inside(host.name, "ip", "route", "add", "default", "via", gateway))


@contextmanager
def network(hosts: Sequence[Host] = PLANT, attacker: Host = ATTACKER) -> Iterator[None]:
    """The switch with two segments, the router between them, all hosts in the plant's segment, and the attacker in the other."""
    with ExitStack() as stack:
        for name in ("switch", "router", *(host.name for host in hosts), attacker.name):
            stack.enter_context(namespace(name))
        for bridge in ("plant0", "office0"):
            run(*inside("switch", "ip", "link", "add", bridge, "type", "bridge"))
            run(*inside("switch", "ip", "link", "set", bridge, "up"))
        plug("router", "eth0", "00:1d:9c:00:00:01", "plant0")
        plug("router", "eth1", "00:1d:9c:00:00:02", "office0")
        run(*inside("router", "ip", "address", "add", f"{ROUTER}/21", "dev", "eth0"))
        run(*inside("router", "ip", "address", "add", f"{ENTERPRISE_ROUTER}/24", "dev", "eth1"))
        run(*inside("router", "sysctl", "-qw", "net.ipv4.ip_forward=1"))
        for host in hosts:
            connect(host, "eth0", "plant0", 21, ROUTER)
        connect(attacker, "eth0", "office0", 24, ENTERPRISE_ROUTER)
        yield


def actor(host: Host, seconds: float) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """A host playing its role."""
    return program(host, sys.executable, "-m", host.actors, str(host.role), host.ip, str(seconds))


@contextmanager
def program(host: Host, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs on a host; it is asked to stop at the end."""
    process = subprocess.Popen(inside(host.name, *words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


@contextmanager
def mirror(path: Path, *segments: str) -> Iterator[None]:
    """Record what passes segments of the switch; where none is named, the plant's."""
    ports = (word for segment in segments or ("plant0",) for word in ("-i", segment))
    words = inside("switch", "dumpcap", "-q", "-f", "not ip6", *ports, "-w", str(path))
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    time.sleep(2)
    try:
        yield
    finally:
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        path.chmod(0o644)


def record(path: Path, seconds: float, hosts: tuple[Host, ...], plant: tuple[Host, ...] = PLANT, attacker: Host = ATTACKER) -> None:
    """Record what `hosts` do in a plant whose controllers serve."""
    servers = tuple(host for host in plant if host.role in ("plc", "gateway"))
    with network(plant, attacker), ExitStack() as stack:
        for host in servers:
            stack.enter_context(actor(host, seconds))
        time.sleep(3)
        stack.enter_context(mirror(path))
        players = [stack.enter_context(actor(host, seconds)) for host in hosts]
        for player in players:
            player.wait(timeout=seconds + 60)


def normal(path: Path) -> None:
    """Twenty seconds of an ordinary shift."""
    record(path, 20, tuple(host for host in PLANT if host.role not in ("plc", "gateway")))


def attack(path: Path) -> None:
    """The same with an attacker in the enterprise network, behind the router."""
    record(path, 25, (*(host for host in PLANT if host.role in ("hmi", "historian")), ATTACKER))
