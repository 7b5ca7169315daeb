"""The connections to one host, kept open and shared by many threads.

connecting   10 s                       TLS         the system's certificates, AWS_CA_BUNDLE
silence      60 s, sending or reading   HTTP_PROXY, HTTPS_PROXY, NO_PROXY as with urllib
"""

from __future__ import annotations

import base64
import os
import socket
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from workflow.deploy.connection import Answer, Check, Connection, Garbled

if TYPE_CHECKING:
    from ssl import SSLContext

CONNECT_SECONDS = 10.0
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Lost(Exception):
    """No whole answer came: no connection, one that broke, or silence. If there was a connection
    nobody knows whether the server did what was asked."""

    def __init__(self, message: str, *, connected: bool, passing: bool = True) -> None:
        super().__init__(message)
        self.connected = connected
        self.passing = passing
        """False for what no second try mends, such as a certificate that is not valid."""


class Pool:
    """The connections to one host (`https://s3.us-east-1.amazonaws.com`)."""

    def __init__(self, origin: str) -> None:
        self.address = urlsplit(origin)
        self._proxy = _proxy_for(self.address)
        self._idle: list[Connection] = []
        self._guard = threading.Lock()
        self._tls: SSLContext | None = None

    @property
    def host(self) -> str:
        """As the header Host names it."""
        port, usual = self.address.port, {"http": 80, "https": 443}[self.address.scheme]
        name = self.address.hostname or ""
        name = f"[{name}]" if ":" in name else name
        return name if port in (None, usual) else f"{name}:{port}"

    def ask(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        check: Check,
    ) -> Answer:
        """Send a request and read the whole answer. Raises Lost, and what `check` raises."""
        connection = self._take()
        try:
            if connection is None:
                connection = self._connect(check)
            answer = connection.ask(method, self._target(target), headers, body, check)
        except (OSError, Garbled) as error:
            raise _lost(error, self.host, connected=connection is not None) from error
        finally:
            if connection is not None:
                self._give_back(connection)
        return answer

    def close(self) -> None:
        with self._guard:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _target(self, path: str) -> str:
        """A proxy that is spoken to in the clear wants the whole address."""
        if self._proxy is None or self.address.scheme == "https":
            return path
        return f"http://{self.host}{path}"

    def _take(self) -> Connection | None:
        while True:
            with self._guard:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if connection.is_alive():
                return connection
            connection.close()

    def _give_back(self, connection: Connection) -> None:
        if not connection.reusable:
            connection.close()
            return
        connection.idle_since = time.monotonic()
        with self._guard:
            self._idle.append(connection)

    def _connect(self, check: Check) -> Connection:
        """Raises OSError."""
        is_tls = self.address.scheme == "https"
        usual = 443 if is_tls else 80
        name, port = self.address.hostname or "", self.address.port or usual
        proxy = self._proxy
        where = (proxy.hostname or "", proxy.port or 80) if proxy else (name, port)
        raw = socket.create_connection(where, timeout=CONNECT_SECONDS)
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            headers = _authorisation(proxy) if proxy else {}
            if proxy and is_tls:
                _tunnel(raw, f"{name}:{port}", headers, check)
                headers = {}
            if is_tls:
                raw.settimeout(CONNECT_SECONDS)
                raw = self._context().wrap_socket(raw, server_hostname=name)
            return Connection(raw, headers)
        except BaseException:
            raw.close()
            raise

    def _context(self) -> SSLContext:
        with self._guard:
            if self._tls is None:
                self._tls = _tls_context()
            return self._tls


def _lost(error: Exception, host: str, *, connected: bool) -> Lost:
    what = "the connection to" if connected else "no connection to"
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    passing = type(error).__name__ != "SSLCertVerificationError"
    return Lost(f"{what} {host}: {said}", connected=connected, passing=passing)


# -- proxies and certificates -------------------------------------------------------------------


def _proxy_for(address: SplitResult) -> SplitResult | None:
    """The proxy that the environment (or the system's settings, on macOS) wants for a host."""
    if address.hostname in _LOOPBACK:
        return None
    from urllib.request import getproxies, proxy_bypass

    proxy = getproxies().get(address.scheme)
    if not proxy or proxy_bypass(address.hostname or ""):
        return None
    return urlsplit(proxy if "://" in proxy else f"http://{proxy}")


def _authorisation(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    who = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"proxy-authorization": f"Basic {base64.b64encode(who.encode()).decode()}"}


def _tunnel(raw: socket.socket, to: str, headers: Mapping[str, str], check: Check) -> None:
    """Raises OSError if the proxy does not let us through."""
    answer = Connection(raw, headers).ask("CONNECT", to, {"host": to}, b"", check)
    if answer.status != 200:
        raise OSError(f"the proxy answers {answer.status} to CONNECT")


def _tls_context() -> SSLContext:
    """The system's certificates, or those of AWS_CA_BUNDLE; botocore's where there are none, as
    with the Python of python.org on macOS."""
    import ssl

    bundle = os.environ.get("AWS_CA_BUNDLE")
    paths = ssl.get_default_verify_paths()
    if not bundle and not paths.cafile and not paths.capath:
        from importlib.util import find_spec

        found = find_spec("botocore")
        bundle = os.path.join(os.path.dirname((found and found.origin) or ""), "cacert.pem")
    return ssl.create_default_context(cafile=bundle)
