"""The shape of a policy file, as pydantic models over texts: what each key takes, and the words for what is wrong with it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from zones.model import ACCESSES, LEVELS, SECURITY_MODES, SEVERITIES, VERSION
from zones.vocabulary import suggestion

_MAC = re.compile(r"([0-9a-f]{2})([:-])(?:[0-9a-f]{2}\2){4}[0-9a-f]{2}")
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])|([01][0-9]|2[0-3]):([0-5][0-9])-24:00")
_SPAN = re.compile(r"([1-9][0-9]{0,5})(s|min|h)")
_SECONDS = {"s": 1, "min": 60, "h": 3600}
MAX_SPAN = 24 * 3600
"""Longest span of a rate, seconds: what lies within it is held."""
MAX_RATE = 99_999
"""Greatest number of a rate: so many occurrences are held."""
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
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


def choice(what: str, words: tuple[str, ...]) -> Any:
    """Reads one of these words."""

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


def whole(what: str, least: int, greatest: int) -> Any:
    """Reads a number between two, both included."""

    def read(value: Any) -> int:
        text = _text(value)
        if not (text.isascii() and text.isdigit()) or (len(text) > 1 and text[0] == "0") or not least <= int(text) <= greatest:
            raise ValueError(f'{what} "{text}" is not a number from {least} to {greatest}')
        return int(text)

    return read


def _ports(value: Any) -> tuple[int, int]:
    low, dash, high = _text(value).partition("-")
    port = whole("port", 0, 65535)
    pair = (port(low), port(high if dash else low))
    if pair[1] < pair[0]:
        raise ValueError(f'ports "{value}": the last is less than the first')
    return pair


def _days(value: Any) -> tuple[int, ...]:
    low, dash, high = _text(value).partition("-")
    for text in (low, high if dash else low):
        if text not in _DAYS:
            raise ValueError(f'day "{text}" is not one of {", ".join(_DAYS)}{suggestion(text, _DAYS)}')
    first, last = _DAYS.index(low), _DAYS.index(high if dash else low)
    return tuple(day % 7 for day in range(first, last + 1 if first <= last else last + 8))


def _hours(value: Any) -> tuple[int, int]:
    found = _HOURS.fullmatch(_text(value))
    if found is None:
        raise ValueError(f'hours "{value}" are not written as "06:00-18:00"')
    a, b, c, d, e, f = (int(part) if part else 0 for part in found.groups())
    made = (e * 60 + f, 24 * 60) if found.group(5) else (a * 60 + b, c * 60 + d)
    if made[0] == made[1]:
        raise ValueError(f'hours "{value}" begin and end at the same time; leave hours out for the whole day')
    return made


def _when(value: Any) -> datetime:
    text = _text(value)
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2})?", text):
            raise ValueError
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f'"{text}" is not a date or time (2026-03-01, 2026-03-01 06:00), in the time zone of the policy') from None


def _to_when(value: Any) -> datetime:
    """The end: a date alone counts to its last moment."""
    made = _when(value)
    return made if ":" in value else made + timedelta(days=1)


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


def _span(value: Any) -> tuple[int, str]:
    """A span of time in seconds, and as it is written."""
    text = _text(value)
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f'per "{text}" is not a span of time (10s, 5min, 1h)')
    seconds = int(found[1]) * _SECONDS[found[2]]
    if seconds > MAX_SPAN:
        raise ValueError(f'per "{text}" is more than 24h, the longest span in which occurrences are counted')
    return seconds, text


def _mappings(keys: str) -> Any:
    """Reads one mapping or a list of them."""

    def read(value: Any) -> Any:
        if isinstance(value, dict):
            return [value]
        if not isinstance(value, list) or not value:
            raise ValueError(f"must be a mapping ({keys}) or a list of them")
        return value

    return read


def listed(value: Any) -> Any:
    """One or a list of them; nothing and an empty list are not a list of anything."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not value:
        raise ValueError("must be one or a list")
    return value


