"""The asset graph for other programs, written as it goes: JSON (graph.schema.json says what stands in it), GraphML, GEXF and DOT.

Nodes are assets, an edge goes from client to server for each protocol and port, and a unit hangs on its device by an edge `unit`. None of
them needs the graph in memory; sensor.inventory.graph makes a networkx graph of the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TextIO
from xml.sax.saxutils import quoteattr

from sensor.inventory.known import Known
from sensor.outputs.cells import text
from sensor.outputs.flat import ASSET, EDGE, Plain, asset_fields, edge_fields, key

VERSION: Final = 1
"""Of the JSON form; it grows when a field changes its meaning or goes."""
_EDGE: Final = {"relation": (str, None), **EDGE}
_MARKUP: Final = frozenset("&<>\r")
_QUOTED: Final = frozenset('&<>"\r\n\t')
Ends = tuple[str, str, str, Mapping[str, Plain]]
"""Source, target, key and fields of an edge."""


def write_json(known: Known, out: TextIO) -> None:
    """Node-link form (networkx.node_link_graph(…, edges="edges") reads it), one node or edge a line."""
    out.write('{"directed": true, "multigraph": true, "graph": ')
    out.write(json.dumps({"fieldtap_graph": VERSION, "captures": dict(known.captures)}))
    out.write(',\n"nodes": [')
    _listed(out, known.assets)
    out.write('],\n"edges": [')
    _listed(out, _json_edges(known))
    out.write("]}\n")


def _json_edges(known: Known) -> Iterator[Mapping[str, Any]]:
    ids = {asset["id"] for asset in known.assets}
    for asset in known.assets:
        if asset["parent"] in ids:
            yield {"source": asset["parent"], "target": asset["id"], "key": "unit", "relation": "unit"}
    for edge in known.edges:
        yield {"source": edge["client"], "target": edge["server"], "key": key(edge), "relation": "talks", **edge}


def _listed(out: TextIO, entries: Any) -> None:
    encode = json.JSONEncoder(default=str).encode
    start = "\n"
    for entry in entries:
        out.write(start + encode(entry))
        start = ",\n"


def _edges(known: Known) -> Iterator[Ends]:
    ids = {asset["id"] for asset in known.assets}
    for asset in known.assets:
        if asset["parent"] in ids:
            yield asset["parent"], asset["id"], "unit", {"relation": "unit"}
    for edge in known.edges:
        yield edge["client"], edge["server"], key(edge), {"relation": "talks", **edge_fields(edge)}


def write_graphml(known: Known, out: TextIO) -> None:
    """http://graphml.graphdrawing.org, with typed keys."""
    kinds = {str: "string", int: "long", float: "double", bool: "boolean"}
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n')
    for place, columns in (("node", ASSET), ("edge", _EDGE)):
        for name, (kind, _) in columns.items():
            out.write(f'<key id="{place[0]}_{name}" for="{place}" attr.name="{name}" attr.type="{kinds[kind]}"/>\n')
    out.write('<graph edgedefault="directed">\n')
    for asset in known.assets:
        out.write(f"<node id={_attribute(asset['id'])}>{_data('n', asset_fields(asset))}</node>\n")
    for number, (source, target, _, fields) in enumerate(_edges(known)):
        out.write(f'<edge id="e{number}" source={_attribute(source)} target={_attribute(target)}>{_data("e", fields)}</edge>\n')
    out.write("</graph>\n</graphml>\n")


def _data(place: str, fields: Mapping[str, Plain]) -> str:
    return "".join(f'<data key="{place}_{name}">{_escaped(value)}</data>' for name, value in fields.items())


def write_gexf(known: Known, out: TextIO) -> None:
    """GEXF 1.3 (https://gexf.net/schema.html), for Gephi."""
    kinds = {str: "string", int: "long", float: "double", bool: "boolean"}
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n<gexf xmlns="http://gexf.net/1.3" version="1.3">\n')
    out.write('<meta><creator>Fieldtap</creator></meta>\n<graph defaultedgetype="directed" mode="static">\n')
    for place, columns in (("node", ASSET), ("edge", _EDGE)):
        out.write(f'<attributes class="{place}">\n')
        for name, (kind, _) in columns.items():
            out.write(f'<attribute id="{name}" title="{name}" type="{kinds[kind]}"/>\n')
        out.write("</attributes>\n")
    out.write("<nodes>\n")
    for asset in known.assets:
        out.write(f"<node id={_attribute(asset['id'])} label={_attribute(label(asset))}>{_values(asset_fields(asset))}</node>\n")
    out.write("</nodes>\n<edges>\n")
    for number, (source, target, named, fields) in enumerate(_edges(known)):
        weight = fields.get("transactions", 1)
        ends = f"source={_attribute(source)} target={_attribute(target)} label={_attribute(named)}"
        out.write(f'<edge id="{number}" {ends} kind={_attribute(named)} weight="{weight}">{_values(fields)}</edge>\n')
    out.write("</edges>\n</graph>\n</gexf>\n")


def _values(fields: Mapping[str, Plain]) -> str:
    values = "".join(f'<attvalue for="{name}" value={_attribute(value)}/>' for name, value in fields.items())
    return f"<attvalues>{values}</attvalues>"


def write_dot(known: Known, out: TextIO) -> None:
    """Graphviz (https://graphviz.org/doc/info/lang.html): assets of a zone in a cluster, a line for each protocol."""
    zones: dict[str | None, list[Mapping[str, Any]]] = {}
    for asset in known.assets:
        zones.setdefault(asset["zone"], []).append(asset)
    out.write('digraph fieldtap {\n  rankdir=TB;\n  node [shape=box, style=rounded, fontname="sans-serif"];\n')
    for number, (zone, assets) in enumerate(sorted(zones.items(), key=lambda group: str(group[0]))):
        out.write(f"  subgraph cluster_{number} {{\n    label={_quoted(zone)};\n" if zone is not None else "")
        for one in assets:
            out.write(f"    {_quoted(one['id'])} [label={_quoted(label(one))}];\n")
        out.write("  }\n" if zone is not None else "")
    for source, target, kind, fields in _edges(known):
        look = ", style=dotted, arrowhead=none" if kind == "unit" else f", tooltip={_quoted(fields.get('gravest', ''))}"
        out.write(f"  {_quoted(source)} -> {_quoted(target)} [label={_quoted(kind)}{look}];\n")
    out.write("}\n")


def label(asset: Mapping[str, Any]) -> str:
    """An asset in few words: its name, role and id."""
    fields = asset_fields(asset)
    return "\n".join(str(part) for part in (fields.get("name"), asset["id"], fields.get("role")) if part)


def _attribute(value: object) -> str:
    plain = _plain(value)
    if _QUOTED.isdisjoint(plain):
        return f'"{plain}"'
    return quoteattr(plain, {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})


def _escaped(value: Plain) -> str:
    """A field's value (sensor.outputs.flat has made it text that XML can hold)."""
    if not isinstance(value, str):
        return _plain(value)
    if _MARKUP.isdisjoint(value):
        return value
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def _plain(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else text(value)


def _quoted(value: object) -> str:
    """A quoted id: a backslash is doubled too, so that nothing a device says becomes an escape."""
    words = text(value).replace("\\", "\\\\").replace('"', '\\"').replace("\r", " ").replace("\n", "\\n")
    return f'"{words}"'


FORMATS: Final[Mapping[str, Callable[[Known, TextIO], None]]] = {
    "json": write_json, "graphml": write_graphml, "gexf": write_gexf, "dot": write_dot,
}  # fmt: skip
"""Writers of the whole graph by the name of the format."""
