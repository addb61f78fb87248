"""The table of witnesses in dissectors/README.md says what the registry says."""

from __future__ import annotations

from tests import witness_table


def test_the_table_is_current() -> None:
    kept = witness_table.README.read_text(encoding="utf-8")
    assert kept == witness_table.written(kept), "make it anew with `python -m tests.witness_table`"
