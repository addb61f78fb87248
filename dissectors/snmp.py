"""SNMP versions 1 and 2c (RFC 1157, RFC 3416) through scapy's layer: the example of a dissector in Python.

Object identifiers and error codes are told; the community, which is a password, is only said to be one of the usual defaults or not.
Version 3 is encrypted where it matters and is not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from dissectors.plugin import Access, Dissected, Message, Report, Request, Response

# Codes of the PDUs (RFC 3416, section 3) by the names of scapy's classes.
CODES = {
    "SNMPget": 0, "SNMPnext": 1, "SNMPresponse": 2, "SNMPset": 3, "SNMPtrapv1": 4, "SNMPbulk": 5, "SNMPinform": 6, "SNMPtrapv2": 7,
}  # fmt: skip
RESPONSE, TRAP_V1, INFORM, TRAP_V2 = 2, 4, 6, 7
SEQUENCE, INTEGER, OCTETS = 0x30, 0x02, 0x04
USUAL_COMMUNITIES = frozenset({b"public", b"private"})
MAX_OBJECTS = 64


class Snmp:
    """One flow of SNMP."""

    name: ClassVar[str] = "snmp"
    title: ClassVar[str] = "Simple Network Management Protocol"
    ports: ClassVar[Mapping[str, Sequence[int]]] = {"udp": [161, 162]}
    functions: ClassVar[Mapping[int, tuple[str, Access]]] = {
        0: ("get_request", "read"),
        1: ("get_next_request", "read"),
        2: ("response", "read"),
        3: ("set_request", "write"),
        4: ("trap", "report"),
        5: ("get_bulk_request", "read"),
        6: ("inform_request", "report"),
        7: ("trap_v2", "report"),
    }
    # RFC 3416, section 3: error-status.
    rejections: ClassVar[Mapping[int, str]] = {
        1: "too_big",
        2: "no_such_name",
        3: "bad_value",
        4: "read_only",
        5: "gen_err",
        6: "no_access",
        7: "wrong_type",
        8: "wrong_length",
        9: "wrong_encoding",
        10: "wrong_value",
        11: "no_creation",
        12: "inconsistent_value",
        13: "resource_unavailable",
        14: "commit_failed",
        15: "undo_failed",
        16: "authorization_error",
        17: "not_writable",
        18: "inconsistent_name",
    }

    @staticmethod
    def probe(message: Message) -> int:
        """A BER sequence as long as the datagram, that begins with version 0 or 1 and a community."""
        start = message.payload[:10]
        if not message.datagram or len(start) < 10 or start[0] != SEQUENCE:
            return 0
        more = start[1] & 0x7F if start[1] & 0x80 else 0
        length = int.from_bytes(start[2 : 2 + more]) if more else start[1]
        head = start[2 + more : 6 + more]
        known = head[:2] == bytes([INTEGER, 1]) and head[2:3] in (b"\x00", b"\x01") and head[3:4] == bytes([OCTETS])
        if not known or more > 3 or 2 + more + length != len(message.payload):
            return 0
        return 90 if {161, 162} & set(message.ports) else 80

    def dissect(self, message: Message) -> Dissected:
        """One datagram, one message."""
        used = len(message.payload)
        try:
            says = self._says(message.payload)
        except Exception:  # whatever scapy makes of hostile bytes: this message is lost, the flow goes on
            says = None
        if says is None:
            return Dissected(used=used, unreadable=True)
        return Dissected(used=used, says=[says])

    def _says(self, payload: bytes) -> Request | Response | Report | None:
        from scapy.layers.snmp import SNMP

        packet = SNMP(payload)
        pdu = packet.PDU
        code = CODES.get(type(pdu).__name__)
        if code is None:
            return None
        detail = self._detail(packet, pdu)
        if code == TRAP_V1:
            return Report(function=code, detail=detail)
        reference = int(pdu.id.val)
        if code in (INFORM, TRAP_V2):
            return Report(function=code, reference=reference if code == INFORM else None, detail=detail)
        if code == RESPONSE:
            error = int(pdu.error.val) & 0xFFFFFFFF
            return Response(reference=reference, function=code, rejected=error or None, detail=detail)
        return Request(reference=reference, function=code, detail=detail)

    @staticmethod
    def _detail(packet: Any, pdu: Any) -> dict[str, Any]:
        objects = [str(binding.oid.val) for binding in pdu.varbindlist]
        return {
            "version": {0: "1", 1: "2c"}.get(int(packet.version.val), "unknown"),
            "default_community": bytes(packet.community.val) in USUAL_COMMUNITIES,
            "objects": objects[:MAX_OBJECTS],
            "object_count": len(objects),
        }
