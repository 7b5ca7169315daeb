"""The least that a sync is: `python -m benchmarks.bare_sync LIBRARY WORKERS FOLDER BUCKET URL`.

List the bucket, hash the folder, send what differs by MD5, delete what is gone. That is how fast a
client library can be from Python: no plan, no guard, no order, no lock, no check.
"""

from __future__ import annotations

import mimetypes
import os
import sys
from pathlib import Path

from benchmarks.deploy_site import digests


def main(library: str, workers: str, folder: str, bucket: str, endpoint: str) -> None:
    {"obstore": _obstore, "boto3": _boto3}[library](int(workers), folder, bucket, endpoint)


def _read(folder: str, path: str) -> bytes:
    with open(os.path.join(folder, path), "rb") as file:
        return file.read()


def _type(path: str) -> str:
    return mimetypes.guess_type(path)[0] or "application/octet-stream"


def _obstore(workers: int, folder: str, bucket: str, endpoint: str) -> None:
    import asyncio

    import obstore
    from obstore.store import S3Store

    store = S3Store(
        bucket,
        endpoint=endpoint,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )

    async def publish() -> None:
        remote = {
            meta["path"]: (meta["e_tag"] or "").strip('"')
            for batch in store.list(chunk_size=1000)
            for meta in batch
        }
        local = digests(Path(folder))
        todo = [path for path, md5 in local.items() if remote.get(path) != md5]
        waiting = iter(todo)

        async def send() -> None:
            for path in waiting:
                raw, kind = _read(folder, path), {"Content-Type": _type(path)}
                await obstore.put_async(store, path, raw, attributes=kind)

        await asyncio.gather(*(send() for _ in range(workers)))
        gone = [path for path in remote if path not in local]
        if gone:
            await obstore.delete_async(store, gone)

    asyncio.run(publish())


def _boto3(workers: int, folder: str, bucket: str, endpoint: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    import boto3
    from botocore.config import Config

    config = Config(max_pool_connections=workers, s3={"addressing_style": "path"})
    client = boto3.client("s3", endpoint_url=endpoint, config=config)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    remote = {
        entry["Key"]: entry["ETag"].strip('"')
        for page in pages
        for entry in page.get("Contents", ())
    }
    local = digests(Path(folder))

    def send(path: str) -> None:
        client.put_object(
            Bucket=bucket, Key=path, Body=_read(folder, path), ContentType=_type(path)
        )

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(send, (path for path, md5 in local.items() if remote.get(path) != md5)))
    gone = [{"Key": path} for path in remote if path not in local]
    for start in range(0, len(gone), 1000):
        client.delete_objects(Bucket=bucket, Delete={"Objects": gone[start : start + 1000]})


if __name__ == "__main__":
    main(*sys.argv[1:])
    # obstore's own threads now and then abort a Python that is shutting down (SIGABRT).
    os._exit(0)
