"""SNMP versions 1 and 2c (RFC 1157, RFC 3416) through scapy's layer: the example of a dissector in Python.

Object identifiers and error codes are told; the community, which is a password, is only said to be one of the usual defaults or not.
"""

from __future__ import annotations

from typing import Any

from dissectors.plugin import Dissected, Message, Report, Request, Response

# Codes of the PDUs (RFC 3416, section 3) by the names of scapy's classes.
CODES = {
    "SNMPget": 0, "SNMPnext": 1, "SNMPresponse": 2, "SNMPset": 3, "SNMPtrapv1": 4, "SNMPbulk": 5, "SNMPinform": 6, "SNMPtrapv2": 7,
}  # fmt: skip
REQUESTS = {0: "read", 1: "read", 3: "write", 5: "read"}
RESPONSE = 2
REPORTS = {4, 6, 7}
USUAL_COMMUNITIES = frozenset({b"public", b"private"})


class Snmp:
    """One flow of SNMP."""

    name = "snmp"
    title = "Simple Network Management Protocol"
    ports = {"udp": [161, 162]}
    functions = {
        0: "get_request",
        1: "get_next_request",
        2: "response",
        3: "set_request",
        4: "trap",
        5: "get_bulk_request",
        6: "inform_request",
        7: "trap_v2",
    }

    @staticmethod
    def probe(message: Message) -> int:
        """A BER sequence that begins with version 0 or 1 and a community of text."""
        start = message.payload[:8]
        if not message.datagram or len(start) < 8 or start[0] != 0x30:
            return 0
        body = message.payload[2 + (start[1] & 0x7F if start[1] & 0x80 else 0) :][:4]
        return 80 if body[:2] == b"\x02\x01" and body[2:3] in (b"\x00", b"\x01") and body[3:4] == b"\x04" else 0

    def dissect(self, message: Message) -> Dissected | None:
        """One datagram, one message."""
        from scapy.layers.snmp import SNMP

        packet = SNMP(message.payload)
        pdu = packet.PDU
        code = CODES.get(type(pdu).__name__)
        if code is None:
            return None
        detail = self._detail(packet, pdu)
        used = len(message.payload)
        if code in REPORTS:
            return Dissected(used=used, says=[Report(function=code, detail=detail)])
        reference = int(pdu.id.val)
        if code == RESPONSE:
            error = int(pdu.error.val)
            return Dissected(used=used, says=[Response(reference=reference, rejected=error or None, detail=detail)])
        return Dissected(used=used, says=[Request(reference=reference, function=code, access=REQUESTS[code], detail=detail)])

    @staticmethod
    def _detail(packet: Any, pdu: Any) -> dict[str, Any]:
        bindings = getattr(pdu, "varbindlist", None) or []
        return {
            "version": {0: "1", 1: "2c"}.get(int(packet.version.val), "unknown"),
            "default_community": bytes(packet.community.val) in USUAL_COMMUNITIES,
            "objects": [str(binding.oid.val) for binding in bindings],
        }
