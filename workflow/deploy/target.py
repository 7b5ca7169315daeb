"""Where a deploy goes: what workflow.yaml gives to the environment, never what a task says."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from workflow import handler
from workflow.approval import policy_of
from workflow.config import Config, Deploy
from workflow.errors import TaskError, TaskFailed
from workflow.hugo.site import Place, locate_place
from workflow.layout import CONFIG, DEPLOYS


class Params(handler.Params):
    """What a task may ask of a deploy. Nothing in it leads anywhere that workflow.yaml does not."""

    site_path: str | None = Field(
        default=None, description="site to publish, by its name or path; default: the first one"
    )
    environment: str | None = Field(default=None, description="given by the task type")
    release: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9-]{1,80}$",
        description="publish this release again, not public/; see `workflow rollback`",
    )
    dry_run: bool = Field(default=False, description="plan and tell; send nothing")
    force: bool = Field(
        default=False, description="trust no cache: hash every file, look at every object"
    )
    max_deletes: int | None = Field(
        default=None, ge=0, description="allow so many deletions this once; needs approval"
    )
    public_dir: str | None = Field(default=None, description="if given: the site's public folder")
    bucket: str | None = Field(default=None, description="if given: the environment's bucket")
    cloudfront_id: str | None = Field(
        default=None, description="if given: the environment's distribution"
    )
    verify_url: str | None = Field(default=None, description="if given: the environment's")

    def as_agreed(self) -> dict[str, Any]:
        """What of them an approval binds."""
        return self.model_dump(exclude={"dry_run"}, exclude_none=True)


@dataclass(frozen=True)
class Target:
    """One environment's place in the world, and the site that is published there."""

    place: Place
    deploy: Deploy

    @property
    def environment(self) -> str:
        return self.place.environment

    @property
    def base_url(self) -> str:
        return self.place.configured.base_url

    @property
    def verify_url(self) -> str:
        return self.deploy.verify_url or self.base_url

    @property
    def prefix(self) -> str:
        """Of every key: empty, or a folder with its slash."""
        prefix = self.deploy.prefix.strip("/")
        return f"{prefix}/" if prefix else ""

    @property
    def private(self) -> str:
        """Prefix of the keys that are ours and never the site's."""
        return self.prefix + self.deploy.private_prefix

    @property
    def asks_nobody(self) -> bool:
        """Whether workflow.yaml lets anybody publish here."""
        return policy_of(self.environment, self.place.configured, required=False) == "none"

    def key(self, path: str) -> str:
        return self.prefix + path

    def identity(self) -> dict[str, Any]:
        """What of it an approval binds: another bucket is another deploy."""
        deploy = self.deploy
        named = {
            "strategy": deploy.strategy,
            "bucket": deploy.bucket,
            "prefix": self.prefix,
            "region": deploy.region,
            "account": deploy.account,
            "endpoint_url": deploy.endpoint_url,
            "cloudfront_id": deploy.cloudfront_id,
        }
        return {key: value for key, value in named.items() if value}

    @property
    def in_full(self) -> str:
        """For whoever agrees to it: with the server, where that is not AWS."""
        at = self.deploy.endpoint_url
        bucket, comma, rest = str(self).partition(", ")
        return (
            f"{bucket} at {at}{comma}{rest}"
            if at and self.deploy.strategy == "native"
            else str(self)
        )

    def __str__(self) -> str:
        if self.deploy.strategy == "script":
            return f"{self.verify_url} by {os.path.basename(self.deploy.script or '')}"
        said = f"s3://{self.deploy.bucket}/{self.prefix}".rstrip("/")
        if self.deploy.cloudfront_id:
            said += f", CloudFront {self.deploy.cloudfront_id}"
        return said


def locate(params: Params, config: Config) -> Target:
    """What workflow.yaml says to the task's names.

    Raises TaskFailed `no_such_site`, `no_such_environment`, `bad_config`, `no_deploy_target`, or
    `not_configured` where the task restates something and workflow.yaml says otherwise.
    """
    place = locate_place(params.site_path, params.environment, config)
    deploy = place.configured.deploy
    if deploy is None:
        raise TaskFailed(
            TaskError(
                "no_deploy_target",
                f"{CONFIG} does not say where {place.environment} is published to",
                "escalate",
                "configuration",
                hint=f"add environments.{place.environment}.deploy to {CONFIG}, see docs/aws.md",
            )
        )
    target = Target(place, deploy)
    for name, said, configured in _restated(params, target):
        if said is not None and said != configured:
            raise TaskFailed(
                TaskError(
                    "not_configured",
                    f"the task names the {name} {said!r}; for {place.environment} {CONFIG} says "
                    f"{configured!r}",
                    "fix",
                    "configuration",
                    hint=f"leave {name} out of the task: {CONFIG} alone decides where it goes",
                )
            )
    return target


def _restated(params: Params, target: Target) -> list[tuple[str, str | None, str | None]]:
    """What a task may name although it cannot choose it, as both sides say it."""
    bucket = params.bucket and params.bucket.removeprefix("s3://").rstrip("/")
    home = f"{target.deploy.bucket}/{target.prefix}".rstrip("/") if target.deploy.bucket else None
    folder = params.public_dir and os.path.realpath(os.path.expanduser(params.public_dir))
    url = params.verify_url and params.verify_url.rstrip("/")
    return [
        ("bucket", bucket, home),
        ("cloudfront_id", params.cloudfront_id, target.deploy.cloudfront_id),
        ("public_dir", folder, os.path.realpath(target.place.public)),
        ("verify_url", url, target.verify_url.rstrip("/")),
    ]


def used(params: Params, config: Config) -> list[str]:
    """Names of what no two tasks may use at once: the site, the bucket, the distribution."""
    target = locate(params, config)
    names = [str(target.place.folder)]
    if target.deploy.bucket:
        names.append(f"s3://{target.deploy.bucket}/{target.prefix}")
    if target.deploy.cloudfront_id:
        names.append(f"cloudfront:{target.deploy.cloudfront_id}")
    return names


def state_folder(root: Path) -> Path:
    """Where deploys leave what they know, inside the exchange; made if missing."""
    folder = root / DEPLOYS
    folder.mkdir(parents=True, exist_ok=True)
    return folder
