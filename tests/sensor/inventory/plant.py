"""A plant of any size, made up: cells with controllers, drives and panels, operations and an office above them."""

from __future__ import annotations

from typing import Any

from sensor.inventory.known import Known, put_together
from tests.sensor.inventory.made import asset, attribute, edge, said

CELL = 25
"""Devices of one cell."""


def plant(count: int) -> Known:
    """So many devices; the same for each call."""
    assets: list[dict[str, Any]] = []
    edges: list[dict[str, Any]] = []
    office = max(2, count // 8)
    for number in range(office):
        identity = f"10.8.{number // 250}.{number % 250 + 1}"
        assets.append(asset(identity, client=["https"], attributes={"hostname": f"office-{number}", "vendor": "Dell Inc."}))
        edges.append(edge(identity, "10.7.0.1", "https", accesses={"session": 9}))
    historian = asset("10.7.0.1", server=["https"], client=["opcua"], attributes={"hostname": "HISTORIAN-1", "vendor": "Hewlett Packard"})
    scada = asset("10.7.0.2", client=["s7comm", "modbus"], attributes={"hostname": "SCADA-1"})
    assets += [historian, scada]
    for place in range(count - office - 2):
        made, talks = _device(place // CELL, place % CELL)
        assets.append(made)
        edges += talks
    return put_together(assets, edges, captures={"c1": "/captures/plant.pcapng"}, declared=_declared(assets))


def _device(cell: int, place: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    network = f"10.{20 + cell // 250}.{cell % 250}"
    identity, panel, controller = f"{network}.{place + 10}", f"{network}.10", f"{network}.11"
    if place == 0:
        made = asset(identity, client=["s7comm"], attributes={"hostname": f"PANEL-{cell}", "model": "6AV2 124-0GC01-0AX0"})
        return made, [edge(identity, f"{network}.{other}", "s7comm", accesses={"read": 5000, "write": 12}) for other in (11, 12, 13)]
    if place < 7:
        told = {
            "name": f"CPU-{cell}-{place}",
            "model": "6ES7 315-2EH14-0AB0",
            "firmware": attribute(said("V3.2.6"), said("V3.2.7", packet=99)),
        }
        polled = edge("10.7.0.2", identity, "s7comm", accesses={"read": 100 * place})
        return asset(identity, server=["s7comm"], attributes=told), [polled]
    if place < 22:
        made = asset(identity, server=["modbus"], attributes={"model": "ATV320 drive", "vendor": "Schneider Electric"})
        return made, [edge(controller, identity, "modbus", accesses={"read": 900, "write": 300}, points=["holding_register:0-19"])]
    if place == 22:
        made = asset(identity, client=["s7comm"], attributes={"hostname": f"ENG-{cell}", "application": "WinCC ES"})
        return made, [edge(identity, controller, "s7comm", accesses={"program": 3, "read": 20})]
    if place == 23:
        return asset(identity, attributes={"description": "SCALANCE X204 switch"}), []
    return asset(identity, server=["http"]), [edge(panel, identity, "http", accesses={"session": 2})]


def _declared(assets: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    who = {"who": "Ana Example", "why": "list of 2026", "at": "2026-03-01T00:00:00+00:00", "source": "known.yml"}
    told: dict[str, dict[str, dict[str, Any]]] = {}
    for one in assets:
        parts = one["id"].split(".")
        zone = {"10.8": "office", "10.7": "operations"}.get(".".join(parts[:2]), f"cell-{parts[2]}")
        told[one["id"]] = {"zone": {"value": zone, **who}}
        if zone == "operations":
            told[one["id"]]["level"] = {"value": "3", **who}
        if zone == "office":
            told[one["id"]]["level"] = {"value": "4", **who}
    return told
