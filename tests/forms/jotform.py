"""JotForm on the loopback for tests: the demonstration's account behind a server that misbehaves
on demand, and remembers all that it was asked.

Live JotForm cannot be here: it needs an account, and every call of a test would make real forms.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from workflow.demo.jotform import Account, jotform
from workflow.demo.serving import Answer, Request

KEY = "0123456789abcdef0123456789abcdef"
"""What a key of JotForm's looks like."""
CUT_BEFORE = "cut before the effect"
CUT_AFTER = "cut after the effect"
CUT_SHORT = "cut in the middle of the answer"

Fault = str | Answer | Callable[[], Answer | None]


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    port: int
    """Of the client: another connection has another."""


@dataclass
class Server:
    """The account and its address; `faults` are used up one a request, in their order."""

    account: Account
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    faults: list[tuple[str, Fault]] = field(default_factory=list)

    def fail(self, what: Fault, *, at: str = "", times: int = 1) -> None:
        """Let the next `times` requests whose `METHOD path` contains `at` go wrong."""
        self.faults += [(at, what)] * times

    def counts(self) -> Counter[str]:
        """How often each `METHOD path` was asked."""
        return Counter(f"{asked.method} {asked.path}" for asked in self.asked)

    def config(self, **more: Any) -> dict[str, Any]:
        """What workflow.yaml says under `jotform:`."""
        return {"api_url": self.url, **more}

    def told(self) -> list[Asked]:
        """Everything that might have changed something."""
        return [asked for asked in self.asked if asked.method != "GET"]

    def assert_key_only_in_the_header(self) -> None:
        for asked in self.asked:
            said = asked.path + json.dumps(asked.query) + asked.body.decode("latin-1")
            assert self.account.key not in said
            others = {name: value for name, value in asked.headers.items() if name != "apikey"}
            assert self.account.key not in json.dumps(others)
            assert asked.headers["apikey"] == self.account.key

    def _fault(self, question: str) -> Fault | None:
        for place, (at, what) in enumerate(self.faults):
            if at in question:
                del self.faults[place]
                return what
        return None


def envelope(
    code: int,
    message: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Answer:
    """An answer whose responseCode may differ from HTTP's status."""
    said = {"responseCode": code, "message": message, "content": "", **more}
    kind = {"Content-Type": "application/json"}
    return Answer(status, json.dumps(said).encode(), {**kind, **(headers or {})})


def page(status: int = 502, text: str = "<html><h1>Bad Gateway</h1></html>") -> Answer:
    """What a gateway says in JotForm's place."""
    return Answer(status, text.encode(), {"Content-Type": "text/html; charset=utf-8"})


def slow(seconds: float) -> Callable[[], Answer | None]:
    """Wait before the answer."""

    def wait() -> None:
        time.sleep(seconds)

    return wait


@contextlib.contextmanager
def jotform_server(
    account: Account | None = None, *, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Server]:
    """Serve the account on a port of this machine (a free one) until the block ends."""
    server = Server(account or Account(KEY))
    httpd = _Httpd(("127.0.0.1", port), _handler(server))
    if tls is not None:
        httpd.socket = tls.wrap_socket(httpd.socket, server_side=True)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    scheme = "http://127.0.0.1" if tls is None else "https://localhost"
    server.url = f"{scheme}:{httpd.server_address[1]}"
    try:
        yield server
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


class _Httpd(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients go away in the middle; nobody wants to read of it."""

    def server_bind(self) -> None:
        """Without the base's look-up of the host's name, which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    respond = jotform(server.account)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True
        timeout = 30

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            split = urlsplit(self.path)
            query = dict(parse_qsl(split.query, keep_blank_values=True))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, unquote(split.path), query, headers, body)
            port = self.client_address[1]
            with lock:
                server.asked.append(Asked(self.command, request.path, query, headers, body, port))
                fault = server._fault(f"{self.command} {request.path}")
            if fault == CUT_BEFORE:
                return self._cut()
            answer = fault() if callable(fault) else fault
            if not isinstance(answer, Answer):
                with lock:
                    answer = respond(request)
            if fault == CUT_AFTER:
                return self._cut()
            return self._send(answer, short=fault == CUT_SHORT)

        def _send(self, answer: Answer, *, short: bool) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in answer.headers:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body[: len(answer.body) // 2] if short else answer.body)
            if short:
                self.wfile.flush()
                self._cut()

        def _cut(self) -> None:
            """As a cable that is pulled: a reset, with no word of farewell."""
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()

        do_GET = do_POST = do_PUT = do_DELETE = _serve

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
