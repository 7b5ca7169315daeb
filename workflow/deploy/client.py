"""One signed request to S3 after another, tried again for as long as that may help.

    8 attempts     after 500, 502, 503, 504, 429, throttling, a lost connection or silence
    pauses         at random up to 0.1 s, 0.2 s, 0.4 s … 20 s (full jitter)
    SlowDown       fewer requests at once, see parallel.Pace

A request whose answer was lost may have been carried out. `S3Error.uncertain` says so, for those
who asked under a condition that their own success has made untrue.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from typing import NamedTuple
from urllib.parse import urlsplit

from workflow.deploy.connection import Answer
from workflow.deploy.connections import Lost, Pool
from workflow.deploy.parallel import Pace
from workflow.deploy.pauses import pause
from workflow.deploy.signing import EMPTY_SHA256, Signer, Source, encoded, encoded_query

ATTEMPTS = 8
FIRST_PAUSE = 0.1
"""Seconds; the longest before the second attempt."""
_LONGEST_PAUSE = 20.0
PATIENCE = 5.0
"""Seconds for which we wait on for the answer to a change when we are to stop."""
_USER_AGENT = "workflow"
_NO_ANSWER = Answer(0, {}, b"")

# Codes of our own, for what S3 has no word for.
LOST = "ConnectionLost"
BAD_CERTIFICATE = "CertificateNotTrusted"
MALFORMED = "MalformedAnswer"
WRONG_OWNER = "UnexpectedBucketOwner"

THROTTLING = {
    "SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests",
    "BandwidthLimitExceeded", "ServiceUnavailable", "Busy",
}  # fmt: skip
_PASSING = {"InternalError", "RequestTimeout", "OperationAborted", "ConditionalRequestConflict"}
_PASSING_STATUS = {408, 429, 500, 502, 503, 504}
_OF_STATUS = {
    301: "PermanentRedirect", 307: "TemporaryRedirect", 400: "BadRequest", 403: "AccessDenied",
    404: "NotFound", 412: "PreconditionFailed", 429: "TooManyRequests", 503: "SlowDown",
}  # fmt: skip
"""What an answer without a body means."""
_ERROR_IN_200 = {"CopyObject", "CompleteMultipartUpload"}
"""S3 begins to answer these before they are done: the error stands in the body then."""


class S3Error(Exception):
    """S3 refused, or could not be reached."""

    def __init__(
        self,
        operation: str,
        *,
        code: str,
        message: str,
        status: int | None = None,
        key: str | None = None,
        region: str | None = None,
        request_id: str | None = None,
        uncertain: bool = False,
    ) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.operation = operation
        """S3's name: `PutObject`."""
        self.status = status
        self.code = code
        """S3's, or one of those above; without credentials the name of botocore's exception."""
        self.message = message
        self.key = key
        self.region = region
        """The right one, if S3 told us."""
        self.request_id = request_id
        self.uncertain = uncertain
        """Whether an earlier attempt may have been carried out."""

    @property
    def is_throttling(self) -> bool:
        return self.code in THROTTLING or self.status in (429, 503)

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed a little later."""
        passing = self.code in _PASSING or self.status in _PASSING_STATUS
        return passing or self.is_throttling or self.code == LOST


class _Request(NamedTuple):
    operation: str
    method: str
    key: str
    query: str
    """Encoded."""
    headers: Mapping[str, str]
    body: bytes
    sha256: str


class _Ready(NamedTuple):
    pool: Pool
    signer: Signer
    base: str
    """Path of the bucket, without a slash at its end."""


class Client:
    """Asks one bucket's server. Threads may share it; nothing is looked up before it is used."""

    def __init__(
        self,
        bucket: str,
        *,
        region: str | None,
        endpoint_url: str | None,
        owner: str | None,
        workers: int,
        profile: str | None = None,
    ) -> None:
        self.bucket = bucket
        self.requests: Counter[str] = Counter()
        self._region = region
        self._endpoint_url = endpoint_url
        self._owner = owner
        self._profile = profile
        self._pace = Pace(workers)
        self.heard: tuple[str, float, float] | None = None
        """The last answer's Date, and when it came, by our own clock."""
        self._ready: _Ready | None = None
        self._guard = threading.Lock()

    def ask(
        self,
        operation: str,
        method: str,
        key: str = "",
        *,
        check: Callable[[], None],
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        sha256: str = EMPTY_SHA256,
        attempts: int = ATTEMPTS,
        expect_owner: bool = True,
    ) -> Answer:
        """The answer, if it is a good one; `sha256` in hex is the body's. Raises S3Error, and what
        `check` raises, which is called before each attempt and at least every 0.25 seconds: at
        once, but for a change that is under way, which has five seconds to come about."""
        all_headers = dict(headers or {})
        if self._owner and expect_owner:
            all_headers["x-amz-expected-bucket-owner"] = self._owner
        asked = encoded_query(query or {})
        request = _Request(operation, method, key, asked, all_headers, body, sha256)
        uncertain = False
        for attempt in range(1, attempts + 1):
            check()
            with self._pace.one(check):
                answer, error, heard = self._once(request, check)
            if error is None:
                self._pace.went_well()
                return answer
            error.uncertain = uncertain
            if not error.is_passing or attempt == attempts:
                raise error
            uncertain = uncertain or heard
            if error.is_throttling:
                self._pace.slow_down()
            pause(random.uniform(0, min(_LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))), check)
        raise AssertionError("every attempt ends with an answer or an error")

    def close(self) -> None:
        if self._ready is not None:
            self._ready.pool.close()

    def _once(
        self, request: _Request, check: Callable[[], None]
    ) -> tuple[Answer, S3Error | None, bool]:
        """What came of it, and whether the server may have heard of it."""
        operation, method, key, query, headers, body, sha256 = request
        with _without_keys(operation), self._guard:
            pool, signer, base = self._ready = self._ready or self._make_ready()
            self.requests[operation] += 1
        path = f"{base}/{encoded(key)}"
        with _without_keys(operation):
            signed = signer.sign(method, path, query, headers, sha256)
        signed["user-agent"] = _USER_AGENT
        if method not in ("GET", "HEAD"):
            check = _patient(check)
        try:
            answer = pool.ask(method, f"{path}?{query}" if query else path, signed, body, check)
        except Lost as lost:
            code = LOST if lost.passing else BAD_CERTIFICATE
            error = S3Error(operation, code=code, message=str(lost), key=key or None)
            error.__cause__ = lost
            return _NO_ANSWER, error, lost.connected
        if date := answer.headers.get("date"):
            self.heard = (date, time.time(), time.monotonic())
        return answer, _refusal(request, answer), True

    def _make_ready(self) -> _Ready:
        """Raises botocore's errors."""
        source = Source(self._profile)
        region = self._region or source.region()
        origin, base = _place(self.bucket, region, self._endpoint_url)
        pool = Pool(origin)
        return _Ready(pool, Signer(source.keys(), region, pool.host), base)


