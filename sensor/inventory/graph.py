"""The asset graph in memory, for whoever wants networkx's algorithms: made when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import networkx


def graph_of(assets: Iterable[Mapping[str, Any]], conversations: Iterable[Mapping[str, Any]]) -> networkx.MultiDiGraph[str]:
    """From the documents of assets and edges. Nodes are asset ids with the fields of the asset, edges go from client to server
    with the fields of the edge (key: protocol and port); a unit hangs on its device by an edge with the key `unit`. Edges with the same
    counts by access share them: they are to be read."""
    import networkx

    graph: networkx.MultiDiGraph[str] = networkx.MultiDiGraph()
    units: list[tuple[str, str]] = []
    for asset in assets:
        graph.add_node(asset["id"], **asset)
        if asset["parent"] is not None:
            units.append((asset["parent"], asset["id"]))
    for parent, unit in units:
        graph.add_edge(parent, unit, key="unit", relation="unit")
    alike: dict[Any, Any] = {}
    for talk in conversations:
        key = talk["protocol"] if talk["port"] is None else f"{talk['protocol']}/{talk['port']}"
        fields = {name: value for name, value in talk.items() if name not in _ENDS}
        counts = tuple(fields["accesses"].items())
        fields["accesses"] = alike.setdefault(counts, fields["accesses"])
        graph.add_edge(talk["client"], talk["server"], key=alike.setdefault(key, key), relation="talks", **fields)
    return graph


_ENDS: Final = frozenset({"client", "server"})
"""What an edge of networkx says by where it is."""
