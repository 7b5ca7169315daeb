"""Whether AWS lets us do what a deploy will ask for: tried now, where nothing is changed by it.

    who are we (STS) → may the bucket be listed, read and written → does CloudFront know us
      → does our clock agree with theirs

A right to write is proven by a request that must fail: to replace, under a name that nothing has,
an object with a tag that no object has. Who may not write hears 403, who may hears 412 or 404.
Deletions and the making of invalidations cannot be tried so; `doctor --iam` prints what they need.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from workflow.config import Deploy
from workflow.deploy import failures
from workflow.deploy.account import who_we_are
from workflow.deploy.refusals import DENIED
from workflow.deploy.s3 import Bucket, S3Error
from workflow.deploy.signing import EMPTY_SHA256
from workflow.errors import TaskError, TaskFailed

SECONDS = 10.0
"""For one environment; a slow network must not keep a person from what else is told."""
MOST_SKEW = 300.0
"""Seconds by which clocks may differ: S3 refuses a request that is signed 15 minutes off, with
RequestTimeTooSkewed, and a clock that runs away gets there."""
PROBE = "rights-probe"
_NO_TAG = "0" * 32
_NO_INVALIDATION = "I00000000000000000000"


class Tried(NamedTuple):
    """What came of it: `error` is None if everything is allowed."""

    identity: str
    """The account, and who we are in it; empty where another server stands in for AWS."""
    error: TaskError | None


def try_rights(deploy: Deploy, place: str, private: str) -> Iterator[Tried]:
    """What AWS says to a native deploy; `place` as a person knows the target, `private` the prefix
    of our own objects in the bucket. Every failure is told, none raised."""
    identity, error = "", None
    if deploy.endpoint_url is None:
        try:
            identity = who_we_are(deploy, _impatient())
        except TaskFailed as failure:
            error = failure.error
    if error is not None:
        yield Tried(identity, error)
        return
    refused = [*_bucket(deploy, place, private), *_distribution(deploy)]
    yield from (Tried(identity, one) for one in refused)
    if not refused:
        yield Tried(identity, None)


def _bucket(deploy: Deploy, place: str, private: str) -> Iterator[TaskError]:
    assert deploy.bucket is not None
    until = time.monotonic() + SECONDS

    def check() -> None:
        if time.monotonic() > until:
            raise TimeoutError(f"no answer within {SECONDS:.0f} seconds")

    bucket = Bucket(
        deploy.bucket,
        region=deploy.region,
        endpoint_url=deploy.endpoint_url,
        owner=deploy.account,
        workers=1,
        check=check,
        profile=deploy.profile,
    )
    once = bucket.apart(check, attempts=2)
    key = f"{private}{PROBE}"
    tries: tuple[Callable[[], object], ...] = (
        lambda: once.list(key),
        lambda: once.get(key),
        lambda: _write_nothing(once, key),
    )
    try:
        for attempt in tries:
            try:
                attempt()
            except (S3Error, OSError) as error:
                explained = failures.explain(error, place)
                yield explained
                if explained.code != DENIED.code:
                    return  # whatever comes next fails for the same reason
        yield from _clock(once)
    finally:
        bucket.close()


def _write_nothing(bucket: Bucket, key: str) -> None:
    try:
        bucket.put(key, b"", {}, sha256=EMPTY_SHA256, if_match=_NO_TAG)
    except S3Error as error:
        if error.status not in (404, 412):
            raise


def _clock(bucket: Bucket) -> Iterator[TaskError]:
    ahead = (datetime.now(UTC) - bucket.server_time()).total_seconds()
    if abs(ahead) > MOST_SKEW:
        way = "ahead of" if ahead > 0 else "behind"
        yield TaskError(
            "clock_skew",
            f"this machine's clock is {abs(ahead) / 60:.0f} minutes {way} the server's, which "
            "refuses requests from 15 minutes on",
            "escalate",
            "environment",
            hint="let the system set the clock from the network",
        )


def _distribution(deploy: Deploy) -> Iterator[TaskError]:
    if deploy.cloudfront_id is None:
        return
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client: Any = boto3.session.Session(profile_name=deploy.profile).client(
            "cloudfront",
            region_name="us-east-1",
            endpoint_url=deploy.cloudfront_endpoint_url,
            config=_impatient(),
        )
        client.get_invalidation(DistributionId=deploy.cloudfront_id, Id=_NO_INVALIDATION)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchInvalidation":
            yield failures.explain(error, f"CloudFront {deploy.cloudfront_id}")
    except BotoCoreError as error:
        yield failures.explain(error, f"CloudFront {deploy.cloudfront_id}")


def _impatient() -> Any:
    from botocore.config import Config

    return Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=5)
