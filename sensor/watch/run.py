"""One watch, from opening the interfaces to the result."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sensor.pipeline import ConfigurationError, Pipeline, collector_at_rest
from sensor.result import Result
from sensor.watch.interfaces import Errors
from sensor.watch.keeping import Keeper, Told
from sensor.watch.notify import Notify
from sensor.watch.privilege import PrivilegeError, give_up

if TYPE_CHECKING:
    from sensor.plan import Plan
    from sensor.watch.config import WatchConfig
    from sensor.watch.early import EarlyEngine

Turn = Callable[["Watch", int], bool]
"""Is called after each batch, at least ten times a second, with the capture clock in ns; where it gives False the watch ends."""


class InterfaceError(OSError):
    """An interface can't be listened to. The text says which and why, and how to mend it."""


class Watch:
    """A watch that goes on until `turn` says no. `told` is given what is found."""

    def __init__(self, config: WatchConfig, told: Told) -> None:
        from sensor.plan import load

        self.config = config
        self.plan: Plan = load(config.zones, config.rules, catalog=config.catalog, declared=_declared(config))
        self.engine: EarlyEngine = _engine(config)
        self.keeper = Keeper(self.engine, config.store, self.plan, told, keep=config.keep)
        self.errors = Errors(config.interfaces)
        self.descriptors: list[int] = []
        self.notify = Notify()

    def listen(self) -> None:
        """Opens the interfaces, and gives up all rights that only this needed: from now on frames wait in rings, and nothing can be sent.
        Raises InterfaceError, PrivilegeError."""
        wanted = self.config
        try:
            self.descriptors = self.engine.listen(
                wanted.interfaces, ring_bytes=wanted.ring_bytes, snap_length=wanted.snap_length, promiscuous=wanted.promiscuous,
                hardware_time=wanted.hardware_time, record=wanted.record,
            )  # fmt: skip
        except OSError as error:
            raise InterfaceError(_explained(error)) from error
        give_up(wanted.user, self.descriptors)
        if wanted.record is not None and not os.access(wanted.record.folder, os.W_OK):
            raise PrivilegeError(f"{os.fspath(wanted.record.folder)}: whoever watches can't write there, so nothing can be recorded")

    def run(self, turn: Turn) -> Result:
        """Analyses what comes until `turn` gives False, and then what was received by then. Raises StoreError where the store takes
        nothing from the beginning."""
        self.keeper.begin()
        self.engine.begin()
        self.notify.ready()
        judges, watcher = self.plan.judges(self.engine)
        wanted = self.config
        course = _course(wanted)
        pipeline = Pipeline(
            self.engine, judges, watcher, alerts_per_hour=wanted.alerts_per_hour, keeper=self.keeper,
            course=None if course is None else course(self.engine),
        )  # fmt: skip
        stopping = False

        def progress(_done: int, _total: int, _packets: int, clock: int) -> bool:
            nonlocal stopping
            self.notify.alive()
            if not stopping and not turn(self, clock):
                stopping = True
                self.notify.ending()
                self.engine.stop()  # no interruption: this is how a watch ends
            return True

        try:
            with collector_at_rest():
                pipeline.run(progress)
                result = Result.of(pipeline, self.plan, self.errors.since())
                self.keeper.end(result)
        finally:
            self.keeper.close()
        return result

    def counters(self) -> list[Mapping[str, Any]]:
        """What each interface brought, and what its card says went wrong since the watch began."""
        errors = self.errors.since()
        return [{**counted, "errors": errors.get(counted["name"], {})} for counted in self.engine.interfaces()]


def _engine(config: WatchConfig) -> EarlyEngine:
    from sensor.watch.early import EarlyEngine

    try:
        return EarlyEngine(
            follow=False, threads=config.threads, filter=config.filter, plugins=config.plugins, limits=config.limits, digest=False
        )
    except (ValueError, LookupError) as error:
        raise ConfigurationError(str(error)) from error


def _declared(config: WatchConfig) -> Any:
    from sensor.pipeline import declared

    return declared(config.store, keep=config.keep)


def _course(config: WatchConfig) -> Any:
    if config.baseline is None:
        return None
    from sensor.baseline.course import planned

    return planned(config.baseline, None, config.store)


def _explained(error: OSError) -> str:
    import errno

    said = error.strerror or str(error)
    if error.errno in (errno.EPERM, errno.EACCES):
        return f"{said}. Listening needs the capability CAP_NET_RAW: 'fieldtap doctor' says how to grant it."
    return f"{said}. 'ip link' lists the interfaces."
