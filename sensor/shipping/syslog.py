"""Syslog (RFC 5424) with CEF in it: over TCP with octet counting (RFC 6587, 3.4.1), TLS (RFC 5425) or UDP (RFC 5426).

Syslog has no answers: what the system took counts as delivered. A connection that breaks with a batch has that batch sent again, so here a
message may come twice; its externalId says so.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sensor.outbox import Item
from sensor.shipping.cef import cef
from sensor.shipping.output import Attempt

if TYPE_CHECKING:
    from sensor.documents.make import Maker

TIMEOUT: Final = 10.0
_SEVERITY: Final = {"info": 6, "low": 5, "medium": 4, "high": 3, "critical": 2}
MOST_DATAGRAM: Final = 8_192
"""A longer one may not arrive (RFC 5426, 3.2): it is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How to get there; `transport` is tcp, tls or udp."""

    host: str
    port: int
    transport: str
    ca_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def connect(self) -> socket.socket:
        """A connected socket. Raises OSError (ssl.SSLError is one)."""
        if self.transport == "udp":
            family, kind, protocol, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)[0]
            plain = socket.socket(family, kind, protocol)
            plain.connect(address)
            return plain
        plain = socket.create_connection((self.host, self.port), timeout=TIMEOUT)
        if self.transport == "tcp":
            return plain
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        try:
            return context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


class Syslog:
    """An output; findings only, whatever classes are asked for."""

    def __init__(self, name: str, classes: Sequence[str], maker: Maker, way: Way, *, facility: int = 16) -> None:
        self.name = name
        self.classes = classes
        self.most = 500
        self.most_bytes = 1 << 20
        self._maker = maker
        self._way = way
        self._facility = facility
        self._socket: socket.socket | None = None

    def resume(self, place: str | None) -> None:
        """There is no place to go on from."""

    def place(self) -> str | None:
        """None."""
        return None

    def close(self) -> None:
        """Closes the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def deliver(self, items: Sequence[Item], doubtful: bool) -> Attempt:  # noqa: ARG002
        """One message a finding."""
        frames: list[tuple[int, bytes]] = []
        refused: dict[int, str] = {}
        for place, item in enumerate(items):
            try:
                message = self._message(item)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                refused[place] = f"no message can be made of it: {type(error).__name__}: {error}"
                continue
            if self._way.transport == "udp" and len(message) > MOST_DATAGRAM:
                refused[place] = f"{len(message)} bytes are too many for a datagram"
            elif message:
                frames.append((place, message))
        return self._sent(frames, refused)

    def _sent(self, frames: list[tuple[int, bytes]], refused: dict[int, str]) -> Attempt:
        at = 0
        try:
            if frames and self._socket is None:
                self._socket = self._way.connect()
            if self._socket is not None and self._way.transport == "udp":
                for _, message in frames:
                    self._socket.send(message)
                    at += 1
            elif self._socket is not None and frames:
                self._gone()
                self._socket.sendall(b"".join(b"%d %b" % (len(message), message) for _, message in frames))
        except OSError as error:
            self.close()
            return Attempt(left=[place for place, _ in frames[at:]], refused=refused, trouble=f"{self.name}: {error.strerror or error}")
        return Attempt(refused=refused)

    def _gone(self) -> None:
        """A receiver that has closed in the meantime would swallow the first batch without a word. It says nothing else, so the end is
        all that there is to read. Raises ConnectionResetError."""
        assert self._socket is not None
        self._socket.settimeout(0.001)
        try:
            if not self._socket.recv(1):
                raise ConnectionResetError("the receiver closed the connection")
        except (TimeoutError, ssl.SSLWantReadError):
            pass
        finally:
            self._socket.settimeout(TIMEOUT)

    def _message(self, item: Item) -> bytes:
        import orjson

        record = orjson.loads(item.document)
        if "title" not in record:
            return b""
        return message(record, sensor=self._maker.name, version=self._maker.version, facility=self._facility)


def message(record: Mapping[str, Any], *, sensor: str, version: str, facility: int = 16) -> bytes:
    """A finding: header with the time to the microsecond, the revision as structured data, CEF as the text (UTF-8, marked as such)."""
    priority = facility * 8 + _SEVERITY[record["severity"]]
    time = f"{record['revised'][:26]}Z"
    kind = record["kind"].upper()
    data = f'[fieldtap@32473 id="{record["id"]}" revision="{record["revision"]}" state="{record["state"]}"]'
    text = cef(record, sensor=sensor, version=version)
    return (
        f"<{priority}>1 {time} {sensor} fieldtap {os.getpid()} {kind} {data} ".encode() + b"\xef\xbb\xbf" + text.encode("utf-8", "replace")
    )
