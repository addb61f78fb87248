"""README's table of protocols says what the registry says."""

from __future__ import annotations

from tests import protocol_table


def test_the_table_is_current() -> None:
    kept = protocol_table.README.read_text(encoding="utf-8")
    assert kept == protocol_table.written(kept), (
        "make it anew with `python -m tests.protocol_table`; it should be:\n" + protocol_table.table()
    )
