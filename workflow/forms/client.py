"""JotForm's API over HTTPS: questions are asked again after passing faults, commands never.

    connecting       10 s              key          header APIKEY, to the configured host alone
    an answer        30 s of silence,  questions    up to 5 times, waiting 1, 2, 4, 8 s, or as long
                     120 s in all                   as JotForm asks, up to two minutes
    at most          64 MB             commands     again only if no connection came about

Every request of a command has a connection of its own: one that was kept may have been closed at
the other end, and then nobody knows whether the command arrived. A redirect is followed nowhere.
The API, its limits and its errors: https://api.jotform.com/docs
"""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from workflow import redact
from workflow.certificates import tls_fault
from workflow.config import Config
from workflow.errors import TaskError, TaskFailed
from workflow.forms import refused
from workflow.forms.answers import Answer, Refusal, read_answer
from workflow.forms.key import find_key
from workflow.handler import require_sections
from workflow.layout import CONFIG
from workflow.settings.forms import LOOPBACK

if TYPE_CHECKING:
    import httpx

HOSTS = {
    "us": "https://api.jotform.com",
    "eu": "https://eu-api.jotform.com",
    "hipaa": "https://hipaa-api.jotform.com",
}
PAGE = 1000
"""The most that JotForm gives at once; without `limit` it gives 20."""
TRIES = 5
FIRST_WAIT = 1.0
LONGEST_WAIT = 120.0
"""Seconds: who is asked to wait longer gives up, and says so."""
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 30.0
ANSWER_SECONDS = 120.0
MOST_BYTES = 64 * 1024 * 1024
_STEP = 0.2
_ASTRAY = 20
"""Pages that may bring nothing new, or leave a gap, before a list is given up."""


