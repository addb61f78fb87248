"""The captures that are damaged here: the project's own, and the small Modbus ones of others where they are installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import corpus
from tests.robustness.frames import Frame, read
from tests.robustness.runs import Run, run

SMALL = 200 * 1024


def own() -> list[Path]:
    return sorted((corpus.PROJECT / "pcaps" / "plant").glob("*.pcap*"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "small_capture" in metafunc.fixturenames:
        paths = [path for path in own() if path.stat().st_size <= 1 << 20] + corpus.captures("modbus", "umas", most=SMALL)
        metafunc.parametrize("small_capture", paths, ids=[path.name.rsplit(".", 1)[0] for path in paths])


@pytest.fixture(scope="session")
def plant() -> list[Frame]:
    """A minute of a plant at work: polling, reading, an engineer's writes."""
    return read(corpus.PROJECT / "pcaps" / "plant" / "normal.pcapng")


@pytest.fixture(scope="session")
def plant_run() -> Run:
    return run(corpus.PROJECT / "pcaps" / "plant" / "normal.pcapng")
