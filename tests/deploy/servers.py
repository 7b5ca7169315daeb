"""Real and faulty servers on the loopback for deploys: S3, a proxy that spoils, a website.

    SeaweedFS   a real S3 server, a process group of its own
    Faults      stands between a client and it, counts requests and spoils those it is told to
    Website     serves a bucket as S3's website endpoint does

What SeaweedFS cannot do, Faults makes up for: it keeps objects' website redirects and refuses
requests that expect another owner of the bucket.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

LOOPBACK = "127.0.0.1"
_READY_SECONDS = 30.0
_PORTS = ("master", "volume", "filer", "s3", "admin")


@dataclass(frozen=True)
class Identity:
    """Somebody whom the server knows."""

    access_key: str
    secret_key: str

    @property
    def environ(self) -> dict[str, str]:
        """What a client finds its credentials by, and nothing that this machine has of its own."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


ADMIN = Identity("test", "testsecret")
WRITER = Identity("writer", "writersecret")
"""May list, read, write and delete, as far as the bucket's policy lets them."""
READER = Identity("reader", "readersecret")
"""May list and read, not write."""
_IDENTITIES = [
    (ADMIN, ["Admin", "Read", "Write", "List", "Tagging"]),
    (WRITER, ["Read", "Write", "List", "Tagging"]),
    (READER, ["Read", "List"]),
]


@dataclass
class SeaweedFS:
    """A running server; without a signature one can read, and nothing else."""

    endpoint: str
    _made: int = 0
    _clients: dict[Identity, Any] = field(default_factory=dict)

    def client(self, identity: Identity = ADMIN) -> Any:
        """boto3's client, to see and to change what is there by another way than ours. It tries
        nothing twice."""
        if identity not in self._clients:
            self._clients[identity] = self._make_client(identity)
        return self._clients[identity]

    def _make_client(self, identity: Identity) -> Any:
        import boto3
        from botocore.config import Config

        session = boto3.session.Session(identity.access_key, identity.secret_key)
        return session.client(
            "s3",
            region_name="us-east-1",
            endpoint_url=self.endpoint,
            config=Config(s3={"addressing_style": "path"}, proxies={}, retries={"max_attempts": 0}),
        )

    def make_bucket(self, name: str | None = None) -> str:
        """A new, empty bucket."""
        self._made += 1
        name = name or f"bucket-{os.getpid()}-{self._made}"
        self.client().create_bucket(Bucket=name)
        return name

    def keep_versions(self, bucket: str) -> None:
        self.client().put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
        )

    def deny(self, bucket: str, *actions: str) -> None:
        """Let nobody do this (`s3:DeleteObject`) in the bucket any more; none: all of it again.

        DeleteObjects does not look at this for the administrator: be the WRITER.
        """
        if not actions:
            self.client().delete_bucket_policy(Bucket=bucket)
            return
        denied = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": list(actions),
            "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        }
        policy = {"Version": "2012-10-17", "Statement": [denied]}
        self.client().put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Everything in the bucket."""
        client, found = self.client(), {}
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for one in page.get("Contents", []):
                found[one["Key"]] = client.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
        return found


@contextmanager
def seaweedfs(volume_megabytes: int = 64) -> Iterator[SeaweedFS]:
    """A server with its data in a folder that goes with it. Raises RuntimeError.

    A bucket that fills its volume, of so many megabytes, stands still for a second.
    """
    with ExitStack() as closing:
        # The path of a socket may have about 100 bytes: never below a deep temporary folder.
        folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="weed", dir="/tmp"))
        for _ in range(5):
            ports = _free_ports(2 * len(_PORTS))
            process = closing.enter_context(_weed(Path(folder), ports, volume_megabytes))
            endpoint = f"http://{LOOPBACK}:{ports[2 * _PORTS.index('s3')]}"
            # RACE: a port that was free may be taken by now, and then it ends or answers nobody.
            if _answers(endpoint, process):
                yield SeaweedFS(endpoint)
                return
        raise RuntimeError(f"SeaweedFS did not start: {(Path(folder) / 'log').read_text()[-2000:]}")


@contextmanager
def _weed(
    folder: Path, ports: list[int], volume_megabytes: int
) -> Iterator[subprocess.Popen[bytes]]:
    known = [
        {
            "name": identity.access_key,
            "credentials": [{"accessKey": identity.access_key, "secretKey": identity.secret_key}],
            "actions": actions,
        }
        for identity, actions in _IDENTITIES
    ]
    known.append({"name": "anonymous", "actions": ["Read"]})
    (folder / "ids.json").write_text(json.dumps({"identities": known}))
    data = folder / "data"
    data.mkdir(exist_ok=True)
    program = Path(sys.executable).parent / "weed"
    switches = [
        f"-dir={data}", f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}",
        f"-s3.config={folder / 'ids.json'}", "-s3.autoCreateBucket=false",
        f"-s3.localSocket={folder / 's3.sock'}", f"-filer.localSocket={folder / 'filer.sock'}",
        "-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false",
        "-master.telemetry=false", f"-master.volumeSizeLimitMB={volume_megabytes}",
        "-volume.max=10000",
    ]  # fmt: skip
    for name, port, grpc in zip(_PORTS, ports[::2], ports[1::2], strict=True):
        switches += [f"-{name}.port={port}", f"-{name}.port.grpc={grpc}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "mini", *switches],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder)},
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for port in ports:
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                left.unlink(missing_ok=True)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as closing:
        held = [closing.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind((LOOPBACK, 0))
        return [one.getsockname()[1] for one in held]


def _answers(endpoint: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether it serves S3, once it does; False if it ended or says nothing for too long."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(int(_READY_SECONDS / 0.05)):
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            return False
        with suppress(OSError):
            try:
                direct.open(endpoint, timeout=5).close()
            except urllib.error.HTTPError as refused:
                with refused:
                    return refused.code == 403
    return False


# -- a proxy that spoils ------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """One request as it came. `key` is decoded, empty for requests on the bucket."""

    operation: str
    method: str
    target: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    bucket: str
    key: str


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_at: int | None = None
    """Send so many bytes of the body, though all are announced, and end the connection."""


class Reset(Exception):
    """The connection is lost."""


Forward = Callable[[], Answer]
Effect = Callable[[Request, Forward], Answer]


def refuse(status: int, code: str, message: str = "", **headers: str) -> Effect:
    """Answer with an error of S3 and forward nothing; `_` in header names stands for `-`."""
    said = f"<Error><Code>{code}</Code><Message>{message or code}</Message></Error>"
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def effect(request: Request, forward: Forward) -> Answer:
        body = b"" if request.method == "HEAD" else said.encode()
        return Answer(status, body, {"Content-Type": "application/xml", **named})

    return effect


def say(status: int, body: str) -> Effect:
    """Answer with this body and forward nothing."""
    return lambda request, forward: Answer(status, body.encode())


def reset_before(request: Request, forward: Forward) -> Answer:
    """Lose the connection; the server never hears of the request."""
    raise Reset


def reset_after(request: Request, forward: Forward) -> Answer:
    """Lose the connection once the server has done what was asked."""
    forward()
    raise Reset


def truncated(keep: int) -> Effect:
    """End the connection after so many bytes of the answer's body."""
    return lambda request, forward: replace(forward(), cut_at=keep)


