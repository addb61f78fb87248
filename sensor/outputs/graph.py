"""The asset graph for other programs, written as it goes: JSON (graph.schema.json says what stands in it), GraphML, GEXF and DOT.

Nodes are assets, an edge goes from client to server for each protocol and port, and a unit hangs on its device by an edge `unit`. None of
them needs the graph in memory; sensor.inventory.graph makes a networkx graph of the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, TextIO
from xml.sax.saxutils import quoteattr

from sensor.inventory.known import Known
from sensor.outputs.cells import text
from sensor.outputs.flat import ASSET, EDGE, Plain, asset_fields, edge_fields, gravest, key
from sensor.outputs.lines import line, listed

VERSION: Final = 1
"""Of the JSON form; it grows when a field changes its meaning or goes."""
_NODE_TYPES: Final[Mapping[str, type]] = {name: kind for name, (kind, _) in ASSET.items()}
_EDGE_TYPES: Final[Mapping[str, type]] = {"relation": str, **EDGE}
_KINDS: Final[Mapping[type, str]] = {str: "string", int: "long", float: "double", bool: "boolean"}
"""Types of fields as GraphML and GEXF name them."""
_MARKUP: Final = frozenset("&<>\r")
_NUMBERS: Final = (int, float)
_QUOTED: Final = frozenset('&<>"\r\n\t')
Ends = tuple[str, str, str, Mapping[str, Plain]]
"""Source, target, key and fields of an edge."""


def write_json(known: Known, out: TextIO) -> None:
    """Node-link form (networkx.node_link_graph(…, edges="edges") reads it), one node or edge a line."""
    out.write('{"directed": true, "multigraph": true, "graph": ')
    out.write(line({"fieldtap_graph": VERSION, "captures": dict(known.captures)}))
    out.write(',\n"nodes": [')
    out.writelines(listed(known.assets))
    out.write('],\n"edges": [')
    out.writelines(listed(_json_edges(known)))
    out.write("]}\n")


def _json_edges(known: Known) -> Iterator[Mapping[str, Any]]:
    for parent, unit in _units(known):
        yield {"source": parent, "target": unit, "key": "unit", "relation": "unit"}
    for edge in known.edges:
        yield {"source": edge["client"], "target": edge["server"], "key": key(edge), "relation": "talks", **edge}


def _units(known: Known) -> Iterator[tuple[str, str]]:
    """Devices and what hangs on them."""
    ids = {asset["id"] for asset in known.assets}
    return ((asset["parent"], asset["id"]) for asset in known.assets if asset["parent"] in ids)


def _edges(known: Known) -> Iterator[Ends]:
    for parent, unit in _units(known):
        yield parent, unit, "unit", {"relation": "unit"}
    for edge in known.edges:
        yield edge["client"], edge["server"], key(edge), {"relation": "talks", **edge_fields(edge)}


def write_graphml(known: Known, out: TextIO) -> None:
    """http://graphml.graphdrawing.org, with typed keys."""
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n')
    for place, columns in (("node", _NODE_TYPES), ("edge", _EDGE_TYPES)):
        for name, kind in columns.items():
            out.write(f'<key id="{place[0]}_{name}" for="{place}" attr.name="{name}" attr.type="{_KINDS[kind]}"/>\n')
    out.write('<graph edgedefault="directed">\n')
    node = {name: f'<data key="n_{name}">' for name in _NODE_TYPES}
    edge = {name: f'<data key="e_{name}">' for name in _EDGE_TYPES}
    for asset in known.assets:
        out.write(f"<node id={_attribute(asset['id'])}>{_data(node, asset_fields(asset))}</node>\n")
    for number, (source, target, _, fields) in enumerate(_edges(known)):
        out.write(f'<edge id="e{number}" source={_attribute(source)} target={_attribute(target)}>{_data(edge, fields)}</edge>\n')
    out.write("</graph>\n</graphml>\n")


