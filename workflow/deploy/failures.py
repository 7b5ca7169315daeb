"""What AWS refuses, in words: what it means here, who acts next, and how.

S3's own codes, CloudFront's and STS's, botocore's exceptions and what programs print of either all
come to the same few errors, so that a deploy by a script reads as one of ours does.
"""

from __future__ import annotations

import re
import socket
from typing import NamedTuple

from workflow.deploy.client import LOST, MALFORMED, NOT_TRUSTED, THROTTLING, WRONG_OWNER, S3Error
from workflow.errors import Action, TaskError, told
from workflow.layout import CONFIG


class _Kind(NamedTuple):
    code: str
    action: Action
    said: str
    """What it means, after the target's name and a colon."""
    hint: str


_NO_KEYS = _Kind(
    "no_aws_credentials",
    "escalate",
    "no AWS credentials were found",
    "set AWS_PROFILE (for the timer too), or run `aws configure`; `aws sts get-caller-identity` "
    "shows who you are",
)
_EXPIRED = _Kind(
    "aws_token_expired",
    "escalate",
    "the session of the AWS credentials has expired",
    "sign in again (`aws sso login`, or fresh temporary keys), then submit the task again",
)
_REGION = _Kind(
    "aws_wrong_region",
    "escalate",
    "the bucket lies in another region",
    f"set deploy.region in {CONFIG} to the bucket's region",
)
_SIGNATURE = _Kind(
    "aws_signature",
    "escalate",
    "AWS does not accept the access key or its secret",
    "the key may be deleted, inactive or mistyped: check AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY, or the profile",
)
_CLOCK = _Kind(
    "clock_skew",
    "escalate",
    "this machine's clock is more than 15 minutes wrong",
    "set the clock (let it be set by the network), then submit the task again",
)
_DENIED = _Kind(
    "aws_access_denied",
    "escalate",
    "access is denied",
    "allow it: `workflow doctor --iam` prints the policy that the environment needs",
)
_NO_BUCKET = _Kind(
    "no_such_bucket",
    "escalate",
    "there is no such bucket",
    f"correct deploy.bucket in {CONFIG}, or make the bucket",
)
_NO_DISTRIBUTION = _Kind(
    "no_such_distribution",
    "escalate",
    "there is no such CloudFront distribution in this account",
    f"correct deploy.cloudfront_id in {CONFIG}, or use the account's own credentials",
)
_ACCOUNT = _Kind(
    "wrong_account",
    "escalate",
    f"the bucket is not of the account that {CONFIG} expects",
    f"correct deploy.bucket or deploy.account in {CONFIG}",
)
_THROTTLED = _Kind(
    "aws_throttled",
    "retry",
    "AWS asks us to slow down, after many tries still",
    "run the task again in some minutes; with fewer deploy.workers if it comes back",
)
_NETWORK = _Kind(
    "network",
    "retry",
    "the network failed, after many tries still",
    "check the connection and the proxy settings; what was sent is not sent again",
)
_NOT_TRUSTED = _Kind(
    "aws_certificate",
    "escalate",
    "the server's certificate is not trusted",
    "if a company's proxy looks into TLS, name its certificates in AWS_CA_BUNDLE",
)
_QUOTA = _Kind(
    "cloudfront_quota",
    "retry",
    "CloudFront has too many invalidations under way",
    "run the task again in some minutes; it is made up for then",
)
_NOT_SUPPORTED = _Kind(
    "aws_not_supported",
    "escalate",
    "the server cannot do this",
    "deploys need conditional writes and ListObjectsV2: see docs/aws.md on other servers than S3",
)
_CONFLICT = _Kind(
    "aws_conflict",
    "retry",
    "somebody else changed it meanwhile",
    "see that nobody else writes to the bucket; the next deploy compares with what is there",
)
_UNAVAILABLE = _Kind(
    "aws_unavailable",
    "retry",
    "AWS had a fault of its own, after many tries still",
    "run the task again in some minutes: https://health.aws.amazon.com says what is wrong",
)
_OTHER = _Kind(
    "aws_error",
    "escalate",
    "AWS refused",
    "look the code up in the service's API reference",
)

