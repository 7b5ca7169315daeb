#!/usr/bin/env python3
"""Publish the built site to staging: upload what differs, delete what is gone, refresh CloudFront.

Needs boto3 and AWS credentials where boto3 finds them.
"""

import hashlib
import mimetypes
import os
import sys
import uuid
from pathlib import Path

BUCKET = os.environ.get("BUCKET", "klmcrm.com")
DISTRIBUTION = os.environ.get("DISTRIBUTION", "E3HA8770RGET6T")
PUBLIC = Path(os.environ.get("WORKFLOW_PUBLIC", Path(__file__).parent / "klm-hugo-site/public"))
NOT_OURS = ".workflow/"  # keys of the native deploys' own records


def publish(public: Path, bucket: str, distribution: str) -> None:
    """Make the bucket hold what `public` holds. An empty `distribution` is left alone."""
    import boto3

    paths = [path for path in public.rglob("*") if path.is_file() and not path.is_symlink()]
    files = {path.relative_to(public).as_posix(): path.read_bytes() for path in paths}
    if "index.html" not in files:
        sys.exit(f"{public} holds no site: nothing was published.")

    s3 = boto3.client("s3")
    listing = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    live = {item["Key"]: item["ETag"] for page in listing for item in page.get("Contents", ())}
    changed = [key for key, body in files.items() if live.get(key) != etag(body)]
    gone = [key for key in live if key not in files and not key.startswith(NOT_OURS)]

    for key in sorted(changed, key=lambda key: (key.endswith(".html"), key)):  # pages last
        print(f"+ {key}")
        s3.put_object(Bucket=bucket, Key=key, Body=files[key], ContentType=content_type(key))
    for key in sorted(gone):
        print(f"- {key}")
        s3.delete_object(Bucket=bucket, Key=key)
    size = sum(len(files[key]) for key in changed)
    unchanged = len(files) - len(changed)
    print(f"Uploaded: {len(changed)} ({size} bytes), deleted: {len(gone)}, unchanged: {unchanged}.")

    if distribution:  # also if nothing changed: an earlier run may have failed before this line
        batch = {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": str(uuid.uuid4())}
        answer = boto3.client("cloudfront").create_invalidation(
            DistributionId=distribution, InvalidationBatch=batch
        )
        print(f"Invalidation created: {answer['Invalidation']['Id']}")


def etag(body: bytes) -> str:
    """As S3 gives it to an object that was sent in one piece."""
    return f'"{hashlib.md5(body).hexdigest()}"'


def content_type(key: str) -> str:
    guess = mimetypes.guess_type(key)[0] or "application/octet-stream"
    return f"{guess}; charset=utf-8" if guess.startswith("text/") else guess


if __name__ == "__main__":
    print(f"Publishing {PUBLIC} to s3://{BUCKET}")
    publish(PUBLIC, BUCKET, DISTRIBUTION)
