"""On the project's own plants: an ordinary day is learned, the same day is silent, an attack is what is new."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sensor.baseline.course import Until
from sensor.baseline.model import GRAVE
from tests.corpus import PROJECT
from tests.sensor.baseline.runs import alerts, in_one, judged, learned, news

PCAPS = PROJECT / "pcaps"
PLANTS = [
    ("plant", "normal.pcapng"),
    ("mixed", "normal.pcapng"),
    ("dnp3", "normal.pcapng"),
    ("opcua", "normal.pcapng"),
    ("s7", "normal.pcapng"),
]


@pytest.mark.parametrize(("plant", "capture"), PLANTS)
def test_what_was_learned_is_silent(plant: str, capture: str) -> None:
    path = PCAPS / plant / capture
    baseline = learned([path])
    assert baseline.operations
    assert news(judged([path], baseline)) == []


def test_an_attack_on_the_plant_is_what_is_new() -> None:
    """The intruder is a new asset, whatever it does; of the others only set points are new that nobody had written in those 20 s."""
    baseline = learned([PCAPS / "plant" / "normal.pcapng"])
    found = alerts(judged([PCAPS / "plant" / "attack.pcapng"], baseline))
    by_intruder = [one for one in found if one["client"]["ip"] == "10.20.9.66"]
    assert {one["detail"]["baseline"]["how"] for one in by_intruder} == {"asset"}
    writes = [one for one in by_intruder if one["access"] in GRAVE]
    assert sum(one["count"] for one in writes) == 64
    assert {one["severity"] for one in writes} == {"high"}
    others = [one for one in found if one not in by_intruder]
    assert [(one["detail"]["baseline"]["how"], one["client"]["ip"], one["count"]) for one in others] == [
        ("value", "10.20.3.5", 1), ("value", "10.20.3.5", 1),
    ]  # fmt: skip


def ways(found: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """How new, and who."""
    return {(one["detail"]["baseline"]["how"], one["client"]["ip"]) for one in found}


def test_an_attack_on_the_water_works_is_what_is_new() -> None:
    """The intruder goes from host to host that were all there: an office PC reaches the DMZ by remote desktop, the DMZ talks to the cell,
    the engineering station loads and stops a controller, the gateway writes; and a router refuses part of the scan. Nothing is said of
    what goes on as before."""
    baseline = learned([PCAPS / "mixed" / "normal.pcapng"])
    found = alerts(judged([PCAPS / "mixed" / "attack.pcapng"], baseline))
    assert ways(found) == {
        ("protocol", "10.40.0.66"), ("conversation", "10.35.0.51"), ("function", "10.30.0.41"), ("points", "10.30.0.41"),
        ("function", "10.20.0.30"), ("asset", "10.30.0.2"),
    }  # fmt: skip
    stop = [one for one in found if (one["function"] or {}).get("name") == "plc_stop"]
    assert [(one["severity"], one["count"]) for one in stop] == [("high", 1)]


@pytest.mark.parametrize("plant", ["s7", "opcua"])
def test_only_the_intruder_is_new(plant: str) -> None:
    baseline = learned([PCAPS / plant / "normal.pcapng"])
    assert ways(alerts(judged([PCAPS / plant / "attack.pcapng"], baseline))) == {("asset", "10.20.9.66")}


def test_learning_in_the_middle_of_a_run_changes_neither_with_batches_nor_threads() -> None:
    whole = None
    captures = [PCAPS / "mixed" / "normal.pcapng", PCAPS / "mixed" / "attack.pcapng"]
    for options in ({"threads": 1}, {"threads": 2, "batch_packets": 11}, {"threads": 1, "batch_packets": 1}):
        result = in_one(captures, Until(time=150 * 1_000_000_000), **options)
        document = json.dumps([result.to_dict()["findings"], result.to_dict()["baseline"]])
        assert document == (whole or document), options
        whole = document
    assert whole is not None
    assert "baseline-conversation" in whole