_KINDS: dict[str, _Kind] = {
    **dict.fromkeys(
        (
            "NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError",
            "ProfileNotFound", "ConfigNotFound", "ConfigParseError", "InvalidConfigError",
            "InfiniteLoopConfigError", "NoAuthTokenError", "UnknownCredentialError",
            "MissingAuthenticationToken", "MissingSecurityHeader",
        ),
        _NO_KEYS,
    ),
    **dict.fromkeys(
        (
            "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "TokenRetrievalError",
            "SSOError", "SSOTokenLoadError", "UnauthorizedSSOTokenError", "UnauthorizedException",
            "RefreshWithMFAUnsupportedError", "PendingAuthorizationExpiredError",
            "LoginRefreshTokenExpired", "LoginTokenLoadError", "LoginError",
        ),
        _EXPIRED,
    ),
    **dict.fromkeys(
        (
            "PermanentRedirect", "TemporaryRedirect", "Redirect", "IncorrectEndpoint",
            "IllegalLocationConstraintException", "AuthorizationHeaderMalformed",
        ),
        _REGION,
    ),
    **dict.fromkeys(
        (
            "SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidToken", "InvalidClientTokenId",
            "UnrecognizedClientException", "AuthFailure", "IncompleteSignature",
            "InvalidSignatureException", "NotSignedUp",
        ),
        _SIGNATURE,
    ),
    **dict.fromkeys(("RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"), _CLOCK),
    **dict.fromkeys(
        (
            "AccessDenied", "AccessDeniedException", "Forbidden", "403", "AllAccessDisabled",
            "UnauthorizedAccess", "AccountProblem",
        ),
        _DENIED,
    ),
    "NoSuchBucket": _NO_BUCKET,
    "NoSuchDistribution": _NO_DISTRIBUTION,
    WRONG_OWNER: _ACCOUNT,
    **dict.fromkeys((*THROTTLING, "TooManyRequestsException", "PriorRequestNotComplete"), _THROTTLED),
    **dict.fromkeys(
        (
            LOST, "ConnectionError", "EndpointConnectionError", "ConnectionClosedError",
            "ReadTimeoutError", "ConnectTimeoutError", "ProxyConnectionError", "HTTPClientError",
            "ResponseStreamingError", "IncompleteReadError", "RequestTimeout", MALFORMED,
        ),
        _NETWORK,
    ),
    **dict.fromkeys((NOT_TRUSTED, "SSLError"), _NOT_TRUSTED),
    "TooManyInvalidationsInProgress": _QUOTA,
    **dict.fromkeys(("NotImplemented", "MethodNotAllowed", "NotSupported"), _NOT_SUPPORTED),
    **dict.fromkeys(("PreconditionFailed", "ConditionalRequestConflict"), _CONFLICT),
    **dict.fromkeys(("InternalError", "InternalFailure", "ServiceFailure"), _UNAVAILABLE),
}  # fmt: skip

_RIGHTS = {
    "ListObjectsV2": "s3:ListBucket", "ListObjects": "s3:ListBucket", "HeadBucket": "s3:ListBucket",
    "GetObject": "s3:GetObject", "HeadObject": "s3:GetObject", "PutObject": "s3:PutObject",
    "CopyObject": "s3:PutObject", "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject", "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload", "DeleteObject": "s3:DeleteObject",
    "DeleteObjects": "s3:DeleteObject", "CreateInvalidation": "cloudfront:CreateInvalidation",
    "GetInvalidation": "cloudfront:GetInvalidation", "AssumeRole": "sts:AssumeRole",
}  # fmt: skip
"""Operation → the action of IAM that allows it."""


class _Refused(NamedTuple):
    """What is known of a refusal, whoever told it."""

    code: str
    message: str
    operation: str | None = None
    region: str | None = None
    status: int | None = None


def explain(error: BaseException, target: str) -> TaskError:
    """The error for an S3Error, an exception of botocore or an OSError; `target` as a person knows
    it: `s3://klmcrm.com/blog, CloudFront E3HA8770RGET6T`."""
    if isinstance(error, S3Error):
        where = f"{target} ({error.key})" if error.key else target
        return _explained(
            _Refused(error.code, error.message, error.operation, error.region, error.status),
            where,
            target,
        )
    if isinstance(error, (ConnectionError, TimeoutError, socket.gaierror)):
        return _explained(_Refused(LOST, str(error)), target, target)
    if isinstance(error, OSError):
        return TaskError("file_error", f"{target}: {told(error)}", "escalate", "system")
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        said, meta = response.get("Error", {}), response.get("ResponseMetadata", {})
        refused = _Refused(
            str(said.get("Code", "")),
            str(said.get("Message", "")),
            getattr(error, "operation_name", None),
            meta.get("HTTPHeaders", {}).get("x-amz-bucket-region") or said.get("Region"),
            meta.get("HTTPStatusCode"),
        )
        return _explained(refused, target, target)
    names = [kind.__name__ for kind in type(error).__mro__]
    known = next((name for name in names if name in _KINDS), names[0])
    return _explained(_Refused(known, str(error)), target, target)


