"""One server for all tests of a session, whatever the number of workers; some tests start one of their own to kill it."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.elastic.server import Server, locked, missing


@pytest.fixture(scope="session")
def _tools() -> None:
    if os.environ.get("FIELDTAP_AWAY") == "1":
        pytest.skip("once is enough: the run against the source tree has shipped")
    lacking = missing()
    if lacking is not None:
        assert os.environ.get("CI") != "true", f"{lacking}: `make tools` installs what CI needs"
        pytest.skip(f"{lacking}; `make tools` says how to get it")


def folder() -> Path:
    """Of a server: where the user that it runs as may go."""
    made = Path(tempfile.mkdtemp(prefix="fieldtap-es-"))
    made.chmod(0o755)
    return made


@pytest.fixture(scope="session")
def shared_url(_tools: None, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """The address of the session's server: the first worker that needs it starts it, the last one that is done stops it."""
    base = tmp_path_factory.getbasetemp()
    place = (base if worker_id == "master" else base.parent) / "elasticsearch"
    place.mkdir(exist_ok=True)
    users, known = place / "users", place / "server"
    started: Server | None = None
    with locked(place / "lock"):
        if not known.exists():
            started = Server(folder())
            started.start()
            known.write_text(f"{started.pid}\n{started.folder}\n{started.url}\n")
        users.write_text(str(int(users.read_text() if users.exists() else 0) + 1))
        pid, where, url = known.read_text().splitlines()
    yield url
    with locked(place / "lock"):
        left = int(users.read_text()) - 1
        users.write_text(str(left))
        if left == 0:
            known.unlink()
            os.killpg(int(pid), 9)
            if started is not None:
                started.stop()
            shutil.rmtree(where, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(shared_url: str) -> str:
    """The same with templates, and mappings that refuse what they don't know."""
    from sensor.shipping.setup import set_up
    from tests.elastic.looking import client, strict

    es = client(shared_url)
    strict(es)
    assert {done.how for done in set_up(es)} <= {"made", "updated", "unchanged"}
    es.close()
    return shared_url


@pytest.fixture
def namespace() -> str:
    """A stream can't be deleted here, so each test has its own."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
def own_server(_tools: None) -> Iterator[Server]:
    """A server to be killed."""
    server = Server(folder())
    server.start()
    yield server
    server.stop()
