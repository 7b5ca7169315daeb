"""HTTP/1.1 as we speak it: odd answers, proxies, certificates, where a bucket is."""

from __future__ import annotations

import base64
import os
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from workflow.deploy import client
from workflow.deploy.client import Client, S3Error
from workflow.deploy.connection import Answer
from workflow.deploy.connections import Lost, Pool

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Serve = Callable[[socket.socket], None]


@contextmanager
def listening(serve: Serve) -> Iterator[int]:
    """A server that treats each connection so; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection = server.accept()[0]
                    threading.Thread(target=treat, args=(connection,), daemon=True).start()

        def treat(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                serve(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def read_head(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        part = connection.recv(65536)
        if not part:
            break
        head += part
    return head


def answering(*answers: bytes, heard: list[bytes] | None = None) -> Serve:
    """Give these answers on each connection, to whole requests, then close it."""

    def serve(connection: socket.socket) -> None:
        for answer in answers:
            head, end, body = read_head(connection).partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            while length and len(body) < int(length[1]):
                body += connection.recv(65536)
            if heard is not None:
                heard.append(head + end)
            connection.sendall(answer)

    return serve


@contextmanager
def pool(origin: str) -> Iterator[Pool]:
    made = Pool(origin)
    try:
        yield made
    finally:
        made.close()


def ask(made: Pool, method: str = "GET", body: bytes = b"") -> Answer:
    return made.ask(method, "/k?a=b", {"host": made.host}, body, lambda: None)


# -- answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "body", "stays"),
    [
        (OK, b"ok", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"ok", True),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2;x=y\r\nok\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
            b"ok0123456789",
            True,
        ),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", b"to the end", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok", False),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", b"ok", False),
        (OK + b"HTTP/1.1 200 OK\r\nunasked", b"ok", False),
    ],
)
def test_an_answer_is_read_in_each_of_its_forms(answer: bytes, body: bytes, stays: bool) -> None:
    connections: list[int] = []

    def serve(connection: socket.socket) -> None:
        connections.append(1)
        answering(answer, OK)(connection) if stays else answering(answer)(connection)

    with listening(serve) as port, pool(f"http://127.0.0.1:{port}") as made:
        assert ask(made).body == body
        ask(made)
        assert len(connections) == (1 if stays else 2)


def test_answers_to_head_and_without_content_have_no_body() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: x\r\n\r\n"
    none = b"HTTP/1.1 204 No Content\r\n\r\n"
    with (
        listening(answering(head, none, OK)) as port,
        pool(f"http://127.0.0.1:{port}") as made,
    ):
        answer = ask(made, "HEAD")
        assert (answer.body, answer.headers["etag"]) == (b"", "x")
        assert ask(made, "DELETE").status == 204
        assert ask(made).body == b"ok"


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n" * 2,
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\nshort",
        b"HTTP/1.1 2",
        b"",
    ],
)
def test_what_is_no_whole_answer_is_none(answer: bytes) -> None:
    with (
        listening(answering(answer)) as port,
        pool(f"http://127.0.0.1:{port}") as made,
        pytest.raises(Lost) as lost,
    ):
        ask(made)
    assert lost.value.connected


def test_a_server_that_nobody_serves_is_told_from_one_that_broke_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pool(f"http://127.0.0.1:{port}") as made, pytest.raises(Lost, match="refused") as lost:
        ask(made)
    assert not lost.value.connected


def test_what_a_server_says_before_it_has_read_a_large_body_is_heard() -> None:
    told = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!"

    def serve(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(told)

    with listening(serve) as port, pool(f"http://127.0.0.1:{port}") as made:
        heard = set()
        for _ in range(5):
            # RACE: the answer is gone if the reset overtakes it; then it is a lost connection.
            with suppress(Lost):
                heard.add(ask(made, "PUT", b"x" * (32 << 20)).status)
        assert heard == {403}


# -- where a bucket is --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bucket", "region", "endpoint", "place"),
    [
        ("klm", "eu-west-1", None, ("https://klm.s3.eu-west-1.amazonaws.com", "")),
        ("klm.com", "us-east-1", None, ("https://s3.us-east-1.amazonaws.com", "/klm.com")),
        ("klm", "cn-north-1", None, ("https://klm.s3.cn-north-1.amazonaws.com.cn", "")),
        ("klm", "x", "http://minio:9000", ("http://minio:9000", "/klm")),
        ("klm", "x", "https://host/s3/", ("https://host", "/s3/klm")),
    ],
)
def test_a_bucket_is_where_its_certificate_is_valid(
    bucket: str, region: str, endpoint: str | None, place: tuple[str, str]
) -> None:
    assert client._place(bucket, region, endpoint) == place


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://s3.amazonaws.com", "s3.amazonaws.com"),
        ("https://s3.amazonaws.com:443", "s3.amazonaws.com"),
        ("http://minio:9000", "minio:9000"),
        ("http://[::1]:9000", "[::1]:9000"),
    ],
)
def test_the_host_is_named_as_the_server_sees_it(origin: str, host: str) -> None:
    assert Pool(origin).host == host


# -- proxies and certificates -------------------------------------------------------------------


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    return monkeypatch


@contextmanager
def tls(folder: Path, name: str) -> Iterator[tuple[int, Path]]:
    """A server with a certificate for `name` that nobody vouches for; its port and certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path, key_path = folder / "certificate.pem", folder / "key.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key_path)

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            answering(OK, OK)(secured)

    with listening(serve) as port:
        yield port, path