_CLIENT_ERROR = re.compile(
    r"An error occurred \((?P<code>[\w.]+)\) when calling the (?P<operation>\w+) operation"
    r"(?: \(reached max retries: \d+\))?: ?(?P<message>[^\r\n]*)"
)
_SENTENCES = (
    (re.compile(r"Unable to locate credentials|Partial credentials found", re.I), _NO_KEYS),
    (re.compile(r"The config profile \([^)]*\) could not be found", re.I), _NO_KEYS),
    (re.compile(r"Token has expired and refresh failed|Error loading SSO Token|SSO session "
                r"associated with this profile has expired|security token .{0,40}expired", re.I),
     _EXPIRED),
    (re.compile(r"SSL validation failed|CERTIFICATE_VERIFY_FAILED", re.I), _NOT_TRUSTED),
    (re.compile(r"Could not connect to the endpoint URL|(?:Connect|Read) timeout on endpoint URL|"
                r"Failed to connect to proxy URL|Connection was closed before we received a valid "
                r"response", re.I), _NETWORK),
)  # fmt: skip
"""What boto3 and the AWS CLI print where no service of AWS has answered."""


def explain_text(text: str) -> TaskError | None:
    """The same from what a program printed: the last failure in it; None if none is known."""
    found = list(_CLIENT_ERROR.finditer(text))
    if found:
        last = found[-1]
        refused = _Refused(last["code"], last["message"].strip(), last["operation"])
        return _explained(refused, "AWS", "AWS")
    for sentence, kind in _SENTENCES:
        if sentence.search(text):
            return TaskError(kind.code, kind.said, kind.action, "aws", hint=kind.hint)
    return None


def _explained(refused: _Refused, where: str, target: str) -> TaskError:
    kind, hint = _kind(refused), None
    said = kind.said
    if kind is _DENIED:
        said = f"access is denied: {_missing_right(refused, target)} is not allowed"
    elif kind is _REGION:
        region = refused.region or _region_in(refused.message)
        if region:
            said += f", {region}"
            hint = f"set deploy.region to {region} in {CONFIG}"
    detail = refused.code if not refused.message else f"{refused.code}: {refused.message}"
    operation = f" to {refused.operation}" if refused.operation and kind is _OTHER else ""
    return TaskError(
        kind.code,
        f"{where}: {said}{operation} ({detail})",
        kind.action,
        "aws",
        hint=hint or kind.hint,
    )


def _kind(refused: _Refused) -> _Kind:
    kind = _KINDS.get(refused.code)
    if kind is _REGION and refused.code == "AuthorizationHeaderMalformed":
        return _REGION if refused.region or _region_in(refused.message) else _SIGNATURE
    if kind is None and refused.status is not None:
        if refused.status in (429, 503):
            return _THROTTLED
        if refused.status == 501:
            return _NOT_SUPPORTED
        if refused.status >= 500:
            return _UNAVAILABLE
        if refused.status == 403:
            return _DENIED
    return kind or _OTHER


def _region_in(message: str) -> str | None:
    """S3 says `the region 'us-east-1' is wrong; expecting 'eu-west-1'`."""
    found = re.search(r"expecting '([a-z0-9-]+)'", message)
    return found[1] if found else None


def _missing_right(refused: _Refused, target: str) -> str:
    """`s3:PutObject on arn:aws:s3:::klmcrm.com/*`: as AWS says it, else as we know it."""
    said = re.search(
        r"not authorized to perform: (\S+)(?: on resource: \"?([^\s\"]+))?", refused.message
    )
    if said and said[2]:
        return f"{said[1]} on {said[2]}"
    right = (said and said[1]) or _RIGHTS.get(refused.operation or "", refused.operation or "it")
    return f"{right}{_resource(right, target)}"


def _resource(right: str, target: str) -> str:
    place = re.match(r"s3://([^/,\s]+)(/[^,\s]*)?", target)
    if right.startswith("s3:") and place:
        if right == "s3:ListBucket":
            return f" on arn:aws:s3:::{place[1]}"
        folder = (place[2] or "/").rstrip("/")
        return f" on arn:aws:s3:::{place[1]}{folder}/*"
    distribution = re.search(r"CloudFront (\w+)", target)
    if right.startswith("cloudfront:") and distribution:
        return f" on the distribution {distribution[1]}"
    return ""
