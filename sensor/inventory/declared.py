"""What people declare of assets, and how it compares with what was observed.

A declaration is never changed or deleted: the newest one of an asset and name holds, one without a value takes it back, and who said it and
why stays. Zones and placeholders are resolved from declared data alone (DESIGN.md, 5).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from sensor.inventory.address import is_mac
from sensor.inventory.names import DECLARED, ROLES

CRITICALITIES: Final = ("low", "medium", "high", "critical")
LEVELS: Final = ("0", "1", "2", "3", "3.5", "4", "5")
MAX_ASSETS: Final = 100_000
MAX_LENGTH: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """That an asset (an address: IP, MAC, or ADDRESS/PROTOCOL:UNIT) has a value, None to take it back. `source` is the file or command."""

    asset: str
    name: str
    value: str | None
    who: str
    why: str
    source: str


class DeclarationError(ValueError):
    """A list that can't be used: one line `file:line: what` for each mistake."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read_list(path: Path, who: str, why: str) -> list[Declaration]:
    """A list of known assets, YAML or CSV by its suffix. Raises DeclarationError with every mistake, OSError.

        assets:
          10.20.1.11: {name: plc-1, role: plc, level: 1, zone: cell, criticality: high}

    A CSV has a head line with `asset` and names of attributes; an empty field declares nothing.
    """
    data = path.read_bytes()
    problems: list[str] = []

    def report(line: int, what: str) -> None:
        problems.append(f"{path.name}:{line}: {what}")

    entries = _csv(data, report) if path.suffix.lower() == ".csv" else _yaml(data, report)
    made: list[Declaration] = []
    first: dict[str, int] = {}
    for line, asset, fields in entries:
        identity = asset.lower()
        if identity in first:
            report(line, f"{asset} stands twice (first on line {first[identity]})")
            continue
        first[identity] = line
        for name, value in fields.items():
            said = checked(name, value)
            if said is not None:
                report(line, said)
            made.append(Declaration(asset=identity, name=name, value=value, who=who, why=why, source=path.name))
    if len(first) > MAX_ASSETS:
        report(1, f"more than {MAX_ASSETS} assets")
    if problems:
        raise DeclarationError(problems)
    return made


def checked(name: str, value: str) -> str | None:
    """What is wrong with a declared value, None where nothing is."""
    from zones.vocabulary import suggestion

    if name not in DECLARED:
        return f'"{name}" is not declared of assets{suggestion(name, tuple(DECLARED))}; known: {", ".join(DECLARED)}'
    known = {"role": tuple(ROLES), "level": LEVELS, "criticality": CRITICALITIES}.get(name)
    if known is not None and value not in known:
        return f'{name} "{value}" is not one of {", ".join(known)}{suggestion(value, known)}'
    if not value.strip() or len(value) > MAX_LENGTH or not value.isprintable():
        return f"{name} must be 1 to {MAX_LENGTH} printable characters"
    return None


_Entries = Iterator[tuple[int, str, dict[str, str]]]


def _yaml(data: bytes, report: Any) -> _Entries:
    from zones.document import read

    document = read(data, report)
    if document is None:
        return
    listed = document.data.get("assets") if isinstance(document.data, dict) and set(document.data) == {"assets"} else None
    if not isinstance(listed, dict):
        report(1, "a list of assets is a mapping `assets:` of addresses")
        return
    for asset, fields in listed.items():
        line = document.line(("assets", asset))
        if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
            report(line, f"{asset} must be a mapping of names and values")
        elif _is_asset(asset, line, report):
            yield line, asset, fields


def _csv(data: bytes, report: Any) -> _Entries:
    try:
        rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig")), strict=True)
        if rows.fieldnames is None or "asset" not in rows.fieldnames:
            report(1, "the head line lacks the column asset")
            return
        for row in rows:
            asset = (row.pop("asset") or "").strip()
            if None in row:
                report(rows.line_num, "more fields than the head line has")
            elif _is_asset(asset, rows.line_num, report):
                yield rows.line_num, asset, {name: value.strip() for name, value in row.items() if value and value.strip()}
    except UnicodeDecodeError:
        report(1, "not UTF-8 text")
    except csv.Error as error:
        report(1, f"not CSV: {error}")


def _is_asset(asset: str, line: int, report: Any) -> bool:
    from dissectors import packed

    address = asset.partition("/")[0]
    if is_mac(address.lower()) or packed(address) is not None:
        return True
    report(line, f'"{asset}" is no address (10.20.1.11, 00:80:f4:0b:33:44 or 10.20.1.11/modbus:1)')
    return False


@dataclass(frozen=True, slots=True)
class Difference:
    """How declared and observed differ: an asset that nobody declared, one that was not seen, or a value that is another."""

    kind: Literal["unknown", "missing", "different"]
    asset: str
    name: str | None = None
    declared: str | None = None
    observed: Any = None
    provenance: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "kind": self.kind, "asset": self.asset, "attribute": self.name, "declared": self.declared, "observed": self.observed,
            "provenance": self.provenance,
        }  # fmt: skip


def compared(assets: Iterable[Mapping[str, Any]], declared: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[Difference]:
    """What differs between known assets (see sensor.inventory.known) and all declarations. Only what was seen alive counts as there."""
    found: list[Difference] = []
    met: set[str] = set()
    for asset in assets:
        own = asset["declared"]
        met.update((asset["id"].lower(), *(address.lower() for address in asset["addresses"])))
        if not own:
            found += [Difference("unknown", asset["id"])] if asset["heard"] and asset["parent"] is None else []
        elif not asset["heard"]:
            found.append(Difference("missing", asset["id"]))
        else:
            found += _differing(asset, own)
    found += [Difference("missing", identity) for identity in sorted(declared) if identity not in met]
    return sorted(found, key=lambda one: (("missing", "different", "unknown").index(one.kind), one.asset, one.name or ""))


def _differing(asset: Mapping[str, Any], own: Mapping[str, Mapping[str, Any]]) -> Iterator[Difference]:
    observed = asset["observed"]
    for name, said in own.items():
        seen = observed.get(name)
        if seen is not None and _plain(seen["value"]) != _plain(said["value"]):
            yield Difference("different", asset["id"], name, said["value"], seen["value"], seen.get("provenance"))


def _plain(value: Any) -> str:
    """Values are the same whatever their case and spaces, and 1.0 is 1."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return " ".join(text.lower().split())
