"""One POST: as ntfy takes it, or of one JSON object.

ntfy's headers: https://docs.ntfy.sh/publish/. A redirect is followed nowhere: the token and the
text are for the address that the owner gave. The connection is made first and the message given to
it second, so that a service that is not there has certainly not had it.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

from workflow.certificates import tls_fault
from workflow.notify.answer import Answer, refused, sent, unknown
from workflow.notify.messages import Message
from workflow.notify.secret import Secret

SECONDS = 10.0
"""For each step of a connection."""
_LATER = (408, 425, 429, 500, 502, 503)
"""Answers that pass by themselves; after 504 the message may have arrived."""


def post_to_ntfy(message: Message, secret: Secret, on_its_way: Callable[[], None]) -> Answer:
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Title": message.title,
        "Priority": str(message.priority),
        "Tags": message.tag,
    }
    if message.click:
        headers["Click"] = message.click
    return _post(message.text.encode(), headers, secret, on_its_way)


def post_json(message: Message, secret: Secret, on_its_way: Callable[[], None]) -> Answer:
    said = {
        "event": message.event or "test",
        "title": message.title,
        "message": message.text,
        "priority": message.priority,
        "tags": [message.tag],
        "click": message.click,
        "environments": list(message.environments),
        "tasks": list(message.tasks),
    }
    body = json.dumps(said, ensure_ascii=False).encode()
    return _post(body, {"Content-Type": "application/json"}, secret, on_its_way)


def _post(
    body: bytes, headers: dict[str, str], secret: Secret, on_its_way: Callable[[], None]
) -> Answer:
    parts = urlsplit(secret.address)
    host = parts.hostname or ""
    if secret.token:
        headers["Authorization"] = f"Bearer {secret.token}"
    headers["User-Agent"] = "workflow"
    # Anything but ASCII in a header's value: RFC 2047, which ntfy takes.
    headers = {name: _encoded(value) for name, value in headers.items()}
    target = parts.path or "/"
    target += f"?{parts.query}" if parts.query else ""
    connection = _connection(parts.scheme, host, parts.port)
    try:
        try:
            connection.connect()
        except ssl.SSLError as error:
            return refused(f"{host}: {tls_fault(error)}")
        except OSError as error:
            return refused(f"{host} is not reached: {_reason(error)}")
        on_its_way()
        try:
            connection.request("POST", target, body, headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return unknown(f"{host} took it and gave no answer: {_reason(error)}")
    finally:
        connection.close()
    return _judged(host, status)


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=SECONDS, context=context)
    return http.client.HTTPConnection(host, port, timeout=SECONDS)


def _judged(host: str, status: int) -> Answer:
    if 200 <= status < 300:
        return sent(f"{host} took it (HTTP {status})")
    if status in _LATER:
        return refused(f"{host} did not take it (HTTP {status})")
    if status == 504:
        return unknown(f"{host} says that what is behind it gave no answer (HTTP 504)")
    if 300 <= status < 400:
        return refused(
            f"{host} sends us elsewhere (HTTP {status}), which is not followed: give the address "
            "that it leads to",
            final=True,
        )
    if status in (401, 403):
        return refused(f"{host} does not let us in (HTTP {status}): see its token", final=True)
    return refused(f"{host} did not take it (HTTP {status}): see its address", final=True)


def _encoded(value: str) -> str:
    if value.isascii():
        return value
    from email.header import Header

    return Header(value, "utf-8", maxlinelen=10_000).encode()


def _reason(error: Exception) -> str:
    """Why, in words without an address."""
    if isinstance(error, TimeoutError):
        return f"no answer within {SECONDS:g} s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return "it closed the connection"
