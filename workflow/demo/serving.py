"""HTTP on the loopback: a function from request to answer, served until a block ends."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

LOOPBACK = "127.0.0.1"
MAX_BODY = 64 * 1024 * 1024
"""Bytes: bodies are held in memory."""


@dataclass(frozen=True)
class Request:
    """What a client asks. Header names are in lower case."""

    method: str
    path: str
    """Decoded, with its first slash."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Respond = Callable[[Request], Answer]


@contextlib.contextmanager
def serving(respond: Respond) -> Iterator[str]:
    """Serve on a port of the system's choice, this machine alone, until the block ends.

    Gives the address, such as `http://127.0.0.1:40123`.
    """
    server = _Server((LOOPBACK, 0), _handler(respond))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # clients keep their connections; nobody waits for those to end

    def server_bind(self) -> None:
        """Without the base's look-up of the host's name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]


def _handler(respond: Respond) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body leave together and at once: else each answer waits for a delayed ACK.
        wbufsize = -1
        disable_nagle_algorithm = True
        timeout = 30  # seconds: a connection that nobody uses ends

        def handle_expect_100(self) -> bool:
            """At once, not with the answer: a client waits a second for it before it goes on."""
            going_on = super().handle_expect_100()
            self.wfile.flush()
            return going_on

        def _answer(self) -> None:
            body = self._body()
            if body is None:
                return
            split = urlsplit(self.path)
            request = Request(
                self.command,
                unquote(split.path),
                dict(parse_qsl(split.query, keep_blank_values=True)),
                {name.lower(): value for name, value in self.headers.items()},
                body,
            )
            self._send(respond(request))

        def _body(self) -> bytes | None:
            """The whole body, so that the connection stays in step; None if that is hopeless."""
            length = self.headers.get("Content-Length", "0")
            if "Transfer-Encoding" in self.headers or not length.isdecimal():
                self._give_up(411)
                return None
            if int(length) > MAX_BODY:
                self._give_up(413)
                return None
            return self.rfile.read(int(length))

        def _give_up(self, status: int) -> None:
            self.close_connection = True
            self._send(Answer(status, headers={"Connection": "close"}))

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status not in (204, 304):
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_OPTIONS = _answer

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the transcript is for people."""

    return Handler
