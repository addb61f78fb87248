"""OPC UA: a plant of real servers and clients (asyncua) in network namespaces, and what asyncua does not say, crafted."""
