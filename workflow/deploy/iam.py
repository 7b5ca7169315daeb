"""What AWS has to allow, and no more, for each environment of workflow.yaml.

The actions are those that the code asks for:

    s3:ListBucket             the listing, and that what is missing answers 404
    s3:GetObject              reading and looking at objects, copying, conditional writes
    s3:GetObjectVersion       bringing back a release from the bucket's versions
    s3:PutObject              writing, in parts too, and copying
    s3:AbortMultipartUpload   giving up a file that is sent in parts
    s3:DeleteObject           deleting
    cloudfront:CreateInvalidation, cloudfront:GetInvalidation

Asking STS whose credentials these are needs no permission.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workflow.config import Config, Deploy


@dataclass(frozen=True)
class Policy:
    """What one environment needs. `document` is None where IAM has no say."""

    environment: str
    document: dict[str, Any] | None
    notes: tuple[str, ...]
    """What a person has to know who uses it."""


def policies(config: Config) -> list[Policy]:
    """One for each environment that says where it is published to."""
    return [
        policy(name, environment.deploy)
        for name, environment in config.environments.items()
        if environment.deploy is not None
    ]


def policy(environment: str, deploy: Deploy) -> Policy:
    """The least-privilege IAM policy of an environment."""
    statements: list[dict[str, Any]] = []
    notes: list[str] = []
    if deploy.strategy == "script":
        notes.append("the script asks AWS itself: what it needs only whoever wrote it can say")
    elif deploy.endpoint_url is not None:
        notes.append(
            f"{deploy.endpoint_url} is not AWS: its own keys and rights apply, and no IAM policy"
        )
    else:
        statements += _bucket(deploy)
    if deploy.cloudfront_id is not None and deploy.cloudfront_endpoint_url is None:
        statements.append(_distribution(deploy))
        if deploy.account is None:
            notes.append(
                "the * in the distribution's ARN stands for your account's number: put it there, "
                "or into workflow.yaml as deploy.account"
            )
    document = {"Version": "2012-10-17", "Statement": statements} if statements else None
    return Policy(environment, document, tuple(notes))


def _bucket(deploy: Deploy) -> list[dict[str, Any]]:
    arn = f"arn:{_partition(deploy)}:s3:::{deploy.bucket}"
    prefix = deploy.prefix.strip("/")
    listing: dict[str, Any] = {
        "Sid": "ListTheSite",
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": arn,
    }
    if prefix:
        listing["Condition"] = {"StringLike": {"s3:prefix": f"{prefix}/*"}}
    actions = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"]
    if deploy.releases.keep:
        actions.insert(1, "s3:GetObjectVersion")
    objects = {
        "Sid": "ReadAndWriteTheSite",
        "Effect": "Allow",
        "Action": actions,
        "Resource": f"{arn}/{prefix}/*" if prefix else f"{arn}/*",
    }
    return [listing, objects]


def _distribution(deploy: Deploy) -> dict[str, Any]:
    account = deploy.account or "*"
    return {
        "Sid": "InvalidateTheSite",
        "Effect": "Allow",
        "Action": ["cloudfront:CreateInvalidation", "cloudfront:GetInvalidation"],
        "Resource": f"arn:{_partition(deploy)}:cloudfront::{account}"
        f":distribution/{deploy.cloudfront_id}",
    }


def _partition(deploy: Deploy) -> str:
    """AWS's name for the part of it that a region belongs to."""
    region = deploy.region or ""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
