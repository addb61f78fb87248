"""The switches, routers and hosts of the mixed plant as network namespaces (pcaps/make/plant.py)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pcaps.make.mixed.places import DOMAIN, OPERATIONS, PLACES, ROUTERS, SWITCHES, Place, Router
from pcaps.make.plant import PREFIX, inside, namespace, plug, run

BELOW = ("10.10.0.0/24", "10.20.0.0/24")
PLANT_ROUTER = "10.30.0.2"


@contextmanager
def network() -> Iterator[None]:
    """All of it, taken down at the end."""
    with ExitStack() as stack:
        for name in ("switch", *(router.name for router in ROUTERS), *(place.name for place in PLACES)):
            stack.enter_context(namespace(name))
        for switch in SWITCHES:
            run(*inside("switch", "ip", "link", "add", switch.name, "type", "bridge"))
            # A mirror port shows what neighbours tell each other (LLDP), which a bridge keeps to itself unless it is told not to.
            run(*inside("switch", "ip", "link", "set", switch.name, "up", "type", "bridge", "group_fwd_mask", str(1 << 0x0E)))
        for router in ROUTERS:
            route(router)
        for place in PLACES:
            connect(place)
            stack.enter_context(named(place))
        yield


@contextmanager
def named(place: Place) -> Iterator[None]:
    """A host knows the plant's names and asks nobody for others: what the recording machine asks is not to be in the capture."""
    folder = Path("/etc/netns") / f"{PREFIX}{place.name}"
    folder.mkdir(parents=True)
    try:
        hosts = "".join(f"{one.ip} {one.fqdn} {one.name}\n" for one in PLACES)
        (folder / "hosts").write_text(f"127.0.0.1 localhost\n{hosts}")
        (folder / "nsswitch.conf").write_text("hosts: files\n")
        (folder / "resolv.conf").write_text(f"search {DOMAIN}\n")
        yield
    finally:
        shutil.rmtree(folder)


def as_host(place: Place, words: Sequence[str]) -> tuple[str, ...]:
    """A program that finds the host's name where it asks for its machine's."""
    return ("unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', place.name, *words)


def route(router: Router) -> None:
    """A router with its legs. It sends no redirects: firewalls don't."""
    for leg, device in router.legs:
        plug(router.name, device, leg.mac, leg.switch.name)
        run(*inside(router.name, "ip", "address", "add", f"{leg.ip}/24", "dev", device))
        run(*inside(router.name, "sysctl", "-qw", f"net.ipv4.conf.{device}.send_redirects=0"))
    run(*inside(router.name, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0"))
    for target, via in router.routes:
        run(*inside(router.name, "ip", "route", "add", target, "via", via))


def connect(place: Place) -> None:
    """A host on its switch. On the switch of operations two routers stand: the plant's, and the firewall for all else."""
    plug(place.name, "eth0", place.mac, place.switch.name)
    run(*inside(place.name, "ip", "address", "add", f"{place.ip}/24", "broadcast", "+", "dev", "eth0"))
    run(*inside(place.name, "ip", "route", "add", "default", "via", place.switch.gateway))
    if place.windows:
        run(*inside(place.name, "sysctl", "-qw", "net.ipv4.ip_default_ttl=128", "net.ipv4.tcp_timestamps=0"))
    if place.switch is OPERATIONS:
        for target in BELOW:
            run(*inside(place.name, "ip", "route", "add", target, "via", PLANT_ROUTER))
