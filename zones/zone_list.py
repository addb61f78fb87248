"""The zones of a policy as a list in CSV, the way auditors keep them: a row a zone, exported, and read as strictly as a policy.

| column | holds |
|---|---|
| `zone` | its name; the only column that has to be there |
| `inside` | the zone that it is nested in |
| `level`, `security_level`, `internal`, `description` | as in a policy |
| `networks`, `vlans`, `macs` | several with `;`, a comma or spaces between |
| `assets`, `roles`, `vendors`, `tags` | several with `;` between (one that has a `;` itself in quotation marks) |

An asset may have its addresses behind it: `plc-1 (10.20.1.11, 00:80:f4:0b:33:44)`. A cell that a spreadsheet could take for a formula has
an apostrophe before it, which reading takes away.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from typing import Any, Final, TextIO

from zones.document import MAX_BYTES, Document, Path, Report
from zones.model import Policy
from zones.vocabulary import suggestion

NUMBERS: Final = ("networks", "vlans", "macs")
"""Columns of several words without spaces."""
NAMES: Final = ("assets", "roles", "vendors", "tags")
"""Columns of several texts."""
COLUMNS: Final = ("zone", "inside", "level", "security_level", "internal", *NUMBERS, *NAMES, "description")

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a cell begins that some spreadsheet may run (OWASP, CSV injection)."""
_MARKED: Final = re.compile(r"'+ *[=+\-@\t\r\n|%\uff1d\uff0b\uff0d\uff20]")
"""A cell with our apostrophe before it."""
_ADDRESSED: Final = re.compile(r"(.*\S) *\(([^()]*)\)", re.DOTALL)
_MAC: Final = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}")
_ADDRESS: Final = re.compile(r"(?=.*[.:-])[0-9A-Fa-f.:-]+")


def write_list(policy: Policy, data: Mapping[str, Any], out: TextIO) -> None:
    """The list of a policy's zones; `data` is what its file says (zones.document), for what the policy doesn't keep: what kinds of assets
    a zone holds."""
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for name, said in _said(data["zones"]):
        zone = policy.zones[name]
        cells: dict[str, str] = {column: _several(said[column], column) for column in (*NUMBERS, *NAMES) if said.get(column) is not None}
        cells |= {"zone": name, "inside": zone.parent or "", "internal": said.get("internal") or "", "description": zone.description or ""}
        cells["assets"] = _joined([_with_addresses(policy, asset) for asset in zone.assets])
        cells["level"] = "" if zone.level is None else f"{zone.level:g}"
        cells["security_level"] = "" if zone.security_level is None else str(zone.security_level)
        rows.writerow([_safe(cells.get(column, "")) for column in COLUMNS])