class JotForm:
    """The account that the key belongs to. Use it as a context manager."""

    def __init__(
        self,
        url: str,
        key: str,
        check: Callable[[], None],
        *,
        tries: int = TRIES,
        names: Mapping[str, str] | None = None,
    ) -> None:
        """`names`: what workflow.yaml calls the forms, by their ids."""
        import httpx

        self.url = url
        self._names = names or {}
        self._tries = tries
        redact.hide(key)
        self._key = key.encode("ascii")
        self._check = check
        own = urlsplit(url).hostname in LOOPBACK
        options: dict[str, Any] = {
            "headers": {"APIKEY": key, "Accept": "application/json", "User-Agent": "workflow"},
            "follow_redirects": False,
            "timeout": httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS),
            "trust_env": not own,  # no proxy leads to this machine itself
            "verify": _authorities(),
        }
        self._asking = httpx.Client(**options)
        self._telling = httpx.Client(**options, limits=httpx.Limits(max_keepalive_connections=0))

    @classmethod
    def open(cls, config: Config, check: Callable[[], None], *, tries: int = TRIES) -> JotForm:
        """The account of workflow.yaml. `check` is called often and ends the work by raising.

        Raises TaskFailed `no_jotform_key` or `bad_config`; nothing is asked of the network yet.
        """
        # What was left out has a default, which may be another host or another account.
        require_sections(config, "jotform", "forms")
        settings = config.jotform
        url = settings.api_url or HOSTS[settings.region]
        names = {form.id: name for name, form in config.forms.items()}
        return cls(url.rstrip("/"), find_key(settings).value, check, tries=tries, names=names)

    def __enter__(self) -> JotForm:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._asking.close()
        self._telling.close()

    def get(self, path: str, **params: Any) -> Answer:
        """Ask. A mapping among `params` (a filter) is sent as JSON, None is left out.

        Raises TaskFailed: `jotform_key_refused`, `no_such_form`, `jotform_not_found`,
        `jotform_refused`, `jotform_elsewhere`, `jotform_quota`; and if it does not pass:
        `jotform_limit`, `jotform_unreachable`, `jotform_certificate`, `jotform_answer`.
        """
        asked = f"GET {_whole(path)}"
        sent = {name: _written(value) for name, value in params.items() if value is not None}
        for number in range(1, self._tries + 1):
            self._check()
            try:
                return self._once(self._asking, "GET", path, self._check, params=sent)
            except Refusal as refusal:
                wait = FIRST_WAIT * 2 ** (number - 1) if refusal.wait is None else refusal.wait
                if not refusal.passing or number == self._tries or wait > LONGEST_WAIT:
                    raise TaskFailed(self._cause(refusal, "GET", path)) from refusal
                self._sleep(wait)
        raise AssertionError(asked)

    def pages(
        self, path: str, *, most: int | None = None, **params: Any
    ) -> Iterator[dict[str, Any]]:
        """The entries of a list, each once, `most` at most, however many pages they take.

        A list may change while it is read. Every page begins with the last entry of the one before:
        if it does not hold any entry that was seen, some were deleted meanwhile and others moved up
        past us, so that the page before is read again.
        """
        seen: set[str] = set()
        offset = given = astray = 0
        while most is None or given < most:
            size = PAGE if most is None else min(PAGE, most - given + (1 if offset else 0))
            answer = self.get(path, limit=size, offset=offset, **params)
            if answer.result_set is not None and answer.result_set.limit > 0:
                size = min(size, answer.result_set.limit)  # it may give less than was asked for
            entries = [entry for entry in _entries(answer, path) if isinstance(entry, dict)]
            new = [entry for entry in entries if str(entry.get("id")) not in seen]
            has_gap = offset > 0 and len(new) == len(entries) > 0
            if has_gap or not new:
                astray += 1
            if has_gap and astray < _ASTRAY:
                offset = max(0, offset - size)
                continue
            for entry in new:
                number = str(entry.get("id"))
                if number not in seen and (most is None or given < most):
                    seen.add(number)
                    given += 1
                    yield entry
            if len(entries) < size:
                return
            if astray >= _ASTRAY:
                raise _no_list(path, "changes faster than it can be read, or has no pages")
            offset += max(1, len(entries) - 1)

    def post(self, path: str, data: Mapping[str, Any], *, look: str | None = None) -> Answer:
        """Tell, once. Nested mappings become JotForm's `questions[1][type]=…`.

        `look`: where a person sees what came of it, for `unknown_outcome`.
        Raises TaskFailed as `get` does, but for faults after which nobody knows whether it was
        done: `unknown_outcome` (escalate).
        """
        return self._tell("POST", path, look, data=form_fields(data))

    def put(self, path: str, data: Mapping[str, Any], *, look: str | None = None) -> Answer:
        """As `post`; JotForm takes the body of a PUT as JSON."""
        return self._tell("PUT", path, look, json=data)

    def delete(self, path: str, *, look: str | None = None) -> Answer:
        """As `post`."""
        return self._tell("DELETE", path, look)

    def _tell(self, method: str, path: str, look: str | None, **body: Any) -> Answer:
        asked = f"{method} {_whole(path)}"
        for number in range(1, self._tries + 1):
            self._check()
            try:
                # Nothing but its own time limits ends it: its outcome would be unknown.
                return self._once(self._telling, method, path, lambda: None, **body)
            except Refusal as refusal:
                if not refusal.nothing_done:
                    raise _unknown(asked, look, refusal) from refusal
                # Only where no connection came about was nothing received, for certain.
                if refusal.error.code != "jotform_unreachable" or number == self._tries:
                    raise TaskFailed(self._cause(refusal, method, path)) from refusal
                self._sleep(FIRST_WAIT * 2 ** (number - 1))
        raise AssertionError(asked)

    def _cause(self, refusal: Refusal, method: str, path: str) -> TaskError:
        return refused.cause(
            refusal.error,
            method,
            path,
            lambda other: self._once(self._asking, "GET", other, self._check),
            self._names,
        )

    def _once(
        self, client: httpx.Client, method: str, path: str, check: Callable[[], None], **sent: Any
    ) -> Answer:
        import httpx

        asked = f"{method} {path}"
        try:
            with client.stream(method, self.url + path, **sent) as response:
                body = self._body(response, check, asked)
                return read_answer(response.status_code, response.headers, body, asked)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise _unconnected(self.url, error) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _broken_off(asked, error) from error

    def _body(self, response: httpx.Response, check: Callable[[], None], asked: str) -> bytes:
        until = time.monotonic() + ANSWER_SECONDS
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            check()
            if len(body) > MOST_BYTES:
                raise _unbounded(asked, f"is larger than {MOST_BYTES // 1024**2} MB")
            if time.monotonic() > until:
                raise _unbounded(asked, f"took longer than {ANSWER_SECONDS:.0f} s")
        # What we sent may come back in a message, and from there go into a result.
        return bytes(body).replace(self._key, b"[redacted]")

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._check()
            time.sleep(min(_STEP, left))


