"""What the catalog finds in labelled captures stands in DETECTION.md, and nothing there is false."""

from __future__ import annotations

import pytest
import yaml

from rules.attack import pinned
from tests import corpus
from tests.conformance import detection


def entries() -> list[dict[str, object]]:
    made: list[dict[str, object]] = yaml.safe_load((detection.HERE / "detection.yml").read_text(encoding="utf-8"))
    return made


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: str(entry["capture"]).rpartition("__")[2])
def test_labels_name_techniques_of_the_pinned_release(entry: dict[str, dict[str, str]]) -> None:
    named = {*entry["expected"], *entry.get("also", {})}
    assert named <= set(pinned()["techniques"]), named - set(pinned()["techniques"])


def test_the_table_is_what_is_found_now() -> None:
    if corpus.folder() is None:
        pytest.skip("no corpus (set FIELDTAP_CORPUS)")
    kept = detection.TABLE.read_text(encoding="utf-8")
    for row in detection.measured():
        line = next(line for line in kept.splitlines() if row.capture.rpartition("__")[2] in line)
        assert [cell.strip() for cell in line.split("|")][3] == " ".join(row.found), f"{row.capture}: make it anew, {detection.__name__}"
        assert row.false == [], row.capture