def _data(opening: Mapping[str, str], fields: Mapping[str, Plain]) -> str:
    return "".join([f"{opening[name]}{value if value.__class__ in _NUMBERS else _escaped(value)}</data>" for name, value in fields.items()])


def write_gexf(known: Known, out: TextIO) -> None:
    """GEXF 1.3 (https://gexf.net/schema.html), for Gephi."""
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n<gexf xmlns="http://gexf.net/1.3" version="1.3">\n')
    out.write('<meta><creator>Fieldtap</creator></meta>\n<graph defaultedgetype="directed" mode="static">\n')
    for place, columns in (("node", _NODE_TYPES), ("edge", _EDGE_TYPES)):
        out.write(f'<attributes class="{place}">\n')
        for name, kind in columns.items():
            out.write(f'<attribute id="{name}" title="{name}" type="{_KINDS[kind]}"/>\n')
        out.write("</attributes>\n")
    out.write("<nodes>\n")
    opening = {name: f'<attvalue for="{name}" value=' for name in (*_NODE_TYPES, *_EDGE_TYPES)}
    for asset in known.assets:
        out.write(f"<node id={_attribute(asset['id'])} label={_attribute(label(asset))}>{_values(opening, asset_fields(asset))}</node>\n")
    out.write("</nodes>\n<edges>\n")
    for number, (source, target, named, fields) in enumerate(_edges(known)):
        weight, said = fields.get("transactions", 1), _attribute(named)
        ends = f"source={_attribute(source)} target={_attribute(target)} label={said}"
        out.write(f'<edge id="{number}" {ends} kind={said} weight="{weight}">{_values(opening, fields)}</edge>\n')
    out.write("</edges>\n</graph>\n</gexf>\n")


def _values(opening: Mapping[str, str], fields: Mapping[str, Plain]) -> str:
    values = "".join(
        [
            f'{opening[name]}"{value}"/>' if value.__class__ in _NUMBERS else f"{opening[name]}{_attribute(value)}/>"
            for name, value in fields.items()
        ]
    )
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
    for parent, unit in _units(known):
        out.write(f'  {_quoted(parent)} -> {_quoted(unit)} [label="unit", style=dotted, arrowhead=none];\n')
    for edge in known.edges:
        ends = f"{_quoted(edge['client'])} -> {_quoted(edge['server'])}"
        out.write(f"  {ends} [label={_quoted(key(edge))}, tooltip={_quoted(gravest(edge))}];\n")
    out.write("}\n")


def label(asset: Mapping[str, Any]) -> str:
    """An asset in few words: its name, role and id."""
    fields = asset_fields(asset)
    return "\n".join(str(part) for part in (fields.get("name"), asset["id"], fields.get("role")) if part)


def _attribute(value: Plain) -> str:
    return _quoted_attribute(value) if isinstance(value, str) else f'"{_number(value)}"'


@lru_cache(maxsize=65536)
def _quoted_attribute(words: str) -> str:
    plain = text(words)
    if _QUOTED.isdisjoint(plain):
        return f'"{plain}"'
    return quoteattr(plain, {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})


@lru_cache(maxsize=65536, typed=True)
def _escaped(value: Plain) -> str:
    """A field's value (sensor.outputs.flat has made it text that XML can hold)."""
    if not isinstance(value, str):
        return _number(value)
    if _MARKUP.isdisjoint(value):
        return value
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def _number(value: float | bool) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


@lru_cache(maxsize=65536)
def _quoted(value: object) -> str:
    """A quoted id: a backslash is doubled too, so that nothing a device says becomes an escape."""
    words = text(value).replace("\\", "\\\\").replace('"', '\\"').replace("\r", " ").replace("\n", "\\n")
    return f'"{words}"'


FORMATS: Final[Mapping[str, Callable[[Known, TextIO], None]]] = {
    "json": write_json, "graphml": write_graphml, "gexf": write_gexf, "dot": write_dot,
}  # fmt: skip
"""Writers of the whole graph by the name of the format."""
