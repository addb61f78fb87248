"""The list that scapy ships: it has what the lookup expects of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensor.inventory.vendor import vendors_of


def test_real_vendors_by_24_28_and_36_bits(tmp_path: Path) -> None:
    pytest.importorskip("scapy")
    found = vendors_of(["00:80:f4:0b:33:44", "00:1b:c5:00:1a:bc", "02:80:f4:0b:33:44"], tmp_path)
    assert found == {"00:80:f4:0b:33:44": "Telemecanique Electrique", "00:1b:c5:00:1a:bc": "OpenRB.com, Direct SIA"}
