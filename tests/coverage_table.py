"""What no capture reaches (STYLE.md, 21): `python -m tests.coverage_table` writes tests/conformance/NOT_REACHED.md.

Looked at are the project's own captures, the golden cases and, where it is installed, the corpus.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml

from dissectors import Engine, Transaction, protocols
from tests import corpus
from tests.golden.crafted import write

PLACE: Final = corpus.PROJECT / "tests" / "conformance" / "NOT_REACHED.md"
GOLDEN: Final = corpus.PROJECT / "tests" / "golden"
PROTOCOLS: Final = ("modbus", "umas", "dnp3", "s7comm", "s7commplus", "opcua")
OBJECTS: Final = {"dnp3": corpus.PROJECT / "dissectors" / "src" / "protocols" / "dnp3" / "tables" / "objects.rs"}
"""Where a protocol's table of objects stands; those that are reached are in its transactions' `request_objects` and `response_objects`."""


@dataclass(slots=True)
class Reached:
    """What was seen of one protocol."""

    functions: Counter[int] = field(default_factory=Counter)
    sub_functions: Counter[tuple[int, int | None, int]] = field(default_factory=Counter)
    rejections: Counter[int] = field(default_factory=Counter)
    anomalies: Counter[str] = field(default_factory=Counter)
    objects: Counter[str] = field(default_factory=Counter)


def reached(captures: Iterable[Path]) -> dict[str, Reached]:
    """What these captures reach, by protocol."""
    found = {name: Reached() for name in PROTOCOLS}
    for path in captures:
        for batch in Engine(follow=True, threads=1, digest=False).replay(path):
            for fact in batch:
                if isinstance(fact, Transaction) and fact.protocol in found:
                    _note(found[fact.protocol], fact)
                elif fact.kind == "anomaly" and fact.protocol in found:
                    found[fact.protocol].anomalies[fact.name] += 1
    return found


def _note(seen: Reached, t: Transaction) -> None:
    seen.functions[t.function.code] += 1
    if t.sub_function is not None:
        seen.sub_functions[t.function.code, t.sub_function.group, t.sub_function.code] += 1
    if t.outcome.result == "rejected" and t.outcome.code is not None:
        seen.rejections[t.outcome.code] += 1
    seen.anomalies.update(t.anomalies)
    if t.protocol in OBJECTS:
        own = json.loads(t.to_json()).get(t.protocol, {})
        seen.objects.update(entry["object"] for half in ("request", "response") for entry in own.get(f"{half}_objects", ()))


def objects(protocol: str) -> list[tuple[str, str]]:
    """The objects of a protocol's table, with their names for people."""
    text = OBJECTS[protocol].read_text(encoding="utf-8")
    return [(name, f"{name} {about}") for name, about in re.findall(r'object\(\(\d+, \d+\), "(\w+)",.*, "(.*)"\)', text)]


def captures(folder: Path) -> Iterator[Path]:
    """All captures; the golden cases are made in `folder`."""
    yield from sorted((corpus.PROJECT / "pcaps").glob("*/*.pcap*"))
    for case in sorted(GOLDEN.glob("*/*/case.yml")):
        made = folder / f"{case.parent.name}.pcap"
        write(yaml.safe_load(case.read_text(encoding="utf-8")), made)
        yield made
    yield from corpus.captures(*PROTOCOLS, "mixed_plant")


def table() -> str:
    """The document."""
    with TemporaryDirectory() as folder:
        found = reached(captures(Path(folder)))
    lines = [
        "# What no capture reaches",
        "",
        "Made by `python -m tests.coverage_table` from the project's captures, the golden cases and the open captures of others.",
        "What stands here is tested by unit tests alone. (Function 90 of Modbus is told as UMAS.)",
    ]
    for name in PROTOCOLS:
        entry, seen = protocols()[name], found[name]
        lines += ["", f"## {entry['title']}", "", "| what | reached | not reached |", "|---|---|---|"]
        functions = [(row["code"], f"{row['code']} {row['name']}") for row in entry["functions"]]
        lines.append(_row("functions", functions, seen.functions))
        sub = [((row["function"], row["group"], row["code"]), _sub(row)) for row in entry["sub_functions"]]
        if sub:
            lines.append(_row("sub-functions", sub, seen.sub_functions))
        if name in OBJECTS:
            lines.append(_row("objects", objects(name), seen.objects))
        lines.append(_row("rejections", [(code, f"{code} {said}") for code, said in entry["rejections"]], seen.rejections))
        lines.append(_row("anomalies", [(said, said) for said, _ in entry["anomalies"]], seen.anomalies))
    return "\n".join(lines) + "\n"


def _sub(row: Mapping[str, Any]) -> str:
    """A sub-function, with its group where it has one."""
    numbers = [row["function"], row["group"], row["code"]]
    return "/".join(str(number) for number in numbers if number is not None) + f" {row['name']}"


def _row(what: str, known: Sequence[tuple[Hashable, str]], seen: Mapping[Any, int]) -> str:
    missing = [text for key, text in known if not seen.get(key)]
    return f"| {what} | {len(known) - len(missing)} of {len(known)} | {', '.join(missing) or '–'} |"


if __name__ == "__main__":
    PLACE.write_text(table(), encoding="utf-8")
    print(PLACE)
