"""YAML read strictly: every scalar stays the text it is (`10:20:30:40:50:51`, `010` and `yes` included), every part knows its line."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

MAX_DEPTH = 32
MAX_BYTES = 8 * 1024 * 1024

Path = tuple[str | int, ...]
Report = Callable[[int, str], None]


class Document:
    """What a file says: `data` of dicts, lists, texts and None, and the line of each part by its path (a tuple of keys and indexes)."""

    def __init__(self) -> None:
        self.data: Any = None
        self.lines: dict[Path, int] = {(): 1}
        self._declared: set[str] = set()

    @property
    def declared(self) -> set[str]:
        """Names of zones and assets, those among them that are declared wrongly included."""
        return self._declared

    def remember(self) -> None:
        """Keeps the names that are declared now, before parts are left out."""
        data = self.data if isinstance(self.data, dict) else {}
        assets = data.get("assets")
        self._declared = _zone_names(data) | (set(assets) if isinstance(assets, dict) else set())

    def line(self, path: Path) -> int:
        """The line of the part at `path`, or of the nearest one around it."""
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]

    def leave_out(self, places: Collection[Path]) -> None:
        """Takes these parts out, of which none lies within another, and the lists whose last item they were; later items of a list move
        up, with their lines."""
        places = self._with_emptied(set(places))
        gone: dict[Path, list[int]] = {}
        for path in sorted(places, key=len, reverse=True):  # the inner ones first: the way to them goes by the places as they are
            if isinstance(path[-1], int):
                gone.setdefault(path[:-1], []).append(path[-1])
            else:
                del self._at(path[:-1])[path[-1]]
        for path, items in gone.items():
            kept, left = self._at(path), set(items)
            kept[:] = [item for index, item in enumerate(kept) if index not in left]
            items.sort()
        moved = {_moved(path, gone): line for path, line in self.lines.items()} if gone else self.lines
        self.lines = {path: line for path, line in moved.items() if path is not None}

    def _at(self, path: Path) -> Any:
        holder = self.data
        for key in path:
            holder = holder[key]
        return holder

    def _with_emptied(self, places: set[Path]) -> set[Path]:
        """The same, a list instead of its items where all of them go."""
        while True:
            items: dict[Path, int] = {}
            for path in places:
                if isinstance(path[-1], int):
                    items[path[:-1]] = items.get(path[:-1], 0) + 1
            emptied = {path for path, count in items.items() if path and count == len(self._at(path))}
            if not emptied:
                return places
            places = {path for path in places if path[:-1] not in emptied} | emptied


def _moved(path: Path, gone: Mapping[Path, Sequence[int]]) -> Path | None:
    """Where a part is once these items of lists have gone; None where it went with them."""
    made: list[str | int] = []
    for depth, step in enumerate(path):
        items = gone.get(path[:depth])
        if items is not None and isinstance(step, int):
            before = bisect_left(items, step)
            if before < len(items) and items[before] == step:
                return None
            step -= before
        made.append(step)
    return tuple(made)


def _zone_names(holder: dict[str, Any]) -> set[str]:
    zones = holder.get("zones")
    if not isinstance(zones, dict):
        return set()
    return set(zones).union(*(_zone_names(zone) for zone in zones.values() if isinstance(zone, dict)))


class _Builder:
    """Walks PyYAML's events; what is not plain YAML of maps, lists and texts is reported."""

    def __init__(self, events: Iterator[Any], report: Report) -> None:
        self.events = events
        self.report = report
        self.document = Document()

    def value(self, event: Any, path: Path) -> Any:
        """The part that begins with `event`."""
        kind = type(event).__name__
        line = event.start_mark.line + 1
        self.document.lines.setdefault(path, line)
        if kind == "AliasEvent":
            raise ValueError(f'{line}: "*{event.anchor}": aliases are not read; write it out')
        self._plain(event, line)
        if len(path) > MAX_DEPTH:
            raise ValueError(f"{line}: nested deeper than {MAX_DEPTH}")
        if kind == "MappingStartEvent":
            return self._mapping(path)
        if kind == "SequenceStartEvent":
            return self._sequence(path)
        empty = event.style is None and event.value in ("", "~", "null")
        return None if empty else event.value

    def _plain(self, event: Any, line: int) -> None:
        if event.anchor is not None:
            self.report(line, f'"&{event.anchor}": anchors are not read')
        if event.tag is not None and event.tag != "!":
            self.report(line, f'"{event.tag}": tags are not read')

    def _mapping(self, path: Path) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for event in self.events:
            if type(event).__name__ == "MappingEndEvent":
                break
            line = event.start_mark.line + 1
            key = self.value(event, (*path, "\0key"))
            if not isinstance(key, str):
                self.report(line, "a key must be a text")
                key = "\0bad"
            place = (*path, key)
            if key in made and key != "\0bad":
                self.report(line, f'"{key}" stands twice (first on line {self.document.lines[place]})')
                place = (*path, "\0twice")
            self.document.lines[place] = line
            value = self.value(next(self.events), place)
            if place[-1] == key:
                made[key] = value
        made.pop("\0bad", None)
        return made

    def _sequence(self, path: Path) -> list[Any]:
        made: list[Any] = []
        for event in self.events:
            if type(event).__name__ == "SequenceEndEvent":
                break
            made.append(self.value(event, (*path, len(made))))
        return made


def read(data: bytes, report: Report) -> Document | None:
    """Reads one YAML document from `data`; calls `report(line, what)` for each error. None where it isn't YAML at all."""
    import yaml

    if len(data) > MAX_BYTES:
        report(1, f"larger than {MAX_BYTES} bytes")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        report(data.count(b"\n", 0, error.start) + 1, "not UTF-8 text")
        return None
    try:
        return _document(yaml.parse(text, Loader=yaml.SafeLoader), report)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        report(mark.line + 1 if mark else 1, f"not YAML: {error.problem}")
    except yaml.reader.ReaderError as error:
        report(text.count("\n", 0, error.position) + 1, f"not YAML: {error.reason}")
    except ValueError as error:
        line, _, what = str(error).partition(": ")
        report(int(line), what)
    return None


def data_of(data: bytes) -> dict[str, Any]:
    """What a policy's file says, once it is known to be sound."""
    document = read(data, lambda *_: None)
    assert document is not None
    said: dict[str, Any] = document.data
    return said


def _document(events: Iterator[Any], report: Report) -> Document | None:
    builder = _Builder(events, report)
    seen = False
    for event in events:
        kind = type(event).__name__
        if kind in ("StreamStartEvent", "StreamEndEvent", "DocumentEndEvent"):
            continue
        if kind == "DocumentStartEvent":
            if seen:
                report(event.start_mark.line + 1, "a second document begins here; a policy is one")
                return builder.document
            seen = True
            continue
        builder.document.data = builder.value(event, ())
    return builder.document
