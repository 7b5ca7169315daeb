"""The codes with which AWS, botocore and S3's kin refuse, and what each comes to for us."""

from __future__ import annotations

from typing import NamedTuple

from workflow.deploy.client import BAD_CERTIFICATE, LOST, MALFORMED, THROTTLING, WRONG_OWNER
from workflow.errors import Action
from workflow.layout import CONFIG


class Kind(NamedTuple):
    code: str
    action: Action
    said: str
    """What it means, after the target's name and a colon."""
    hint: str


NO_KEYS = Kind(
    "no_aws_credentials",
    "escalate",
    "no AWS credentials were found",
    "write them into ~/.aws/credentials (`aws configure` asks for them); a profile that is not "
    f"[default] is named by deploy.profile in {CONFIG}, or by AWS_PROFILE, for the timer too",
)
EXPIRED = Kind(
    "aws_token_expired",
    "escalate",
    "the session of the AWS credentials has expired",
    "sign in again (`aws sso login`, or fresh temporary keys), then submit the task again",
)
REGION = Kind(
    "aws_wrong_region",
    "escalate",
    "the bucket lies in another region",
    f"set deploy.region in {CONFIG} to the bucket's region",
)
SIGNATURE = Kind(
    "aws_signature",
    "escalate",
    "the access key or its secret is not accepted",
    "the key may be deleted, inactive, mistyped or another server's: check AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY where they are set, else the profile in ~/.aws/credentials",
)
CLOCK = Kind(
    "clock_skew",
    "escalate",
    "this machine's clock is more than 15 minutes wrong",
    "set the clock (let it be set by the network), then submit the task again",
)
DENIED = Kind(
    "aws_access_denied",
    "escalate",
    "access is denied",
    "allow it: `workflow doctor --iam` prints the policy that the environment needs",
)
NO_BUCKET = Kind(
    "no_such_bucket",
    "escalate",
    "there is no such bucket",
    f"correct deploy.bucket in {CONFIG}, or make the bucket",
)
NO_DISTRIBUTION = Kind(
    "no_such_distribution",
    "escalate",
    "there is no such CloudFront distribution in this account",
    f"correct deploy.cloudfront_id in {CONFIG}, or use the account's own credentials",
)
ACCOUNT = Kind(
    "wrong_account",
    "escalate",
    f"the bucket is not of the account that {CONFIG} expects",
    f"correct deploy.bucket or deploy.account in {CONFIG}",
)
THROTTLED = Kind(
    "aws_throttled",
    "retry",
    "AWS asks us to slow down, after many tries still",
    "run the task again in some minutes; with fewer deploy.workers if it comes back",
)
NETWORK = Kind(
    "network",
    "retry",
    "the network failed, after many tries still",
    "check the connection, the proxy settings and deploy.endpoint_url where one is set; what was "
    "sent is not sent again",
)
NOT_TRUSTED = Kind(
    "aws_certificate",
    "escalate",
    "the server's certificate is not trusted",
    "if a company's proxy looks into TLS, name its certificates in AWS_CA_BUNDLE",
)
QUOTA = Kind(
    "cloudfront_quota",
    "retry",
    "CloudFront has too many invalidations under way",
    "run the task again in some minutes; it is made up for then",
)
NOT_SUPPORTED = Kind(
    "aws_not_supported",
    "escalate",
    "the server cannot do this",
    "deploys need conditional writes and ListObjectsV2: see docs/aws.md on other servers than S3",
)
CONFLICT = Kind(
    "aws_conflict",
    "retry",
    "somebody else changed it meanwhile",
    "see that nobody else writes to the bucket; the next deploy compares with what is there",
)
UNAVAILABLE = Kind(
    "aws_unavailable",
    "retry",
    "AWS had a fault of its own, after many tries still",
    "run the task again in some minutes: https://health.aws.amazon.com says what is wrong",
)
OTHER = Kind(
    "aws_error",
    "escalate",
    "AWS refused",
    "look the code up in the service's API reference",
)

KINDS: dict[str, Kind] = {
    **dict.fromkeys(
        (
            "NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError",
            "ProfileNotFound", "ConfigNotFound", "ConfigParseError", "InvalidConfigError",
            "InfiniteLoopConfigError", "NoAuthTokenError", "UnknownCredentialError",
            "MissingAuthenticationToken", "MissingSecurityHeader",
        ),
        NO_KEYS,
    ),
    **dict.fromkeys(
        (
            "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "TokenRetrievalError",
            "SSOError", "SSOTokenLoadError", "UnauthorizedSSOTokenError", "UnauthorizedException",
            "RefreshWithMFAUnsupportedError", "PendingAuthorizationExpiredError",
            "LoginRefreshTokenExpired", "LoginTokenLoadError", "LoginError",
        ),
        EXPIRED,
    ),
    **dict.fromkeys(
        (
            "PermanentRedirect", "TemporaryRedirect", "Redirect", "IncorrectEndpoint",
            "IllegalLocationConstraintException", "AuthorizationHeaderMalformed",
        ),
        REGION,
    ),
    **dict.fromkeys(
        (
            "SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidToken", "InvalidClientTokenId",
            "UnrecognizedClientException", "AuthFailure", "IncompleteSignature",
            "InvalidSignatureException", "NotSignedUp",
        ),
        SIGNATURE,
    ),
    **dict.fromkeys(("RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"), CLOCK),
    **dict.fromkeys(
        (
            "AccessDenied", "AccessDeniedException", "Forbidden", "403", "AllAccessDisabled",
            "UnauthorizedAccess", "AccountProblem",
        ),
        DENIED,
    ),
    "NoSuchBucket": NO_BUCKET,
    "NoSuchDistribution": NO_DISTRIBUTION,
    WRONG_OWNER: ACCOUNT,
    **dict.fromkeys(
        (*THROTTLING, "TooManyRequestsException", "PriorRequestNotComplete"), THROTTLED
    ),
    **dict.fromkeys(
        (
            LOST, "ConnectionError", "EndpointConnectionError", "ConnectionClosedError",
            "ReadTimeoutError", "ConnectTimeoutError", "ProxyConnectionError", "HTTPClientError",
            "ResponseStreamingError", "IncompleteReadError", "RequestTimeout", MALFORMED,
        ),
        NETWORK,
    ),
    **dict.fromkeys((BAD_CERTIFICATE, "SSLError"), NOT_TRUSTED),
    "TooManyInvalidationsInProgress": QUOTA,
    **dict.fromkeys(("NotImplemented", "MethodNotAllowed", "NotSupported"), NOT_SUPPORTED),
    **dict.fromkeys(("PreconditionFailed", "ConditionalRequestConflict"), CONFLICT),
    **dict.fromkeys(("InternalError", "InternalFailure", "ServiceFailure"), UNAVAILABLE),
}  # fmt: skip

RIGHTS = {
    "ListObjectsV2": "s3:ListBucket", "ListObjects": "s3:ListBucket", "HeadBucket": "s3:ListBucket",
    "GetObject": "s3:GetObject", "HeadObject": "s3:GetObject", "PutObject": "s3:PutObject",
    "CopyObject": "s3:PutObject", "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject", "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload", "DeleteObject": "s3:DeleteObject",
    "DeleteObjects": "s3:DeleteObject", "CreateInvalidation": "cloudfront:CreateInvalidation",
    "GetInvalidation": "cloudfront:GetInvalidation", "AssumeRole": "sts:AssumeRole",
}  # fmt: skip
"""Operation → the action of IAM that allows it."""
