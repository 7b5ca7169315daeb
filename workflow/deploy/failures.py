"""What AWS refuses, in words: what it means here, who acts next, and how.

S3's own codes, CloudFront's and STS's, botocore's exceptions and what programs print of either all
come to the same few errors, so that a deploy by a script reads as one of ours does.
"""

from __future__ import annotations

import re
import socket
from typing import NamedTuple

from workflow.deploy.client import LOST, S3Error
from workflow.deploy.refusals import (
    DENIED,
    EXPIRED,
    KINDS,
    NETWORK,
    NO_KEYS,
    NOT_SUPPORTED,
    NOT_TRUSTED,
    OTHER,
    REGION,
    RIGHTS,
    SIGNATURE,
    THROTTLED,
    UNAVAILABLE,
    Kind,
)
from workflow.errors import TaskError, told
from workflow.layout import CONFIG


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
    # Some of botocore's are OSErrors too.
    names = [kind.__name__ for kind in type(error).__mro__]
    known = next((name for name in names if name in KINDS), None)
    if known is None and isinstance(error, (ConnectionError, TimeoutError, socket.gaierror)):
        known = LOST
    if known is None and isinstance(error, OSError):
        return TaskError("file_error", f"{target}: {told(error)}", "escalate", "system")
    return _explained(_Refused(known or names[0], str(error)), target, target)


_CLIENT_ERROR = re.compile(
    r"An error occurred \((?P<code>[\w.]+)\) when calling the (?P<operation>\w+) operation"
    r"(?: \(reached max retries: \d+\))?: ?(?P<message>[^\r\n]*)"
)
_SENTENCES = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"Unable to locate credentials|Partial credentials found", NO_KEYS),
        (r"The config profile \([^)]*\) could not be found", NO_KEYS),
        (r"Token has expired and refresh failed|Error loading SSO Token", EXPIRED),
        (r"SSO session associated with this profile has expired", EXPIRED),
        (r"SSL validation failed|CERTIFICATE_VERIFY_FAILED", NOT_TRUSTED),
        (r"Could not connect to the endpoint URL|Failed to connect to proxy URL", NETWORK),
        (r"(?:Connect|Read) timeout on endpoint URL", NETWORK),
        (r"Connection was closed before we received a valid response", NETWORK),
    )
)
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
    if kind is DENIED:
        said = f"access is denied: {_missing_right(refused, target)} is not allowed"
    elif kind is REGION:
        region = refused.region or _region_in(refused.message)
        if region:
            said += f", {region}"
            hint = f"set deploy.region to {region} in {CONFIG}"
    detail = refused.code if not refused.message else f"{refused.code}: {refused.message}"
    operation = f" to {refused.operation}" if refused.operation and kind is OTHER else ""
    return TaskError(
        kind.code,
        f"{where}: {said}{operation} ({detail})",
        kind.action,
        "aws",
        hint=hint or kind.hint,
    )


def _kind(refused: _Refused) -> Kind:
    kind = KINDS.get(refused.code)
    if kind is REGION and refused.code == "AuthorizationHeaderMalformed":
        return REGION if refused.region or _region_in(refused.message) else SIGNATURE
    if kind is None and refused.status is not None:
        if refused.status in (429, 503):
            return THROTTLED
        if refused.status == 501:
            return NOT_SUPPORTED
        if refused.status >= 500:
            return UNAVAILABLE
        if refused.status == 403:
            return DENIED
    return kind or OTHER


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
    right = (said and said[1]) or RIGHTS.get(refused.operation or "", refused.operation or "it")
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
