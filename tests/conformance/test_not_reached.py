"""The table of what no capture reaches is current."""

from __future__ import annotations

import pytest

from tests import corpus, coverage_table
from tests.test_distribution import AWAY


@pytest.mark.skipif(AWAY, reason="the list of objects is read in the source tree")
def test_the_table_is_current() -> None:
    if corpus.folder() is None:
        pytest.skip("1 table is not made anew: no corpus (set FIELDTAP_CORPUS)")
    kept = coverage_table.PLACE.read_text(encoding="utf-8")
    assert kept == coverage_table.table(), "make it anew with `python -m tests.coverage_table`"
