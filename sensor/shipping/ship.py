"""The shipper: a process of its own that delivers what waits in a store's outbox to every output, each at its own pace."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sensor import outbox
from sensor.documents.fields import STREAMS
from sensor.shipping.config import Configuration, ConfigurationError, Elastic
from sensor.shipping.output import Output
from sensor.shipping.pump import GivenUpError, Pump
from sensor.store import Store, StoreError, atomic

POLL_SECONDS: Final = 1.0
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
"""Of glibc's malloc.h."""
_KEPT_BYTES: Final = 64 << 20
Say = Callable[[str], object]


@dataclass(slots=True)
class Shipped:
    """How it ended: documents by output, what was refused, and what went wrong."""

    delivered: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


def outputs(configuration: Configuration) -> list[Output]:
    """The configured outputs; nothing is connected yet. Raises ConfigurationError."""
    made: list[Output] = []
    if configuration.elasticsearch is not None:
        made.append(_elastic(configuration, configuration.elasticsearch))
    for one in configuration.outputs:
        from sensor.shipping.others import other_output

        made.append(other_output(one, configuration))
    if not made:
        raise ConfigurationError(
            "there is no output: fieldtap.toml needs [elasticsearch] or [[outputs]] ('fieldtap ship --help' shows how)"
        )
    twice = {output.name for output in made if sum(output.name == other.name for other in made) > 1}
    if twice:
        raise ConfigurationError(f"two outputs are the same: {', '.join(sorted(twice))}")
    return made


def _elastic(configuration: Configuration, elastic: Elastic) -> Output:
    from sensor.shipping.client import connect, maker_of
    from sensor.shipping.elastic import ElasticOutput

    return ElasticOutput(connect(elastic), maker_of(configuration), tuple(STREAMS))


def ship(
    store: Path, configuration: Configuration, *, once: bool, say: Say, stop: threading.Event, patience: float | None = None,
    only: str | None = None,
) -> Shipped:  # fmt: skip
    """Delivers until it is stopped, or (`once`) until nothing waits; `only` limits it to outputs whose name begins so. Raises
    ConfigurationError, StoreError, and BlockingIOError where another shipper is at work on this store."""
    configured = outputs(configuration)
    chosen = [output for output in configured if only is None or output.name.startswith(only)]
    if not chosen:
        raise ConfigurationError(f"no output's name begins with {only!r}; there are {', '.join(output.name for output in configured)}")
    keep_memory()
    ended = Shipped()
    with alone(store), Store.open(store) as kept:
        with atomic(kept.connection):  # all of them before the first one takes anything out
            for output in configured:
                outbox.register(kept.connection, output.name, output.classes)
        _assets(kept, configuration)
        given = {"once": once, "say": say, "stop": stop, "patience": patience}
        threads = [threading.Thread(target=_deliver, args=(store, output, ended), kwargs=given) for output in chosen]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(POLL_SECONDS / len(threads))
            if not once and not stop.is_set():
                _assets(kept, configuration)
    return ended


def _assets(store: Store, configuration: Configuration) -> None:
    """Assets are for those who keep them: a cluster, or an output that asks. Then the limit of the configuration."""
    if configuration.elasticsearch is not None or any({"asset", "current"} & set(one.classes) for one in configuration.outputs):
        from sensor.shipping.assets import newer_run

        if newer_run(store.connection) is not None:
            _put_assets(store.path)
    if outbox.held_bytes(store.connection) > configuration.outbox.max_bytes:
        with atomic(store.connection):
            outbox.limit(store.connection, configuration.outbox.max_bytes)


def _put_assets(place: Path) -> None:
    """In a process of its own, which knows dissectors and policies and ends: this one has the network and never loads them. A signal
    for this one is none for that: it is done in a moment. Raises StoreError."""
    command = [sys.executable, "-P", "-m", "sensor.shipping.assets", str(place)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, start_new_session=True, check=False)
    if done.returncode != 0:
        raise StoreError(place, f"its assets can't be told: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")


def keep_memory() -> None:
    """The memory of a batch serves the next one. By default glibc gives it back and fetches it anew, page by page, which costs a shipper up
    to a third of its time; other C libraries have no such thing."""
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES // 2)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def _deliver(
    store: Path, output: Output, ended: Shipped, *, once: bool, say: Say, stop: threading.Event, patience: float | None
) -> None:  # fmt: skip
    try:
        with Store.open(store) as kept:
            pump = Pump(kept.connection, output, say=say, stop=stop, patience=patience)
            try:
                _until(pump, once, stop)
            finally:
                ended.delivered[output.name], ended.refused[output.name] = pump.delivered, pump.refused
    except (GivenUpError, StoreError, OSError) as error:
        ended.failed.append(str(error))
        say(str(error))
    except BaseException as error:
        ended.failed.append(f"{output.name}: {type(error).__name__}: {error}")
        raise
    finally:
        output.close()


def _until(pump: Pump, once: bool, stop: threading.Event) -> None:
    pump.drain()
    while not once and not stop.wait(POLL_SECONDS):
        pump.drain()


@contextmanager
def alone(store: Path) -> Iterator[None]:
    """One shipper a store, so that nothing is sent twice. Raises BlockingIOError."""
    store.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(f"{store}.shipping", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)
