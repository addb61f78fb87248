"""What is to be watched, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensor.episodes import ALERTS_PER_HOUR

if TYPE_CHECKING:
    from dissectors import Recording

RING_BYTES = 128 * 2**20
"""Of all rings together: about a second of the smallest frames at the greatest rate that one core takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchConfig:
    """`interfaces`: names of network interfaces. `zones`, `rules`, `catalog`, `store`, `keep`, `filter`, `plugins`, `limits`, `baseline`
    and `alerts_per_hour` as in sensor.pipeline.ReplayConfig. `ring_bytes`, `snap_length`, `promiscuous`, `hardware_time` and `record` as
    dissectors.Engine.listen takes them. `user`: who to be once the interfaces are open (sensor.watch.privilege).
    """

    interfaces: Sequence[str]
    zones: Path | None = None
    rules: Sequence[Path] = ()
    catalog: bool = True
    store: Path | None = None
    keep: bool = True
    filter: str | None = None
    plugins: Sequence[Any] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    threads: int = 0
    alerts_per_hour: int = ALERTS_PER_HOUR
    baseline: str | None = None
    ring_bytes: int = RING_BYTES
    snap_length: int | None = None
    promiscuous: bool = True
    hardware_time: bool = False
    record: Recording | None = None
    user: str | None = None
