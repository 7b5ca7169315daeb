"""Large files, sent in parts: memory stays flat, and what is not what was planned never appears.

An upload in parts shows nothing until it is completed, and ours is completed only once every byte
that was read has gone into the digest that was asked for. Else it is aborted.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from html import escape

from workflow.deploy import answers, listing
from workflow.deploy.client import Client, S3Error
from workflow.deploy.parallel import in_parallel

PART = 8 << 20
"""Bytes."""
AT_ONCE = 4
"""Parts in memory."""
_MOST_PARTS = 10_000


class ContentChanged(Exception):
    """The file is not what was to be sent, and nothing of it was stored."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} changed while it was read")
        self.key = key


def put(
    client: Client,
    key: str,
    descriptor: int,
    size: int,
    headers: Mapping[str, str],
    *,
    sha256: str,
    check: Callable[[], None],
) -> answers.Stored:
    """Send the first `size` bytes of a file that have this digest.

    Raises ContentChanged, S3Error, OSError, and what `check` raises; then nothing was stored.
    """
    begun = client.ask(
        "CreateMultipartUpload",
        "POST",
        key,
        query={"uploads": ""},
        headers={**headers, "x-amz-checksum-algorithm": "SHA256"},
        check=check,
    )
    upload = _text("CreateMultipartUpload", key, begun.body, "UploadId")
    try:
        parts = _send_parts(client, key, upload, descriptor, size, sha256, check)
        return _complete(client, key, upload, parts, size, headers, check)
    except BaseException:
        # Whoever wants us to stop does not want the parts to be paid for ever after. What cannot
        # be aborted now is swept out by the bucket's rule for incomplete uploads: docs/aws.md.
        with suppress(S3Error):
            client.ask(
                "AbortMultipartUpload",
                "DELETE",
                key,
                query={"uploadId": upload},
                check=lambda: None,
                attempts=3,
            )
        raise


def _send_parts(
    client: Client,
    key: str,
    upload: str,
    descriptor: int,
    size: int,
    sha256: str,
    check: Callable[[], None],
) -> dict[int, tuple[str, str]]:
    """Part number → its tag and checksum."""
    whole = hashlib.sha256()
    sent: dict[int, tuple[str, str]] = {}
    length = max(PART, -(-size // _MOST_PARTS))

    def send(number: int, part: bytes) -> None:
        digest = hashlib.sha256(part)
        checksum = base64.b64encode(digest.digest()).decode()
        answer = client.ask(
            "UploadPart",
            "PUT",
            key,
            query={"partNumber": str(number), "uploadId": upload},
            headers={"x-amz-checksum-sha256": checksum},
            body=part,
            sha256=digest.hexdigest(),
            check=check,
        )
        sent[number] = (answers.stored("UploadPart", key, answer).etag, checksum)

    def calls() -> Iterator[Callable[[], None]]:
        # One at a time and in order: a part is read when a thread has room for it.
        for number, offset in enumerate(range(0, size, length), start=1):
            part = _read(descriptor, min(length, size - offset), offset)
            if part is None:
                raise ContentChanged(key)
            whole.update(part)
            yield partial(send, number, part)
            part = None  # the one that is being read would be a fifth

    in_parallel(AT_ONCE, calls(), check)
    if whole.hexdigest() != sha256:
        raise ContentChanged(key)
    return sent


def _read(descriptor: int, count: int, offset: int) -> bytes | None:
    """So many bytes from there; None if the file has become shorter."""
    parts = []
    while count:
        part = os.pread(descriptor, count, offset)
        if not part:
            return None
        parts.append(part)
        count, offset = count - len(part), offset + len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _complete(
    client: Client,
    key: str,
    upload: str,
    parts: Mapping[int, tuple[str, str]],
    size: int,
    headers: Mapping[str, str],
    check: Callable[[], None],
) -> answers.Stored:
    named = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etag, quote=False)}</ETag>"
        f"<ChecksumSHA256>{checksum}</ChecksumSHA256></Part>"
        for number, (etag, checksum) in sorted(parts.items())
    )
    body = f"<CompleteMultipartUpload>{named}</CompleteMultipartUpload>".encode()
    operation = "CompleteMultipartUpload"
    try:
        answer = client.ask(
            operation,
            "POST",
            key,
            query={"uploadId": upload},
            body=body,
            sha256=hashlib.sha256(body).hexdigest(),
            check=check,
        )
    except S3Error as error:
        if not (error.uncertain and error.code == "NoSuchUpload"):
            raise
        # An attempt whose answer was lost may have completed it.
        answer = client.ask("HeadObject", "HEAD", key, check=check)
        found = answers.head("HeadObject", key, answer)
        if (found.size, found.sha256) != (size, headers.get(answers.SHA256)):
            raise
        return answers.stored("HeadObject", key, answer)
    return answers.stored(operation, key, answer, _text(operation, key, answer.body, "ETag"))


def _text(operation: str, key: str, body: bytes, name: str) -> str:
    roots = {"CreateMultipartUpload": "InitiateMultipartUploadResult"}
    try:
        return listing.read_texts(body, roots.get(operation, f"{operation}Result"), name)[0]
    except listing.NotRead as error:
        raise answers.malformed(operation, key, str(error)) from error
