"""Kibana's saved objects: they parse, what they refer to is there, and fields exist with types that fit. No Kibana was run (none can be
fetched from a package registry): README says so."""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from sensor.documents.fields import STREAMS, fields_of
from sensor.shipping.config import Elastic
from sensor.shipping.kibana import install, ndjson
from tests.sensor.cli.run import fieldtap

OBJECTS = {(one["type"], one["id"]): one for one in map(json.loads, ndjson().splitlines())}


def test_what_is_referred_to_is_there_and_comes_first() -> None:
    seen = set()
    for known, one in OBJECTS.items():
        for reference in one["references"]:
            assert (reference["type"], reference["id"]) in seen, (known, reference)
        seen.add(known)


def test_panels_name_their_references_and_do_not_overlap() -> None:
    dashboard = OBJECTS["dashboard", "fieldtap"]
    panels = json.loads(dashboard["attributes"]["panelsJSON"])
    names = {reference["name"] for reference in dashboard["references"]}
    assert names == {f"{panel['panelIndex']}:{panel['panelRefName']}" for panel in panels}
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridData"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert max(x for x, _ in cells) < 48
        assert not cells & taken, panel["panelIndex"]
        taken |= cells


@pytest.mark.parametrize("known", [known for known in OBJECTS if known[0] in ("lens", "search")], ids="/".join)
def test_fields_exist_in_the_templates(known: tuple[str, str]) -> None:
    one = OBJECTS[known]
    (view,) = [OBJECTS[reference["type"], reference["id"]] for reference in one["references"]]
    title = view["attributes"]["title"]
    streams = [stream for stream in STREAMS.values() if re.fullmatch(title.replace(".", r"\.").replace("*", ".*"), stream.name("default"))]
    assert streams, title
    types = {field.name: field.type for stream in streams for field in fields_of(stream.record)}
    text = json.dumps(one)
    if known[0] == "search":
        used = set(one["attributes"]["columns"])
        query = json.loads(one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]["query"]
    else:
        layer = one["attributes"]["state"]["datasourceStates"]["formBased"]["layers"]["l1"]
        assert set(layer["columnOrder"]) == set(layer["columns"])
        used = {column["sourceField"] for column in layer["columns"].values()} - {"___records___"}
        assert all(types[name] in ("keyword", "date") for name in used), "terms want keywords"
        query = one["attributes"]["state"]["query"]["query"]
        for accessor in re.findall(r'"(?:xAccessor|splitAccessor|metricAccessor)": "(\w+)"', text):
            assert accessor in layer["columns"]
    used |= set(re.findall(r"([\w.@]+) :", query))
    assert used <= set(types), used - set(types)


def test_export(tmp_path: Path) -> None:
    assert fieldtap(tmp_path, "elastic", "dashboards", "--export", "-").out == ndjson()


@pytest.mark.parametrize(("status", "answer", "how"), [(200, {"success": True, "successCount": 12}, "made"), (403, {}, "failed")])
def test_import(status: int, answer: object, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[tuple[str, str | None, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, self.headers["Authorization"], body))
            said = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.handle_request, daemon=True).start()
    monkeypatch.setenv("FIELDTAP_KIBANA_API_KEY", "a2V5")
    done = install(Elastic(hosts=["http://localhost:9200"], kibana=f"http://127.0.0.1:{server.server_address[1]}"))
    server.server_close()
    assert done.how == how
    ((path, authorization, body),) = got
    assert path == "/api/saved_objects/_import?overwrite=true"
    assert authorization == "ApiKey a2V5"
    assert ndjson().encode() in body
