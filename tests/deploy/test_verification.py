"""Verification: real servers on the loopback that serve well, late, badly or not at all."""

from __future__ import annotations

import gzip
import hashlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import brotli
import pytest

from tests.authority import certificate, make_authority
from tests.deploy.servers import SeaweedFS, Website, website
from workflow.deploy import browser, verification
from workflow.deploy.verification import Expected, Verified, verify
from workflow.errors import TaskError, TaskFailed

HTML = "text/html; charset=utf-8"


@dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut_off: int = 0
    """So many of the stated bytes never come."""
    before: Callable[[], object] = lambda: None
    """Called before anything is answered."""
    between: Callable[[], object] | None = None
    """Called after each byte."""


@dataclass
class Site:
    """A server whose answers a test sets, by path as it was sent; a list is gone through."""

    url: str = ""
    answers: dict[str, Answer | list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    def answer(self, path: str) -> Answer:
        found = self.answers.get(path, Answer(b"not here", 404))
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found


@contextmanager
def served(site: Site, tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            answer = site.answer(self.path)
            answer.before()
            self.send_response(answer.status)
            headers = {"Content-Type": HTML, "Content-Length": str(len(answer.body))}
            for name, value in {**headers, **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            body = answer.body[: len(answer.body) - answer.cut_off]
            if answer.between is None:
                self.wfile.write(body)
                return
            for byte in body:
                self.wfile.write(bytes([byte]))
                answer.between()

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that goes away is part of some tests

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        scheme = "http" if tls is None else "https"
        site.url = f"{scheme}://localhost:{server.server_port}/"
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    with served(Site()) as site:
        site.answers["/"] = Answer(b"home")
        yield site


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def served_bucket(s3_server: SeaweedFS, bucket_name: str) -> Iterator[Website]:
    with website(s3_server.endpoint, bucket_name) as site:
        yield site


def file(path: str, body: bytes, content_type: str | None = None, **known: Any) -> Expected:
    return Expected(path, hashlib.sha256(body).hexdigest(), content_type, **known)


def look(
    url: str, *expected: Expected, seconds: float = 0, said: list[str] | None = None
) -> Verified:
    say = (said if said is not None else []).append
    return verify(url, expected, seconds=seconds, check=lambda: None, say=say)


def failed(url: str, *expected: Expected, seconds: float = 0) -> TaskFailed:
    with pytest.raises(TaskFailed) as caught:
        look(url, *expected, seconds=seconds)
    return caught.value


# -- well ----------------------------------------------------------------------------------------


def test_a_site_that_serves_what_was_published_is_verified(site: Site) -> None:
    site.answers["/about/"] = Answer(b"about us")
    site.answers["/css/main.css"] = Answer(b"body{}", headers={"Content-Type": "text/css"})
    seen = look(
        site.url,
        file("index.html", b"home", HTML, size=4),
        file("about/index.html", b"about us", HTML),
        file("css/main.css", b"body{}", "text/css; charset=utf-8"),
    )
    assert (seen.http_status, seen.site_url, seen.checked) == (200, site.url, 3)
    assert seen.seconds >= 0


def test_nothing_expected_still_looks_at_the_home_page(site: Site) -> None:
    assert look(site.url).checked == 0
    assert site.paths == ["/"]


def test_an_address_without_its_slash_serves_as_well(site: Site) -> None:
    site.answers["/a.txt"] = Answer(b"a")
    assert look(site.url.rstrip("/"), file("a.txt", b"a")).checked == 1


def test_a_page_that_visitors_cannot_reach_fails_though_its_file_is_there(site: Site) -> None:
    site.answers["/about/"] = Answer(b"denied", 403)
    site.answers["/about/index.html"] = Answer(b"about us")
    failure = failed(site.url, file("about/index.html", b"about us"))
    assert failure.error.code == "site_not_ok"
    assert "/about/ answers 403, though its index.html is there" in failure.error.message


def test_a_site_below_an_address_is_looked_at_there(site: Site) -> None:
    site.answers["/blog/"] = site.answers["/blog/a/"] = Answer(b"blog")
    del site.answers["/"]
    assert look(site.url + "blog/", file("a/index.html", b"blog")).checked == 1
    assert site.paths == ["/blog/", "/blog/a/"]


@pytest.mark.parametrize(
    ("path", "as_sent"),
    [
        ("über uns/index.html", "/%C3%BCber%20uns/"),
        ("100%.txt", "/100%25.txt"),
        ("a+b?c#d.txt", "/a%2Bb%3Fc%23d.txt"),
        ("index.html.bak", "/index.html.bak"),
        ("myindex.html", "/myindex.html"),
    ],
)
def test_names_of_all_kinds_are_asked_for_as_they_have_to_be_encoded(
    site: Site, path: str, as_sent: str
) -> None:
    site.answers[as_sent] = Answer(b"it")
    assert look(site.url, file(path, b"it")).checked == 1
    assert site.paths == ["/", as_sent], "no query is added that gets around a cache"


def test_no_header_asks_a_cache_for_something_fresh(site: Site) -> None:
    look(site.url)
    ((_, headers),) = site.asked
    assert not {"cache-control", "pragma", "if-none-match"} & set(headers)
    assert headers["accept-encoding"] == "gzip, br"


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("br", brotli.compress)]
)
def test_what_is_sent_compressed_is_compared_as_what_it_stands_for(
    site: Site, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    body = b"long " * 100_000
    site.answers["/a.txt"] = Answer(compress(body), headers={"Content-Encoding": encoding})
    assert look(site.url, file("a.txt", body, size=len(body))).checked == 1


def test_without_the_brotli_package_brotli_is_not_asked_for(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    look(site.url)
    assert site.asked[0][1]["accept-encoding"] == "gzip"


def test_of_a_large_file_only_the_length_is_compared(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "LARGE", 1000)
    site.answers["/film.mp4"] = Answer(b"x" * 1000)
    assert look(site.url, file("film.mp4", b"y" * 1000, size=1000)).checked == 1
    other = failed(site.url, file("film.mp4", b"y", size=2000))
    assert "has 1,000 bytes, not 2,000" in other.error.message


def test_a_redirect_on_the_same_host_is_followed(site: Site) -> None:
    site.answers["/"] = Answer(status=302, headers={"Location": "/en"})
    site.answers["/en"] = Answer(status=301, headers={"Location": "en/"})
    site.answers["/en/"] = Answer(b"home")
    assert look(site.url).http_status == 200
    assert site.paths == ["/", "/en", "/en/"]


def test_the_proxy_of_the_environment_is_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", site.url)
    monkeypatch.setenv("no_proxy", "")
    site.answers["http://www.example.test/"] = Answer(b"home")
    assert look("http://www.example.test/").http_status == 200


# -- late ----------------------------------------------------------------------------------------


def test_a_cache_that_is_late_is_waited_out_and_only_what_is_old_is_asked_again(site: Site) -> None:
    old, new = Answer(b"old", headers={"Age": "312"}), Answer(b"new")
    site.answers["/a.txt"] = [old, old, new]
    site.answers["/b.txt"] = Answer(b"b")
    said: list[str] = []
    seen = look(site.url, file("a.txt", b"new"), file("b.txt", b"b"), seconds=60, said=said)
    assert seen.checked == 2
    assert sorted(site.paths) == ["/", "/a.txt", "/a.txt", "/a.txt", "/b.txt"]
    old_ones = ["1 of 2 files are still old"] * 2
    assert [line.split(" at ")[0] for line in said] == ["looking", *old_ones]


def test_a_site_that_comes_up_late_is_waited_for(site: Site) -> None:
    site.answers["/"] = [Answer(b"", 503), Answer(b"", 404), Answer(b"home")]
    assert look(site.url, seconds=60).http_status == 200


def test_a_task_that_is_cancelled_waits_no_longer(site: Site) -> None:
    cancelled = TaskFailed(TaskError("cancelled", "so it was asked", "escalate"))

    def check() -> None:
        if len(site.asked) > 1:
            raise cancelled

    with pytest.raises(TaskFailed) as caught:
        verify(site.url, [file("a.txt", b"a")], seconds=3600, check=check, say=lambda _: None)
    assert caught.value is cancelled


def test_a_task_that_is_cancelled_waits_for_no_answer_either(site: Site) -> None:
    let_go, begun = threading.Event(), threading.Event()
    cancelled = TaskFailed(TaskError("cancelled", "so it was asked", "escalate"))

    def before() -> None:
        begun.set()
        let_go.wait(30)

    site.answers["/"] = Answer(b"home", before=before)

    def check() -> None:
        if begun.is_set():
            raise cancelled

    try:
        with pytest.raises(TaskFailed) as caught:
            verify(site.url, [], seconds=3600, check=check, say=lambda _: None)
    finally:
        let_go.set()
    assert caught.value is cancelled


def test_a_bucket_that_a_cache_holds_back_is_waited_out(
    s3_server: SeaweedFS, bucket_name: str, served_bucket: Website
) -> None:
    """A real bucket as a website; both of its pages are still those of before for a while."""

    def publish(text: bytes) -> list[Expected]:
        pages = ["index.html", "über uns/index.html"]
        for key in pages:
            s3_server.client().put_object(
                Bucket=bucket_name, Key=key, Body=text, ContentType="text/html"
            )
        return [file(key, text, HTML) for key in pages]

    publish(b"before")
    served_bucket.stay("/", 3)
    served_bucket.stay("/%C3%BCber%20uns/", 2)
    assert look(served_bucket.url, *publish(b"after"), seconds=60).checked == 2
    assert served_bucket.counts == {"/": 4, "/%C3%BCber%20uns/": 3}


# -- wrong ---------------------------------------------------------------------------------------


def test_what_stays_old_is_told_with_its_paths(site: Site) -> None:
    site.answers["/a.txt"] = Answer(b"old", headers={"Age": "312"})
    site.answers["/b.txt"] = Answer(b"b")
    failure = failed(site.url, file("a.txt", b"new"), file("b.txt", b"b"))
    assert (failure.error.code, failure.error.action) == ("stale_site", "retry")
    assert "1 of 2 files" in failure.error.message
    assert "/a.txt is another content" in failure.error.message
    assert "from a cache, 312 s old" in failure.error.message
    assert failure.outputs == {"http_status": 200, "not_as_published": ["a.txt"]}


def test_a_wrong_content_type_is_not_what_was_published(site: Site) -> None:
    site.answers["/a.css"] = Answer(b"a{}", headers={"Content-Type": "binary/octet-stream"})
    failure = failed(site.url, file("a.css", b"a{}", "text/css; charset=utf-8"))
    assert failure.error.code == "stale_site"
    assert "is served as binary/octet-stream, not as text/css" in failure.error.message


def test_a_longer_answer_than_what_was_published_is_not_read_to_its_end(site: Site) -> None:
    site.answers["/a.txt"] = Answer(b"x" * (4 << 20))
    assert failed(site.url, file("a.txt", b"x", size=1)).error.code == "stale_site"


@pytest.mark.parametrize(
    ("status", "action", "hint"),
    [(403, "escalate", "policy"), (404, "escalate", "index"), (500, "retry", "server")],
)
def test_a_status_other_than_200_is_told(site: Site, status: int, action: str, hint: str) -> None:
    site.answers["/"] = Answer(b"no", status)
    failure = failed(site.url)
    assert (failure.error.code, failure.error.action) == ("site_not_ok", action)
    assert f"{site.url} answers {status}" in failure.error.message
    assert hint in (failure.error.hint or "")
    assert failure.outputs == {"http_status": status}


def test_a_file_that_is_missing_is_told_and_the_home_pages_status_kept(site: Site) -> None:
    failure = failed(site.url, file("a/index.html", b"a"))
    assert failure.error.code == "site_not_ok"
    assert "/a/ answers 404" in failure.error.message
    assert failure.outputs == {"http_status": 200, "not_as_published": ["a/index.html"]}


@pytest.mark.parametrize(
    "target",
    [
        "https://www.example.test/",
        "//www.example.test/",
        "https://localhost/",
        "http://localhost:9/",
    ],
)
def test_a_redirect_to_another_place_is_told_and_not_followed(site: Site, target: str) -> None:
    site.answers["/"] = Answer(status=301, headers={"Location": target})
    failure = failed(site.url, seconds=3600)
    assert (failure.error.code, failure.error.action) == ("site_redirects", "escalate")
    assert target in failure.error.message
    assert len(site.asked) == 1, "time does not mend it"


def test_a_redirect_in_a_circle_is_told(site: Site) -> None:
    site.answers["/"] = Answer(status=302, headers={"Location": "/"})
    failure = failed(site.url)
    assert failure.error.code == "site_redirects"
    assert len(site.asked) == 6


def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    failure = failed(f"http://127.0.0.1:{port}/")
    assert (failure.error.code, failure.error.action) == ("site_unreachable", "retry")
    assert "refuses the connection" in failure.error.message
    assert failure.outputs == {}


def test_a_host_that_dns_does_not_know_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for DNS, which is not on the loopback."""
    asked: list[str] = []

    def getaddrinfo(host: str, *_: object, **__: object) -> None:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    failure = failed("http://www.bücher.example/")
    assert (failure.error.code, failure.error.action) == ("site_unreachable", "retry")
    assert "DNS does not know www.xn--bcher-kva.example" in failure.error.message
    assert asked == ["www.xn--bcher-kva.example"]


def test_where_nobody_is_there_the_time_of_caches_is_not_waited_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verification, "_ABSENT_SECONDS", 0.6)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    said: list[str] = []
    with pytest.raises(TaskFailed) as caught:
        verify(f"http://127.0.0.1:{port}/", [], seconds=60, check=lambda: None, say=said.append)
    assert caught.value.error.code == "site_unreachable"
    assert said[0] == f"looking at http://127.0.0.1:{port}/"
    assert "127.0.0.1 refuses the connection" in said[1]
    assert said[1].endswith("for 1 s at most")


def test_an_address_that_is_none_is_told() -> None:
    assert failed("http://a..b/").error.code == "site_unreachable"


def test_an_answer_that_does_not_come_is_given_up(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "_REQUEST_SECONDS", 0.2)
    let_go = threading.Event()
    site.answers["/"] = Answer(b"home", before=lambda: let_go.wait(30))
    failure = failed(site.url)
    let_go.set()
    assert failure.error.code == "site_unreachable"
    assert "no answer within" in failure.error.message


def test_an_answer_that_drips_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "_REQUEST_SECONDS", 0.5)
    enough = threading.Event()
    body = b"each byte comes in time, but not the whole" * 100
    site.answers["/a.txt"] = Answer(body, between=lambda: enough.wait(0.05))
    failure = failed(site.url, file("a.txt", body))
    enough.set()
    assert failure.error.code == "site_unreachable"
    assert "the answer took longer" in failure.error.message


@pytest.mark.parametrize("chunked", [False, True])
def test_an_answer_that_is_cut_off_is_no_answer(site: Site, chunked: bool) -> None:
    site.answers["/a.txt"] = (
        Answer(b"5\r\nhello\r\n", headers={"Transfer-Encoding": "chunked"})
        if chunked
        else Answer(b"hello", cut_off=2)
    )
    failure = failed(site.url, file("a.txt", b"hello"))
    assert failure.error.code == "site_unreachable"


def test_an_answer_that_cannot_be_decompressed_is_no_answer(site: Site) -> None:
    site.answers["/a.txt"] = Answer(b"not gzip", headers={"Content-Encoding": "gzip"})
    failure = failed(site.url, file("a.txt", b"hello"))
    assert failure.error.code == "site_unreachable"
    assert "cannot be decompressed" in failure.error.message


def test_an_encoding_that_nobody_asked_for_is_told(site: Site) -> None:
    site.answers["/a.txt"] = Answer(b"?", headers={"Content-Encoding": "zstd"})
    assert "encoded as zstd" in failed(site.url, file("a.txt", b"hello")).error.message


# -- TLS -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize(
    ("name", "days", "trusted", "reason"),
    [
        ("localhost", "2", True, None),
        ("localhost", "-1", True, "has expired"),
        ("other.test", "2", True, "is for another host"),
        ("localhost", "2", False, "does not know"),
    ],
)
def test_a_certificate_is_judged_as_a_visitor_would(
    authority: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    days: str,
    trusted: bool,
    reason: str | None,
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
    site = Site(answers={"/": Answer(b"home")})
    with served(site, certificate(authority, name, days)):
        if reason is None:
            assert look(site.url).http_status == 200
            return
        failure = failed(site.url, seconds=3600)
    assert (failure.error.code, failure.error.action) == ("site_tls_error", "escalate")
    assert reason in failure.error.message
    assert not site.asked


def test_a_certificate_that_vouches_for_itself_is_not_trusted(authority: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "ca.pem", authority / "ca.key")
    with served(Site(), context) as site:
        assert "is signed by itself" in failed(site.url).error.message


def test_a_server_that_speaks_no_tls_is_told(site: Site) -> None:
    failure = failed(site.url.replace("http:", "https:"))
    assert failure.error.code == "site_tls_error"
    assert "no TLS connection" in failure.error.message
