"""Could an environment be published, and who would be asked? Without asking the network."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec

from workflow.approval import policy_of
from workflow.config import Config, Deploy, Environment
from workflow.deploy import refusals
from workflow.errors import Problem, TaskFailed
from workflow.hugo.site import is_dev, is_local
from workflow.layout import CONFIG


def missing(deploy: Deploy, config: Config) -> Iterator[Problem]:
    """What a deploy would run, and cannot."""
    if deploy.strategy == "script":
        from workflow.deploy import script

        try:
            script.command(deploy, config)
        except TaskFailed as failure:
            yield Problem(failure.error.message, hint=failure.error.hint)
    if deploy.strategy == "native" or deploy.profile is not None:
        yield from _without_keys(deploy.profile)
    asked = {deploy.compress, *(rule.compress for rule in deploy.objects)}
    if "brotli" in asked and find_spec("brotli") is None:
        yield Problem(
            "asks for brotli, which this Python does not have",
            hint=f"{sys.executable} -m pip install brotli",
        )


_IN_ENVIRONMENT = (
    "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)  # fmt: skip
_IN_PROFILE = {
    "aws_access_key_id", "credential_process", "login_session", "role_arn", "sso_session",
    "sso_start_url", "web_identity_token_file",
}  # fmt: skip
_OF_BOTO = ("/etc/boto.cfg", "~/.boto")


def _without_keys(profile: str | None) -> Iterator[Problem]:
    """That there are no AWS credentials, or no such profile. Whether they are good only AWS knows:
    nobody is asked."""
    keys = [os.environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")]
    if profile is None and all(keys):
        return
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    try:
        configured = Session(profile=profile).get_scoped_config()
    except BotoCoreError as error:
        yield Problem(
            f"its AWS credentials cannot be found: {error}",
            hint=f"correct deploy.profile in {CONFIG}, or AWS_PROFILE (of the timer too), or write "
            "the profile into ~/.aws/config",
        )
        return
    elsewhere = profile is None and (
        any(map(os.environ.get, _IN_ENVIRONMENT))
        or any(os.path.exists(os.path.expanduser(path)) for path in _OF_BOTO)
        or _is_instance()
    )
    if not (_IN_PROFILE & configured.keys() or elsewhere):
        where = "" if profile is None else f" in the profile {profile}"
        yield Problem(f"there are no AWS credentials{where}", hint=refusals.NO_KEYS.hint)


def _is_instance() -> bool:
    """Whether this is a machine of EC2, which has credentials from its role."""
    with suppress(OSError), open("/sys/class/dmi/id/sys_vendor", encoding="ascii") as file:
        return "Amazon EC2" in file.read()
    return False


def misleading(name: str, environment: Environment) -> Iterator[Problem]:
    """What the pages would say of where they are, and no visitor could follow."""
    if is_local(environment.base_url) and not is_dev(name):
        yield Problem(
            f"its pages are built for this machine itself ({environment.base_url}); those that "
            "link to it are not published",
            hint=f"correct environments.{name}.base_url in {CONFIG}",
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
    said += f" at {deploy.endpoint_url}" if deploy.endpoint_url else ""
    return f"{said}, CloudFront {deploy.cloudfront_id}" if deploy.cloudfront_id else said
