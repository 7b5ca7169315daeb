"""Whose AWS account it is: asked of STS where workflow.yaml states the expected one."""

from __future__ import annotations

from workflow.config import Deploy
from workflow.deploy import failures
from workflow.errors import TaskError, TaskFailed
from workflow.layout import CONFIG


def require_account(deploy: Deploy) -> None:
    """Raises TaskFailed `wrong_account` if our credentials belong to another account.

    GetCallerIdentity needs no permission. That the bucket, too, is of this account S3 checks by
    itself: each request names the expected owner.
    """
    if deploy.account is None:
        return
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        region = deploy.region or "us-east-1"
        session = boto3.session.Session(profile_name=deploy.profile)
        who = session.client("sts", region_name=region).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise TaskFailed(failures.explain(error, "AWS STS")) from error
    if who["Account"] != deploy.account:
        raise TaskFailed(
            TaskError(
                "wrong_account",
                f"the credentials are of the AWS account {who['Account']}, {CONFIG} expects "
                f"{deploy.account}",
                "escalate",
                "credentials",
                hint="let deploy.profile name a profile of that account, or AWS_PROFILE for the "
                "timer too",
            )
        )
