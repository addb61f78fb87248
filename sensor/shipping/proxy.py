"""A forward proxy on the way to the cluster, which the client's transport knows nothing of."""

from __future__ import annotations

from typing import Any


def node_class(proxy: str) -> type:
    """A transport node whose connections go through the proxy: HTTPS by CONNECT, plain HTTP by absolute addresses."""
    import urllib3
    from elastic_transport import NodeConfig, Urllib3HttpNode

    class ProxiedNode(Urllib3HttpNode):
        def __init__(self, config: NodeConfig) -> None:
            super().__init__(config)
            given = {name: value for name, value in self.pool.conn_kw.items() if name not in ("ca_certs", "socket_options")}
            context: Any = given.pop("ssl_context", None)
            manager = urllib3.ProxyManager(proxy, num_pools=1, maxsize=config.connections_per_node, ssl_context=context)
            self.pool = manager.connection_from_host(config.host, config.port, config.scheme)

    return ProxiedNode
