"""Conduits out of their entries: names, protocols, functions, points and limits, each checked against what there is."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from zones.document import Document, Path
from zones.model import ACCESSES, Conduit, Line, PointRange, Rate
from zones.points import read_point
from zones.times import SECOND
from zones.vocabulary import CARRIERS, USERS, Vocabulary, suggestion

if TYPE_CHECKING:
    from collections.abc import Collection

    from zones.loader import Report
    from zones.model import Term
    from zones.schema import ChannelEntry, ConduitEntry, LineEntry


class Reader:
    """Reads conduits and exceptions, and reports what is wrong with them. `names` are all zones and assets that are declared, `schedules`
    the names of schedules."""

    def __init__(self, document: Document, report: Report, words: Vocabulary, names: set[str], schedules: Collection[str]) -> None:
        self.document = document
        self.known = names
        self.report = report
        self.words = words
        self.schedules = schedules

    def conduit(self, entry: ConduitEntry, index: int) -> Conduit:
        """The `index`-th conduit."""
        path: Path = ("conduits", index)
        held = self.when(entry.schedule, (*path, "schedule"))
        denied = tuple(self._denied(part, (*path, "deny", i), held) for i, part in enumerate(entry.deny))
        self._apart(denied)
        return replace(self.channel(entry, path, entry.schedule), deny=denied, skip_level=entry.skip_level)

    def _apart(self, denied: tuple[Line, ...]) -> None:
        """What is denied names the line that did it, and is counted by it."""
        for before, line in pairwise(denied):
            if before.line == line.line:
                what = "two lines of deny stand on one line: what is denied names the line that denied it, so begin each on its own"
                self.report.error(line.line, what)

    def _denied(self, entry: LineEntry, path: Path, held: tuple[tuple[str, ...], ...]) -> Line:
        """One line of `deny`: without an access it denies every one."""
        for key in ("values", "initiator", "rate", "user", "security_mode"):
            if getattr(entry, key) is not None:
                what = f"deny takes no {key}: limit what is allowed instead"
                self.report.error(self.document.line((*path, key)), what)
        line = self.line(entry, path, held)
        return line if entry.access is not None else replace(line, access=ACCESSES)

    def channel(self, entry: ChannelEntry, path: Path, schedule: list[str] | None = None, term: Term | None = None) -> Conduit:
        """What stands at `path`: a conduit, or with a term an exception."""
        if not entry.allow and not getattr(entry, "deny", ()):
            what = f'conduit "{entry.id}" says neither allow nor deny' if term is None else f'exception "{entry.id}" allows nothing'
            self.report.error(self.document.line(path), what)
        sources = self.names(entry.sources, (*path, "from"))
        targets = self.names(entry.targets, (*path, "to"))
        held = self.when(schedule, (*path, "schedule"))
        lines = tuple(self.line(part, (*path, "allow", i), held) for i, part in enumerate(entry.allow))
        return Conduit(
            id=entry.id, sources=sources, targets=targets, allow=lines, severity=entry.severity,
            references=tuple(entry.references or ()), description=entry.description, term=term, line=self.document.line(path),
        )  # fmt: skip

    def when(self, names: list[str] | None, path: Path) -> tuple[tuple[str, ...], ...]:
        """The schedules of which one has to hold."""
        for i, name in enumerate(names or []):
            if name not in self.schedules:
                self.report.error(self.document.line((*path, i)), f'schedule "{name}" is not defined{suggestion(name, self.schedules)}')
        return (tuple(names),) if names else ()

    def names(self, given: list[str], path: Path) -> frozenset[str]:
        """Names of zones or assets."""
        for i, name in enumerate(given):
            if name not in self.known:
                what = f'zone or asset "{name}" is not defined{suggestion(name, self.known)}'
                self.report.error(self.document.line((*path, i)), what)
        return frozenset(given)

    def line(self, entry: LineEntry, path: Path, held: tuple[tuple[str, ...], ...]) -> Line:
        """One line of `allow`; `held` are the conduit's schedules."""
        at = self.document.line(path)
        self._protocol(entry, path)
        values = entry.values
        if values is not None and values.min is None and values.max is None:
            self.report.error(self.document.line((*path, "values")), "values says neither min nor max")
        if values is not None and values.min is not None and values.max is not None and values.max < values.min:
            self.report.error(self.document.line((*path, "values")), f"values: max {values.max} is less than min {values.min}")
        return Line(
            protocol=entry.protocol, access=None if entry.access is None else tuple(entry.access),
            functions=self._functions(entry, path), sub_functions=self._sub_functions(entry, path),
            sources=None if entry.sources is None else self.names(entry.sources, (*path, "from")),
            targets=None if entry.targets is None else self.names(entry.targets, (*path, "to")),
            units=None if entry.units is None else tuple(entry.units), ports=None if entry.ports is None else tuple(entry.ports),
            points=self._points(entry, path), minimum=values.min if values else None, maximum=values.max if values else None,
            carrier=CARRIERS.get(entry.protocol), known_ports=self.words.ports(entry.protocol),
            schedules=(*held, *self.when(entry.schedule, (*path, "schedule"))), initiator=entry.initiator,
            rates=self._rates(entry, path), sessions_count=self._sessions_count(entry),
            users=None if entry.user is None else frozenset(entry.user),
            security_modes=None if entry.security_mode is None else frozenset(entry.security_mode), line=at,
        )  # fmt: skip

    def _rates(self, entry: LineEntry, path: Path) -> tuple[Rate, ...]:
        """The line's limits of rate, each span once."""
        made: dict[int, Rate] = {}
        for i, part in enumerate(entry.rate or ()):
            seconds, per = part.per
            at = self.document.line((*path, "rate", i))
            if seconds in made:
                self.report.error(at, f"rate says twice what is allowed within {per}")
            made[seconds] = Rate(part.max, seconds * SECOND, per, at)
        return tuple(made.values())

    def _sessions_count(self, entry: LineEntry) -> bool:
        """A session counts where it is what the line is about: it says so, or the protocol is judged by its connections."""
        return entry.access is not None and "session" in entry.access if self.words.functions(entry.protocol) is not None else True

    def _protocol(self, entry: LineEntry, path: Path) -> None:
        at = self.document.line((*path, "protocol"))
        name = entry.protocol
        if error := self.words.protocol_error(name):
            self.report.error(at, error)
            return
        if name in ("tcp", "udp") and entry.ports is None:
            self.report.error(at, f"protocol {name} needs ports: which? (ports: [8080, 9000-9010])")
        for key in ("user", "security_mode"):
            if name not in USERS and getattr(entry, key) is not None:
                what = f"protocol {name} has no {key}: of the protocols that are read only {', '.join(USERS)} tells who asks"
                self.report.error(self.document.line((*path, key)), what)
        industrial = self.words.industrial(name)
        if industrial and self.words.functions(name) is None and entry.access != ["session"]:
            what = "only connections to the ports of this line are allowed"
            self.report.warning(at, f'protocol "{name}" is not dissected by this version: {what}')
        if industrial and entry.access is None and entry.functions is None and "deny" not in path:
            self.report.warning(at, f"no access is given: this allows every access of {name} but reports, write, mode and program included")
        if industrial:
            return
        for key in ("functions", "sub_functions", "units", "points", "values"):
            if getattr(entry, key) is not None:
                self.report.error(self.document.line((*path, key)), f"protocol {name} has no {key}: it is judged by its connections")
        if entry.access not in (None, ["session"]):
            what = f"protocol {name} has no access but session: it is judged by its connections"
            self.report.error(self.document.line((*path, "access")), what)

    def _functions(self, entry: LineEntry, path: Path) -> frozenset[int | str] | None:
        if entry.functions is None:
            return None
        known = self.words.functions(entry.protocol)
        for i, word in enumerate(entry.functions):
            if isinstance(word, str) and known is not None and word not in known:
                what = f'{entry.protocol} has no function "{word}"{suggestion(word, known)}'
                self.report.error(self.document.line((*path, "functions", i)), what)
        return frozenset(entry.functions)

    def _sub_functions(self, entry: LineEntry, path: Path) -> frozenset[int | str] | None:
        if entry.sub_functions is None:
            return None
        known = self.words.sub_functions(entry.protocol)
        for i, word in enumerate(entry.sub_functions):
            if isinstance(word, str) and known is not None and word not in known and not _grouped(word):
                what = f'{entry.protocol} has no sub-function "{word}"{suggestion(word, known)}'
                self.report.error(self.document.line((*path, "sub_functions", i)), what)
        return frozenset(entry.sub_functions)

    def _points(self, entry: LineEntry, path: Path) -> tuple[PointRange, ...] | None:
        if entry.points is None:
            return None
        made = []
        for i, text in enumerate(entry.points):
            at = self.document.line((*path, "points", i))
            try:
                point = read_point(entry.protocol, text, self.words)
            except ValueError as error:
                self.report.error(at, str(error))
                continue
            if text[0].isdigit():
                self.report.note(at, f"{text} is {point.text} (zero-based, as on the wire)")
            elif " index " in text and entry.protocol == "dnp3":
                self.report.note(at, f"{text} is {point.text} (by whichever group of objects)")
            made.append(point)
        return tuple(made)


def _grouped(word: str) -> bool:
    """`group/code`, as S7 userdata has it."""
    group, slash, code = word.partition("/")
    return bool(slash) and group.isdigit() and code.isdigit()
