"""One GET as a visitor's browser does it, with what can go wrong on the way told apart.

Proxies are those of the environment (`https_proxy`, `no_proxy`), certificates are checked against
the system's authorities (`SSL_CERT_FILE` names others).
"""

from __future__ import annotations

import hashlib
import http.client
import importlib.util
import socket
import ssl
import threading
import time
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.error import URLError
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from workflow import __version__
from workflow.certificates import tls_fault
from workflow.errors import TaskError, TaskFailed

_REQUEST_SECONDS = 15.0
"""For one answer, from the question to its last byte."""
_REDIRECTS = 5
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer, its body read through and not kept."""

    url: str
    """The address that answered, behind any redirects."""
    status: int
    reason: str
    content_type: str | None
    encoding: str
    length: int | None
    """Bytes of the body, as the server states them, unless they are encoded."""
    sha256: str | None
    """Of the body after undoing its encoding; None if it was not read, or cannot be decoded."""
    cached: str
    """What the answer tells of a cache, to stand at the end of a sentence."""


class Unreachable(Exception):
    """No whole answer came, which may pass. Its text is the reason."""

    def __init__(self, reason: str, *, absent: bool = False) -> None:
        super().__init__(reason)
        self.absent = absent
        """Whether nobody is there at all, which no cache that is late explains."""


class Browser:
    """Shares what is costly to set up between threads."""

    def __init__(self) -> None:
        self._opener = urllib.request.build_opener(_LateTls(), _AsItIs)
        brotli = importlib.util.find_spec("brotli") is not None
        self._headers = {
            "User-Agent": f"workflow/{__version__}",
            "Accept": "*/*",
            "Accept-Encoding": "gzip, br" if brotli else "gzip",
        }

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._opener.close()

    def get(self, url: str, *, most: int | None) -> Seen:
        """Fetch `url`, following redirects that stay on its host and scheme.

        Of the body at most `most` bytes (decoded) are read, and one more, which shows that it is
        longer; None reads all of it, 0 nothing. Raises Unreachable, or TaskFailed
        `site_tls_error` or `site_redirects`.
        """
        until = time.monotonic() + _REQUEST_SECONDS
        asked = url
        for _ in range(_REDIRECTS + 1):
            try:
                asked = _ascii(asked)
                with self._open(asked) as answer:
                    target = answer.headers.get("Location")
                    if answer.status not in (301, 302, 303, 307, 308) or target is None:
                        return _read(answer, asked, most, until)
            # ValueError: a host's name that cannot be one.
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise _told(error, asked) from error
            asked = _followed(asked, target, answer.status)
        raise _redirects(f"{url} redirects more than {_REDIRECTS} times, lastly to {asked}")

    def _open(self, url: str) -> Any:
        request = urllib.request.Request(url, headers=self._headers)
        return self._opener.open(request, timeout=_REQUEST_SECONDS)


class _LateTls(urllib.request.HTTPSHandler):
    """Reads the system's certificates, which takes long, only once they are needed."""

    def __init__(self) -> None:
        # Not HTTPSHandler's own: from Python 3.12 on it reads them at once.
        urllib.request.AbstractHTTPHandler.__init__(self)
        self._making = threading.Lock()
        self._tls: ssl.SSLContext | None = None

    def https_open(self, request: urllib.request.Request) -> Any:
        with self._making:
            if self._tls is None:
                self._tls = ssl.create_default_context()
        return self.do_open(http.client.HTTPSConnection, request, context=self._tls)


class _AsItIs(urllib.request.HTTPErrorProcessor):
    """Every status is an answer: none is an exception, and no redirect is followed unseen."""

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:
        return response

    https_response = http_response


# -- reading -------------------------------------------------------------------------------------


def _read(answer: Any, url: str, most: int | None, until: float) -> Seen:
    encoding = (answer.headers.get("Content-Encoding") or "identity").strip().lower()
    declared = answer.headers.get("Content-Length", "")
    decode = _decoder(encoding)
    digest = None
    if answer.status == 200 and decode is not None and most != 0:
        total = hashlib.sha256()
        size = 0
        for chunk in _chunks(answer, int(declared) if declared.isdigit() else None, until):
            plain = decode(chunk)
            total.update(plain)
            size += len(plain)
            if most is not None and size > most:
                break
        digest = total.hexdigest()
    return Seen(
        url,
        answer.status,
        answer.reason or "",
        answer.headers.get("Content-Type"),
        encoding,
        int(declared) if declared.isdigit() and encoding == "identity" else None,
        digest,
        _cached(answer.headers),
    )


