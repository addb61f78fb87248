"""The table of witnesses in dissectors/README.md, made from the registry: `python -m tests.witness_table` writes it."""

from __future__ import annotations

from typing import Final

from dissectors import witnesses
from tests.corpus import PROJECT
from tests.marked import replaced

README: Final = PROJECT / "dissectors" / "README.md"
BEGIN: Final = "<!-- witnesses: made by `python -m tests.witness_table` -->\n"
END: Final = "<!-- end of witnesses -->\n"
HEADS: Final = ("witness", "attribute", "said by the field", "about", "for example")


def table() -> str:
    """What `dissectors.witnesses()` says, a row a statement."""
    rows = [HEADS, ("---",) * len(HEADS)]
    for name, entry in witnesses().items():
        for says in entry["says"]:
            rows.append((f"`{name}`", f"`{says['attribute']}`", f"`{says['field']}`", says["about"], says["example"]))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def written(readme: str) -> str:
    """README with the table as it should be. Raises ValueError where the marks are gone."""
    return replaced(readme, (BEGIN, END), table(), "dissectors/README.md's table of witnesses")


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
    print(README)
