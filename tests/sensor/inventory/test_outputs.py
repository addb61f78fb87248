"""Every export holds the same, can be read again by others, and nothing that a device says of itself gets out of its field."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path
from typing import TextIO

import pytest

import sensor.outputs
from sensor.inventory.known import Known, put_together
from sensor.outputs.cyclonedx import write_cyclonedx
from sensor.outputs.flat import ASSET, EDGE
from sensor.outputs.graph import write_dot, write_gexf, write_graphml, write_json
from sensor.outputs.mapped import write_map
from sensor.outputs.picture import png, write_svg
from sensor.outputs.tables import safe, write_assets_csv, write_edges_csv
from tests.sensor.inventory.made import asset, edge
from tests.sensor.inventory.plant import plant

HOSTILE = '=HYPERLINK("x")\\"<script>alert(1)</script>\x00\ud800&amp;\n];'


def hostile() -> Known:
    told = {"name": HOSTILE, "model": "6ES7 315-2EH14-0AB0", "firmware": "V3.2.6", "vendor": "Siemens AG"}
    assets = [
        asset("10.0.0.2", server=["s7comm"], attributes=told, units=["0/2"]),
        asset("10.0.0.2/s7comm:0/2", server=["s7comm"], attributes={"name": HOSTILE}, kind="unit", parent="10.0.0.2"),
        asset("10.0.0.1", client=["s7comm"]),
    ]
    talk = edge("10.0.0.1", "10.0.0.2", "s7comm", accesses={"read": 3, "program": 1}, points=["DB1.DBW0", HOSTILE], units=["0/2"])
    return put_together(assets, [talk], captures={"c1": "/x/<b>.pcap"})


def written(write: Callable[[Known, TextIO], None], known: Known) -> str:
    out = StringIO(newline="")
    write(known, out)
    return out.getvalue()


@pytest.mark.parametrize("known", [hostile(), plant(60), put_together([], [])], ids=["hostile", "plant", "empty"])
def test_json_is_as_its_schema_says_and_networkx_reads_it(known: Known) -> None:
    import jsonschema
    import networkx

    document = json.loads(written(write_json, known))
    schema = json.loads((Path(sensor.outputs.__file__).with_name("graph.schema.json")).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    assert [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(document)] == []
    graph = networkx.node_link_graph(document, edges="edges")
    assert graph.number_of_nodes() == len(known.assets)
    units = sum(one["parent"] is not None for one in known.assets)
    assert graph.number_of_edges() == len(known.edges) + units


def test_networkx_reads_graphml_and_gexf() -> None:
    import networkx

    for known in (hostile(), plant(60)):
        graph = networkx.parse_graphml(written(write_graphml, known), force_multigraph=True)
        other = networkx.read_gexf(BytesIO(written(write_gexf, known).encode()))
        units = sum(one["parent"] is not None for one in known.assets)
        assert graph.number_of_nodes() == other.number_of_nodes() == len(known.assets)
        assert graph.number_of_edges() == other.number_of_edges() == len(known.edges) + units
    graph = networkx.parse_graphml(written(write_graphml, hostile()), force_multigraph=True)
    assert graph.nodes["10.0.0.2"]["name"] == HOSTILE.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    assert graph.nodes["10.0.0.2"]["level"] == 1.0
    (talk,) = [fields for *_, fields in graph.edges(data=True) if fields["relation"] == "talks"]
    assert (talk["gravest"], talk["access_program"], talk["transactions"]) == ("program", 1, 4)


def test_dot_is_one_statement_a_line_whatever_a_device_says() -> None:
    text = written(write_dot, hostile())
    lines = text.splitlines()
    assert lines[0] == "digraph fieldtap {"
    assert lines[-1] == "}"
    assert all(line.endswith((";", "{", "}")) for line in lines)
    for line in lines:
        unescaped = line.replace("\\\\", "").replace('\\"', "")
        assert unescaped.count('"') % 2 == 0, line


def test_csv_has_no_formulas_and_keeps_numbers() -> None:
    rows = list(csv.DictReader(StringIO(written(write_assets_csv, hostile()))))
    assert [row["asset"] for row in rows] == ["10.0.0.2", "10.0.0.2/s7comm:0/2", "10.0.0.1"]
    assert rows[0]["name"].startswith("'=HYPERLINK")
    assert (rows[0]["level"], rows[0]["role"]) == ("1.0", "plc")
    assert set(rows[0]) == {"asset", *ASSET}
    (talk,) = csv.DictReader(StringIO(written(write_edges_csv, hostile())))
    assert (talk["client"], talk["access_read"], talk["gravest"]) == ("10.0.0.1", "3", "program")
    assert set(talk) == {"client", "server", *EDGE}


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1"])
def test_what_begins_like_a_formula_is_text(cell: str) -> None:
    assert safe(cell) == f"'{cell}"
    assert safe("10.0.0.1") == "10.0.0.1"


@pytest.mark.parametrize("known", [hostile(), plant(60), put_together([], [])], ids=["hostile", "plant", "empty"])
def test_cyclonedx_is_valid(known: Known) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = written(write_cyclonedx, known)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    assert len(document["components"]) == sum(one["parent"] is None for one in known.assets)
    assert text == written(write_cyclonedx, known)


def test_cyclonedx_names_maker_firmware_and_evidence() -> None:
    device = json.loads(written(write_cyclonedx, hostile()))["components"][0]
    assert (device["type"], device["name"], device["manufacturer"]) == ("device", "6ES7 315-2EH14-0AB0", {"name": "Siemens"})
    firmware = next(part for part in device["components"] if part["type"] == "firmware")
    assert (firmware["version"], firmware["cpe"]) == ("V3.2.6", "cpe:2.3:o:siemens:6es7_315-2eh14-0ab0_firmware:3.2.6:*:*:*:*:*:*:*")
    assert {one["field"] for one in device["evidence"]["identity"]} == {"version", "name"}
    assert "packet 7 of capture c1" in device["evidence"]["identity"][0]["methods"][0]["value"]


def test_the_picture_is_svg_with_every_device_and_png_can_be_drawn() -> None:
    for known in (hostile(), plant(300), put_together([], [])):
        text = written(write_svg, known)
        root = ElementTree.fromstring(text)
        assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {"svg", "rect", "text", "path", "g"}
        devices = [one for one in known.assets if one["parent"] is None]
        rectangles = [element for element in root.iter() if element.get("fill") == "#fff"]
        assert len(rectangles) == len(devices)
    assert png(written(write_svg, plant(30)))[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_map_is_one_file_in_which_data_stay_data() -> None:
    text = written(write_map, hostile())
    assert text.count("</script>") == 2
    assert "<script>alert" not in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text
    assert "default-src 'none'" in text
    block = text.partition('id="data">')[2].partition("</script>")[0]
    assert json.loads(block)["assets"][0]["attributes"]["name"]["value"] == HOSTILE