def _chunks(answer: Any, declared: int | None, until: float) -> Iterator[bytes]:
    """The body as it comes. Raises Unreachable if it ends too early, or too late."""
    size = 0
    while chunk := answer.read1(_CHUNK):
        yield chunk
        size += len(chunk)
        if time.monotonic() > until:
            raise Unreachable(f"the answer took longer than {_REQUEST_SECONDS:.0f} seconds")
    if declared is not None and size < declared:
        raise Unreachable(f"the answer was cut off after {size:,} of {declared:,} bytes")


def _decoder(encoding: str) -> Callable[[bytes], bytes] | None:
    if encoding == "identity":
        return lambda chunk: chunk
    if encoding in ("gzip", "x-gzip"):
        return _undoing(zlib.decompressobj(wbits=31).decompress, zlib.error)
    if encoding == "br" and importlib.util.find_spec("brotli") is not None:
        import brotli

        return _undoing(brotli.Decompressor().process, brotli.error)
    return None


def _undoing(
    decompress: Callable[[bytes], bytes], error: type[Exception]
) -> Callable[[bytes], bytes]:
    def decode(chunk: bytes) -> bytes:
        try:
            return decompress(chunk)
        except error as damaged:
            raise Unreachable(f"the answer cannot be decompressed ({damaged})") from damaged

    return decode


def _cached(headers: Any) -> str:
    age = headers.get("Age", "")
    return f" (from a cache, {int(age):,} s old)" if age.isdigit() and int(age) else ""


def media_type(content_type: str) -> str:
    """`text/html` of `Text/HTML; charset=utf-8`."""
    return content_type.partition(";")[0].strip().lower()


# -- addresses -----------------------------------------------------------------------------------


def _ascii(url: str) -> str:
    """An address as it is sent: the host in IDNA, all else percent-encoded where it must be."""
    parts = urlsplit(url)
    host = parts.netloc
    if not host.isascii():
        host = host.encode("idna").decode()
    path = quote(parts.path or "/", safe="/%!$&'()*+,;=:@~")
    return urlunsplit((parts.scheme, host, path, quote(parts.query, safe="/%!$&'()*+,;=:@~?"), ""))


def _followed(url: str, target: str, status: int) -> str:
    """Where a redirect leads. Raises TaskFailed `site_redirects` if that is another place."""
    leads = urljoin(url, target)
    if _origin(leads) != _origin(url):
        raise _redirects(f"{url} redirects to {leads} ({status})")
    return leads


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        return parts.scheme, parts.hostname, port
    except ValueError:
        return url, None, None


# -- telling -------------------------------------------------------------------------------------


def _redirects(message: str) -> TaskFailed:
    return TaskFailed(
        TaskError(
            "site_redirects",
            message,
            "escalate",
            "verification",
            hint="if that is meant, let verify_url in workflow.yaml name the address that serves "
            "the site itself; else correct the redirect in DNS, CloudFront or the bucket's website",
        )
    )


def _told(error: Exception, url: str) -> Exception:
    """What an error of the network means: Unreachable, or TaskFailed `site_tls_error`."""
    reason: object = error.reason if isinstance(error, URLError) else error
    host = urlsplit(url).hostname
    if isinstance(reason, ssl.SSLError) and not isinstance(reason, ssl.SSLEOFError):
        return _tls_error(reason, url)
    if isinstance(reason, socket.gaierror):
        return Unreachable(f"DNS does not know {host} ({reason.strerror})", absent=True)
    if isinstance(reason, ConnectionRefusedError):
        return Unreachable(f"{host} refuses the connection", absent=True)
    if isinstance(reason, TimeoutError):
        return Unreachable(f"no answer within {_REQUEST_SECONDS:.0f} seconds")
    return Unreachable(f"the connection broke ({reason or type(reason).__name__})")


def _tls_error(error: ssl.SSLError, url: str) -> TaskFailed:
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = (
            "renew or replace the certificate where it is installed (for CloudFront: ACM in "
            "us-east-1, with this name); see that this machine's clock is right and that its "
            "Python finds the system's authorities (SSL_CERT_FILE)"
        )
    else:
        hint = "does the server speak https at this port? Correct verify_url in workflow.yaml"
    return TaskFailed(
        TaskError(
            "site_tls_error",
            f"{url} cannot be trusted: {tls_fault(error)}",
            "escalate",
            "verification",
            hint=hint,
        )
    )
