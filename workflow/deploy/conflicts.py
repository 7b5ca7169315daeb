"""Environments of workflow.yaml that would publish over each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from workflow.config import Config, Deploy


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two environments that may not share their bucket in this way."""

    first: str
    second: str
    reason: str
    """A sentence that names both, and the bucket."""


def shared_buckets(config: Config) -> list[Conflict]:
    """Every pair of environments that shares a bucket without both saying so, or one part of it.

    One deletes what it does not know: so each needs a bucket, or a folder in it, of its own.
    """
    return list(_conflicts(config))


def conflict(config: Config, environment: str) -> str | None:
    """Why `environment` must not be published to, if another one lives there."""
    for found in _conflicts(config):
        if environment in (found.first, found.second):
            return found.reason
    return None


def _conflicts(config: Config) -> Iterator[Conflict]:
    published = [
        (name, environment.deploy)
        for name, environment in config.environments.items()
        if environment.deploy is not None and environment.deploy.bucket is not None
    ]
    for (first, one), (second, other) in combinations(published, 2):
        # Buckets of one name on two servers are two buckets.
        if (one.bucket, one.endpoint_url) != (other.bucket, other.endpoint_url):
            continue
        mine, theirs = _prefix(one), _prefix(other)
        if mine.startswith(theirs) or theirs.startswith(mine):
            where = f"s3://{one.bucket}/{min(mine, theirs, key=len)}"
            yield Conflict(
                first, second, f"{first} and {second} both publish to {where}: each would delete "
                "the other's files",
            )  # fmt: skip
        elif not (one.shared_bucket and other.shared_bucket):
            yield Conflict(
                first, second, f"{first} and {second} share the bucket {one.bucket}, and "
                "shared_bucket: true does not stand in both",
            )  # fmt: skip


def _prefix(deploy: Deploy) -> str:
    prefix = deploy.prefix.strip("/")
    return f"{prefix}/" if prefix else ""
