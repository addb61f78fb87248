"""The project's captures are those that the manifest describes, and the manifest says what `pcaps/make` says."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import yaml

from pcaps.make.__main__ import CAPTURES
from tests.corpus import PROJECT

PCAPS = PROJECT / "pcaps"
MANIFEST: list[dict[str, Any]] = yaml.safe_load((PCAPS / "MANIFEST.yml").read_text(encoding="utf-8"))
MOST = 300_000


def test_every_capture_is_described() -> None:
    here = {str(path.relative_to(PCAPS)) for path in PCAPS.glob("*/*.pcap*")}
    assert here == {entry["file"] for entry in MANIFEST} == set(CAPTURES), "run `python -m pcaps.make NAME`"


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: str(entry["file"]))
def test_the_manifest_is_right(entry: dict[str, Any]) -> None:
    data = (PCAPS / entry["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == entry["sha256"]
    assert len(data) <= MOST, "captures of the project are small"
    content, made, _ = CAPTURES[entry["file"]]
    assert (entry["content"], entry["made"]) == (content, made), "write content and made of pcaps/make into MANIFEST.yml"