def _said(zones: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every zone with what the file says of it, each before those nested in it."""
    for name, said in zones.items():
        yield name, said or {}
        yield from _said((said or {}).get("zones") or {})


def _several(value: str | list[str], column: str) -> str:
    values = [value] if isinstance(value, str) else value
    return "; ".join(values) if column in NUMBERS else _joined(values)


def _joined(values: Iterable[str]) -> str:
    """Texts in one cell, as a line of CSV with semicolons."""
    out = StringIO(newline="")
    csv.writer(out, delimiter=";", lineterminator="").writerow([*values])
    plain = "; ".join(values)
    return plain if out.getvalue().replace(";", "; ") == plain and plain == plain.strip() else out.getvalue()


def _with_addresses(policy: Policy, asset: str) -> str:
    one = policy.assets[asset]
    return f"{asset} ({', '.join((*one.ips, *one.macs))})"


def _safe(cell: str) -> str:
    """A cell that no spreadsheet runs."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) or _MARKED.match(cell) else cell


class Listed:
    """A list that was read: `zones` as a policy's file has them, nested; `assets` that rows name, with the addresses that stand there;
    `lines` of zones, and of the rows that `named` an asset first."""

    def __init__(self) -> None:
        self.zones: dict[str, Any] = {}
        self.assets: dict[str, list[str]] = {}
        self.lines: dict[str, int] = {}
        self.named: dict[str, int] = {}

    def document(self, assets: Mapping[str, Any]) -> Document:
        """The same as a policy's document, with the list's own lines; `assets` are declared elsewhere."""
        made = Document()
        known = {**assets, **{name: _declared(given) for name, given in self.assets.items() if given and name not in assets}}
        made.data = {"fieldtap": "1", "zones": self.zones, **({"assets": known} if known else {})}
        made.lines |= {("assets", name): line for name, line in self.named.items()}
        made.lines |= dict(self._places(self.zones, ("zones",)))
        return made

    def _places(self, zones: Mapping[str, Any], at: Path) -> Iterator[tuple[Path, int]]:
        for name, said in zones.items():
            yield (*at, name), self.lines[name]
            yield from self._places(said.get("zones", {}), (*at, name, "zones"))

    def new_assets(self, assets: Mapping[str, Any], report: Report) -> dict[str, dict[str, list[str]]]:
        """Assets that have addresses here and aren't declared elsewhere. One that is declared with others is an error."""
        made: dict[str, dict[str, list[str]]] = {}
        for name, given in self.assets.items():
            if name not in assets:
                made |= {name: _declared(given)} if given else {}
                continue
            held = [*_listed(assets[name].get("ip")), *_listed(assets[name].get("mac"))]
            if given and sorted(map(_plain, given)) != sorted(map(_plain, held)):
                report(self.named[name], f'asset "{name}" is {", ".join(given)} here and {", ".join(held)} in the policy: which is it?')
        return made


def _listed(value: str | list[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else value


def _plain(address: str) -> str:
    return address.lower().replace("-", ":")


def _declared(addresses: list[str]) -> dict[str, list[str]]:
    """An asset by its addresses, as a policy declares it."""
    macs = [one for one in addresses if _MAC.fullmatch(one)]
    ips = [one for one in addresses if one not in macs]
    return {key: found for key, found in (("ip", ips), ("mac", macs)) if found}


def read_list(data: bytes, report: Report) -> Listed:
    """Reads a list; calls `report(line, what)` for each thing that is wrong with it as one. What its cells say is judged as a policy's."""
    listed = Listed()
    try:
        if len(data) > MAX_BYTES:
            raise ValueError(f"larger than {MAX_BYTES} bytes")
        text = data.decode("utf-8-sig")
        rows = _rows(text)
        head = next(rows, (1, []))
        columns = _columns(head, report)
        filled = [(line, cells) for line, cells in rows if any(cell.strip() for cell in cells)] if columns else []
    except UnicodeDecodeError as error:
        report(data.count(b"\n", 0, error.start) + 1, "not UTF-8 text; save it as CSV UTF-8")
        return listed
    except (csv.Error, ValueError) as error:
        report(1, f"not a list in CSV: {error}")
        return listed
    _nest(listed, [(line, _cells(columns, cells, line, report)) for line, cells in filled], report)
    return listed


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line on which each begins. Spreadsheets of some languages write semicolons, or tabs, between cells."""
    head = text.partition("\n")[0]
    delimiter = max((",", ";", "\t"), key=head.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    for cells in reader:
        yield line, cells
        line = reader.line_num + 1


def _columns(head: tuple[int, list[str]], report: Report) -> list[str]:
    """The head line's columns by our names; empty where the list can't be read by them."""
    line, cells = head
    twice: set[str] = set()
    columns = [cell.strip().lower().replace(" ", "_").replace("-", "_") for cell in cells]
    for column, cell in zip(columns, cells, strict=True):
        if column not in COLUMNS:
            report(line, f'"{cell.strip()}" is not a column of a zone list{suggestion(column, COLUMNS)}; known: {", ".join(COLUMNS)}')
        elif columns.count(column) > 1 and column not in twice:
            twice.add(column)
            report(line, f'column "{column}" stands twice')
    if "zone" not in columns:
        report(line, 'the head line lacks the column "zone"')
        return []
    return columns


def _cells(columns: list[str], cells: list[str], line: int, report: Report) -> dict[str, str]:
    if len(cells) > len(columns):
        report(line, f"{len(cells)} cells, and the head line has {len(columns)}")
    bare = [cell[1:] if _MARKED.match(cell) else cell for cell in cells]
    return {column: cell if column == "description" else cell.strip() for column, cell in zip(columns, bare, strict=False) if cell.strip()}


def _nest(listed: Listed, rows: list[tuple[int, dict[str, str]]], report: Report) -> None:
    """Zones into the zones that they are inside."""
    entries: dict[str, tuple[int, dict[str, Any], str | None]] = {}
    for line, cells in rows:
        name, inside = cells.pop("zone", ""), cells.pop("inside", None)
        if not name:
            report(line, "the row has no zone")
        elif name in entries:
            report(line, f'zone "{name}" stands twice (first on line {entries[name][0]})')
        else:
            listed.lines[name] = line
            entries[name] = line, _entry(listed, cells, line, report), inside
    for name, (line, entry, inside) in entries.items():
        if inside is not None and inside not in entries:
            report(line, f'zone "{inside}", which "{name}" is inside, is not in the list{suggestion(inside, entries)}')
        elif inside is not None and _circles(name, entries):
            report(line, f'zone "{name}" is inside itself')
        else:
            holder = listed.zones if inside is None else entries[inside][1].setdefault("zones", {})
            holder[name] = entry


def _circles(name: str, entries: Mapping[str, tuple[int, dict[str, Any], str | None]]) -> bool:
    seen, outer = {name}, entries[name][2]
    while outer is not None and outer in entries and outer not in seen:
        seen.add(outer)
        outer = entries[outer][2]
    return outer in seen


def _entry(listed: Listed, cells: dict[str, str], line: int, report: Report) -> dict[str, Any]:
    """What a policy's file would say of a zone."""
    entry: dict[str, Any] = {}
    for column, cell in cells.items():
        if column in NUMBERS:
            entry[column] = re.split(r"[;,\s]+", cell.strip(";, \t\r\n"))
        elif column in NAMES:
            items = _named(cell, column, listed, line, report)
            entry |= {column: items} if items else {}
        else:
            entry[column] = cell.replace(",", ".") if column == "level" else cell
    return entry


def _named(cell: str, column: str, listed: Listed, line: int, report: Report) -> list[str]:
    """Several texts of a cell."""
    lines = csv.reader(StringIO(cell, newline=""), delimiter=";", skipinitialspace=True, strict=True)
    try:
        items = [text for row in lines for part in row if (text := part.strip())]
    except csv.Error as error:
        report(line, f"{column} can't be read: {error}")
        return []
    return [_item(text, column, listed, line, report) for text in items]


def _item(text: str, column: str, listed: Listed, line: int, report: Report) -> str:
    """An item of a cell; an asset's addresses are kept apart."""
    found = _ADDRESSED.fullmatch(text) if column == "assets" else None
    addresses = re.split(r"[;,\s]+", found[2].strip()) if found else []
    if found is None or not all(_ADDRESS.fullmatch(one) for one in addresses):
        name, addresses = text, []
    else:
        name = found[1]
    if column == "assets":
        if listed.assets.get(name) and addresses and listed.assets[name] != addresses:
            report(line, f'asset "{name}" has other addresses on line {listed.named[name]}')
        listed.assets[name] = listed.assets.get(name) or addresses
        listed.named.setdefault(name, line)
    return name