Text = Annotated[str, BeforeValidator(_text)]
Name = Annotated[str, BeforeValidator(_name)]
Severity = Annotated[str, BeforeValidator(choice("severity", SEVERITIES))]
Access = Annotated[str, BeforeValidator(choice("access", ACCESSES))]
Initiator = Annotated[str, BeforeValidator(choice("initiator", ("client", "server")))]
Internal = Annotated[str, BeforeValidator(choice("internal", ("allow", "deny")))]
Version = Annotated[int, BeforeValidator(_version)]
Level = Annotated[float, BeforeValidator(_level)]
Mac = Annotated[str, BeforeValidator(_mac)]
Number = Annotated[int | float, BeforeValidator(_number)]
Vlan = Annotated[int, BeforeValidator(whole("VLAN", 0, 4094))]
Ports = Annotated[tuple[int, int], BeforeValidator(_ports)]
Span = Annotated[tuple[int, str], BeforeValidator(_span)]
Most = Annotated[int, BeforeValidator(whole("max", 1, MAX_RATE))]
SecurityMode = Annotated[str, BeforeValidator(choice("security_mode", SECURITY_MODES))]
Unit = Annotated[Any, BeforeValidator(_unit)]
Code = Annotated[Any, BeforeValidator(_code)]
Days = Annotated[tuple[int, ...], BeforeValidator(_days)]
Hours = Annotated[tuple[int, int], BeforeValidator(_hours)]
When = Annotated[datetime, BeforeValidator(_when)]
ToWhen = Annotated[datetime, BeforeValidator(_to_when)]
SecurityLevel = Annotated[int, BeforeValidator(whole("security level", 0, 4))]
Names = Annotated[list[Name], BeforeValidator(listed)]
Texts = Annotated[list[Text], BeforeValidator(listed)]
Macs = Annotated[list[Mac], BeforeValidator(listed)]


class Part(BaseModel):
    """A part of the file: no keys but these."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


class ZoneEntry(Part):
    """One zone."""

    level: Level | None = None
    networks: Texts | None = None
    macs: Macs | None = None
    vlans: Annotated[list[Vlan], BeforeValidator(listed)] | None = None
    assets: Names | None = None
    roles: Texts | None = None
    vendors: Texts | None = None
    tags: Texts | None = None
    security_level: SecurityLevel | None = None
    internal: Internal = "allow"
    description: Text | None = None
    zones: dict[Name, ZoneEntry] | None = None


class AssetEntry(Part):
    """One declared device."""

    ip: Texts | None = None
    mac: Macs | None = None
    role: Text | None = None
    vendor: Text | None = None
    tags: Texts | None = None
    description: Text | None = None


class LimitsEntry(Part):
    """Limits of values, inclusive."""

    min: Number | None = None
    max: Number | None = None


class RateEntry(Part):
    """At most so many within a span of time."""

    max: Most
    per: Span


class LineEntry(Part):
    """One line of what a conduit allows."""

    protocol: Text
    access: Annotated[list[Access], BeforeValidator(listed)] | None = None
    functions: Annotated[list[Code], BeforeValidator(listed)] | None = None
    sub_functions: Annotated[list[Code], BeforeValidator(listed)] | None = None
    sources: Names | None = Field(None, alias="from")
    targets: Names | None = Field(None, alias="to")
    units: Annotated[list[Unit], BeforeValidator(listed)] | None = None
    ports: Annotated[list[Ports], BeforeValidator(listed)] | None = None
    points: Texts | None = None
    values: LimitsEntry | None = None
    schedule: Names | None = None
    initiator: Initiator | None = None
    rate: Annotated[list[RateEntry], BeforeValidator(_mappings("max, per"))] | None = None
    user: Texts | None = None
    security_mode: Annotated[list[SecurityMode], BeforeValidator(listed)] | None = None


class ChannelEntry(Part):
    """What a conduit and an exception have in common."""

    id: Name
    sources: Names = Field(alias="from")
    targets: Names = Field(alias="to")
    allow: list[LineEntry] = Field(default_factory=list, min_length=1)
    severity: Severity = "medium"
    references: Texts | None = None
    description: Text | None = None


class ConduitEntry(ChannelEntry):
    """One conduit."""

    deny: list[LineEntry] = Field(default_factory=list, min_length=1)
    skip_level: Text | None = None
    schedule: Names | None = None


class ExceptionEntry(ChannelEntry):
    """What is allowed for a while, and who answers for it."""

    owner: Text
    ticket: Text
    start: When
    end: ToWhen


class WindowEntry(Part):
    """When something may be."""

    days: Annotated[list[Days], BeforeValidator(listed)] | None = None
    hours: Hours | None = None
    since: When | None = Field(None, alias="from")
    until: ToWhen | None = Field(None, alias="to")


Windows = Annotated[list[WindowEntry], BeforeValidator(_mappings("days, hours, from, to"))]


class PolicyEntry(Part):
    """The whole file."""

    fieldtap: Version
    site: Text | None = None
    timezone: Text | None = None
    severity: Severity = "medium"
    description: Text | None = None
    zones: dict[Name, ZoneEntry] = Field(min_length=1)
    assets: dict[Name, AssetEntry] = Field(default_factory=dict)
    schedules: dict[Name, Windows] = Field(default_factory=dict)
    conduits: list[ConduitEntry] = Field(default_factory=list)
    exceptions: list[ExceptionEntry] = Field(default_factory=list)
