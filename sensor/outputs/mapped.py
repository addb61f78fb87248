"""The map of assets: one HTML file that works without a network, by double click, on anybody's laptop.

Its parts are map/map.html.j2, map.css, detail.js and map.js. A content security policy allows only that style and script, by their digests;
the data stand in a JSON block that can't end it, and the script writes texts as text, so nothing a device says becomes markup.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TextIO

from sensor.inventory.known import Known, value
from sensor.inventory.names import ROLES
from sensor.outputs.flat import key
from sensor.outputs.lanes import about, called, lanes
from zones.model import ACCESSES

_FOLDER: Final = Path(__file__).with_name("map")
_FACTS: Final = ("vendor", "model", "firmware", "hardware", "serial", "os", "location", "criticality", "description")
_EDGE: Final = (
    "transactions",
    "rejected",
    "accesses",
    "functions",
    "points",
    "more_points",
    "per_minute",
    "first",
    "last",
    "ledger",
    "evidence",
)


def write_map(known: Known, out: TextIO, title: str = "Asset map") -> None:
    """The whole file."""
    import jinja2

    style, *scripts = ((_FOLDER / name).read_text("utf-8") for name in ("map.css", "detail.js", "map.js"))
    script = "".join(scripts)
    template = (_FOLDER / "map.html.j2").read_text("utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    page = environment.from_string(template).render(
        title=title, style=style, script=script, style_digest=_digest(style), script_digest=_digest(script), data=_json(payload(known)),
    )  # fmt: skip
    out.write(page)


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _json(data: Any) -> str:
    """JSON that can't close its block (HTML, 4.12.1.3): what means anything to a parser is escaped."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), default=str)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def payload(known: Known) -> dict[str, Any]:
    """What the script shows: lanes of places among the assets, assets, edges between places."""
    devices = [asset for asset in known.assets if asset["parent"] is None]
    places = {asset["id"]: place for place, asset in enumerate(devices)}
    units: dict[str, list[Mapping[str, Any]]] = {}
    for asset in known.assets:
        if asset["parent"] is not None:
            units.setdefault(asset["parent"], []).append(asset)
    rows = [
        {"level": lane.name, "title": lane.title,
         "groups": [{"zone": group.zone, "assets": [places[asset["id"]] for asset in group.assets]} for group in lane.groups]}
        for lane in lanes(devices)
    ]  # fmt: skip
    edges = [_edge(edge, places) for edge in known.edges if edge["client"] in places and edge["server"] in places]
    return {
        "lanes": rows, "assets": [_asset(asset, units.get(asset["id"], ())) for asset in devices], "edges": edges,
        "captures": dict(known.captures), "roles": dict(ROLES), "accesses": list(ACCESSES),
    }  # fmt: skip


def _edge(edge: Mapping[str, Any], places: Mapping[str, int]) -> dict[str, Any]:
    ends = {"client": places[edge["client"]], "server": places[edge["server"]], "protocol": edge["protocol"], "key": key(edge)}
    return {**ends, **{name: edge[name] for name in _EDGE}, "units": edge["units"]}


def _asset(asset: Mapping[str, Any], units: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    role = value(asset, "role")
    facts = {name: said for name in _FACTS if (said := value(asset, name)) not in (None, "")}
    return {
        "id": asset["id"], "called": called(asset), "about": about(asset), "role": role, "zone": asset["zone"],
        "level": None if asset["level"] is None else f"{asset['level']:g}", "level_by": asset["level_by"], "kind": asset["kind"],
        "addresses": asset["addresses"], "vlans": asset["vlans"], "first": asset["first"], "last": asset["last"], "cpe": asset["cpe"],
        "protocols": [f"{one['protocol']} {one['role']}" for one in asset["roles"]], "facts": facts,
        "declared": asset["declared"], "concluded": asset["concluded"], "contradictions": asset["contradictions"],
        "attributes": asset["attributes"], "units": [_unit(unit) for unit in units],
    }  # fmt: skip


def _unit(unit: Mapping[str, Any]) -> dict[str, Any]:
    return {"unit": unit["id"].rpartition("/")[2], "about": about(unit), "firmware": value(unit, "firmware"), "role": value(unit, "role")}
