"""The S3 server that all tools publish to, and the website that serves a bucket of it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testsecret"}


@dataclass
class Storage:
    endpoint: str

    @property
    def client(self) -> Any:
        import boto3

        return boto3.session.Session("test", "testsecret").client(
            "s3", region_name="us-east-1", endpoint_url=self.endpoint
        )

    def create(self, bucket: str) -> None:
        c = self.client
        c.create_bucket(Bucket=bucket)
        c.put_object(Bucket=bucket, Key="first", Body=b"x")
        c.delete_object(Bucket=bucket, Key="first")

    def delete(self, bucket: str) -> None:
        self.client.delete_bucket(Bucket=bucket)

    def etags(self, bucket: str) -> dict[str, str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {o["Key"]: o["ETag"].strip('"') for p in pages for o in p.get("Contents", ())}


def _port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextmanager
def storage(folder: Path) -> Iterator[Storage]:
    folder.mkdir()
    (folder / "ids.json").write_text(
        json.dumps(
            {
                "identities": [
                    {
                        "name": "t",
                        "credentials": [{"accessKey": "test", "secretKey": "testsecret"}],
                        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
                    },
                    {"name": "anonymous", "actions": ["Read"]},
                ]
            }
        )
    )
    m, v, f, s3 = (
        20000 + os.getpid() % 3000,
        24000 + os.getpid() % 3000,
        28000 + os.getpid() % 3000,
        _port(),
    )
    weed = Path(sys.executable).parent / "weed"
    p = subprocess.Popen(
        [
            weed,
            "mini",
            f"-dir={folder}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-master.port={m}",
            f"-volume.port={v}",
            f"-filer.port={f}",
            f"-s3.port={s3}",
            f"-s3.config={folder}/ids.json",
            "-s3.autoCreateBucket=false",
            "-master.telemetry=false",
            "-webdav=false",
            "-admin.ui=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        st = Storage(f"http://127.0.0.1:{s3}")
        for _ in range(100):
            try:
                st.client.list_buckets()
                break
            except Exception:
                time.sleep(0.1)
        yield st
    finally:
        p.send_signal(signal.SIGTERM)
        p.wait()


@contextmanager
def website(st: Storage, bucket: str) -> Iterator[str]:
    import http.server
    import threading
    import urllib.request

    class H(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path + ("index.html" if self.path.endswith("/") else "")
            try:
                with urllib.request.urlopen(f"{st.endpoint}/{bucket}{path}") as r:
                    b, ct = r.read(), r.headers["Content-Type"]
                self.send_response(200)
            except urllib.error.HTTPError:
                b, ct = b"", "text/plain"
                self.send_response(404)
            self.send_header("Content-Type", ct)
            self.send_header("Content-Length", str(len(b)))
            self.end_headers()
            self.wfile.write(b)

        def log_message(self, *a: object) -> None: ...

    srv = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
    t = threading.Thread(target=srv.serve_forever)
    t.start()
    try:
        yield f"http://127.0.0.1:{srv.server_address[1]}/"
    finally:
        srv.shutdown()
        t.join()
        srv.server_close()
