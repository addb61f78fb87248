"""The asset graph in memory, for whoever wants networkx's algorithms: made when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import networkx


def graph_of(assets: Iterable[Mapping[str, Any]], conversations: Iterable[Mapping[str, Any]]) -> networkx.MultiDiGraph[str]:
    """From the documents of assets and edges. Nodes are asset ids with the fields of the asset, edges go from client to server
    with the fields of the edge (key: protocol and port); a unit hangs on its device by an edge with the key `unit`."""
    import networkx

    graph: networkx.MultiDiGraph[str] = networkx.MultiDiGraph()
    units: list[tuple[str, str]] = []
    for asset in assets:
        graph.add_node(asset["id"], **asset)
        if asset["parent"] is not None:
            units.append((asset["parent"], asset["id"]))
    for parent, unit in units:
        graph.add_edge(parent, unit, key="unit", relation="unit")
    for talk in conversations:
        key = talk["protocol"] if talk["port"] is None else f"{talk['protocol']}/{talk['port']}"
        graph.add_edge(talk["client"], talk["server"], key=key, relation="talks", **talk)
    return graph
