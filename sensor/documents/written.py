"""The table written out as functions: a document is made of every record that is shipped, and asking the table anew for each costs three
times as much as what is asked for.

What transactions repeat (who talks to whom, what is done: REPEATED) is apart from what is new in each, so that it is made once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any, Final

from sensor.documents import derived
from sensor.documents.fields import Field, fields_of

Document = dict[str, Any]
Fill = Callable[[Mapping[str, Any], Document], None]
Path = tuple[str, ...]
Tree = Mapping[Path, Sequence[Field]]
REPEATED: Final[Mapping[str, Sequence[str]]] = {
    "transaction": (
        "protocol", "flow", "vlan", "initiator", "client", "server", "unit", "function", "sub_function", "access", "outcome", "anomalies",
    ),
}  # fmt: skip
"""Parts of a record that the next one of a poll has as well."""
READS: Final[Mapping[str, Sequence[str]]] = {
    "message": ("protocol", "function", "outcome"), "event_kind": ("function",), "event_category": (), "event_type": ("function",),
    "event_action": ("function",), "event_outcome": ("outcome",), "network_type": ("client", "server"), "vlan": ("vlan",),
    "client_address": ("client",), "client_mac": ("client",), "server_address": ("server",), "server_mac": ("server",),
    "related_ip": ("client", "server"),
}  # fmt: skip
"""What functions of sensor.documents.derived read of a transaction, where it is repeated (a test watches them read)."""
_NOTHING: Final[Mapping[str, Any]] = {}


@cache
def repeated(record: str) -> tuple[Tree, Tree]:
    """Branches of the document and their fields: those that only say what is repeated, and the rest. A branch within another is one or the
    other."""
    fields = [field for field in fields_of(record) if field.source[0] not in "$-"]
    new = {_path(field) for field in fields if not _repeats(field, record)}
    same = [field for field in fields if _repeats(field, record) and (len(_path(field)) < 2 or _path(field) not in new)]
    return _tree(same), _tree(field for field in fields if field not in same)


@cache
def fill(record: str, *, same: bool) -> Fill:
    """Puts into a document what a record of this kind says: what is repeated (`same`), or the rest. What is empty is left out; 0 and false
    are values. Branches with the same members are one object."""
    known: dict[str, Any] = {"put": _put, "nothing": _NOTHING}
    exec(compile(_written(repeated(record)[not same], known), f"<{record} by fields.tsv>", "exec"), known)
    made: Fill = known["fill"]
    return made


def _repeats(field: Field, record: str) -> bool:
    if record not in REPEATED:
        return False
    first = field.source.partition(".")[0]
    reads = READS.get(first[1:]) if first[0] in "=~" else [first]
    return reads is not None and set(reads) <= set(REPEATED[record])


def _path(field: Field) -> Path:
    return tuple(field.name.split(".")[:-1])


def _tree(some: Iterable[Field]) -> Tree:
    found: dict[Path, list[Field]] = {}
    for field in some:
        found.setdefault(_path(field), []).append(field)
    return found


def _written(tree: Tree, known: dict[str, Any]) -> str:
    """The function's text: each source is asked once, `known` gets what it calls."""
    lines = ["def fill(record, made):", "pass"]
    values: dict[str, str] = {}
    outer: dict[str, str] = {}
    for some in tree.values():
        for field in some:
            if field.source not in values:
                values[field.source] = f"v{len(values)}"
                lines += _asked(field.source, values[field.source], outer, known)
    lines += _branches(tree, values)
    return "\n    ".join(lines) + "\n"


def _asked(source: str, name: str, outer: dict[str, str], known: dict[str, Any]) -> list[str]:
    """Lines that ask for a value."""
    if source[0] in "=~":
        known[f"of_{name}"] = getattr(derived, source[1:]) if source[0] == "=" else partial(derived.said_of, source[1:])
        return [f"{name} = of_{name}(record)"]
    first, _, inner = source.partition(".")
    if not inner:
        return [f"{name} = record.get({first!r})"]
    lines = []
    if first not in outer:
        outer[first] = f"o{len(outer)}"
        lines.append(f"{outer[first]} = record.get({first!r}) or nothing")
    return [*lines, f"{name} = {outer[first]}.get({inner!r})"]


def _branches(tree: Tree, values: Mapping[str, str]) -> list[str]:
    """Lines that build branches and put them where they belong."""
    lines: list[str] = []
    same: dict[tuple[tuple[str, str], ...], str] = {}
    for number, (path, some) in enumerate(tree.items()):
        members = tuple((field.name.rpartition(".")[2], values[field.source]) for field in some)
        branch = same.get(members) or (f"b{number}" if path else "made")
        if members not in same:
            lines += [f"{branch} = {{}}"] if path else []
            lines += [f"if {value} or {value} is not None and {value} == 0: {branch}[{name!r}] = {value}" for name, value in members]
        if path:
            lines.append(f"if {branch}: put(made, {path!r}, {branch})")
        if not any(other[: len(path)] == path for other in tree if other != path):
            same[members] = branch
    return lines


def _put(made: Document, path: Path, held: Document) -> None:
    for name in path[:-1]:
        made = made.setdefault(name, {})
    known = made.get(path[-1])
    if known is None:
        made[path[-1]] = held
    else:
        known.update(held)