def held(release: threading.Event) -> Effect:
    """Forward when the event is set."""

    def effect(request: Request, forward: Forward) -> Answer:
        release.wait()
        return forward()

    return effect


def before(call: Callable[[], None]) -> Effect:
    """Run this, then forward."""

    def effect(request: Request, forward: Forward) -> Answer:
        call()
        return forward()

    return effect


def after(call: Callable[[], None]) -> Effect:
    """Run this between the server's answer and the client's hearing of it."""

    def effect(request: Request, forward: Forward) -> Answer:
        answer = forward()
        call()
        return answer

    return effect


@dataclass
class _Rule:
    operation: str
    key: re.Pattern[str]
    effect: Effect
    matches: range
    seen: int = 0


class Faults:
    """What the proxy is told to do, and what went through it."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.endpoint = ""
        self.delay = 0.0
        """Seconds for which every request is held back, each by itself."""
        self.owner: str | None = None
        """The account whose all buckets are; requests that expect another one are refused."""
        self.counts: Counter[str] = Counter()
        """Requests by S3's name of the operation, spoiled ones as well."""
        self.log: list[Request] = []
        """In the order in which they came, without their bodies."""
        self.redirects: dict[tuple[str, str], str] = {}
        """(bucket, key) → where the object redirects visitors of the website to."""
        self.connections = 0
        self._rules: list[_Rule] = []
        self._guard = threading.Lock()
        self._never = threading.Event()

    def on(
        self, operation: str, effect: Effect, *, key: str = "", nth: int = 1, times: int = 1
    ) -> None:
        """Spoil requests of this operation (S3's name, or `*`) for keys in which the pattern is
        found: the `nth` of them (from 1 on) and those after it, `times` in all (0: for ever)."""
        matches = range(nth, nth + times if times else sys.maxsize)
        with self._guard:
            self._rules.append(_Rule(operation, re.compile(key), effect, matches))

    def clear(self) -> None:
        """Spoil nothing any more, count from nought."""
        with self._guard:
            self._rules.clear()
            self.counts.clear()
            self.log.clear()

    def keys(self, operation: str) -> list[str]:
        """The keys for which an operation was asked, in order."""
        return [request.key for request in self.log if request.operation == operation]

    def answer(self, request: Request, forward: Forward) -> Answer:
        """What the client is to hear. Raises Reset."""
        effects = []
        with self._guard:
            self.counts[request.operation] += 1
            self.log.append(replace(request, body=b""))
            for rule in self._rules:
                if rule.operation in ("*", request.operation) and rule.key.search(request.key):
                    rule.seen += 1
                    if rule.seen in rule.matches:
                        effects.append(rule.effect)
        if self.delay:
            self._never.wait(self.delay)
        expected = request.headers.get("x-amz-expected-bucket-owner")
        if self.owner and expected not in (None, self.owner):
            return refuse(403, "AccessDenied", "Access Denied")(request, forward)
        for effect in effects[:1]:
            return self._noted(request, effect(request, forward))
        return self._noted(request, forward())

    def _noted(self, request: Request, answer: Answer) -> Answer:
        """Remember, and tell, an object's redirect."""
        place = (request.bucket, request.key)
        if request.operation in ("PutObject", "CopyObject", "DeleteObject"):
            if answer.status < 300:
                self.redirects.pop(place, None)
                redirect = request.headers.get("x-amz-website-redirect-location")
                if redirect:
                    self.redirects[place] = redirect
        elif request.operation in ("HeadObject", "GetObject") and place in self.redirects:
            told = {"x-amz-website-redirect-location": self.redirects[place]}
            return replace(answer, headers={**answer.headers, **told})
        return answer


