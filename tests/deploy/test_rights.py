"""What a deploy will be allowed to do is tried beforehand, and nothing is changed by it."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.deploy.moto import ACCOUNT, Moto
from tests.deploy.publisher import Publisher
from tests.deploy.servers import Answer, Forward, Request, refuse
from workflow.config import Deploy
from workflow.deploy.rights import Tried, try_rights

pytestmark = pytest.mark.usefixtures("credentials")


def tried(publisher: Publisher, **options: object) -> list[Tried]:
    deploy = Deploy.model_validate(
        {
            "strategy": "native",
            "bucket": publisher.bucket,
            "region": "us-east-1",
            "endpoint_url": publisher.proxy.endpoint,
            **options,
        }
    )
    return list(try_rights(deploy, f"s3://{deploy.bucket}", ".workflow/"))


def codes(found: list[Tried]) -> list[str | None]:
    return [one.error.code if one.error else None for one in found]


def test_who_may_do_everything_is_told_so_and_the_bucket_is_as_it_was(publisher: Publisher) -> None:
    publisher.put("index.html", "live")
    assert tried(publisher) == [Tried("", None)]
    assert publisher.server.objects(publisher.bucket) == {"index.html": b"live"}


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:ListBucket", "s3:GetObject"])
def test_a_right_that_is_missing_is_named(publisher: Publisher, action: str) -> None:
    publisher.put(".workflow/rights-probe", "so that there is something to be read")
    publisher.server.deny(publisher.bucket, action)
    found = tried(publisher)
    assert codes(found) == ["aws_access_denied"]
    assert found[0].error is not None and action in found[0].error.message


def test_all_rights_that_are_missing_are_named_at_once(publisher: Publisher) -> None:
    publisher.proxy.on("ListObjectsV2", refuse(403, "AccessDenied"), times=0)
    publisher.proxy.on("PutObject", refuse(403, "AccessDenied"), times=0)
    said = " ".join(one.error.message for one in tried(publisher) if one.error)
    assert "s3:ListBucket" in said and "s3:PutObject" in said


def test_a_bucket_that_is_not_there_is_told_once(publisher: Publisher) -> None:
    assert codes(tried(publisher, bucket="no-such-bucket-here")) == ["no_such_bucket"]


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_wrong_keys_are_told_once_and_where_they_come_from(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "wrong" * 8)
    (found,) = tried(publisher)
    assert found.error is not None and found.error.code == "aws_signature"
    assert "rights-probe" not in found.error.message
    assert "~/.aws/credentials" in (found.error.hint or "")


def test_a_server_that_is_not_there_is_told_as_the_network(publisher: Publisher) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{taken.getsockname()[1]}"
        found = tried(publisher, endpoint_url=gone)
    assert len(found) == 1 and found[0].error is not None
    assert found[0].error.code == "network"


def test_a_clock_that_is_off_is_told_before_a_deploy_fails_by_it(publisher: Publisher) -> None:
    def an_hour_later(request: Request, forward: Forward) -> Answer:
        date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
        answer = forward()
        kept = {k: v for k, v in answer.headers.items() if k.lower() != "date"}
        return replace(answer, headers={**kept, "Date": date})

    publisher.proxy.on("PutObject", an_hour_later, times=0)
    found = tried(publisher)
    assert codes(found) == ["clock_skew"]
    assert found[0].error is not None and "60 minutes behind" in found[0].error.message


def test_a_distribution_is_asked_for_and_one_that_is_not_there_is_told(
    publisher: Publisher, moto: Moto
) -> None:
    there = moto.make_distribution()
    known = {"cloudfront_endpoint_url": moto.url}
    assert codes(tried(publisher, cloudfront_id=there, **known)) == [None]
    assert codes(tried(publisher, cloudfront_id="E00000NOTTHERE", **known)) == [
        "no_such_distribution"
    ]


def test_it_is_told_who_we_are_and_a_wrong_account_ends_it(
    publisher: Publisher, moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto.url)
    deploy = Deploy.model_validate(
        {"strategy": "native", "bucket": publisher.bucket, "account": "999999999999"}
    )
    (found,) = try_rights(deploy, "s3://x", ".workflow/")
    assert found.error is not None and found.error.code == "wrong_account"
    assert ACCOUNT in found.error.message
