"""Where the fields of rules stand in Elasticsearch's documents: the one table that `rules convert` and the outputs share.

A document holds the transaction as its JSON says it (DESIGN.md, section 7) under `fieldtap.`, and copies for which ECS has a name beside
it. A field is asked for where ECS has it with the same type and meaning, else below `fieldtap.`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PREFIX: Final = "fieldtap"
"""Below it stands everything of our own."""

ECS: Final[Mapping[str, str]] = {
    "client.ip": "client.ip",
    "client.port": "client.port",
    "client.mac": "client.mac",
    "server.ip": "server.ip",
    "server.port": "server.port",
    "server.mac": "server.mac",
    "protocol": "network.protocol",
    "flow": "network.community_id",
}
"""Field of rules → ECS field that a document holds for it. `source` and `destination` are copies for dashboards that know nothing else."""

TIME: Final = "@timestamp"
"""The request's time (the response's, where only that was seen), in milliseconds."""


def document_field(name: str) -> str:
    """Where a field of rules stands in a transaction's document."""
    return ECS.get(name) or f"{PREFIX}.{name}"


def document_mac(text: str) -> str:
    """A MAC address as ECS writes it: 00:80:f4:0b:33:44 → 00-80-F4-0B-33-44."""
    return text.upper().replace(":", "-")