def test_tls_needs_a_certificate_that_somebody_vouches_for(
    no_proxies: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with tls(tmp_path, "localhost") as (port, certificate):
        origin = f"https://localhost:{port}"
        with pool(origin) as made, pytest.raises(Lost) as lost:
            ask(made)
        assert not lost.value.passing
        no_proxies.setenv("AWS_CA_BUNDLE", str(certificate))
        with pool(origin) as made:
            assert ask(made).body == b"ok"
            assert ask(made, body=b"x" * 100_000, method="PUT").body == b"ok"


def test_where_python_has_no_certificates_those_of_botocore_are_used(
    no_proxies: pytest.MonkeyPatch,
) -> None:
    none = SimpleNamespace(cafile=None, capath=None)
    no_proxies.setattr(ssl, "get_default_verify_paths", lambda: none)
    assert len(Pool("https://s3.example")._context().get_ca_certs()) > 50


@pytest.mark.usefixtures("credentials")
def test_a_certificate_that_is_not_trusted_is_not_tried_again(
    no_proxies: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with tls(tmp_path, "elsewhere.example") as (port, certificate):
        no_proxies.setenv("AWS_CA_BUNDLE", str(certificate))
        made = Client(
            "b", region="x", endpoint_url=f"https://localhost:{port}", owner=None, workers=1
        )
        with pytest.raises(S3Error) as refused:
            made.ask("GetObject", "GET", "k", check=lambda: None)
        assert refused.value.code == client.BAD_CERTIFICATE
        assert made.requests == {"GetObject": 1}


def test_a_proxy_is_a_tunnel_for_https(no_proxies: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[bytes] = []
    with ExitStack() as closing:
        port, certificate = closing.enter_context(tls(tmp_path, "s3.example"))

        def serve(connection: socket.socket) -> None:
            asked.append(read_head(connection))
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with socket.create_connection(("127.0.0.1", port)) as onward:
                back = threading.Thread(target=relay, args=(onward, connection))
                back.start()
                relay(connection, onward)
                back.join()

        proxy = closing.enter_context(listening(serve))
        no_proxies.setenv("AWS_CA_BUNDLE", str(certificate))
        no_proxies.setenv("HTTPS_PROXY", f"http://me:se%3Acret@127.0.0.1:{proxy}")
        with pool("https://s3.example") as made:
            assert ask(made).body == b"ok"
            assert ask(made).body == b"ok"
    assert len(asked) == 1
    assert asked[0].startswith(b"CONNECT s3.example:443 HTTP/1.1\r\n")
    who = base64.b64encode(b"me:se:cret")
    assert b"proxy-authorization: Basic " + who in asked[0]


def relay(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            to.sendall(part)
    with suppress(OSError):
        to.shutdown(socket.SHUT_WR)


def test_a_proxy_that_refuses_is_told(no_proxies: pytest.MonkeyPatch) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with listening(answering(refusal)) as proxy:
        no_proxies.setenv("HTTPS_PROXY", f"127.0.0.1:{proxy}")
        with pool("https://s3.example") as made, pytest.raises(Lost, match="407"):
            ask(made)


def test_a_proxy_is_asked_for_the_whole_address_in_the_clear(
    no_proxies: pytest.MonkeyPatch,
) -> None:
    heard: list[bytes] = []
    with listening(answering(OK, heard=heard)) as proxy:
        no_proxies.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy}")
        with pool("http://minio.example:9000") as made:
            assert ask(made).body == b"ok"
    assert heard[0].startswith(b"GET http://minio.example:9000/k?a=b HTTP/1.1\r\n")
    assert b"host: minio.example:9000\r\n" in heard[0]


def test_no_proxy_is_asked_for_this_machine_or_for_whom_it_is_not_meant(
    no_proxies: pytest.MonkeyPatch,
) -> None:
    no_proxies.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with listening(answering(OK)) as port, pool(f"http://127.0.0.1:{port}") as made:
        assert ask(made).body == b"ok"
    no_proxies.setenv("NO_PROXY", "minio.example")
    assert Pool("http://minio.example")._proxy is None
    assert Pool("http://other.example")._proxy is not None
