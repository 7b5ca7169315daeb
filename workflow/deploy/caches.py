"""What CloudFront has to forget because of a deploy, and that it is owed until it has.

    PRIVATE/owed.json    the paths, written before the first file is sent

The note lies in the bucket, where every machine sees it: whoever dies between an upload and its
invalidation leaves it to the next deploy, from wherever that is made.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from workflow.deploy.cloudfront import MOST_WILDCARDS, Distribution, paths
from workflow.deploy.s3 import Bucket
from workflow.deploy.target import Target
from workflow.errors import TaskFailed

_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store"}


def owed_key(target: Target) -> str:
    return target.private + "owed.json"


def read_owed(target: Target, bucket: Bucket) -> tuple[str, ...]:
    """The paths that an earlier deploy promised and may not have had forgotten. Raises S3Error."""
    found = bucket.get(owed_key(target))
    if found is None:
        return ()
    try:
        said = json.loads(found[0])["paths"]
        return tuple(str(path) for path in said if str(path).startswith("/"))
    except (ValueError, KeyError, TypeError):
        return ("/*",)  # of which nobody can say any more what it was


def put_note(bucket: Bucket, key: str, raw: bytes) -> None:
    """An object of ours, not of the site. Raises S3Error."""
    bucket.put(key, raw, _HEADERS, sha256=hashlib.sha256(raw).hexdigest())


@dataclass
class Caches:
    """The distribution of a target, if it has one, during one deploy."""

    target: Target
    bucket: Bucket
    release_id: str
    owed: Sequence[str]
    """From an earlier deploy."""
    say: Callable[[str], None]
    made: list[str] = field(default_factory=list)
    """Ids of the invalidations of this deploy."""
    warnings: list[str] = field(default_factory=list)
    _noted: bool = False
    _run: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def invalidation_id(self) -> str:
        """Of the last one; a word where none was made, so that expecting the output works."""
        if self.made:
            return self.made[-1]
        return "not-needed" if self.target.deploy.cloudfront_id else "no-distribution"

    def owe(self, site_paths: Sequence[str]) -> None:
        """Write down what will have to be forgotten. Raises S3Error."""
        if self.target.deploy.cloudfront_id and (site_paths or self.owed):
            note = {
                "paths": sorted({*self._addresses(site_paths), *self.owed}),
                "release": self.release_id,
            }
            put_note(self.bucket, owed_key(self.target), json.dumps(note).encode())
            self._noted = True

    def forget(self, site_paths: Sequence[str], what: str, *, also_owed: bool = False) -> None:
        """Let CloudFront forget these files of the site. Raises TaskFailed."""
        wanted = sorted({*self._addresses(site_paths), *(self.owed if also_owed else ())})
        distribution, options = self.target.deploy.cloudfront_id, self.target.deploy.invalidate
        if not (wanted and distribution):
            return
        wildcards = sum(path.endswith("*") for path in wanted)
        if len(wanted) > options.most_paths or wildcards > MOST_WILDCARDS:
            wanted = ["/*"]  # with what was owed it is more than is worth naming
        self.say(f"invalidating {', '.join(wanted[:3])}{' …' if wanted[3:] else ''}")
        cloudfront = Distribution(
            distribution,
            endpoint_url=self.target.deploy.cloudfront_endpoint_url,
            profile=self.target.deploy.profile,
            check=self.bucket.check,
        )
        # Of this run alone: CloudFront answers a reference that it knows with the invalidation made
        # then, and a release's number comes again after a deploy that failed.
        made = cloudfront.invalidate(wanted, f"{self.release_id}-{what}-{self._run}")
        self.made.append(made.id)
        if options.wait:
            self._wait(cloudfront, made.id)

    def _wait(self, cloudfront: Distribution, invalidation_id: str) -> None:
        try:
            cloudfront.wait(invalidation_id, self.target.deploy.verify.timeout_seconds)
        except TaskFailed as failure:
            if failure.error.code != "invalidation_pending":
                raise
            self.warnings.append(failure.error.message)  # what visitors get, verification sees

    def settle(self) -> None:
        """Nothing is owed any more. Raises S3Error."""
        if self._noted:
            self.bucket.delete(owed_key(self.target))

    def _addresses(self, site_paths: Sequence[str]) -> list[str]:
        # Paths of the distribution are those of the address, whatever folder its origin has.
        below = urlsplit(self.target.base_url).path
        return paths(site_paths, self.target.deploy.invalidate.most_paths, below)
