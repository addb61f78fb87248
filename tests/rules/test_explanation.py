"""Which selections of a rule fit a transaction, and why."""

from __future__ import annotations

from pathlib import Path

import pytest

import dissectors
from rules.explanation import Explained, explained
from rules.loader import catalog
from tests.synthetic import transaction

pytestmark = pytest.mark.skipif(getattr(dissectors._native, "__file__", None) is None, reason="the native engine is not built")
WRITE = {"protocol": "modbus", "access": "write", "client": {"ip": "10.0.0.9"}, "function": {"code": 5, "name": "write_single_coil"}}


def told(file: str, identifier: str, stations: tuple[str, ...] = (), **more: object) -> Explained:
    path = Path(str(catalog())) / file
    found = explained(path, identifier, transaction({**WRITE, **more}), dissectors.protocols(), {"engineering_stations": stations})  # type: ignore[arg-type]
    assert found is not None
    return found


def test_a_selection_that_fits_and_one_that_does_not_with_their_values() -> None:
    said = told("modbus/modbus-write-outside-engineering-stations.yml", "6c1f8f0e-6f4e-4f0e-9d51-2f7f5a5f2b11", ("10.0.0.1",))
    assert said.condition == "write and not known"
    write, known = said.selections
    assert (write.name, write.fits, write.has) == ("write", True, ["protocol: modbus", "access: write"])
    assert (known.name, known.fits, known.has) == ("known", False, ["client.ip: 10.0.0.9"])
    assert "engineering_stations" in known.asks


def test_a_placeholder_has_the_values_that_were_declared() -> None:
    said = told("modbus/modbus-write-outside-engineering-stations.yml", "6c1f8f0e-6f4e-4f0e-9d51-2f7f5a5f2b11", ("10.0.0.0/24",))
    assert [one.fits for one in said.selections] == [True, True]


def test_a_correlation_says_what_it_counts_and_explains_the_rule_that_it_counts() -> None:
    outcome = {"result": "unanswered"}
    said = told("modbus/modbus-unit-sweep.yml", "83027916-ae00-51f0-996c-ce743bb2ef62", outcome=outcome)
    assert "timespan: 10m" in said.counted
    assert [(one.rule, one.name, one.fits) for one in said.selections] == [
        ("modbus-absent-unit", "request", True), ("modbus-absent-unit", "silent", True), ("modbus-absent-unit", "refused", False)
    ]  # fmt: skip


def test_points_are_told_with_their_values() -> None:
    points = [{"point": "OB1", "access": "program"}]
    said = told(
        "s7/s7comm-organization-block-changed.yml", "df72cd0c-448c-5080-84d8-c821c1e55448", protocol="s7comm", access="program",
        function={"code": 26, "name": "request_download"}, points=points,
    )  # fmt: skip
    assert [one.fits for one in said.selections] == [True, True]
    assert said.selections[1].has == ["points.kind: organization_block"]


def test_another_rule_is_not_in_the_file() -> None:
    path = Path(str(catalog())) / "modbus" / "modbus-unit-sweep.yml"
    assert explained(path, "nobody", transaction(WRITE), dissectors.protocols(), {}) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("path", sorted(Path(str(catalog())).rglob("*.yml")), ids=lambda path: path.stem)
def test_every_rule_can_be_explained(path: Path) -> None:
    import yaml

    first = next(iter(yaml.safe_load_all(path.read_text())))
    said = explained(path, first["id"], transaction(WRITE), dissectors.protocols(), {})  # type: ignore[arg-type]
    assert said is not None
    assert said.selections
