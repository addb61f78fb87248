"""The fields of rules, made from the code and the protocols: `python -m tests.field_table` writes rules/own_fields.json and
rules/README.md's tables.

What a protocol alone has (`modbus.transaction_id`) is found where its dissector names it, and its type where one of the project's captures
has it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dissectors import Engine, protocols
from rules.documents import document_field
from rules.fields import FIELDS
from tests.corpus import PROJECT
from tests.marked import replaced

README: Final = PROJECT / "rules" / "README.md"
OWN: Final = PROJECT / "rules" / "own_fields.json"
MARKS: Final = ("<!-- fields: made by `python -m tests.field_table` -->\n", "<!-- end of fields -->\n")
OWN_MARKS: Final = ("<!-- own fields: made by `python -m tests.field_table` -->\n", "<!-- end of own fields -->\n")
_NAMED: Final = re.compile(r'(?:\(|name: )"([a-z][a-z0-9_]*)"\s*[,:)]')
_SHARED: Final = {"s7comm": ("s7comm", "cotp"), "s7commplus": ("s7commplus", "cotp"), "umas": ("umas", "modbus")}
_TYPES: Final[Mapping[type, str]] = {bool: "true or false", int: "number", float: "number", str: "text", list: "list"}


def table() -> str:
    """The fields that every transaction has, and OPC UA's that are part of its operations."""
    heads = ("field", "type", "stage", "in documents", "meaning")
    rows = [heads, ("---",) * len(heads)]
    rows += [(f"`{one.name}`", one.type, one.stage.name.lower(), f"`{document_field(one.name)}`", one.meaning) for one in FIELDS.values()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def own_table(own: Mapping[str, Mapping[str, str]]) -> str:
    """What each protocol alone has, those fields whose type a capture shows."""
    rows = [("protocol", "its own fields"), ("---", "---")]
    for protocol, fields in own.items():
        shown = ", ".join(f"`{name}` {kind}" for name, kind in fields.items() if kind != "any" and "." not in name)
        nested = sorted({name.partition(".")[0] for name in fields if "." in name})
        more = f"; with fields of their own (`{protocol}.{nested[0]}.…`): {', '.join(f'`{name}`' for name in nested)}" if nested else ""
        rows.append((f"`{protocol}`", shown + more))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def own_fields() -> dict[str, dict[str, str]]:
    """Protocol → its own fields → type; `any` where no capture of ours has it."""
    named = {name: dict.fromkeys(_in_source(name), "any") for name in protocols()}
    found: dict[str, dict[str, str]] = {name: own for name, own in named.items() if own}  # plug-ins that a test switched on have none
    for path in sorted((PROJECT / "pcaps").rglob("*.pcap*")):
        for batch in Engine().replay(str(path)):
            for t in batch.transactions:
                if t.protocol in found:
                    for name, kind in _kinds(t.detail or {}):
                        seen = found[t.protocol].get(name, "any")
                        found[t.protocol][name] = kind if seen in ("any", kind) else "any"
    return {protocol: dict(sorted(fields.items())) for protocol, fields in found.items()}


def _in_source(protocol: str) -> set[str]:
    folders = [PROJECT / "dissectors" / "src" / "protocols" / name for name in _SHARED.get(protocol, (protocol,))]
    files = [path for folder in folders for path in folder.rglob("*.rs") if "tests" not in path.parts and "tables" not in path.stem]
    return {name for path in files for name in _NAMED.findall(path.read_text(encoding="utf-8"))}


def _kinds(detail: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in detail.items():
        if isinstance(value, Mapping):
            yield from _kinds(value, f"{before}{name}.")
        else:
            yield before + name, _TYPES.get(type(value), "any")


def written(readme: str, own: Mapping[str, Mapping[str, str]]) -> str:
    """README with the tables as they should be. Raises ValueError where the marks are gone."""
    return replaced(replaced(readme, MARKS, table(), "the table of fields"), OWN_MARKS, own_table(own), "the table of own fields")


def kept(own: Mapping[str, Mapping[str, str]]) -> str:
    """The data file."""
    return json.dumps(own, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    made = own_fields()
    OWN.write_text(kept(made), encoding="utf-8")
    README.write_text(written(README.read_text(encoding="utf-8"), made), encoding="utf-8")
    print(OWN, README)
