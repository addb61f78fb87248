"""Once its interfaces are open a watch can't send, whatever runs in it, and has no rights left."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sensor.cli.exits import Exit
from tests.live.wires import FIELDTAP, Wires, run, wires

ROOT = Path(__file__).parents[2]
ASKED = r"""
import ctypes, fcntl, json, os, socket, struct, subprocess, sys, threading
from sensor.watch.config import WatchConfig
from sensor.watch.privilege import held
from sensor.watch.run import Watch

watch = Watch(WatchConfig(interfaces=["mirror0"], keep=False, catalog=False, user=sys.argv[1] or None), lambda *_: None)
before = socket.socketpair()
watch.listen()
(fd,) = watch.descriptors
frame = b"\xff" * 6 + b"\x02\0\0\0\0\1" + b"\x90\x99" + bytes(46)
libc = ctypes.CDLL(None, use_errno=True)

def call(name, *given):
    def made():
        if getattr(libc, name)(*given) < 0:
            raise OSError(ctypes.get_errno(), name)
    return made

borrowed = socket.socket(fileno=before[0].detach())
asked = {
    "write": lambda: os.write(fd, frame),
    "writev": lambda: os.writev(fd, [frame]),
    "pwrite": lambda: os.pwrite(fd, frame, 0),
    "send": call("send", fd, frame, len(frame), 0),
    "sendto": call("sendto", fd, frame, len(frame), 0, None, 0),
    "sendmsg on another socket": lambda: borrowed.sendmsg([frame]),
    "sendmmsg": call("sendmmsg", fd, None, 0, 0),
    "socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "dup": lambda: os.dup(fd),
    "dup2": lambda: os.dup2(fd, 99),
    "fcntl dup": lambda: fcntl.fcntl(fd, fcntl.F_DUPFD, 50),
    "ring to send from": call("setsockopt", fd, 263, 13, b"\0" * 28, 28),
    "ioctl": lambda: fcntl.ioctl(fd, 0x8914, struct.pack("16sH14x", b"mirror0", 0)),
    "sendfile": lambda: os.sendfile(fd, os.open("/proc/self/status", os.O_RDONLY), 0, 60),
    "another program": lambda: subprocess.run(["/bin/true"]),
    "io_uring": call("syscall", 425, 8, b"\0" * 120),
    "the other way of calls": call("syscall", 0x40000000 | 41, 17, 3, 0),
}
said = {}
def ask():
    for name, what in asked.items():
        try:
            what()
            said[name] = "done"
        except OSError as error:
            said[name] = error.errno
ask()
mine = dict(said)
thread = threading.Thread(target=ask)
thread.start(); thread.join()
print(json.dumps({"asked": mine, "thread": said, "held": held(), "user": os.getresuid(), "stdout": os.write(2, b"") == 0}))
"""


def asked(made: Wires, user: str) -> dict[str, Any]:
    done = subprocess.run(
        made.inside(sys.executable, "-c", ASKED, user), capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("user", ["", "nobody"])
def test_a_watch_that_is_asked_to_send_is_refused(user: str) -> None:
    with wires() as made:
        said = asked(made, user)
        sent = made.sent()
    assert sent == 0
    assert set(said["asked"].values()) == {1}, {name: answer for name, answer in said["asked"].items() if answer != 1}
    assert said["thread"] == said["asked"], "a thread of it is no better off"
    assert said["held"] == []
    assert said["user"] == ([65534] * 3 if user else [0] * 3)


def test_one_right_is_enough(tmp_path: Path) -> None:
    """An ordinary user with CAP_NET_RAW alone, as the systemd unit starts it."""
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o055)
    with wires() as made:
        bare = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps", "-all,+net_raw", "--ambient-caps")
        words = made.inside(*bare, "-all,+net_raw", "--bounding-set", "-all,+net_raw", str(FIELDTAP), "watch", "mirror0")
        more = ("--for", "1s", "--store", str(tmp_path / "store.sqlite"), "--json")
        environment = {"HOME": str(tmp_path), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        done = subprocess.run([*words, *more], capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert done.returncode == Exit.DONE, done.stderr
    assert (tmp_path / "store.sqlite").exists()


def test_a_user_that_is_not_there_ends_it_before_anything_is_read() -> None:
    with wires() as made:
        words = made.inside(str(FIELDTAP), "watch", "mirror0", "--store", "none", "--user", "nobodyatall")
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == Exit.USAGE
    assert "useradd" in done.stderr


def test_doctor_says_when_the_kernel_would_speak_on_a_mirror_port() -> None:
    def looked(made: Wires) -> dict[str, bool]:
        done = subprocess.run(
            made.inside(str(FIELDTAP), "doctor", "--interface", "mirror0", "--json"), capture_output=True, text=True, check=True, timeout=60
        )  # fmt: skip
        return {check["found"].split()[0]: check["well"] for check in json.loads(done.stdout) if check["name"] == "interface mirror0"}

    with wires() as made:
        assert looked(made) == {"up": True, "has": True, "ARP": True, "IPv6": True}
        run("ip", "-n", made.sensor, "address", "add", "10.9.9.9/24", "dev", "mirror0")
        run("ip", "-n", made.sensor, "link", "set", "mirror0", "arp", "on")
        run(*made.inside("sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/mirror0/disable_ipv6"))
        made.set("mirror0", "down")
        assert looked(made) == {"down": False, "has": False, "ARP": False, "IPv6": False}
