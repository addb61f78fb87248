"""Normal traffic gives no alert and no anomaly, in captures of any protocol; and nothing is taken for a protocol that it isn't."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from dissectors import CaptureError
from sensor.pipeline import ReplayConfig, replay
from tests import corpus

HERE = Path(__file__).parent
CLEAN = HERE.joinpath("clean.txt").read_text(encoding="utf-8").split()
PLACES = [HERE, *sorted(place.parent for place in HERE.glob("*/foreign.yml"))]
NOT_CLEAN = {
    entry["capture"]: entry
    for place in PLACES if (place / "not_clean.yml").exists()
    for entry in yaml.safe_load((place / "not_clean.yml").read_text(encoding="utf-8"))
}  # fmt: skip
FOREIGN = {place.name: yaml.safe_load((place / "foreign.yml").read_text(encoding="utf-8")) or {} for place in PLACES[1:]}
"""Captures of other folders that have a protocol in them: how many transactions, and why that is true."""
SPOKEN = {"modbus": ("modbus", "umas"), "dnp3": ("dnp3",), "s7": ("s7comm", "s7commplus"), "opcua": ("opcua",)}
"""The protocols of a folder's dissector, and in which folders of the corpus they are spoken."""
FOLDERS = sorted({name.partition("/")[0] for name in CLEAN})


@cache
def replayed(name: str) -> Mapping[str, Any]:
    """The document of a replay with the rules of the catalog."""
    return replay(ReplayConfig(captures=[corpus.named(name)], keep=False, threads=1)).to_dict()


def alerts(document: Mapping[str, Any]) -> list[str]:
    return sorted(finding["title"] for finding in document["findings"] if finding["kind"] == "alert")


def anomalies(document: Mapping[str, Any]) -> dict[str, int]:
    return {name: count for protocol in document["protocols"].values() for name, count in protocol["anomalies"].items()}


def unreadable(document: Mapping[str, Any]) -> list[str]:
    return [finding["reason"] for finding in document["findings"] if finding["reason"].startswith("unreadable")]


@pytest.mark.parametrize("folder", FOLDERS)
def test_normal_traffic_gives_no_alert_and_no_anomaly(folder: str) -> None:
    names = [name for name in CLEAN if name.startswith(folder + "/")]
    if corpus.folder() is None:
        pytest.skip(f"{len(names)} clean captures are not replayed: no corpus (set FIELDTAP_CORPUS)")
    wrong = {}
    for name in names:
        document = replayed(name)
        said = [
            *alerts(document),
            *anomalies(document),
            *unreadable(document),
            *document["captures"][0]["anomalies"],
            *document["ceilings"],
        ]
        if said:
            wrong[name] = said
    assert not wrong, "normal traffic, by the bytes; if that is not so, move it to not_clean.yml with the reason"


@pytest.mark.parametrize("name", sorted(NOT_CLEAN), ids=lambda name: name.rpartition("__")[2])
def test_what_is_wrong_is_said(name: str) -> None:
    document, known = replayed(name), NOT_CLEAN[name]
    assert alerts(document) == sorted(known.get("alerts", []))
    assert anomalies(document) == known.get("anomalies", {})
    assert document["captures"][0]["anomalies"] == known.get("capture_anomalies", {})


def test_each_normal_capture_is_on_one_of_the_lists() -> None:
    assert not set(CLEAN) & set(NOT_CLEAN)
    place = corpus.folder()
    if place is None:
        pytest.skip(f"{len(CLEAN) + len(NOT_CLEAN)} captures are not looked for: no corpus (set FIELDTAP_CORPUS)")
    header, *rows = (line.split("\t") for line in (place / "MANIFEST.open.tsv").read_text(encoding="utf-8").splitlines())
    file, tags = header.index("file"), header.index("tags")
    normal = {row[file] for row in rows if row[tags] in ("normal", "negative-control")}
    assert normal == set(CLEAN) | set(NOT_CLEAN)


@pytest.mark.parametrize("folder", sorted({*FOLDERS, "tristation"}))
@pytest.mark.parametrize("spoken", sorted(SPOKEN))
def test_nothing_else_is_taken_for_it(spoken: str, folder: str) -> None:
    """In all captures of other protocols, attacks and malformed ones included."""
    if corpus.folder() is None or folder in SPOKEN[spoken]:
        pytest.skip("no corpus (set FIELDTAP_CORPUS)" if folder not in SPOKEN[spoken] else "its own captures")
    for path in corpus.captures(folder):
        name = f"{folder}/{path.name}"
        try:
            protocols = replayed(name)["protocols"]
        except CaptureError:
            assert path.suffix in (".tsv", ".txt"), name
            continue
        seen = sum(protocols.get(protocol, {}).get("transactions", 0) for protocol in SPOKEN[spoken])
        assert seen == FOREIGN[spoken].get(name, {}).get("transactions", 0), name


def test_every_protocol_says_where_else_it_is_spoken() -> None:
    assert set(FOREIGN) == set(SPOKEN)
