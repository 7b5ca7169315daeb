"""A service of notifications on the loopback: it takes what is sent, or fails as it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.body)
        return said

    @property
    def title(self) -> str:
        return self.headers["title"]


@dataclass
class Service:
    port: int
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    """Until it answers."""
    mute: bool = False
    """It closes the connection without an answer."""
    received: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/my-secret-topic"

    def wait_for(self, number: int, seconds: float = 60) -> list[Received]:
        """What was received, once there is so much; whatever comes a moment later, too."""
        until = time.monotonic() + seconds
        while len(self.received) < number and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.1)
        return self.received


@contextmanager
def service() -> Iterator[Service]:
    made: Service

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.received.append(Received(self.path, headers, body))
            if made.mute:
                self.close_connection = True
                return
            time.sleep(made.seconds)
            self.send_response(made.status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(OSError):  # whoever asked was killed
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Service(server.server_address[1])
    with _serving(server):
        yield made


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which the files of a folder are."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    with _serving(server):
        yield f"http://127.0.0.1:{server.server_address[1]}/"


@contextmanager
def _serving(server: ThreadingHTTPServer) -> Iterator[None]:
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
