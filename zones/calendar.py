"""Schedules and exceptions out of their entries: times of the policy's time zone become moments."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from zones.conduits import Reader
from zones.document import Document
from zones.model import Conduit, Schedule, Term, Window
from zones.times import SECOND, zone_named
from zones.vocabulary import suggestion

if TYPE_CHECKING:
    from zones.loader import Report
    from zones.schema import ExceptionEntry, PolicyEntry, WindowEntry


class Calendar:
    """Reads what has to do with time, and reports what is wrong with it."""

    def __init__(self, entry: PolicyEntry, document: Document, report: Report) -> None:
        self.entry = entry
        self.document = document
        self.report = report
        self.zone = self._zone(entry.timezone)

    def _zone(self, name: str | None) -> tzinfo:
        from datetime import UTC
        from zoneinfo import available_timezones

        if name is None:
            if self.entry.schedules or self.entry.exceptions:
                place = "schedules" if self.entry.schedules else "exceptions"
                self.report.error(self.document.line((place,)), f'{place} need a time zone: which? (timezone: "Europe/Berlin")')
            return UTC
        known = available_timezones()
        line = self.document.line(("timezone",))
        if not known:
            self.report.warning(line, f'time zone "{name}" could not be checked: this machine has no time zone data')
        elif name not in known:
            self.report.error(line, f'time zone "{name}" is not known{suggestion(name, known)}')
        return zone_named(name) if name in known else UTC

    def moment(self, local: datetime | None, *, last: bool = False) -> int | None:
        """A time of the policy in ns; of two equal ones (clocks put back) the first or the last."""
        return None if local is None else int(local.replace(tzinfo=self.zone, fold=int(last)).timestamp()) * SECOND

    def schedules(self) -> dict[str, Schedule]:
        """All schedules, by name."""
        made = {}
        for name, entries in self.entry.schedules.items():
            windows = tuple(self._window(name, entry, i) for i, entry in enumerate(entries))
            made[name] = Schedule(name, windows, self.document.line(("schedules", name)))
        return made

    def _window(self, name: str, entry: WindowEntry, index: int) -> Window:
        since, until = self.moment(entry.since), self.moment(entry.until, last=True)
        at = self.document.line(("schedules", name, index))
        if entry.days is None and entry.hours is None and since is None and until is None:
            self.report.error(at, f'schedule "{name}" says neither days nor hours, from or to')
        if since is not None and until is not None and until <= since:
            self.report.error(at, f'schedule "{name}" ends before it begins')
        days = tuple(sorted({day for part in entry.days or [] for day in part}))
        return Window(days, entry.hours, since, until)

    def exceptions(self, reader: Reader) -> tuple[Conduit, ...]:
        """All exceptions, as conduits with a term."""
        return tuple(self._exception(entry, i, reader) for i, entry in enumerate(self.entry.exceptions))

    def _exception(self, entry: ExceptionEntry, index: int, reader: Reader) -> Conduit:
        path = ("exceptions", index)
        start, end = self.moment(entry.start) or 0, self.moment(entry.end, last=True) or 0
        if end <= start:
            self.report.error(self.document.line((*path, "end")), f'exception "{entry.id}" ends before it begins')
        return reader.channel(entry, path, term=Term(entry.owner, entry.ticket, start, end))
