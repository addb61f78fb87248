"""The shape of a policy file, as pydantic models over texts: what each key takes, and the words for what is wrong with it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from zones.model import ACCESSES, LEVELS, SEVERITIES, VERSION
from zones.vocabulary import suggestion

_MAC = re.compile(r"([0-9a-f]{2})([:-])(?:[0-9a-f]{2}\2){4}[0-9a-f]{2}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a text")
    return value


def _name(value: Any) -> str:
    text = _text(value)
    if text != text.strip() or len(text) > 64 or not text.isprintable():
        raise ValueError(f"{text!r} is not a name (1 to 64 printable characters, no space at its ends)")
    return text


def _choice(what: str, words: tuple[str, ...]) -> Any:
    def read(value: Any) -> str:
        text = _text(value)
        if text not in words:
            raise ValueError(f'{what} "{text}" is not one of {", ".join(words)}{suggestion(text, words)}')
        return text

    return read


def _version(value: Any) -> int:
    if value != str(VERSION):
        raise ValueError(f'policy language "{value}" is not supported; this version reads {VERSION}')
    return VERSION


def _level(value: Any) -> float:
    text = _text(value)
    for level in LEVELS:
        if text in (str(level), f"{level:g}"):
            return level
    raise ValueError(f'level "{text}" is not one of {", ".join(f"{level:g}" for level in LEVELS)}')


def _mac(value: Any) -> str:
    text = _text(value).lower()
    if not _MAC.fullmatch(text):
        raise ValueError(f'"{value}" is not a MAC address (00:80:f4:0b:33:44)')
    if int(text[:2], 16) & 1:
        raise ValueError(f'"{value}" is a group address, not a device\'s')
    return text.replace("-", ":")


def _number(value: Any) -> float:
    text = _text(value)
    if not _NUMBER.fullmatch(text):
        raise ValueError(f'"{text}" is not a number')
    return float(text) if any(mark in text for mark in ".eE") else int(text)


def _whole(what: str, least: int, greatest: int) -> Any:
    def read(value: Any) -> int:
        text = _text(value)
        if not (text.isascii() and text.isdigit()) or (len(text) > 1 and text[0] == "0") or not least <= int(text) <= greatest:
            raise ValueError(f'{what} "{text}" is not a number from {least} to {greatest}')
        return int(text)

    return read


def _ports(value: Any) -> tuple[int, int]:
    low, dash, high = _text(value).partition("-")
    port = _whole("port", 0, 65535)
    pair = (port(low), port(high if dash else low))
    if pair[1] < pair[0]:
        raise ValueError(f'ports "{value}": the last is less than the first')
    return pair


def _unit(value: Any) -> str | tuple[int, int]:
    text = _text(value)
    low, dash, high = text.partition("-")
    if not (dash and low.isascii() and low.isdigit() and high.isascii() and high.isdigit()):
        return text
    if int(high) < int(low):
        raise ValueError(f'units "{text}": the last is less than the first')
    return int(low), int(high)


def _code(value: Any) -> int | str:
    text = _text(value)
    if text.isascii() and text.isdigit():
        return int(text)
    return int(text, 16) if re.fullmatch(r"0x[0-9a-fA-F]{1,8}", text) else text


def _listed(value: Any) -> Any:
    """One or a list of them; nothing and an empty list are not a list of anything."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not value:
        raise ValueError("must be one or a list")
    return value


Text = Annotated[str, BeforeValidator(_text)]
Name = Annotated[str, BeforeValidator(_name)]
Severity = Annotated[str, BeforeValidator(_choice("severity", SEVERITIES))]
Access = Annotated[str, BeforeValidator(_choice("access", ACCESSES))]
Internal = Annotated[str, BeforeValidator(_choice("internal", ("allow", "deny")))]
Version = Annotated[int, BeforeValidator(_version)]
Level = Annotated[float, BeforeValidator(_level)]
Mac = Annotated[str, BeforeValidator(_mac)]
Number = Annotated[int | float, BeforeValidator(_number)]
Vlan = Annotated[int, BeforeValidator(_whole("VLAN", 0, 4094))]
Ports = Annotated[tuple[int, int], BeforeValidator(_ports)]
Unit = Annotated[Any, BeforeValidator(_unit)]
Code = Annotated[Any, BeforeValidator(_code)]
Names = Annotated[list[Name], BeforeValidator(_listed)]
Texts = Annotated[list[Text], BeforeValidator(_listed)]
Macs = Annotated[list[Mac], BeforeValidator(_listed)]


class Part(BaseModel):
    """A part of the file: no keys but these."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


class ZoneEntry(Part):
    """One zone."""

    level: Level | None = None
    networks: Texts | None = None
    macs: Macs | None = None
    vlans: Annotated[list[Vlan], BeforeValidator(_listed)] | None = None
    assets: Names | None = None
    internal: Internal = "allow"
    description: Text | None = None
    zones: dict[Name, ZoneEntry] | None = None


class AssetEntry(Part):
    """One declared device."""

    ip: Texts | None = None
    mac: Macs | None = None
    role: Text | None = None
    tags: Texts | None = None
    description: Text | None = None


class LimitsEntry(Part):
    """Limits of values, inclusive."""

    min: Number | None = None
    max: Number | None = None


class LineEntry(Part):
    """One line of what a conduit allows."""

    protocol: Text
    access: Annotated[list[Access], BeforeValidator(_listed)] | None = None
    functions: Annotated[list[Code], BeforeValidator(_listed)] | None = None
    sub_functions: Annotated[list[Code], BeforeValidator(_listed)] | None = None
    sources: Names | None = Field(None, alias="from")
    targets: Names | None = Field(None, alias="to")
    units: Annotated[list[Unit], BeforeValidator(_listed)] | None = None
    ports: Annotated[list[Ports], BeforeValidator(_listed)] | None = None
    points: Texts | None = None
    values: LimitsEntry | None = None


class ConduitEntry(Part):
    """One conduit."""

    id: Name
    sources: Names = Field(alias="from")
    targets: Names = Field(alias="to")
    allow: list[LineEntry] = Field(min_length=1)
    severity: Severity = "medium"
    references: Texts | None = None
    skip_level: Text | None = None
    description: Text | None = None


class PolicyEntry(Part):
    """The whole file."""

    fieldtap: Version
    site: Text | None = None
    timezone: Text | None = None
    severity: Severity = "medium"
    description: Text | None = None
    zones: dict[Name, ZoneEntry] = Field(min_length=1)
    assets: dict[Name, AssetEntry] = Field(default_factory=dict)
    conduits: list[ConduitEntry] = Field(default_factory=list)


LATER = {
    "deny": "conduit", "schedule": "conduit", "until": "conduit", "exceptions": "policy", "windows": "policy", "initiator": "conduit",
    "rate": "conduit", "user": "conduit", "security_level": "zone", "roles": "zone", "vendors": "zone", "tags": "zone",
}  # fmt: skip
"""Keys that the language will have (issue of zones and conduits) and this version doesn't read: refused by name, never ignored."""
