"""What AWS refuses, in words: S3's codes, botocore's exceptions, what programs print of either."""

from __future__ import annotations

import socket

import pytest

from tests.deploy.servers import Faults, refuse, reset_before
from workflow.deploy import client
from workflow.deploy.failures import explain, explain_text
from workflow.deploy.s3 import Bucket, S3Error

TARGET = "s3://klmcrm.com/blog, CloudFront E3HA8770RGET6T"


def s3_error(code: str, operation: str = "PutObject", **options: str) -> S3Error:
    return S3Error(operation, code=code, message=options.pop("message", "m"), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "ours", "action"),
    [
        ("NoCredentialsError", "no_aws_credentials", "escalate"),
        ("ProfileNotFound", "no_aws_credentials", "escalate"),
        ("ExpiredToken", "aws_token_expired", "escalate"),
        ("UnauthorizedSSOTokenError", "aws_token_expired", "escalate"),
        ("PermanentRedirect", "aws_wrong_region", "escalate"),
        ("SignatureDoesNotMatch", "aws_signature", "escalate"),
        ("InvalidAccessKeyId", "aws_signature", "escalate"),
        ("RequestTimeTooSkewed", "clock_skew", "escalate"),
        ("AccessDenied", "aws_access_denied", "escalate"),
        ("NoSuchBucket", "no_such_bucket", "escalate"),
        (client.WRONG_OWNER, "wrong_account", "escalate"),
        ("SlowDown", "aws_throttled", "retry"),
        (client.LOST, "network", "retry"),
        (client.MALFORMED, "network", "retry"),
        (client.BAD_CERTIFICATE, "aws_certificate", "escalate"),
        ("NotImplemented", "aws_not_supported", "escalate"),
        ("PreconditionFailed", "aws_conflict", "retry"),
        ("InternalError", "aws_unavailable", "retry"),
        ("KeyTooLongError", "aws_error", "escalate"),
    ],
)
def test_each_refusal_of_s3_has_a_code_and_says_who_acts(code: str, ours: str, action: str) -> None:
    error = explain(s3_error(code, message="S3's own words", key="a.html"), TARGET)
    assert (error.code, error.action, error.category) == (ours, action, "aws")
    assert error.message.startswith(f"{TARGET} (a.html): ")
    assert f"{code}: S3's own words" in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        (503, "aws_throttled"),
        (429, "aws_throttled"),
        (500, "aws_unavailable"),
        (501, "aws_not_supported"),
        (403, "aws_access_denied"),
        (400, "aws_error"),
    ],
)
def test_a_code_that_nobody_knows_is_told_by_its_status(status: int, ours: str) -> None:
    error = S3Error("GetObject", code="Strange", message="", status=status)
    assert explain(error, TARGET).code == ours


@pytest.mark.parametrize(
    ("operation", "right"),
    [
        ("PutObject", "s3:PutObject on arn:aws:s3:::klmcrm.com/blog/*"),
        ("UploadPart", "s3:PutObject on arn:aws:s3:::klmcrm.com/blog/*"),
        ("HeadObject", "s3:GetObject on arn:aws:s3:::klmcrm.com/blog/*"),
        ("DeleteObjects", "s3:DeleteObject on arn:aws:s3:::klmcrm.com/blog/*"),
        ("ListObjectsV2", "s3:ListBucket on arn:aws:s3:::klmcrm.com"),
        ("CreateInvalidation", "cloudfront:CreateInvalidation on the distribution E3HA8770RGET6T"),
        ("Unheard", "Unheard"),
    ],
)
def test_a_right_that_is_missing_is_named_with_its_resource(operation: str, right: str) -> None:
    message = explain(s3_error("AccessDenied", operation), TARGET).message
    assert f"access is denied: {right} is not allowed" in message


