"""The asset graph as JSON (networkx's node-link form) and as GraphML (http://graphml.graphdrawing.org)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    import networkx

_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (2.2) can't hold: a device may say anything of itself."""


def write_json(graph: networkx.MultiDiGraph[str], out: TextIO) -> None:
    """`{"directed", "multigraph", "nodes": [{"id", …}], "edges": [{"source", "target", "key", …}]}`."""
    import networkx

    json.dump(networkx.node_link_data(graph, edges="edges"), out, ensure_ascii=True, indent=1, default=str)
    out.write("\n")


def write_graphml(graph: networkx.MultiDiGraph[str], out: TextIO) -> None:
    """Flat attributes only, as GraphML has no others: lists are joined by spaces, an asset's attributes become `attribute_NAME`."""
    import networkx

    flat: networkx.MultiDiGraph[str] = networkx.MultiDiGraph()
    for node, fields in graph.nodes(data=True):
        flat.add_node(_text(node), **_flat(fields))
    for client, server, key, fields in graph.edges(keys=True, data=True):
        flat.add_edge(_text(client), _text(server), key=_text(key), **_flat(fields))
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    out.writelines(f"{line}\n" for line in networkx.generate_graphml(flat))


def _flat(fields: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        if value is None:
            continue
        if name == "attributes":
            flat |= {_text(f"attribute_{trait}"): _scalar(said["value"]) for trait, said in value.items()}
        elif name == "accesses":
            flat |= {f"access_{access}": count for access, count in value.items()}
        elif name == "roles":
            flat[name] = " ".join(f"{role['role']}:{role['protocol']}" for role in value)
        else:
            flat[name] = _scalar(value)
    return flat


def _scalar(value: Any) -> str | int | float | bool:
    """One type a name, whatever the devices said: numbers stay numbers only where they are ours, what they said is text."""
    if isinstance(value, (list, tuple)):
        return " ".join(_text(str(part)) for part in value)
    return value if isinstance(value, (bool, int, float)) else _text(str(value))


def _text(value: str) -> str:
    return _NOT_XML.sub("\ufffd", value)
