"""What a watch says while it runs: one line each, for people or (as JSON) for programs."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TextIO

from sensor.cli.plain import printable
from sensor.cli.words import clock, counted, number, size

if TYPE_CHECKING:
    from sensor.findings import Finding
    from sensor.watch.run import Watch

_EVERY: Final = 60.0
"""Seconds from one line on what came to the next."""
_LOOK: Final = 1.0
"""So often it is looked whether something is wrong."""


class Log:
    """Writes lines to `stream`: what was found, every minute what came, and at once what is wrong."""

    def __init__(self, stream: TextIO, *, as_json: bool, quiet: bool) -> None:
        self._stream = stream
        self._as_json = as_json
        self._quiet = quiet
        self._said = self._looked = time.monotonic()
        self._packets = 0
        self._troubles: dict[str, Any] = {}

    def began(self, watch: Watch) -> None:
        """The interfaces are open."""
        names = ", ".join(watch.config.interfaces)
        rules = watch.plan.rules_summary
        judged = [] if watch.plan.policy is None else [f"policy {watch.plan.policy.file}"]
        judged += [] if rules is None else [counted(rules["active"], "rule")]
        self.line("started", f"Listening on {names}" + (f", judging by {' and '.join(judged)}." if judged else "."), interfaces=names)

    def finding(self, finding: Finding, new: bool) -> None:
        """A finding, when it opens and when it closes. What people suppressed is not told."""
        if finding.suppressed is not None or not (new or finding.state == "closed"):
            return
        said, about = finding.statement, finding.subject
        sides = " → ".join(str(side.get("ip") or side.get("mac")) for side in (about.client, about.server) if side is not None)
        what = f"{said.severity} {said.kind}" if new else f"closed, {number(finding.count)} times"
        fields = {"finding": finding.id, "kind": said.kind, "severity": said.severity, "title": said.title, "state": finding.state}
        self.line("finding", f"{what}: {said.title}{f' ({sides})' if sides else ''} [{finding.id[:8]}]", **fields, count=finding.count)

    def turn(self, watch: Watch, now: int) -> bool:
        """After each batch."""
        at = time.monotonic()
        if at - self._looked >= _LOOK:
            self._looked = at
            self._look(watch)
        if at - self._said >= _EVERY:
            self._traffic(watch, now, at - self._said)
            self._said = at
        return True

    def ended(self, watch: Watch) -> None:
        """All is analysed: what went wrong since it was looked last is said as well."""
        self._look(watch)

    def line(self, event: str, text: str, **fields: Any) -> None:
        """One line, with the system's time."""
        if self._quiet:
            return
        at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:23] + "Z"
        if self._as_json:
            said = json.dumps({"time": at, "event": event, "message": text, **fields}, default=str)
        else:
            said = f"{clock(at)} {printable(text)}"
        print(said, file=self._stream, flush=True)

    def _look(self, watch: Watch) -> None:
        """What went wrong since it was looked last."""
        for counters in watch.counters():
            name = counters["name"]
            lost = {"dropped": counters["dropped"], **counters["errors"]}
            self._rising(name, lost, counters)
            self._changed(f"{name} troubles", counters["troubles"], f"{name} went down or away.")
        recorded = watch.engine.recorded() or {}
        lost = recorded.get("lost", 0)
        self._changed("record", lost, f"The record lacks {counted(lost, 'packet')}: {recorded.get('failure') or 'the disk is too slow'}.")
        self._changed("store", watch.keeper.trouble, f"The store takes nothing: {watch.keeper.trouble}. What it lacks is offered again.")

    def _rising(self, name: str, lost: Mapping[str, int], counters: Mapping[str, Any]) -> None:
        total = sum(lost.values())
        before = self._troubles.get(name, 0)
        if total > before:
            self._troubles[name] = total
            causes = ", ".join(f"{cause} {number(count)}" for cause, count in lost.items() if count)
            seen = counters["packets"] + total
            text = f"{name} lost {counted(total - before, 'packet')}, {number(total)} of {number(seen)} so far ({causes})."
            self.line("loss", text, interface=name, **lost)

    def _changed(self, what: str, now: Any, text: str) -> None:
        if now and now != self._troubles.get(what):
            self.line("trouble", text)
        self._troubles[what] = now

    def _traffic(self, watch: Watch, now: int, seconds: float) -> None:
        counters = watch.counters()
        packets = sum(one["packets"] for one in counters)
        rate = (packets - self._packets) / seconds
        self._packets = packets
        came = size(sum(one["bytes"] for one in counters))
        text = f"{number(packets)} packets ({rate:,.0f}/s), {came}; {counted(watch.keeper.newest, 'finding')}."
        self.line("traffic", text, interfaces=counters, rate=round(rate), clock=now)
