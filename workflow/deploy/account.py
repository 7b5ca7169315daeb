"""Whose AWS account it is: asked of STS, held against what workflow.yaml states."""

from __future__ import annotations

from typing import Any

from workflow.config import Deploy
from workflow.deploy import failures
from workflow.errors import TaskError, TaskFailed
from workflow.layout import CONFIG


def require_account(deploy: Deploy) -> None:
    """Raises TaskFailed `wrong_account` if our credentials belong to another account.

    That the bucket, too, is of this account S3 checks by itself: each request names the expected
    owner.
    """
    if deploy.account is not None:
        who_we_are(deploy)


def who_we_are(deploy: Deploy, options: Any = None) -> str:
    """`account 123456789012 as user/deployer`; `options` are botocore's for the one request.

    GetCallerIdentity needs no permission. Raises TaskFailed `wrong_account`, and what AWS refuses.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        region = deploy.region or "us-east-1"
        session = boto3.session.Session(profile_name=deploy.profile)
        who = session.client("sts", region_name=region, config=options).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise TaskFailed(failures.explain(error, "AWS STS")) from error
    if deploy.account is not None and who["Account"] != deploy.account:
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
    return f"account {who['Account']} as {str(who['Arn']).rpartition(':')[2]}"
