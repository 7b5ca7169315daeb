"""CloudFront and STS of the moto server, as a process on a port of its own.

It knows no quota, makes every invalidation at once (its status is COMPLETED, in capitals), and
forgets everything when it ends.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

ACCOUNT = "123456789012"
"""Whose every credential is."""
_READY = r"Running on (http://127\.0\.0\.1:\d+)"


@dataclass(frozen=True)
class Moto:
    url: str

    def _cloudfront(self) -> Any:
        import boto3

        return boto3.session.Session("test", "testsecret").client(
            "cloudfront", region_name="us-east-1", endpoint_url=self.url
        )

    def make_distribution(self) -> str:
        """A distribution over some bucket; returns its id."""
        origin = {
            "Id": "bucket",
            "DomainName": "bucket.s3.amazonaws.com",
            "S3OriginConfig": {"OriginAccessIdentity": ""},
        }
        made = self._cloudfront().create_distribution(
            DistributionConfig={
                "CallerReference": os.urandom(8).hex(),
                "Comment": "",
                "Enabled": True,
                "Origins": {"Quantity": 1, "Items": [origin]},
                "DefaultCacheBehavior": {
                    "TargetOriginId": "bucket",
                    "ViewerProtocolPolicy": "redirect-to-https",
                },
            }
        )
        return str(made["Distribution"]["Id"])

    def invalidations(self, distribution: str) -> list[dict[str, Any]]:
        """Each with its id, `paths` and `reference`, in the order in which they were made."""
        client = self._cloudfront()
        listed = client.list_invalidations(DistributionId=distribution)["InvalidationList"]
        found = []
        for one in listed.get("Items", []):
            whole = client.get_invalidation(DistributionId=distribution, Id=one["Id"])
            batch = whole["Invalidation"]["InvalidationBatch"]
            found.append(
                {
                    "id": one["Id"],
                    "paths": batch["Paths"]["Items"],
                    "reference": batch["CallerReference"],
                }
            )
        return found


@contextmanager
def moto_server() -> Iterator[Moto]:
    """A server on a free port, ended on leaving."""
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process, process.stderr as said:
        try:
            found = next(filter(None, (re.search(_READY, line) for line in said)), None)
            assert found is not None, "the moto server did not start"
            # It logs each request: nobody may let its pipe fill up.
            threading.Thread(target=said.read, daemon=True).start()
            yield Moto(found[1])
        finally:
            process.kill()
