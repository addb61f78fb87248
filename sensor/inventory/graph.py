"""The asset graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import networkx


def graph_of(assets: Iterable[Mapping[str, Any]], conversations: Iterable[Mapping[str, Any]]) -> networkx.MultiDiGraph[str]:
    """From the documents of assets and conversations. Nodes are asset ids with the fields of the asset, edges go from client to server
    with the fields of the conversation (key: protocol and port); a unit hangs on its device by an edge with the key `unit`."""
    import networkx

    graph: networkx.MultiDiGraph[str] = networkx.MultiDiGraph()
    nodes = list(assets)
    for asset in nodes:
        graph.add_node(asset["id"], **asset)
    for asset in nodes:
        if asset["parent"] is not None:
            graph.add_edge(asset["parent"], asset["id"], key="unit", relation="unit")
    for talk in conversations:
        key = talk["protocol"] if talk["port"] is None else f"{talk['protocol']}/{talk['port']}"
        graph.add_edge(talk["client"], talk["server"], key=key, relation="talks", **talk)
    return graph
