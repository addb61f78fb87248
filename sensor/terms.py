"""Filters as people write them, read and compared: NAME, a sign, VALUE. Who uses them says what a name's values are.

Values of one name are separated by commas, and one of them is enough; text is compared without regard to case.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

_TERM: Final = re.compile(r"([a-z_]+)(!=|>=|<=|=|~|>|<)(.+)", re.IGNORECASE)


class SelectionError(ValueError):
    """A filter that can't be read; the text says what and how to write it."""


class Term(NamedTuple):
    """A filter: name in lower case, sign, what is wanted, and how it was written."""

    name: str
    sign: str
    wanted: str
    text: str

    @property
    def options(self) -> list[str]:
        """What is wanted, one by one."""
        return [one.strip().lower() for one in self.wanted.split(",") if one.strip()]


def term(text: str, examples: str) -> Term:
    """Reads a filter. Raises SelectionError, with the examples."""
    found = _TERM.fullmatch(text.strip())
    if found is None:
        raise SelectionError(f"{text!r} is no filter: write NAME=VALUE, for example {examples}.")
    return Term(found.group(1).lower(), found.group(2), found.group(3), text)


def comparison(read: Term, *, address: bool = False) -> Callable[[Any], bool]:
    """A test of one value; `address`: what is wanted may be networks. Raises SelectionError."""
    if read.sign in (">", "<", ">=", "<="):
        return _ordered(read)
    options = read.options
    if address:
        networks = [_network(option, read.text) for option in options]
        return lambda held: any(_within(str(held), network) for network in networks)
    if read.sign == "~":
        return lambda held: any(option in str(held).lower() for option in options)
    return lambda held: _plain(held) in options


def _ordered(read: Term) -> Callable[[Any], bool]:
    sign = read.sign
    try:
        limit = float(read.wanted)
    except ValueError:
        raise SelectionError(f"{read.text!r}: {sign} compares numbers, and {read.wanted!r} is none.") from None

    def compare(held: Any) -> bool:
        try:
            number = float(held)
        except (TypeError, ValueError):
            return False
        return {">": number > limit, "<": number < limit, ">=": number >= limit, "<=": number <= limit}[sign]

    return compare


def _network(text: str, said: str) -> Any:
    if "/" not in text:
        return text
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise SelectionError(f"{said!r}: {error}.") from None


def _within(address: str, network: Any) -> bool:
    if isinstance(network, str):
        return address.lower() == network
    try:
        return ipaddress.ip_address(address) in network
    except ValueError:
        return False


def _plain(held: Any) -> str:
    return f"{held:g}" if isinstance(held, float) else str(held).lower()
