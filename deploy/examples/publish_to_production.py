#!/usr/bin/env python3
"""Publish the built site to PRODUCTION, as publish_to_staging.py does, once confirmed."""

import os
import sys

from publish_to_staging import PUBLIC, publish

BUCKET = os.environ.get("BUCKET", "klminsurance.com")
DISTRIBUTION = os.environ.get("DISTRIBUTION", "")
PHRASE = "DEPLOY TO PRODUCTION"

if __name__ == "__main__":
    print(f"This publishes {PUBLIC} to s3://{BUCKET}: customers see it at once.")
    if input(f"Type '{PHRASE}' to continue: ") != PHRASE:
        sys.exit("Aborted.")
    publish(PUBLIC, BUCKET, DISTRIBUTION)