def test_a_whole_bucket_and_what_aws_says_of_a_right() -> None:
    message = explain(s3_error("AccessDenied"), "s3://klmcrm.com").message
    assert "s3:PutObject on arn:aws:s3:::klmcrm.com/*" in message
    said = (
        "User: arn:aws:iam::1:user/u is not authorized to perform: s3:PutObjectTagging on "
        'resource: "arn:aws:s3:::klmcrm.com/x" because no identity-based policy allows it'
    )
    message = explain(s3_error("AccessDenied", message=said), TARGET).message
    assert "denied: s3:PutObjectTagging on arn:aws:s3:::klmcrm.com/x is not allowed" in message
    message = explain(
        s3_error("AccessDenied", message="not authorized to perform: a:B"), "x"
    ).message
    assert "denied: a:B is not allowed" in message


def test_the_right_region_is_in_the_hint() -> None:
    error = explain(s3_error("PermanentRedirect", region="eu-west-1"), TARGET)
    assert error.hint == "set deploy.region to eu-west-1 in workflow.yaml"
    words = "the region 'us-east-1' is wrong; expecting 'eu-west-3'"
    error = explain(s3_error("AuthorizationHeaderMalformed", message=words), TARGET)
    assert (error.code, "eu-west-3" in (error.hint or "")) == ("aws_wrong_region", True)
    assert explain(s3_error("AuthorizationHeaderMalformed"), TARGET).code == "aws_signature"
    assert "bucket's region" in (explain(s3_error("PermanentRedirect"), TARGET).hint or "")


def test_what_botocore_raises_is_explained_too() -> None:
    from botocore import exceptions as of

    said = {
        "no_aws_credentials": [
            of.NoCredentialsError(),
            of.PartialCredentialsError(provider="env", cred_var="x"),
            of.ProfileNotFound(profile="klm"),
            of.CredentialRetrievalError(provider="process", error_msg="m"),
        ],
        "aws_token_expired": [
            of.TokenRetrievalError(provider="sso", error_msg="Token has expired"),
            of.UnauthorizedSSOTokenError(),
            of.SSOTokenLoadError(error_msg="m"),
        ],
        "network": [
            of.EndpointConnectionError(endpoint_url="https://s3"),
            of.ConnectTimeoutError(endpoint_url="https://s3"),
            of.ReadTimeoutError(endpoint_url="https://s3"),
            of.ProxyConnectionError(proxy_url="http://p"),
        ],
        "aws_certificate": [of.SSLError(endpoint_url="https://s3", error="m")],
        "aws_error": [of.ParamValidationError(report="m"), ValueError("m")],
    }
    for code, errors in said.items():
        for error in errors:
            assert explain(error, "AWS STS").code == code, error

    def refused(code: str, operation: str, **more: object) -> of.ClientError:
        return of.ClientError({"Error": {"Code": code, "Message": "m"}, **more}, operation)

    quota = explain(refused("TooManyInvalidationsInProgress", "CreateInvalidation"), TARGET)
    assert (quota.code, quota.action) == ("cloudfront_quota", "retry")
    assert explain(refused("NoSuchDistribution", "GetInvalidation"), TARGET).code == (
        "no_such_distribution"
    )
    meta = {"HTTPStatusCode": 301, "HTTPHeaders": {"x-amz-bucket-region": "eu-west-1"}}
    error = explain(refused("301", "HeadBucket", ResponseMetadata=meta), TARGET)
    assert error.code == "aws_error"
    error = explain(refused("PermanentRedirect", "HeadBucket", ResponseMetadata=meta), TARGET)
    assert "eu-west-1" in (error.hint or "")
    error = explain(
        refused("?", "CreateInvalidation", ResponseMetadata={"HTTPStatusCode": 500}), "x"
    )
    assert error.code == "aws_unavailable"
    assert "to Strange (Odd: m)" in explain(refused("Odd", "Strange"), "x").message


def test_what_the_system_refuses_is_the_network_or_a_file() -> None:
    assert explain(ConnectionResetError("reset"), TARGET).code == "network"
    assert explain(TimeoutError(), TARGET).code == "network"
    assert explain(socket.gaierror(-2, "Name or service not known"), TARGET).code == "network"
    error = explain(FileNotFoundError(2, "No such file", "/x/y"), TARGET)
    assert (error.code, "/x/y" in error.message) == ("file_error", True)


