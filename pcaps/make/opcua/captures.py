"""The OPC UA captures, in the order in which they are made."""

from __future__ import annotations

from pcaps.make.opcua import crafted, plant

RECORDED = "recorded on the switch of a plant in network namespaces; asyncua 2 servers and clients"
CRAFTED = "crafted with scapy and an encoder of our own: asyncua does not say this"

CAPTURES = {
    "opcua/normal.pcapng": (
        "a shift without incidents: an HMI polling a gateway over a signed channel and writing set points, watching a press that knows no "
        "security; a historian with a certificate over an encrypted channel",
        RECORDED,
        plant.normal,
    ),
    "opcua/sessions.pcapng": (
        "sessions without security, signed, signed and encrypted, each anonymous, with user name and with a certificate; a password that "
        "goes readable; messages of several chunks",
        RECORDED,
        plant.sessions,
    ),
    "opcua/engineering.pcapng": (
        "maintenance over a signed channel: server status, browsing, registered nodes, subscription to data and events and its changes, "
        "history, method calls, nodes and references added and deleted, a recipe loaded by the methods of its file; the HMI goes on",
        RECORDED,
        plant.engineering,
    ),
    "opcua/second.pcapng": (
        "a tablet with the operator's password writes the set point that the HMI writes",
        RECORDED,
        plant.second,
    ),
    "opcua/attack.pcapng": (
        "a host of the enterprise network scans ports, asks servers for their endpoints, guesses passwords, takes an anonymous session "
        "without security where there is better, browses, writes, is refused writes and node management, stops the line by a method, asks "
        "for another's subscriptions, loads a recipe, uses a withdrawn policy and an expired certificate of another application; the HMI "
        "goes on",
        RECORDED,
        plant.attack,
    ),
    "opcua/services.pcap": (
        "services beside those of asyncua: browsing that goes on, queries, history changed and deleted, triggering, republishing, "
        "transferred subscriptions, discovery servers, cancelling; an issued token",
        CRAFTED,
        crafted.services,
    ),
    "opcua/reverse.pcap": (
        "a host of the enterprise network opens a connection and asks the historian to be its client; the historian tells it its password",
        CRAFTED,
        crafted.reverse,
    ),
    "opcua/flood.pcap": (
        "a host of the enterprise network opens secure channels and leaves them, then creates sessions until the server has enough",
        CRAFTED,
        crafted.flood,
    ),
    "opcua/malformed.pcap": (
        "wrong headers, sizes, chunks, sequence numbers, tokens, types, depths, counts, services and responses",
        CRAFTED,
        crafted.malformed,
    ),
}