def _authorities() -> ssl.SSLContext:
    """The system's, or those that SSL_CERT_FILE names; certifi's where the system has none."""
    import certifi

    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not any((paths.cafile, paths.capath)):
        context.load_verify_locations(certifi.where())
    return context


def form_fields(data: Mapping[str, Any], under: str = "") -> dict[str, str]:
    """`{"questions": {"1": {"type": "…"}}}` as JotForm takes it: `questions[1][type]`."""
    fields: dict[str, str] = {}
    for name, value in data.items():
        key = f"{under}[{name}]" if under else str(name)
        if isinstance(value, Mapping):
            fields |= form_fields(value, key)
        else:
            fields[key] = _written(value)
    return fields


def _written(value: Any) -> str:
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, bool):
        return "Yes" if value else "No"  # JotForm's words for it
    return str(value)


def _whole(path: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9_-]+)+", path):
        raise ValueError(f"{path!r} is no path of JotForm's API")
    return path


def _entries(answer: Answer, path: str) -> list[Any]:
    """A list, or (questions, webhooks) a mapping; an empty list may come as an empty string."""
    content = answer.content
    if isinstance(content, Mapping):
        return list(content.values())
    if isinstance(content, list):
        return content
    if not content:
        return []
    raise _no_list(path, "is no list")


def _no_list(path: str, what: str) -> TaskFailed:
    return TaskFailed(
        TaskError(
            "jotform_answer",
            f"what JotForm answers to GET {path} {what}",
            "retry",
            "network",
            hint=f"is jotform.api_url in {CONFIG} that of the API?",
        )
    )


def _unconnected(url: str, error: Exception) -> Refusal:
    host = urlsplit(url).netloc
    fault = _certificate(error)
    if fault is not None:
        return Refusal(
            TaskError(
                "jotform_certificate",
                f"no safe connection to {host}: {fault}",
                "escalate",
                "network",
                hint="if a company's proxy looks into TLS, name its certificates in SSL_CERT_FILE",
            ),
            nothing_done=True,
        )
    return Refusal(
        TaskError(
            "jotform_unreachable",
            f"{host} cannot be reached: {error}",
            "retry",
            "network",
            hint="is this machine online? See https://status.jotform.com too",
        ),
        passing=True,
        nothing_done=True,
    )


def _certificate(error: BaseException | None) -> str | None:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return tls_fault(error)
        error = error.__cause__ or error.__context__
    return None


def _broken_off(asked: str, error: Exception) -> Refusal:
    return Refusal(
        TaskError(
            "jotform_unreachable",
            f"the connection broke off at {asked}: {error or type(error).__name__}",
            "retry",
            "network",
            hint="submit the task again; see https://status.jotform.com if it stays so",
        ),
        passing=True,
    )


def _unbounded(asked: str, what: str) -> Refusal:
    return Refusal(
        TaskError(
            "jotform_answer",
            f"JotForm's answer to {asked} {what}",
            "retry",
            "network",
            hint="ask for less at once, or submit the task again later",
        )
    )


def _unknown(asked: str, look: str | None, refusal: Refusal) -> TaskFailed:
    where = look or "look at the form in JotForm"
    return TaskFailed(
        TaskError(
            "unknown_outcome",
            f"nobody knows whether JotForm did {asked}: {refusal.error.message}. It was not sent "
            "again",
            "escalate",
            "forms",
            hint=f"{where}; submit the task again only if it was not done",
        )
    )