PRINTED = [
    (
        "Unable to locate credentials. You can configure credentials by running",
        "no_aws_credentials",
    ),
    ("botocore.exceptions.NoCredentialsError: Unable to locate credentials", "no_aws_credentials"),
    ("The config profile (klm) could not be found", "no_aws_credentials"),
    (
        "Error when retrieving token from sso: Token has expired and refresh failed",
        "aws_token_expired",
    ),
    ("The SSO session associated with this profile has expired or is", "aws_token_expired"),
    ('Could not connect to the endpoint URL: "https://klm.s3.amazonaws.com/"', "network"),
    ('Read timeout on endpoint URL: "https://x"', "network"),
    ("SSL validation failed for https://x [SSL: CERTIFICATE_VERIFY_FAILED]", "aws_certificate"),
    (
        "upload failed: public/a to s3://b/a An error occurred (AccessDenied) when calling the "
        "PutObject operation: Access Denied",
        "aws_access_denied",
    ),
    (
        "fatal error: An error occurred (403) when calling the HeadObject operation: Forbidden",
        "aws_access_denied",
    ),
    (
        "An error occurred (NoSuchBucket) when calling the ListObjectsV2 operation: The specified "
        "bucket does not exist",
        "no_such_bucket",
    ),
    (
        "An error occurred (SlowDown) when calling the PutObject operation (reached max retries: "
        "4): Please reduce your request rate.",
        "aws_throttled",
    ),
    ("An error occurred (Odd) when calling the Strange operation: m", "aws_error"),
]


@pytest.mark.parametrize(("text", "code"), PRINTED)
def test_what_a_program_prints_is_explained_too(text: str, code: str) -> None:
    error = explain_text(f"Uploading…\n{text}\nTraceback\n")
    assert error is not None
    assert error.code == code
    assert error.hint


def test_the_last_failure_that_a_program_prints_counts() -> None:
    lines = [text for text, _ in PRINTED if "An error occurred" in text]
    error = explain_text("\n".join(lines[:3]))
    assert error is not None
    assert error.code == "no_such_bucket"
    assert "The specified bucket does not exist" in error.message
    denied = explain_text(lines[0])
    assert denied is not None and "s3:PutObject is not allowed" in denied.message


def test_what_has_nothing_to_do_with_aws_is_left_to_others() -> None:
    assert explain_text("FileNotFoundError: public/") is None
    assert explain_text("") is None


@pytest.mark.usefixtures("credentials")
def test_a_refusal_goes_all_the_way_from_the_server_to_its_code(
    proxy: Faults, bucket_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FIRST_PAUSE", 0.001)
    bucket = Bucket(
        bucket_name,
        region=None,
        endpoint_url=proxy.endpoint,
        owner=None,
        workers=1,
        check=lambda: None,
    )
    told = {}
    for name, fault in {
        "expired": refuse(400, "ExpiredToken"),
        "skewed": refuse(403, "RequestTimeTooSkewed"),
        "moved": refuse(301, "PermanentRedirect", x_amz_bucket_region="eu-west-1"),
        "lost": reset_before,
    }.items():
        proxy.on("GetObject", fault, key=name, times=0)
        with pytest.raises(S3Error) as refused:
            bucket.get(name)
        told[name] = explain(refused.value, f"s3://{bucket_name}").code
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrongsecret")
    other = Bucket(
        bucket_name,
        region="us-east-1",
        endpoint_url=proxy.endpoint,
        owner=None,
        workers=1,
        check=lambda: None,
    )
    with pytest.raises(S3Error) as refused:
        other.list("")
    told["key"] = explain(refused.value, "x").code
    bucket.close()
    other.close()
    assert told == {
        "expired": "aws_token_expired",
        "skewed": "clock_skew",
        "moved": "aws_wrong_region",
        "lost": "network",
        "key": "aws_signature",
    }