def _place(bucket: str, region: str, endpoint_url: str | None) -> tuple[str, str]:
    """Where a bucket answers: the origin, and the path before its keys.

    Other servers than AWS know a bucket by its path. AWS does by its host's name, except where that
    has dots: its certificate, for `*.s3.REGION.amazonaws.com`, fits one label only.
    """
    if endpoint_url:
        address = urlsplit(endpoint_url)
        return f"{address.scheme}://{address.netloc}", f"{address.path.rstrip('/')}/{bucket}"
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    if "." in bucket:
        return f"https://s3.{region}.{domain}", f"/{bucket}"
    return f"https://{bucket}.s3.{region}.{domain}", ""


def _patient(check: Callable[[], None]) -> Callable[[], None]:
    """The same, some seconds late: what is under way may well come about, and then we better know.

    It could also come about after all else, when somebody else's turn has begun.
    """
    since: list[float] = []

    def late() -> None:
        try:
            check()
        except BaseException:
            since.append(time.monotonic())
            if since[-1] - since[0] >= PATIENCE:
                raise

    return late


@contextmanager
def _without_keys(operation: str) -> Iterator[None]:
    """Botocore's reasons for giving us no credentials, as one kind of error with all others."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "botocore":
            raise
        # A role that may not be assumed, for one, is refused by a service of AWS itself.
        said = getattr(error, "response", {}).get("Error", {})
        raise S3Error(
            getattr(error, "operation_name", operation),
            code=said.get("Code") or type(error).__name__,
            message=said.get("Message") or str(error),
        ) from error


def _refusal(request: _Request, answer: Answer) -> S3Error | None:
    """The error that an answer tells, if it does."""
    if answer.status < 300 and not (request.operation in _ERROR_IN_200 and _ROOT(answer.body)):
        return None
    code = _told("Code", answer.body) or _OF_STATUS.get(answer.status, f"Http{answer.status}")
    return S3Error(
        request.operation,
        code=code,
        message=_told("Message", answer.body) or f"the server answered {answer.status}",
        status=answer.status,
        key=request.key or None,
        region=answer.headers.get("x-amz-bucket-region") or _told("Region", answer.body),
        request_id=answer.headers.get("x-amz-request-id") or _told("RequestId", answer.body),
    )


_ROOT = re.compile(rb"\s*(<\?[^>]*>\s*)?<Error[\s>]").match


def _told(name: str, body: bytes) -> str | None:
    """The text of an element of an error's XML."""
    found = re.search(rf"<{name}>([^<]*)</{name}>".encode(), body)
    return unescape(found[1].decode("utf-8", "replace")) or None if found else None
