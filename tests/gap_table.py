"""Which messages that can show a technique have a rule, and which wait: `python -m tests.gap_table` writes rules/GAPS.md of
rules/messages.yml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from dissectors import protocols
from rules.attack import pinned
from rules.correlation import references
from rules.loader import catalog, rule_files
from rules.source import read
from tests.corpus import PROJECT

MESSAGES: Final = PROJECT / "rules" / "messages.yml"
TABLE: Final = PROJECT / "rules" / "GAPS.md"


def _written() -> dict[str, Mapping[str, Any]]:
    return {document.data["name"]: document.data for path, _ in rule_files([catalog()]) for document in read(path, [])}


def _protocols(rule: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The protocols that a rule, or what it counts, names."""
    if "correlation" in rule:
        for name in references(rule):
            yield from _protocols(known[name], known)
    for search in rule.get("detection", {}).values():
        for fields in search if isinstance(search, list) else [search]:
            stated = fields.get("protocol") if isinstance(fields, Mapping) else None
            yield from stated if isinstance(stated, list) else [stated] if stated else []


def table() -> str:
    """GAPS.md."""
    known = _written()
    said = {name: (_techniques(rule), set(_protocols(rule, known))) for name, rule in known.items() if "tags" in rule}
    rows: dict[str, list[str]] = {"waits": [], "none": [], "covered": []}
    for entry in yaml.safe_load(MESSAGES.read_text(encoding="utf-8")):
        technique, protocol = entry["technique"], entry["protocol"]
        rules = [name for name, (ids, spoken) in said.items() if protocol in spoken and technique in ids]
        state = "covered" if rules else "none" if protocol in protocols() else "waits"
        name = pinned()["techniques"][technique]["name"]
        line = f"| {technique} | {name} | `{protocol}` | {entry['class']} | {entry['messages']} |"
        rows[state].append(f"{line} {', '.join(f'`{one}`' for one in rules)} |" if rules else line)
    return _document(rows)


def _techniques(rule: Mapping[str, Any]) -> set[str]:
    """The techniques that a rule names, with the parents of sub-techniques."""
    named = {tag.removeprefix("attack.").upper() for tag in rule["tags"]}
    return named | {one.partition(".")[0] for one in named}


def _document(rows: Mapping[str, list[str]]) -> str:
    head = "| technique | name | protocol | class | messages |"
    rule = "| --- | --- | --- | --- | --- |"
    waits, none, covered = (len(rows[state]) for state in ("waits", "none", "covered"))
    lines = [
        "# What could be shown, and what is",
        "",
        "Made by `python -m tests.gap_table` from `messages.yml` and the catalog: messages of classes A (one message is the technique)",
        f"and B (a message in its context). Of {waits + none + covered} kinds of messages {covered} have a rule, {none} have none yet",
        f"though their protocol is dissected, {waits} wait for a dissector.",
        "", "## Waits for a dissector", "", head, rule, *rows["waits"],
        "", "## Dissected, without a rule yet", "", head, rule, *rows["none"],
        "", "## With rules", "", f"{head} rules |", f"{rule} --- |", *rows["covered"],
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
    print(TABLE)
