"""The asset graph."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import networkx

    from sensor.inventory.asset import Asset, Conversation


def graph_of(assets: Iterable[Asset], conversations: Iterable[Conversation]) -> networkx.MultiDiGraph[str]:
    """Nodes are asset ids with the fields of the asset, edges go from client to server with the fields of the conversation (key: protocol
    and port); a unit hangs on its device by an edge with the key `unit`."""
    import networkx

    graph: networkx.MultiDiGraph[str] = networkx.MultiDiGraph()
    nodes = list(assets)
    for asset in nodes:
        graph.add_node(asset.id, **asset.to_dict())
    for asset in nodes:
        if asset.parent is not None:
            graph.add_edge(asset.parent, asset.id, key="unit", relation="unit")

    for conversation in conversations:
        key = conversation.protocol if conversation.port is None else f"{conversation.protocol}/{conversation.port}"
        graph.add_edge(conversation.client, conversation.server, key=key, relation="talks", **conversation.to_dict())
    return graph
