"""One request to another host, with what can go wrong on the way told apart.

A page must not make us knock at doors inside our own network: the addresses that a name stands for
are looked at first, and the connection goes to those very addresses. Proxies are those of the
environment (`https_proxy`, `no_proxy`), certificates are checked against the system's authorities.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
import urllib.request
import zlib
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from workflow.certificates import tls_fault
from workflow.validator.links.urls import PORTS, Address, as_text, is_local

_CHUNK = 1 << 16


class Answer(NamedTuple):
    """What a server said."""

    status: int
    location: str | None = None
    retry_after: str | None = None
    cookies: tuple[str, ...] = ()
    """`name=value` of each that is to be set."""
    content_type: str = ""
    body: bytes = b""
    """Its beginning, decoded; empty if it was not asked for, or cannot be decoded."""


class Fault(NamedTuple):
    """No whole answer came."""

    kind: Literal["dns", "private", "tls", "closed", "passing"]
    """closed: the server ended the connection, or said what is no HTTP. passing: a timeout, a
    connection refused, a network out of reach."""
    detail: str


class Request:
    """One question. Run in a thread of its own; any other thread may end it."""

    def __init__(
        self, address: Address, method: str, headers: Mapping[str, str], *, seconds: float,
        most: int, may_be_private: bool,
    ) -> None:  # fmt: skip
        """`seconds` are for all of it. `most`: bytes that are read of the body."""
        self._address = address
        self._method = method
        self._headers = {"Host": address.host, "Connection": "close", **headers}
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._most = most
        self._may_be_private = may_be_private
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_ended = False

    def run(self) -> Answer | Fault:
        """Ask, and wait for the answer. Never raises."""
        try:
            return self._asked()
        # ValueError: a host's name that cannot be one, a header that is none.
        except (OSError, http.client.HTTPException, ValueError) as error:
            return self._told(error)

    @property
    def is_late(self) -> bool:
        """Whether it should have come back: a server may send a byte now and then for ever."""
        return time.monotonic() > self._until + 1

    def end(self) -> None:
        """Wait no longer: `run` comes back at once, unless it is still looking up a name."""
        with self._lock:
            self._is_ended = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def _asked(self) -> Answer | Fault:
        scheme = self._address.scheme
        name, port = _name_and_port(self._address)
        proxy = _proxy(scheme, self._address.host)
        if not self._may_be_private and is_local(self._address.host):
            return _private(name)
        whole = as_text(self._address)
        target = whole[len(f"{scheme}://{self._address.host}") :]
        if proxy is None:
            places = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
            if not self._may_be_private and any(_is_ours(str(one[4][0])) for one in places):
                return _private(name)
            connection = http.client.HTTPConnection(name, port)
            connection.sock = self._connected(places)
        else:  # it looks the name up
            connection = http.client.HTTPConnection(*proxy, timeout=self._seconds)
            if scheme == "https":
                connection.set_tunnel(name, port)
            else:
                target = whole
            connection.connect()
        try:
            self._hold(connection.sock)
            if scheme == "https":
                connection.sock = _tls().wrap_socket(connection.sock, server_hostname=name)
                self._hold(connection.sock)
            connection.request(self._method, target, headers=self._headers)
            with connection.getresponse() as response:
                return self._read(response)
        finally:
            self._hold(None)
            connection.close()

    def _connected(self, places: list[Any]) -> socket.socket:
        """A connection to the first of these that takes one. Raises OSError."""
        failed: OSError = TimeoutError()
        for family, kind, protocol, _, place in places:
            left = self._until - time.monotonic()
            if left <= 0:
                break
            opened = socket.socket(family, kind, protocol)
            try:
                opened.settimeout(left)
                self._hold(opened)
                opened.connect(place)
            except OSError as error:
                self._hold(None)
                opened.close()
                failed = error
            else:
                return opened
        raise failed

    def _hold(self, held: socket.socket | None) -> None:
        with self._lock:
            self._socket = held
            if held is not None and self._is_ended:
                raise TimeoutError

    def _read(self, response: http.client.HTTPResponse) -> Answer:
        """Raises HTTPException if the answer is cut off, TimeoutError if it is too slow."""
        headers = response.headers
        cookies = tuple(one.partition(";")[0].strip() for one in headers.get_all("Set-Cookie", []))
        body = b"" if self._method == "HEAD" else self._body(response)
        return Answer(
            response.status,
            headers.get("Location"),
            headers.get("Retry-After"),
            cookies,
            headers.get("Content-Type", ""),
            _decoded(body, headers.get("Content-Encoding", "identity").strip().lower()),
        )

    def _body(self, response: http.client.HTTPResponse) -> bytes:
        declared = response.length
        read = bytearray()
        while len(read) < self._most and (chunk := response.read1(_CHUNK)):
            read += chunk
            if time.monotonic() > self._until:
                raise TimeoutError
        if declared is not None and len(read) < min(declared, self._most):
            raise http.client.IncompleteRead(bytes(read), declared - len(read))
        return bytes(read)

    def _told(self, error: Exception) -> Fault:
        name = _name_and_port(self._address)[0]
        if isinstance(error, TimeoutError) or self._is_ended:
            return Fault("passing", f"no answer within {self._seconds:g} seconds")
        if isinstance(error, http.client.IncompleteRead):
            return Fault("closed", f"the answer was cut off after {len(error.partial):,} bytes")
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
            return Fault("tls", tls_fault(error))
        if isinstance(error, socket.gaierror):
            if error.errno == socket.EAI_AGAIN:
                return Fault("passing", f"DNS does not answer about {name}")
            return Fault("dns", f"DNS does not know {name}")
        if isinstance(error, UnicodeError):
            return Fault("dns", f"{name} cannot be the name of a host")
        if isinstance(error, ConnectionRefusedError):
            return Fault("passing", f"{name} refuses the connection")
        said = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
        is_closed = isinstance(error, (ConnectionError, http.client.HTTPException, ssl.SSLEOFError))
        return Fault("closed" if is_closed else "passing", f"the connection broke ({said})")


def _name_and_port(address: Address) -> tuple[str, int]:
    parts = urlsplit(f"//{address.host}")
    return parts.hostname or "", parts.port or int(PORTS[address.scheme])


def _proxy(scheme: str, host: str) -> tuple[str, int] | None:
    """The proxy that the environment wants us to ask for this host."""
    named = urllib.request.getproxies().get(scheme)
    if not named or urllib.request.proxy_bypass(host):
        return None
    parts = urlsplit(named if "//" in named else f"//{named}")
    return (parts.hostname, parts.port or 80) if parts.hostname else None


def _private(name: str) -> Fault:
    return Fault("private", f"{name} is this machine, or in a network that visitors are not in")


def _is_ours(text: str) -> bool:
    """Whether an IP address is none of the open internet's."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return not address.is_global or address.is_multicast


@lru_cache(1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _decoded(body: bytes, encoding: str) -> bytes:
    """The body without its compression, as far as it was read."""
    if encoding == "identity":
        return body
    if encoding not in ("gzip", "x-gzip"):
        return b""
    try:
        return zlib.decompressobj(wbits=31).decompress(body, 16 * len(body) + _CHUNK)
    except zlib.error:
        return b""
