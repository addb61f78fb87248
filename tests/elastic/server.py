"""An Elasticsearch of our own: fetched once with Maven, started for a session of tests, killed where a test says so."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

VERSION: Final = os.environ.get("FIELDTAP_ELASTICSEARCH", "8.19.5")
NOBODY: Final = 65534
"""It refuses to run as root."""
UP_SECONDS: Final = 180
ROLES: Final = Path(__file__).with_name("roles.yml")
_ARTIFACT: Final = "org.elasticsearch.distribution.integ-test-zip:elasticsearch:{version}:zip"
_COPY: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"


def missing() -> str | None:
    """Which tool isn't here, None where all are."""
    tools = ("java", "mvn", "unzip") if "FIELDTAP_ELASTICSEARCH_JAVA" not in os.environ else ("mvn", "unzip")
    return next((f"{tool} is not installed" for tool in tools if shutil.which(tool) is None), None)


def java_home() -> Path:
    """Of the JDK that runs it."""
    named = os.environ.get("FIELDTAP_ELASTICSEARCH_JAVA")
    return Path(named) if named else Path(str(shutil.which("java"))).resolve().parent.parent


@contextmanager
def locked(place: Path) -> Iterator[None]:
    """One process at a time."""
    with place.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def home() -> Path:
    """The unpacked server, fetched where it isn't there yet."""
    cache = Path(tempfile.gettempdir()) / f"fieldtap-elasticsearch-{os.getuid()}"
    cache.mkdir(mode=0o755, exist_ok=True)
    unpacked = cache / f"elasticsearch-{VERSION}"
    with locked(cache / "lock"):
        if not (cache / f"{VERSION}.ready").exists():
            shutil.rmtree(unpacked, ignore_errors=True)
            fetch = ["mvn", "-B", "-q", _COPY, f"-Dartifact={_ARTIFACT.format(version=VERSION)}", f"-DoutputDirectory={cache}"]
            subprocess.run(fetch, check=True, capture_output=True, timeout=600)
            subprocess.run(["unzip", "-q", "-o", f"{unpacked}.zip", "-d", str(cache)], check=True)  # keeps the x bits
            (cache / f"elasticsearch-{VERSION}.zip").unlink()
            (unpacked / "plugins").mkdir(exist_ok=True)
            (unpacked / "logs").mkdir(exist_ok=True)
            _without_vector(unpacked)
            (cache / f"{VERSION}.ready").touch()
    return unpacked


def _without_vector(unpacked: Path) -> None:
    """A headless JRE has not every module that the server's options name."""
    listed = subprocess.run([java_home() / "bin" / "java", "--list-modules"], check=True, capture_output=True, text=True).stdout
    options = unpacked / "config" / "jvm.options"
    if "jdk.incubator.vector" not in listed:
        options.write_text("".join(line for line in options.read_text().splitlines(True) if "jdk.incubator.vector" not in line))


class Server:
    """One node. `password`: security and TLS are on, for the users elastic and sensor; `settings`: more lines of its configuration."""

    def __init__(self, folder: Path, *, password: str | None = None, settings: Mapping[str, Any] | None = None) -> None:
        self.folder = folder
        self.password = password
        self.port = _free_port()
        self._settings = dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'http' if self.password is None else 'https'}://localhost:{self.port}"

    @property
    def ca(self) -> Path:
        """Its own certificate."""
        return self.folder / "config" / "http.crt"

    @property
    def pid(self) -> int:
        """Of the node."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Until it answers."""
        if not (self.folder / "config").exists():
            self._configure()
        log = (self.folder / "out.log").open("ab")
        self._process = subprocess.Popen(
            _as_nobody([str(home() / "bin" / "elasticsearch")]), stdout=log, stderr=log, env=self._environment(), start_new_session=True
        )
        self._wait()

    def kill(self) -> None:
        """kill -9, of the whole group."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)

    def stop(self) -> None:
        """For good; nothing of it is kept."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _configure(self) -> None:
        for name in ("data", "logs", "tmp"):
            (self.folder / name).mkdir(parents=True)
        config = self.folder / "config"
        shutil.copytree(home() / "config", config)
        (config / "jvm.options.d").mkdir(exist_ok=True)
        (config / "jvm.options.d" / "heap.options").write_text("-Xms512m\n-Xmx512m\n")
        lines = {
            "cluster.name": "fieldtap-test", "node.name": "n1", "discovery.type": "single-node", "network.host": "127.0.0.1",
            "http.port": self.port, "transport.port": _free_port(), "path.data": self.folder / "data", "path.logs": self.folder / "logs",
            "cluster.routing.allocation.disk.threshold_enabled": "false", "xpack.security.enabled": str(self.password is not None).lower(),
            **self._settings,
        }  # fmt: skip
        if self.password is not None:
            self._secure(config)
            lines |= {"xpack.security.http.ssl.enabled": "true", "xpack.security.http.ssl.certificate": "http.crt"}
            lines |= {"xpack.security.http.ssl.key": "http.key"}
        (config / "elasticsearch.yml").write_text("".join(f"{name}: {value}\n" for name, value in lines.items()))
        if os.getuid() == 0:
            for place in (self.folder, *self.folder.rglob("*")):
                os.chown(place, NOBODY, NOBODY)

    def _secure(self, config: Path) -> None:
        assert self.password is not None
        environment = {**self._environment(), "ES_PATH_CONF": str(config)}
        where = self.folder / "http.zip"
        tools = home() / "bin"
        ca = [tools / "elasticsearch-certutil", "cert", "--pem", "--self-signed", "--silent", "--name", "http", "--dns", "localhost"]
        subprocess.run([*ca, "--ip", "127.0.0.1", "--out", where], check=True, env=environment, capture_output=True)
        subprocess.run(["unzip", "-q", "-j", where, "-d", config], check=True)
        shutil.copy(ROLES, config / "roles.yml")
        subprocess.run([tools / "elasticsearch-keystore", "create", "--silent"], check=True, env=environment, capture_output=True)
        user = [tools / "elasticsearch-users", "useradd", "sensor", "-p", self.password, "-r", "fieldtap_sensor"]
        subprocess.run(user, check=True, env=environment, capture_output=True)
        add = [tools / "elasticsearch-keystore", "add", "--stdin", "--force", "--silent", "bootstrap.password"]
        subprocess.run(add, check=True, env=environment, input=self.password.encode(), capture_output=True)

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ, "ES_JAVA_HOME": str(java_home()), "ES_TMPDIR": str(self.folder / "tmp"),
            "ES_PATH_CONF": str(self.folder / "config"),
        }  # fmt: skip

    def _wait(self) -> None:
        """`GET /` is none of this distribution's, and no sign."""
        until = time.monotonic() + UP_SECONDS
        while time.monotonic() < until:
            assert self._process is not None
            if self._process.poll() is not None:
                raise RuntimeError(f"Elasticsearch ended:\n{(self.folder / 'out.log').read_text()[-3000:]}")
            if self._answers():
                return
            time.sleep(0.3)
        raise RuntimeError(f"Elasticsearch doesn't answer:\n{(self.folder / 'out.log').read_text()[-3000:]}")

    def _answers(self) -> bool:
        import ssl

        context = None if self.password is None else ssl.create_default_context(cafile=str(self.ca))
        try:
            with urllib.request.urlopen(f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=5s", timeout=10, context=context):
                return True
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False


def _as_nobody(command: list[str]) -> list[str]:
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command] if os.getuid() == 0 else command


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
