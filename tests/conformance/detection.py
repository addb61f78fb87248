"""How much of what is in labelled captures the catalog finds: `python -m tests.conformance.detection` prints it and writes DETECTION.md.

Needs the corpus (FIELDTAP_CORPUS). A technique is found where an alert names it or one of its sub-techniques, not where one names its
parent; an alert whose technique neither a label nor the bytes explain is false. Placeholders are what the capture's site would have
declared. The clean captures are replayed with the policy-free catalog, as tests/conformance/test_clean.py does.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

import dissectors
from rules.attack import pinned
from rules.evidence import Trial
from rules.loader import catalog, compile_rules
from rules.plan import Plan
from sensor.plan import services
from tests import corpus
from tests.corpus import PROJECT
from tests.marked import replaced

HERE: Final = Path(__file__).parent
TABLE: Final = HERE / "DETECTION.md"
README: Final = PROJECT / "README.md"
MARKS: Final = ("<!-- detection: made by `python -m tests.conformance.detection` -->\n", "<!-- end of detection -->\n")


@dataclass(frozen=True, slots=True)
class Measured:
    """One capture: techniques that were expected, by name those found and missed, and false alerts by rule."""

    capture: str
    labels: str
    expected: Mapping[str, str]
    alerts: Mapping[str, frozenset[str]]
    also: Mapping[str, str]

    @property
    def found(self) -> list[str]:
        """Expected techniques that an alert names."""
        return [one for one in self.expected if any(within(other, one) for ids in self.alerts.values() for other in ids)]

    @property
    def missed(self) -> list[str]:
        """Expected techniques that no alert names."""
        return [one for one in self.expected if one not in self.found]

    @property
    def false(self) -> list[str]:
        """Rules that alert on what neither a label nor the bytes explain."""
        true = (*self.expected, *self.also)
        return sorted(
            rule for rule, ids in self.alerts.items() if not any(within(one, other) or within(other, one) for one in ids for other in true)
        )


def within(one: str, other: str) -> bool:
    """The same technique, or one of its sub-techniques."""
    return one == other or one.startswith(f"{other}.")


def plan(declared: Mapping[str, Sequence[str]]) -> Plan:
    """The catalog as a site with these declarations has it."""
    return compile_rules([catalog()], dissectors.protocols(), declared, services())


def measured() -> Iterator[Measured]:
    """All labelled captures that are in the corpus."""
    for entry in yaml.safe_load((HERE / "detection.yml").read_text(encoding="utf-8")):
        active = plan(entry.get("declared", {}))
        techniques = {rule.name: frozenset(one.id for one in rule.alert.attack) for rule in active.rules}
        found = Trial(active, corpus.named(entry["capture"])).run()
        alerts = {name: techniques[name] for name, count in sorted(found.items()) if count}
        yield Measured(entry["capture"], entry["labels"], entry["expected"], alerts, entry.get("also", {}))


def false_on_clean() -> tuple[int, Counter[str]]:
    """How many clean captures there are, and which rules alert on them."""
    active = plan({})
    names = (HERE / "clean.txt").read_text(encoding="utf-8").split()
    total: Counter[str] = Counter()
    for name in names:
        total.update({rule: 1 for rule, count in Trial(active, corpus.named(name)).run().items() if count})
    return len(names), total


def document(rows: Sequence[Measured], clean: tuple[int, Counter[str]]) -> str:
    """DETECTION.md."""
    lines = [
        "# What the catalog finds in captures of others",
        "",
        "Made by `python -m tests.conformance.detection` from `detection.yml`, where labels and declarations stand. A technique that is",
        "missed stays in the table.",
        "",
        summed(rows, clean),
        "| capture | expected | found | missed | false |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        name = f"{row.capture.partition('/')[0]}: {row.capture.rpartition('__')[2]}"
        missed = "; ".join(f"{one} ({row.expected[one]})" for one in row.missed)
        lines.append(f"| {' | '.join((name, ' '.join(row.expected), ' '.join(row.found), missed, ' '.join(row.false)))} |")
    lines += ["", "## By technique", "", "| technique | name | captures with it | found in |", "| --- | --- | ---: | ---: |"]
    for technique in sorted({one for row in rows for one in row.expected}):
        having = [row for row in rows if technique in row.expected]
        name = pinned()["techniques"][technique]["name"]
        lines.append(f"| {technique} | {name} | {len(having)} | {sum(technique in row.found for row in having)} |")
    lines += ["", "## On clean captures", "", clean_words(clean)]
    return "\n".join(lines) + "\n"


def clean_words(clean: tuple[int, Counter[str]]) -> str:
    """The false alerts on captures of ordinary traffic."""
    number, total = clean
    told = ", ".join(f"{rule} on {count}" for rule, count in sorted(total.items())) or "none"
    return (
        f"{number} captures of ordinary traffic (`clean.txt`, IT networks among them), the catalog without a policy: false alerts {told}."
    )


def summed(rows: Sequence[Measured], clean: tuple[int, Counter[str]]) -> str:
    """The table's sums."""
    expected, found = sum(len(row.expected) for row in rows), sum(len(row.found) for row in rows)
    false = sum(len(row.false) for row in rows)
    return (
        "| | captures | techniques expected | found | missed | false alerts |\n| --- | ---: | ---: | ---: | ---: | ---: |\n"
        f"| labelled | {len(rows)} | {expected} | {found} | {expected - found} | {false} |\n"
        f"| clean | {clean[0]} | 0 | | | {sum(clean[1].values())} |\n"
    )


if __name__ == "__main__":
    if corpus.folder() is None:
        sys.exit("no corpus: set FIELDTAP_CORPUS")
    rows, clean = list(measured()), false_on_clean()
    TABLE.write_text(document(rows, clean), encoding="utf-8")
    kept = README.read_text(encoding="utf-8")
    README.write_text(replaced(kept, MARKS, summed(rows, clean), "README.md's table of detection"), encoding="utf-8")
    print(TABLE.read_text(encoding="utf-8"))
