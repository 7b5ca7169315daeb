"""CloudFront's caches: which paths they have to forget, and telling them so."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from workflow.deploy import failures
from workflow.deploy.pauses import growing, pause
from workflow.errors import TaskError, TaskFailed

INDEX = "index.html"
MOST_WILDCARDS = 15
"""Paths with a `*` that CloudFront takes at once for one distribution."""
_REGION = "us-east-1"
"""CloudFront is global; its requests are signed for this one."""
_QUOTA = "TooManyInvalidationsInProgress"
_QUOTA_SECONDS = 600.0
_LITERAL = "/!$&'()+,;=:@-._*"
"""What stays as it is in a path, beside letters and digits."""


def paths(changed: Iterable[str], most: int, prefix: str = "") -> list[str]:
    """What CloudFront has to forget so that these files of the site are fetched anew, sorted.

    `prefix` is where the site begins below the distribution's own address: the path of the site's
    URL, as it is written there. It is not the folder in the bucket if the origin has a path.

    A page is known to the caches by two addresses, `/dir/` and `/dir/index.html`: each is stored
    by itself, and a distribution with a default root object stores `/` as `/index.html`.

    Over `most` paths (or over the 15 wildcards that CloudFront takes at once) one wildcard stands
    for all: for the folder that all changes share, else for the whole site. It counts as one of
    the 1,000 paths a month that are free.
    """
    files = sorted(set(changed))
    root = encoded(f"/{prefix.strip('/')}/" if prefix.strip("/") else "/", keep_percent=True)
    if root.endswith("*"):
        return [root] if files else []
    named = sorted({root + address for file in files for address in _addresses(file)})
    wildcards = sum(path.endswith("*") for path in named)
    if len(named) <= most and wildcards <= MOST_WILDCARDS:
        return named
    shared = os.path.commonpath([posixpath.dirname(file) for file in files])
    return [root + encoded(f"{shared}/*" if shared else "*")]


def _addresses(file: str) -> list[str]:
    """Of a file of the site, below the site's own address."""
    folder, name = posixpath.split(file)
    if name != INDEX:
        return [encoded(file)]
    return [encoded(f"{folder}/" if folder else ""), encoded(file)]


def encoded(path: str, *, keep_percent: bool = False) -> str:
    """A path as CloudFront takes it; `keep_percent` for one that may be encoded already.

    "If the path includes non-ASCII characters or unsafe characters as defined in RFC 1738,
    URL-encode those characters. Do not URL-encode any other characters in the path" (Amazon
    CloudFront Developer Guide, "What you need to know when invalidating paths"). A `?` would begin
    a query, so that of a file's name is encoded too.

    A tilde has no form that works: CloudFront refuses it as it is, and forgets nothing for `%7E`
    (aws/aws-sdk issue 525). A `*` stands for anything, and only at the end. So what comes before
    one of them is named, and a wildcard stands for the rest.
    """
    beginning = re.split("[~*]", path, maxsplit=1)[0]
    wildcard = "" if beginning == path else "*"
    return quote(beginning, safe=_LITERAL + ("%" if keep_percent else "")) + wildcard


@dataclass(frozen=True, slots=True)
class Invalidation:
    """One invalidation, and how far CloudFront says that it is (`InProgress`, `Completed`)."""

    id: str
    status: str

    @property
    def is_done(self) -> bool:
        return self.status.lower() == "completed"


class Distribution:
    """One distribution, reached through boto3 with a profile's credentials, or those it finds."""

    def __init__(
        self,
        distribution_id: str,
        *,
        endpoint_url: str | None = None,
        profile: str | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """`check` is called while we wait, and may raise to end it."""
        self.id = distribution_id
        self._endpoint_url = endpoint_url
        self._profile = profile
        self._check = check
        self._made: Any = None

    def invalidate(
        self, wanted: Sequence[str], reference: str, *, seconds: float = _QUOTA_SECONDS
    ) -> Invalidation:
        """Let CloudFront forget these paths; the same for the same `reference` and paths.

        CloudFront answers a CallerReference that it knows with the invalidation made then, and
        refuses it with other paths: so the paths are part of it, and a run that was cut off may
        ask again. While too many invalidations are under way we wait, for `seconds` at most.
        Raises TaskFailed `cloudfront_quota`, and what AWS refuses.
        """
        items = sorted(set(wanted))
        mark = hashlib.sha256("\n".join(items).encode()).hexdigest()[:16]
        batch = {
            "Paths": {"Quantity": len(items), "Items": items},
            "CallerReference": f"{reference}-{mark}",
        }
        until = time.monotonic() + seconds
        for wait in growing(2.0, 30.0):
            with suppress(_TooMany):
                return self._call("create_invalidation", InvalidationBatch=batch)
            if time.monotonic() + wait > until:
                break
            pause(wait, self._check)
        raise TaskFailed(
            TaskError(
                "cloudfront_quota",
                f"CloudFront {self.id} has too many invalidations under way, also after "
                f"{seconds:.0f} seconds",
                "retry",
                "aws",
                hint="it takes 15 paths with a * and 3,000 others at once; run the task again in "
                "some minutes: nothing has to be sent a second time",
            )
        )

    def wait(self, invalidation_id: str, seconds: float) -> Invalidation:
        """Until CloudFront has forgotten. Raises TaskFailed `invalidation_pending` after so long,
        and what AWS refuses."""
        until = time.monotonic() + seconds
        for wait in growing(1.0, 10.0):
            now = self._call("get_invalidation", Id=invalidation_id)
            if now.is_done:
                return now
            left = until - time.monotonic()
            if left <= 0:
                break
            pause(min(wait, left), self._check)
        raise TaskFailed(
            TaskError(
                "invalidation_pending",
                f"CloudFront {self.id} has not finished invalidation {invalidation_id} after "
                f"{seconds:.0f} seconds",
                "retry",
                "aws",
                hint="CloudFront goes on by itself; look at it again in some minutes",
            ),
            outputs={"invalidation_id": invalidation_id},
        )

    def _call(self, operation: str, **arguments: Any) -> Invalidation:
        """Raises TaskFailed for what AWS refuses, _TooMany if CloudFront's quota is used up."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = getattr(self._client(), operation)(DistributionId=self.id, **arguments)
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error.response["Error"]["Code"] == _QUOTA:
                raise _TooMany from error
            raise TaskFailed(failures.explain(error, f"CloudFront {self.id}")) from error
        said = answer["Invalidation"]
        return Invalidation(said["Id"], said["Status"])

    def _client(self) -> Any:
        if self._made is None:
            import boto3
            from botocore.config import Config

            self._made = boto3.session.Session(profile_name=self._profile).client(
                "cloudfront",
                region_name=_REGION,
                endpoint_url=self._endpoint_url,
                config=Config(
                    retries={"mode": "standard", "max_attempts": 5},
                    connect_timeout=10,
                    read_timeout=30,
                ),
            )
        return self._made


class _TooMany(Exception):
    """CloudFront takes no more invalidations just now."""
