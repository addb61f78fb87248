"""A small proxy in front of the server that refuses, or loses answers, as a test says."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Decision = Callable[[str, int, dict[str, str]], int | str | None]
"""From path, size of the body and headers: a status to refuse with, `lost` (forward, then break the connection), `unsent` (break it
before), or None."""


class Between:
    """The proxy; `decide` may be changed at any time, `seen` counts bulk requests, `headers` are the last ones."""

    def __init__(self, upstream: str, decide: Decision | None = None) -> None:
        self.decide: Decision = decide or (lambda *_: None)
        self.seen = 0
        self.headers: dict[str, str] = {}
        self._to = urlsplit(upstream)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Silent."""

            def answer(self) -> None:
                outer._answer(self)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = answer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        self.headers = dict(request.headers.items())
        self.seen += "_bulk" in request.path
        decided = self.decide(request.path, len(body), self.headers)
        asked = urlsplit(request.path)
        path = asked.path + (f"?{asked.query}" if asked.query else "")  # a forward proxy is asked for a whole address
        if decided == "unsent":
            request.close_connection = True
            return
        if isinstance(decided, int):
            said = b'{"error": {"type": "refused", "reason": "as the test says"}, "status": %d}' % decided
            self._send(request, decided, {"Content-Type": "application/json", "X-Elastic-Product": "Elasticsearch"}, said)
            return
        assert self._to.hostname is not None
        upstream = http.client.HTTPConnection(self._to.hostname, self._to.port, timeout=60)
        kept = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "connection", "proxy-connection")}
        upstream.request(request.command, path, body, kept)
        answer = upstream.getresponse()
        said = answer.read()
        headers = {name: value for name, value in answer.getheaders() if name.lower() not in ("content-length", "transfer-encoding")}
        upstream.close()
        if decided == "lost":
            request.close_connection = True
            return
        self._send(request, answer.status, headers, said)

    def _send(self, request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)

    @contextmanager
    def running(self) -> Iterator[Between]:
        """While the block runs."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
