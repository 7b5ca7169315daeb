"""What S3's answers say of one object."""

from __future__ import annotations

from dataclasses import dataclass

from workflow.deploy.client import MALFORMED, S3Error
from workflow.deploy.connection import Answer

SHA256 = "x-amz-meta-sha256"
"""Our note on an object: the digest, in hex, of the file that it was made from."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Stored:
    """What the server says of an object that it has just taken."""

    etag: str
    """Without quotes."""
    version: str | None
    date: str
    """When it answered, by its own clock: ISO 8601, UTC."""


@dataclass(frozen=True, slots=True)
class Head:
    """An object without its content."""

    etag: str
    size: int
    modified: str
    """By the server's clock: ISO 8601, UTC."""
    headers: dict[str, str]
    """Names in lower case."""
    sha256: str | None
    """Of the file that it was made from, if we stored it."""


def stored(operation: str, key: str, answer: Answer, etag: str | None = None) -> Stored:
    """Raises S3Error for an answer that is not S3's, such as a wireless network's login page."""
    headers = answer.headers
    etag = (headers.get("etag") if etag is None else etag) or ""
    if not etag:
        raise malformed(operation, key, "it names no ETag")
    version = headers.get("x-amz-version-id")
    if version == "null":
        version = None  # where versioning is suspended: the next object takes its place
    return Stored(etag.strip('"'), version, iso(headers.get("date", "")))


def head(operation: str, key: str, answer: Answer) -> Head:
    """Raises S3Error for an answer that is not S3's."""
    headers = answer.headers
    etag, size = headers.get("etag"), headers.get("content-length", "")
    if not etag or not size.isdecimal():
        raise malformed(operation, key, "it names no ETag or no length")
    modified = iso(headers.get("last-modified", ""))
    return Head(etag.strip('"'), int(size), modified, headers, headers.get(SHA256))


def malformed(operation: str, key: str, why: str) -> S3Error:
    """The error for a good answer that S3 cannot have given."""
    message = f"the answer is not one of S3's: {why}"
    return S3Error(operation, code=MALFORMED, message=message, status=200, key=key or None)


def iso(date: str) -> str:
    """`Mon, 19 Jan 2026 14:30:45 GMT` as `2026-01-19T14:30:45Z`; empty for anything else.

    Made by hand: an upload needs it for every file, and the library takes longer than signing.
    """
    parts = date.split()
    if len(parts) != 6 or parts[2] not in _MONTHS:
        return ""
    _, day, month, year, time, _ = parts
    return f"{year}-{_MONTHS.index(month) + 1:02}-{day:0>2}T{time}Z"
