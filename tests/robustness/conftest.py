"""The captures that are damaged here: the project's own, and the small Modbus ones of others where they are installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import corpus
from tests.robustness.frames import Frame, read
from tests.robustness.runs import Run, run

SMALL = 200 * 1024


def own() -> list[Path]:
    return sorted(path for folder in ("plant", "dnp3", "s7", "opcua") for path in (corpus.PROJECT / "pcaps" / folder).glob("*.pcap*"))


def foreign() -> list[Path]:
    """Small captures of others. Of the many that are steps of one conformance test of DNP3, every twentieth; of S7 and OPC UA those that
    are not too long to be cut everywhere."""
    dnp3 = corpus.captures("dnp3", most=SMALL)
    steps = [path for path in dnp3 if "conformance" in path.name]
    later = corpus.captures("s7comm", "s7commplus", "opcua", most=SMALL // 4)
    return corpus.captures("modbus", "umas", most=SMALL) + [path for path in dnp3 if path not in steps][::4] + steps[::20] + later[::3]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "small_capture" in metafunc.fixturenames:
        paths = [path for path in own() if path.stat().st_size <= 1 << 20] + foreign()
        metafunc.parametrize("small_capture", paths, ids=[path.name.rsplit(".", 1)[0] for path in paths])


NORMAL = ("plant/normal.pcapng", "dnp3/normal.pcapng", "s7/normal.pcapng", "s7/plus-normal.pcap", "opcua/normal.pcapng")


@pytest.fixture(scope="session", params=NORMAL)
def plant_path(request: pytest.FixtureRequest) -> Path:
    return corpus.PROJECT / "pcaps" / str(request.param)


@pytest.fixture(scope="session")
def plant(plant_path: Path) -> list[Frame]:
    """A minute of a plant at work: polling, reading, an engineer's writes. Or of a substation: polls, events, commands."""
    return read(plant_path)


@pytest.fixture(scope="session")
def plant_run(plant_path: Path) -> Run:
    return run(plant_path)
