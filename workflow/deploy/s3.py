"""A bucket, as a deploy needs it: listed, read, written under conditions, copied, cleared.

Every failure is an S3Error, ContentChanged, or what `check` raises. What is sent is proven twice,
by the signature and by a checksum that the server compares and keeps. Nothing here relies on the
order of a listing: not every server lists in the order of the keys' bytes.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from workflow.deploy import answers, listing, multipart
from workflow.deploy.answers import Head, Stored
from workflow.deploy.client import ATTEMPTS, WRONG_OWNER, Client, S3Error
from workflow.deploy.connection import Answer
from workflow.deploy.listing import Listed
from workflow.deploy.multipart import ContentChanged
from workflow.deploy.parallel import CHECK_SECONDS, in_parallel
from workflow.deploy.signing import EMPTY_SHA256, encoded

__all__ = ["Bucket", "ContentChanged", "Head", "Listed", "S3Error", "Stored", "in_parallel"]

_AT_ONCE = 1000
"""Keys in one DeleteObjects."""
_LISTINGS = 8
"""Listings under way at once."""
_MOST_FOLDERS = 40
"""Listed by themselves; a site of a folder for every page is listed as a whole."""
_LOST_RACE = 412
"""Precondition Failed: what was expected to be there is not, or something is."""


class Bucket:
    """One bucket. Threads may share it, up to `workers` requests are under way at once."""

    def __init__(
        self,
        name: str,
        *,
        region: str | None,
        endpoint_url: str | None,
        owner: str | None,
        workers: int,
        check: Callable[[], None],
        profile: str | None = None,
    ) -> None:
        """Nothing is asked, found or opened yet. `owner` is the AWS account that must own it;
        `check` is called at least every 0.25 seconds while we wait, and may raise to end that."""
        self.name = name
        self.check = check
        self._owner = owner
        self._attempts = ATTEMPTS
        self._in_parts = threading.Lock()
        self._client = Client(
            name,
            region=region,
            endpoint_url=endpoint_url,
            owner=owner,
            workers=workers,
            profile=profile,
        )

    @property
    def requests(self) -> Counter[str]:
        """How many of each operation were sent, tries included."""
        return self._client.requests

    def close(self) -> None:
        self._client.close()

    def apart(
        self, check: Callable[[], None] = lambda: None, *, attempts: int = ATTEMPTS
    ) -> Bucket:
        """The same bucket over the same connections, with another `check`: for what has to be done
        when all else is being stopped."""
        other = copy.copy(self)
        other.check, other._attempts = check, attempts
        return other

    def server_time(self) -> datetime:
        """What the server's clock shows, by its last answer; our own clock's before the first."""
        date, when, monotonic = self._client.heard or ("", 0.0, 0.0)
        said = answers.iso(date)
        if not said:
            return datetime.now(UTC)
        # One of our clocks may be set back meanwhile, the other stand still while we sleep.
        since = max(time.time() - when, time.monotonic() - monotonic)
        return datetime.fromisoformat(said) + timedelta(seconds=since)

    # -- reading ---------------------------------------------------------------------------------

    def list(self, prefix: str, *, expected: Sequence[str] = ()) -> dict[str, Listed]:
        """All objects whose keys begin so; `expected` are keys that may be among them.

        A server makes up the pages of a listing one after the other. Where more than one is to be
        expected, each folder is listed by itself, side by side: in no order, and none left out.
        """
        known = listing.folders(prefix, expected) if len(expected) > _AT_ONCE else []
        if not 0 < len(known) <= _MOST_FOLDERS:
            return self._pages(prefix)[0]
        found: dict[str, Listed] = {}
        there: list[str] = []

        def at_the_top() -> None:
            objects, folders = self._pages(prefix, folders=True)
            found.update(objects)
            there.extend(folders)

        def below(folder: str) -> None:
            found.update(self._pages(folder)[0])

        in_parallel(_LISTINGS, [at_the_top, *(partial(below, one) for one in known)], self.check)
        if len(there) > _MOST_FOLDERS:  # then the top was not read to its end
            return self._pages(prefix)[0]
        new = [one for one in there if one not in known]
        in_parallel(_LISTINGS, (partial(below, one) for one in new), self.check)
        return found

    def _pages(
        self, prefix: str, *, folders: bool = False
    ) -> tuple[dict[str, Listed], Sequence[str]]:
        """All objects below; with `folders` those at the top, and the folders there, as far as
        they are not too many to be listed one by one."""
        found: dict[str, Listed] = {}
        below: dict[str, None] = {}
        token, seen = "", set[str]()
        while True:
            query = {"list-type": "2", "prefix": prefix, "encoding-type": "url"}
            if folders:
                query["delimiter"] = "/"
            if token:
                query["continuation-token"] = token
            answer = self._ask("ListObjectsV2", "GET", query=query)
            try:
                page = listing.read_page(answer.body)
            except listing.NotRead as error:
                raise answers.malformed("ListObjectsV2", "", str(error)) from error
            found.update(page.objects)
            below.update(dict.fromkeys(page.folders))
            if page.next is None or len(below) > _MOST_FOLDERS:
                return found, list(below)
            if page.next in seen:
                raise answers.malformed("ListObjectsV2", "", "its pages go round in circles")
            seen.add(page.next)
            token = page.next

    def get(self, key: str) -> tuple[bytes, str] | None:
        """An object's content and tag; None if there is none."""
        answer = self._read(key)
        if answer is None:
            return None
        return answer.body, answers.stored("GetObject", key, answer).etag

    def _read(self, key: str) -> Answer | None:
        try:
            return self._ask("GetObject", "GET", key)
        except S3Error as error:
            if error.code in ("NoSuchKey", "NotFound"):
                return None
            raise

    def head(self, key: str, *, version: str | None = None) -> Head | None:
        """An object, or a version of it, without its content; None if there is none."""
        query = {} if version is None else {"versionId": version}
        try:
            answer = self._ask("HeadObject", "HEAD", key, query=query)
        except S3Error as error:
            if error.status in (404, 405):  # 405: that version is a deletion
                return None
            # The answer to HEAD has no body: what exactly is refused is told to a GET.
            if error.status in (301, 400, 403):
                self._ask("GetObject", "GET", key, query=query, headers={"range": "bytes=0-0"})
            raise
        return answers.head("HeadObject", key, answer)

    # -- writing ---------------------------------------------------------------------------------

    def put(
        self,
        key: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        sha256: str,
        if_none_match: bool = False,
        if_match: str | None = None,
        source_sha256: str | None = None,
    ) -> Stored:
        """Store an object. `sha256` is the body's, in hex, which the server verifies;
        `source_sha256`, that of the file it was made from, is kept with it.

        `if_none_match`: only if there is none yet. `if_match`: only in the place of the one with
        this tag. Else S3Error with status 412.
        """
        sent = _noted(headers, source_sha256)
        sent["x-amz-checksum-sha256"] = base64.b64encode(bytes.fromhex(sha256)).decode()
        if if_none_match:
            sent["if-none-match"] = "*"
        if if_match is not None:
            sent["if-match"] = f'"{if_match}"'
        try:
            answer = self._ask("PutObject", "PUT", key, headers=sent, body=body, sha256=sha256)
        except S3Error as error:
            if not (error.uncertain and error.status == _LOST_RACE):
                raise
            # What is in the way may be what an attempt of ours put there whose answer was lost.
            there = self._read(key)
            if there is None or there.body != body:
                raise
            return answers.stored("GetObject", key, there)
        return answers.stored("PutObject", key, answer)

    def put_file(
        self,
        key: str,
        descriptor: int,
        size: int,
        headers: Mapping[str, str],
        *,
        sha256: str,
        source_sha256: str | None = None,
    ) -> Stored:
        """Store a file of any size from an open descriptor, four parts of it in memory at most.

        Raises ContentChanged, having stored nothing, unless its bytes have this digest.
        """
        noted = _noted(headers, source_sha256 or sha256)
        if size <= multipart.PART:
            body = os.pread(descriptor, size, 0)
            if hashlib.sha256(body).hexdigest() != sha256:
                raise ContentChanged(key)
            return self.put(key, body, noted, sha256=sha256)
        # One at a time: so many parts are in memory, and not so many for each of our threads.
        while not self._in_parts.acquire(timeout=CHECK_SECONDS):
            self.check()
        try:
            return multipart.put(
                self._client, key, descriptor, size, noted, sha256=sha256, check=self.check
            )
        finally:
            self._in_parts.release()

    def copy(
        self,
        source: str,
        key: str,
        headers: Mapping[str, str],
        *,
        version: str | None = None,
        if_match: str | None = None,
        source_sha256: str | None = None,
    ) -> Stored:
        """Let the server copy an object of this bucket, with these headers instead of its own.

        `version`: of the source. `if_match`: only if the source has this tag, else S3Error 412.
        """
        sent = _noted(headers, source_sha256)
        sent["x-amz-copy-source"] = f"/{self.name}/{encoded(source)}"
        if version is not None:
            sent["x-amz-copy-source"] += f"?versionId={version}"
        sent["x-amz-metadata-directive"] = "REPLACE"
        if if_match is not None:
            sent["x-amz-copy-source-if-match"] = f'"{if_match}"'
        if self._owner:
            sent["x-amz-source-expected-bucket-owner"] = self._owner
        answer = self._ask("CopyObject", "PUT", key, headers=sent)
        try:
            (etag,) = listing.read_texts(answer.body, "CopyObjectResult", "ETag")
        except listing.NotRead as error:
            raise answers.malformed("CopyObject", key, str(error)) from error
        return answers.stored("CopyObject", key, answer, etag)

    # -- deleting --------------------------------------------------------------------------------

    def delete(self, key: str, *, if_match: str | None = None) -> None:
        """Delete an object; nothing is said if there is none. `if_match`: only the one with this
        tag, else S3Error with status 412."""
        headers = {} if if_match is None else {"if-match": f'"{if_match}"'}
        try:
            self._ask("DeleteObject", "DELETE", key, headers=headers)
        except S3Error as error:
            if if_match is None and error.code == "NoSuchKey":
                return
            # An attempt whose answer was lost may have deleted it.
            if error.uncertain and error.status in (404, _LOST_RACE) and self.head(key) is None:
                return
            raise

    def delete_many(self, keys: Sequence[str]) -> dict[str, S3Error]:
        """Delete all these; returns why some could not be, by key. Raises S3Error if a request as
        a whole fails."""
        failed: dict[str, S3Error] = {}
        # XML 1.0 has no way to name a key with control characters.
        for key in [key for key in keys if not listing.is_xml(key)]:
            self._delete_alone(key, failed)
        named = [key for key in keys if listing.is_xml(key)]
        for start in range(0, len(named), _AT_ONCE):
            body = listing.write_deletion(named[start : start + _AT_ONCE])
            md5 = hashlib.md5(body, usedforsecurity=False).digest()
            answer = self._ask(
                "DeleteObjects",
                "POST",
                query={"delete": ""},
                headers={
                    "content-md5": base64.b64encode(md5).decode(),
                    "content-type": "application/xml",
                },
                body=body,
                sha256=hashlib.sha256(body).hexdigest(),
            )
            try:
                refused = listing.read_deletion(answer.body)
            except listing.NotRead as error:
                raise answers.malformed("DeleteObjects", "", str(error)) from error
            for key, (code, message) in refused.items():
                why = S3Error("DeleteObjects", code=code, message=message, status=200, key=key)
                if why.is_passing:
                    self._delete_alone(key, failed)
                elif code != "NoSuchKey":
                    failed[key] = why
        return failed

    def _delete_alone(self, key: str, failed: dict[str, S3Error]) -> None:
        """With all its attempts, which one of a thousand does not have."""
        try:
            self.delete(key)
        except S3Error as error:
            failed[key] = error

    def _ask(
        self,
        operation: str,
        method: str,
        key: str = "",
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        sha256: str = EMPTY_SHA256,
    ) -> Answer:
        try:
            return self._client.ask(
                operation,
                method,
                key,
                query=query,
                headers=headers,
                body=body,
                sha256=sha256,
                check=self.check,
                attempts=self._attempts,
            )
        except S3Error as error:
            if error.code == "AccessDenied" and self._owner and self._is_anothers():
                error.code = WRONG_OWNER
            raise

    def _is_anothers(self) -> bool:
        """Whether it is only the expectation of the owner that is refused.

        S3 answers both with AccessDenied. So the same is asked twice, with it and without.
        """

        def may_list(*, expect_owner: bool) -> bool:
            query = {"list-type": "2", "max-keys": "1"}
            try:
                self._client.ask(
                    "ListObjectsV2",
                    "GET",
                    query=query,
                    check=self.check,
                    expect_owner=expect_owner,
                )
            except S3Error:
                return False
            return True

        return may_list(expect_owner=False) and not may_list(expect_owner=True)


def _noted(headers: Mapping[str, str], source_sha256: str | None) -> dict[str, str]:
    """Headers as sent, with our note on where the content comes from. Raises ValueError."""
    for name, value in headers.items():
        if "\r" in value or "\n" in value:
            raise ValueError(f"the header {name} has a line break in it")
    return {**headers, answers.SHA256: source_sha256} if source_sha256 else dict(headers)
