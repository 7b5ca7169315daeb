"""Publishes a built site: natively to S3 and CloudFront, or by the owner's own script.

Not safe to repeat by itself: an attempt that was cut off ends as interrupted, with what is live.
Submitting it again finishes it, since a deploy compares with what is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workflow.config import Config
from workflow.deploy.target import Params, locate, used
from workflow.errors import TaskFailed
from workflow.handler import Context, Outcome
from workflow.handlers import DEPLOY

__all__ = ["EXAMPLE", "OUTPUTS", "Params", "resources", "run", "still_as_planned"]

OUTPUTS: Mapping[str, str] = {
    "uploaded_files": "integer: files sent",
    "deleted_files": "integer: files deleted",
    "unchanged_files": "integer: files that were live already",
    "kept_files": "integer: superseded files that stay for a while",
    "bytes": "integer: sent",
    "deployment_id": "string: the release; none where there was none",
    "invalidation_id": "string: CloudFront's, or why there is none",
    "site_url": "string: where it is seen",
    "http_status": "integer: with which the site answered",
    "verified_files": "integer: files that the site was seen to serve as published",
    "live": "string: complete, partial, untouched or unknown",
    "content_digest": "string: sha256 over all that was published",
    "approval": "object: who agreed to it, when and how",
}
"""Of `strategy: native`, where there was something to send; a script tells what it knows of them,
and `release`. A rollback adds `restores`."""
EXAMPLE: tuple[str, ...] = ()


def resources(params: Params, config: Config) -> Sequence[str]:
    """The site's real path, the bucket, the distribution: no two tasks use one at once."""
    try:
        return used(params, config)
    except TaskFailed:
        return ()  # `run` says what is wrong


def run(context: Context) -> Outcome:
    target = locate(context.params, context.config)
    # Each brings much that the other does not need.
    if target.deploy.strategy == "script":
        from workflow.deploy import scripted

        return scripted.run(context, target)
    from workflow.deploy import native

    return native.run(context, target)


def still_as_planned(params: Params, config: Config, details: Mapping[str, Any]) -> bool:
    """Whether what a plan was made for is still what would be published. Asks nobody but the disk.

    Of use before a person agrees; what counts is looked at again when it is published.
    """
    from workflow.deploy.source import find_source

    try:
        target = locate(params, config)
        source = find_source(params, target, config)
        task_type = DEPLOY + target.environment
        if target.deploy.strategy == "script":
            from workflow.deploy import script, scripted

            command = script.command(target.deploy, config)
            now = scripted.binds(task_type, target, params, source, command)
        else:
            from workflow.deploy import planning

            now = planning.binds(task_type, target, params, source)
    except (TaskFailed, OSError):
        return False
    return bool(now == details.get("binds"))
