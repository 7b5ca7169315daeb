"""Could an environment be published, and who would be asked? Without asking the network."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec

from workflow.approval import policy_of
from workflow.config import Config, Deploy, Environment
from workflow.errors import Problem, TaskFailed
from workflow.layout import CONFIG


def missing(deploy: Deploy, config: Config) -> Iterator[Problem]:
    """What a deploy would run, and cannot."""
    if deploy.strategy == "script":
        from workflow.deploy import script

        try:
            script.command(deploy, config)
        except TaskFailed as failure:
            yield Problem(failure.error.message, hint=failure.error.hint)
    asked = {deploy.compress, *(rule.compress for rule in deploy.objects)}
    if "brotli" in asked and find_spec("brotli") is None:
        yield Problem(
            "asks for brotli, which this Python does not have",
            hint=f"{sys.executable} -m pip install brotli",
        )


def unguarded(name: str, environment: Environment) -> Iterator[Problem]:
    """By which ways something may be published without anybody's consent to this very content."""
    where = f"environments.{name} in {CONFIG}"
    asks_by_default = policy_of(name, None, required=False) != "none"
    if asks_by_default and policy_of(name, environment, required=False) == "none":
        yield Problem(
            "anything may be published there without approval",
            hint=f"set approval: approve or phrase for {where}",
        )
    if environment.accept_declared:
        yield Problem(
            "whoever writes a task file can approve it there (accept_declared)",
            hint=f"remove accept_declared from {where}, and use `workflow approve`",
        )


def destination(deploy: Deploy) -> str:
    """Where it leads, in a few words."""
    if deploy.strategy == "script":
        return f"by {deploy.script}"
    said = f"s3://{deploy.bucket}/{deploy.prefix}".rstrip("/")
    return f"{said}, CloudFront {deploy.cloudfront_id}" if deploy.cloudfront_id else said