def operation_of(
    method: str, key: str, query: Mapping[str, str], headers: Mapping[str, str]
) -> str:
    """S3's name for what a request asks."""
    named = {
        ("GET", False): "ListObjectsV2", ("POST", False): "DeleteObjects",
        ("PUT", False): "CreateBucket", ("DELETE", False): "DeleteBucket",
        ("HEAD", False): "HeadBucket", ("GET", True): "GetObject", ("HEAD", True): "HeadObject",
        ("PUT", True): "PutObject", ("DELETE", True): "DeleteObject",
        ("POST", True): "CompleteMultipartUpload",
    }  # fmt: skip
    operation = named.get((method, bool(key)), method)
    if key and "uploads" in query:
        return "CreateMultipartUpload"
    if key and "uploadId" in query and operation != "CompleteMultipartUpload":
        return {"PUT": "UploadPart", "DELETE": "AbortMultipartUpload"}.get(method, "ListParts")
    if operation == "PutObject" and "x-amz-copy-source" in headers:
        return "CopyObject"
    return operation


@contextmanager
def faults(server: str) -> Iterator[Faults]:
    """A proxy to the S3 server at this address, on a port of its own."""
    proxy = Faults(server)
    with _serving(_proxy_handler(proxy)) as proxy.endpoint:
        yield proxy


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one piece

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def handle_expect_100(self) -> bool:
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def send(self, answer: Answer, method: str) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if method != "HEAD":
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if method != "HEAD":
            self.wfile.write(answer.body[: answer.cut_at])
        self.close_connection = self.close_connection or answer.cut_at is not None


