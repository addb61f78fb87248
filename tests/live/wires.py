"""A mirror port for tests: a veth pair between two network namespaces of its own, in which nothing speaks unasked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

_NUMBERS = count(1)
FIELDTAP = Path(sys.executable).parent / "fieldtap"


def needs_namespaces() -> None:
    """Skips the test where namespaces can't be made; in CI that is a failure."""
    missing = None
    if shutil.which("ip") is None:
        missing = "ip (iproute2) is missing"
    elif os.geteuid() != 0:
        missing = "network namespaces with veth pairs need root"
    else:
        done = subprocess.run(["ip", "netns", "add", f"ftprobe{os.getpid()}"], capture_output=True, text=True, check=False)
        subprocess.run(["ip", "netns", "del", f"ftprobe{os.getpid()}"], capture_output=True, check=False)
        missing = f"network namespaces can't be made here: {done.stderr.strip()}" if done.returncode else None
    if missing is not None:
        assert os.environ.get("CI") != "true", f"needed in CI: {missing}"
        pytest.skip(missing)


def run(*words: str) -> str:
    """A command that must succeed; gives what it says."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@dataclass(frozen=True)
class Wires:
    """Interfaces `mirror0`, `mirror1` … in the namespace `sensor`; what is sent to `out0`, `out1` … in `plant` arrives there."""

    sensor: str
    plant: str

    def inside(self, *words: str) -> list[str]:
        """A command in the sensor's namespace."""
        return ["ip", "netns", "exec", self.sensor, *words]

    def watch(self, *words: str, **more: object) -> subprocess.Popen[str]:
        """`fieldtap watch` in the sensor's namespace."""
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process: subprocess.Popen[str] = subprocess.Popen(self.inside(str(FIELDTAP), "watch", *words), **streams | more)  # type: ignore[call-overload]
        return process

    def send(self, *captures: Path, pace: float = 1.0) -> None:
        """Sends captures, the first to `out0`, the second to `out1` …, together, `pace` times as fast as they were."""
        self._send("--pace", str(pace), *map(str, captures))

    def flood(self, capture: Path, times: int, rate: float = 0) -> int:
        """Sends a capture so often to `out0`, `rate` frames a second (0: as fast as it goes); gives the number of frames."""
        return int(self._send("--fast", str(times), "--rate", str(rate), str(capture)).split()[0])

    def set(self, interface: str, state: str) -> None:
        """Sets an interface of the sensor up or down."""
        run("ip", "-n", self.sensor, "link", "set", interface, state)

    def _send(self, *words: str) -> str:
        sender = ["ip", "netns", "exec", self.plant, sys.executable, "-m", "tests.live.send", *words]
        done = subprocess.run(sender, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sent(self, interface: str = "mirror0") -> int:
        """Packets that the sensor's interface has sent."""
        return int(run(*self.inside("cat", f"/sys/class/net/{interface}/statistics/tx_packets")))


@contextmanager
def wires(pairs: int = 1, names: Sequence[str] = ("mirror0", "mirror1")) -> Iterator[Wires]:
    """So many veth pairs, up; the sensor's ends have these names."""
    needs_namespaces()
    own = f"{os.getpid()}x{next(_NUMBERS)}"
    made = Wires(f"ftsensor{own}", f"ftplant{own}")
    try:
        for namespace in (made.sensor, made.plant):
            run("ip", "netns", "add", namespace)
            run("ip", "netns", "exec", namespace, "sh", "-c", "for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $f; done")
        for number in range(pairs):
            mirror, out = names[number], f"out{number}"
            run("ip", "link", "add", mirror, "netns", made.sensor, "type", "veth", "peer", "name", out, "netns", made.plant)
            for namespace, name in ((made.sensor, mirror), (made.plant, out)):
                run("ip", "-n", namespace, "link", "set", name, "mtu", "9000", "arp", "off", "up")
        yield made
    finally:
        for namespace in (made.sensor, made.plant):
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)


def wait_for(what: Callable[[], bool], seconds: float = 20) -> bool:
    """Looks until it is so, at most so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(0.02)
    return False


def line_with(process: subprocess.Popen[str], text: str) -> str:
    """Reads standard error up to a line with this text."""
    assert process.stderr is not None
    seen: Sequence[str] = []
    for line in process.stderr:
        seen = [*seen, line]
        if text in line:
            return line
    raise AssertionError(f"no line with {text!r} in {seen}")
