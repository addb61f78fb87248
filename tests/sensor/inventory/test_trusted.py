"""Declared data decide, inferred data never do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from sensor.inventory.trusted import declared_assets, joined, kept_declarations
from sensor.plan import load, placeholders
from tests.sensor.cli.run import ATTACK, fieldtap
from zones import compile_policy
from zones.places import Places

SITE = "fieldtap: 1\nzones:\n  cell: {level: 1, networks: [10.0.1.0/24]}\n  office: {level: 4, networks: [10.0.2.0/24]}\n"
SITE += "assets:\n  plc: {ip: 10.0.1.1}\n"


def said(**fields: str) -> dict[str, dict[str, str]]:
    return {name: {"value": value, "who": "a", "why": "b", "at": "c", "source": "d"} for name, value in fields.items()}


DECLARED = {
    "10.0.2.7": said(role="engineering_station", zone="cell"), "00:80:f4:00:00:01": said(zone="office"), "10.0.1.1": said(zone="office"),
    "10.0.2.8": said(zone="nowhere"), "10.0.2.9": said(name="spare"), "10.0.2.7/modbus:1": said(role="plc"),
}  # fmt: skip


def test_declared_assets_stand_where_people_say(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(SITE)
    plain = compile_policy(str(tmp_path / "site.yml"))
    places = Places(joined(plain, declared_assets(DECLARED)))
    zones = {ip: places.place_of(ip, None, ()).zone.name for ip in ("10.0.2.7", "10.0.1.1", "10.0.2.8", "10.0.2.9", "10.0.2.50")}
    assert zones == {"10.0.2.7": "cell", "10.0.1.1": "cell", "10.0.2.8": "office", "10.0.2.9": "office", "10.0.2.50": "office"}
    assert places.place_of(None, "00:80:f4:00:00:01", ()).zone.name == "office"
    assert joined(plain, ()) is plain


def test_declared_roles_and_tags_fill_placeholders(tmp_path: Path) -> None:
    assets = declared_assets({**DECLARED, "10.0.2.5": said(tags="backup, Jump Host")})
    expected = {"engineering_stations": ("10.0.2.7",), "backups": ("10.0.2.5",), "jump_hosts": ("10.0.2.5",)}
    assert placeholders(None, assets) == expected
    (tmp_path / "site.yml").write_text(SITE)
    plans = [load(tmp_path / "site.yml", declared=declared) for declared in ((), assets, assets)]
    assert plans[0].digest != plans[1].digest == plans[2].digest
    inactive = [{rule["placeholder"] for rule in (plan.rules_summary or {})["inactive"]} for plan in plans]
    assert "engineering_stations" in inactive[0] - inactive[1]


def test_a_store_that_is_none_declares_nothing(tmp_path: Path) -> None:
    assert kept_declarations(tmp_path / "absent.sqlite") == ()
    (tmp_path / "broken.sqlite").write_text("x" * 4096)
    assert kept_declarations(tmp_path / "broken.sqlite") == ()


def test_an_accepted_zone_decides_and_an_inferred_role_does_not(tmp_path: Path) -> None:
    shutil.copy(ATTACK, tmp_path / "attack.pcapng")
    (tmp_path / "site.yml").write_text(
        "fieldtap: 1\nzones:\n  cell: {level: 1, networks: [10.20.1.0/24]}\n  rest: {level: 3, networks: [10.20.0.0/16]}\n"
    )

    def violations(*more: str) -> int:
        done = fieldtap(tmp_path, "replay", "attack.pcapng", "--zones", "site.yml", "--json", *more)
        return sum(finding["kind"] == "violation" for finding in json.loads(done.out)["findings"])

    before = violations()
    assert before > 0
    assert violations() == before, "what the store has concluded by itself changes nothing"
    for address in ("10.20.9.66", "10.20.3.5", "10.20.3.6"):
        assert fieldtap(tmp_path, "assets", "accept", address, "zone=cell", "--why", "moved").code == 0
    assert violations() < before
    assert violations("--store", "none") == before