def _proxy_handler(proxy: Faults) -> type[_Handler]:
    address = urlsplit(proxy.server)

    class Handler(_Handler):
        def setup(self) -> None:
            super().setup()
            proxy.connections += 1
            self.upstream = http.client.HTTPConnection(address.hostname or "", address.port)

        def finish(self) -> None:
            self.upstream.close()
            super().finish()

        def handle_one_request(self) -> None:
            # A client may hang up whenever it likes.
            with suppress(ConnectionError):
                super().handle_one_request()
                return
            self.close_connection = True

        def handle_any(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            path, _, query = self.path.partition("?")
            bucket, _, key = unquote(path).lstrip("/").partition("/")
            asked = dict(parse_qsl(query, keep_blank_values=True))
            operation = operation_of(self.command, key, asked, headers)
            request = Request(operation, self.command, self.path, headers, body, bucket, key)
            try:
                answer = proxy.answer(request, lambda: self.forward(body))
            except Reset:
                # With this the other side is told of a reset, not of an orderly end.
                now = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
                self.close_connection = True
                self.connection.close()
                return
            self.send(answer, self.command)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

        def forward(self, body: bytes) -> Answer:
            up = self.upstream
            up.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("connection", "expect"):
                    up.putheader(name, value)
            up.endheaders(body or None)
            heard = up.getresponse()
            length = heard.getheader("content-length") if self.command == "HEAD" else None
            dropped = ("content-length", "transfer-encoding", "connection")
            kept = {n: v for n, v in heard.getheaders() if n.lower() not in dropped}
            if length is not None:
                kept["Content-Length"] = length
            return Answer(heard.status, heard.read(), kept)

    return Handler


# -- the bucket as a website --------------------------------------------------------------------


class Website:
    """A bucket as its visitors see it: index pages, redirects, a page for what is not there."""

    def __init__(self, server: str, bucket: str, prefix: str, redirects: Faults | None) -> None:
        self.server = server
        self.bucket = bucket
        self.prefix = prefix
        self.url = ""
        self.counts: Counter[str] = Counter()
        """Requests by path."""
        self._redirects = redirects.redirects if redirects else {}
        self._before: dict[str, list[Answer]] = {}
        self._guard = threading.Lock()

    def first(self, path: str, *answers: Answer) -> None:
        """Give these answers for `path` (`/about/`), then what is in the bucket."""
        with self._guard:
            self._before.setdefault(path, []).extend(answers)

    def stay(self, path: str, times: int) -> None:
        """Answer with what is there now for so many requests, as a cache does."""
        self.first(path, *[self._from_bucket(path)] * times)

    def answer(self, path: str) -> Answer:
        with self._guard:
            self.counts[path] += 1
            waiting = self._before.get(path)
            if waiting:
                return waiting.pop(0)
        return self._from_bucket(path)

    def _from_bucket(self, path: str) -> Answer:
        key = self.prefix + unquote(path).lstrip("/")
        key = key + "index.html" if path.endswith("/") else key
        redirect = self._redirects.get((self.bucket, key))
        if redirect:
            return Answer(301, b"", {"Location": redirect})
        found = self._read(key)
        if found.status == 200:
            return found
        if not path.endswith("/") and self._read(f"{key}/index.html").status == 200:
            return Answer(302, b"", {"Location": f"{path}/"})
        missing = self._read(f"{self.prefix}404.html")
        return replace(missing, status=404)

    def _read(self, key: str) -> Answer:
        address = urlsplit(self.server)
        with ExitStack() as closing:
            connection = http.client.HTTPConnection(address.hostname or "", address.port)
            closing.callback(connection.close)
            connection.request("GET", f"/{self.bucket}/{quote(key)}")
            heard = connection.getresponse()
            kept = ("content-type", "cache-control", "content-encoding", "etag", "last-modified")
            headers = {n: v for n, v in heard.getheaders() if n.lower() in kept}
            return Answer(heard.status, heard.read(), headers)


@contextmanager
def website(
    server: str, bucket: str, prefix: str = "", *, redirects: Faults | None = None
) -> Iterator[Website]:
    """Serve what lies in the bucket at the S3 server; redirects of objects as the proxy knows."""
    site = Website(server, bucket, prefix, redirects)

    class Handler(_Handler):
        def handle_any(self) -> None:
            answer = site.answer(urlsplit(self.path).path)
            if self.command == "HEAD":
                length = {"Content-Length": str(len(answer.body))}
                answer = replace(answer, headers={**answer.headers, **length})
            self.send(answer, self.command)

        do_GET = do_HEAD = handle_any

    with _serving(Handler) as site.url:
        yield site


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], (OSError, ValueError)):
            super().handle_error(request, client_address)


@contextmanager
def _serving(handler: type[_Handler]) -> Iterator[str]:
    with _Server((LOOPBACK, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
