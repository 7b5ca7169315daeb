"""Links to other hosts: what the answers mean, and how politely they are asked for."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.authority import certificate, make_authority
from workflow.validator.external import asking as external_asking
from workflow.validator.external.links import (
    RULES,
    check_external,
    external_addresses,
    external_findings,
)
from workflow.validator.external.verdict import External, Options
from workflow.validator.facts import Facts, Page, Ref, Sheet
from workflow.validator.links.resolving import Resolver
from workflow.validator.sites import Site

QUICK = Options(delay=0.0, backoff=0.01, seconds=5.0, private=("127.0.0.1", "localhost"))


class Reply(NamedTuple):
    """What the server says; all but HEAD with the body."""

    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b"<p id=here>Hello</p>"
    cut: int = 0
    """Bytes that are promised beyond the body."""
    is_silent: bool = False
    """Close the connection without a word."""
    until: threading.Event | None = None
    """Do not answer before."""


Answering = Callable[["Question"], Reply]


class Question(NamedTuple):
    method: str
    path: str
    headers: Mapping[str, str]
    number: int
    """How many times the path was asked for before, by any method."""


class Server:
    """Answers on the loopback as it is told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.replies: dict[str, Answering | Reply] = {}
        self.asked: list[tuple[str, str]] = []
        self.seen: list[Mapping[str, str]] = []
        self.times: list[float] = []
        self.most_at_once = 0
        self.url = ""
        self._counts: Counter[str] = Counter()
        self._now = 0
        self._lock = threading.Lock()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        with self._lock:
            number = self._counts[handler.path]
            self._counts[handler.path] += 1
            self.asked.append((handler.command, handler.path))
            self.seen.append(dict(handler.headers.items()))
            self.times.append(time.monotonic())
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        said = self.replies.get(handler.path, Reply(404))
        if not isinstance(said, Reply):
            asked = Question(handler.command, handler.path, dict(handler.headers.items()), number)
            said = said(asked)
        if said.until is not None:
            said.until.wait(10)
        with self._lock:  # before it answers: whoever has the answer may ask again
            self._now -= 1
        handler.close_connection = True
        if said.is_silent:
            return
        with suppress(OSError):  # who asked may have gone
            handler.send_response(said.status)
            headers = {"Content-Type": "text/html", **said.headers}
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(said.body) + said.cut))
            handler.end_headers()
            if handler.command != "HEAD":
                handler.wfile.write(said.body)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or does not trust the certificate, is none of ours."""


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.answer(self)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    listening = _Quiet(("127.0.0.1", 0), Handler)
    scheme, name = ("http", "127.0.0.1") if tls is None else ("https", "localhost")
    if tls is not None:
        listening.socket = tls.wrap_socket(
            listening.socket, server_side=True, do_handshake_on_connect=False
        )
    server.url = f"{scheme}://{name}:{listening.server_port}"
    thread = threading.Thread(target=lambda: listening.serve_forever(0.01))
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as one:
        yield one


@pytest.fixture
def another() -> Iterator[Server]:
    with serving() as one:
        yield one


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def ask(url: str, options: Options = QUICK) -> External:
    return check_external([url], options)[url]


# -- what an answer means ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "state", "said"),
    [
        (200, "ok", ""),
        (204, "ok", ""),
        (206, "ok", ""),
        (304, "ok", ""),
        (400, "broken", "400"),
        (404, "broken", "no such page"),
        (410, "broken", "for good"),
        (401, "refused", "login"),
        (403, "refused", "no programs"),
        (405, "refused", "no programs"),
        (429, "refused", "too often"),
        (451, "refused", "legal"),
        (999, "refused", "no programs"),
        (500, "unreachable", "in trouble"),
        (503, "unreachable", "in trouble"),
    ],
)
def test_a_status_means(server: Server, status: int, state: str, said: str) -> None:
    server.replies["/"] = Reply(status, body=b"")
    result = ask(server.url + "/")
    assert (result.state, result.status) == (state, status)
    assert said in result.detail
    assert bool(result.detail) == bool(said)


def test_head_is_enough_where_it_is_answered_well(server: Server) -> None:
    server.replies["/a"] = Reply()
    assert ask(server.url + "/a").state == "ok"
    assert server.asked == [("HEAD", "/a")]


@pytest.mark.parametrize("status", [400, 403, 404, 405, 406, 500, 501, 503])
def test_where_head_is_refused_get_is_asked(server: Server, status: int) -> None:
    server.replies["/a"] = lambda asked: Reply(status if asked.method == "HEAD" else 200)
    assert ask(server.url + "/a").state == "ok"
    assert server.asked == [("HEAD", "/a"), ("GET", "/a")]


def test_a_server_that_closes_on_head_is_asked_with_get(server: Server) -> None:
    server.replies["/a"] = lambda asked: Reply(is_silent=asked.method == "HEAD")
    assert ask(server.url + "/a").state == "ok"


def test_a_server_that_never_answers_head_is_asked_with_get(server: Server) -> None:
    hanging = threading.Event()
    server.replies["/a"] = lambda asked: Reply(until=hanging if asked.method == "HEAD" else None)
    try:
        assert ask(server.url + "/a", QUICK._replace(seconds=0.2)).state == "ok"
    finally:
        hanging.set()


def test_a_page_that_is_gone_for_good_is_not_asked_for_twice(server: Server) -> None:
    server.replies["/a"] = Reply(410)
    ask(server.url + "/a")
    assert len(server.asked) == 1


def test_an_answer_that_is_cut_off_is_none(server: Server) -> None:
    server.replies["/a"] = lambda asked: Reply(405 if asked.method == "HEAD" else 200, cut=10)
    result = ask(server.url + "/a")
    assert result.state == "unreachable"
    assert "cut off" in result.detail
    assert len(server.asked) == 2 + QUICK.retries


def test_a_slow_answer_is_waited_for_so_long_only(server: Server) -> None:
    hanging = threading.Event()
    server.replies["/a"] = Reply(until=hanging)
    try:
        result = ask(server.url + "/a", QUICK._replace(seconds=0.1, retries=0))
    finally:
        hanging.set()
    assert result == External("unreachable", None, "no answer within 0.1 seconds")


def test_trouble_that_passes_is_none(server: Server) -> None:
    server.replies["/a"] = lambda asked: Reply(503 if asked.number < 2 else 200)
    assert ask(server.url + "/a").state == "ok"
    assert len(server.asked) == 3


def test_trouble_that_does_not_pass_is_tried_so_often_only(server: Server) -> None:
    server.replies["/a"] = Reply(502)
    assert ask(server.url + "/a", QUICK._replace(retries=1)).status == 502
    assert len(server.asked) == 2


def test_statuses_may_be_declared_fine(server: Server) -> None:
    server.replies["/a"] = Reply(503)
    assert ask(server.url + "/a", QUICK._replace(accept=frozenset({503}))).state == "ok"
    assert len(server.asked) == 1


def test_nobody_listens(server: Server) -> None:
    with serving() as gone:
        url = gone.url
    result = ask(url + "/")
    assert result.state == "unreachable"
    assert "refuses the connection" in result.detail


@pytest.mark.parametrize(
    "url",
    ["http://no-such-host.invalid/", "https://" + "a" * 70 + ".example/"],
    ids=["unknown", "label too long"],
)
def test_a_name_that_dns_does_not_know_is_broken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def unknown(name: str, *_: object, **__: object) -> None:
        name.encode("idna")
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    result = ask(url)
    assert (result.state, result.status) == ("broken", None)


def test_dns_that_is_down_is_no_broken_link(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def down(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    monkeypatch.setattr("socket.getaddrinfo", down)
    assert ask("http://example.org/").state == "unreachable"


@pytest.mark.parametrize(
    ("url", "state"),
    [("mailto:a@example.org", "skipped"), ("ftp://example.org/", "skipped"),
     ("http:///x", "broken"), ("http://exa mple.org/", "broken"), ("about/", "broken")],
)  # fmt: skip
def test_only_addresses_of_the_web_are_asked(url: str, state: str) -> None:
    assert ask(url).state == state


def test_no_http_is_no_answer(server: Server) -> None:
    server.replies["/a"] = Reply(is_silent=True)
    assert ask(server.url + "/a").state == "unreachable"


# -- redirects -----------------------------------------------------------------------------------


def to(where: str, status: int = 301, **headers: str) -> Reply:
    return Reply(status, {"Location": where, **headers}, b"")


@pytest.mark.parametrize(
    ("status", "state"),
    [(301, "redirected"), (308, "redirected"), (302, "ok"), (303, "ok"), (307, "ok")],
)
def test_only_what_has_moved_for_good_is_told(server: Server, status: int, state: str) -> None:
    server.replies |= {"/old": to("/new?x=1", status), "/new?x=1": Reply()}
    result = ask(server.url + "/old")
    assert (result.state, result.location) == (state, f"{server.url}/new?x=1")


def test_the_new_address_is_the_last_that_is_for_good(server: Server) -> None:
    server.replies |= {
        "/1": to("/2"), "/2": to("/3", 308), "/3": to("/4", 302), "/4": to("/5"), "/5": Reply(),
    }  # fmt: skip
    result = ask(server.url + "/1")
    assert (result.state, result.location) == ("redirected", f"{server.url}/3")


def test_a_redirect_to_nothing_is_broken_and_says_where(server: Server, another: Server) -> None:
    server.replies["/old"] = to(f"{another.url}/new")
    result = ask(server.url + "/old")
    assert (result.state, result.status) == ("broken", 404)
    assert result.location == f"{another.url}/new"


@pytest.mark.parametrize("second", ["/a", "/b"])
def test_redirects_in_a_circle_are_found(server: Server, second: str) -> None:
    server.replies |= {"/a": to(second, 302), "/b": to("/a", 302)}
    result = ask(server.url + "/a")
    assert result.state == "broken"
    assert "in a circle" in result.detail


def test_a_redirect_that_only_sets_a_cookie_is_no_circle(server: Server) -> None:
    server.replies["/a"] = lambda asked: (
        Reply() if asked.headers.get("Cookie") == "seen=1" else to(
            "/a", 302, **{"Set-Cookie": "seen=1; Path=/"}
        )
    )  # fmt: skip
    assert ask(server.url + "/a").state == "ok"


def test_cookies_stay_on_their_host(server: Server, another: Server) -> None:
    server.replies["/a"] = to(f"{another.url}/b", 302, **{"Set-Cookie": "secret=1"})
    another.replies["/b"] = Reply()
    ask(server.url + "/a")
    assert "Cookie" not in another.seen[0]


def test_redirects_without_end_are_left(server: Server) -> None:
    for number in range(9):
        server.replies[f"/{number}"] = to(f"/{number + 1}", 302)
    result = ask(server.url + "/0", QUICK._replace(redirects=3))
    assert (result.state, len(server.asked)) == ("broken", 4)
    assert "more than 3" in result.detail


@pytest.mark.parametrize(
    ("where", "state"),
    [("http://", "broken"), ("https://exa mple/", "broken"), ("itms-apps://app/1", "ok")],
)
def test_a_redirect_elsewhere(server: Server, where: str, state: str) -> None:
    server.replies["/a"] = to(where)
    assert ask(server.url + "/a").state == state


def test_a_redirect_may_be_written_in_other_letters(server: Server) -> None:
    server.replies |= {"/a": to("/gr\u00fc\u00dfe".encode().decode("latin-1"), 302)}
    server.replies["/gr%C3%BC%C3%9Fe"] = Reply()
    assert ask(server.url + "/a").state == "ok"


# -- politeness ----------------------------------------------------------------------------------


def test_each_address_is_asked_once_whatever_its_fragment(server: Server) -> None:
    server.replies["/a"] = Reply()
    urls = [f"{server.url}/a{end}" for end in ("", "#x", "#y")]
    results = check_external([*urls, *urls], QUICK)
    assert [results[url].state for url in urls] == ["ok"] * 3
    assert server.asked == [("HEAD", "/a")]


def test_a_host_is_asked_so_many_things_at_once_and_others_are_not_kept_waiting(
    server: Server, another: Server
) -> None:
    release = threading.Event()
    for number in range(6):
        server.replies[f"/{number}"] = Reply(until=release)
    served: list[str] = []

    def answer(asked: Question) -> Reply:
        served.append(asked.path)
        if len(served) == 6:
            release.set()  # only when the other host has answered everything
        return Reply()

    another.replies |= {f"/{number}": answer for number in range(6)}
    urls = [f"{one.url}/{n}" for one in (server, another) for n in range(6)]
    results = check_external(urls, QUICK._replace(concurrency=4, per_host=2))
    assert {one.state for one in results.values()} == {"ok"}
    assert server.most_at_once == 2
    assert another.most_at_once <= 2


def test_no_more_requests_run_at_once_than_wanted(server: Server, another: Server) -> None:
    busy, most, lock = [0], [0], threading.Lock()

    def answer(_: Question) -> Reply:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        time.sleep(0.005)
        with lock:
            busy[0] -= 1
        return Reply()

    for one in (server, another):
        one.replies |= {f"/{number}": answer for number in range(5)}
    urls = [f"{one.url}/{n}" for one in (server, another) for n in range(5)]
    check_external(urls, QUICK._replace(concurrency=3, per_host=3))
    assert 1 <= most[0] <= 3


def test_there_is_a_pause_between_requests_to_a_host(server: Server) -> None:
    server.replies |= {f"/{number}": Reply() for number in range(4)}
    urls = [f"{server.url}/{number}" for number in range(4)]
    check_external(urls, QUICK._replace(delay=0.05))
    assert server.times[-1] - server.times[0] > 0.12


@pytest.mark.parametrize(("status", "as_date"), [(429, False), (503, True)])
def test_a_server_that_asks_to_wait_is_left_alone_so_long(
    server: Server, status: int, as_date: bool
) -> None:
    def answer(asked: Question) -> Reply:
        if asked.number:
            return Reply()
        # A date has whole seconds, and this one has just begun or has nearly passed.
        until = formatdate(time.time() + 1.999, usegmt=True) if as_date else "1"
        return Reply(status, {"Retry-After": until})

    server.replies |= {"/a": answer, "/b": Reply()}
    options = QUICK._replace(per_host=1)
    results = check_external([f"{server.url}/a", f"{server.url}/b"], options)
    assert {one.state for one in results.values()} == {"ok"}
    assert next(path for _, path in server.asked) == "/a"
    assert server.times[1] - server.times[0] >= 0.9


def test_a_server_that_asks_to_wait_too_long_has_refused(server: Server) -> None:
    server.replies["/a"] = Reply(429, {"Retry-After": "3600"})
    result = ask(server.url + "/a")
    assert (result.state, len(server.asked)) == ("refused", 1)
    assert "3,600 seconds" in result.detail


@pytest.mark.parametrize("said", ["soon", "-1", "Wed, 21 Oct 1990 07:28:00 GMT"])
def test_a_wish_that_cannot_be_read_is_a_usual_retry(server: Server, said: str) -> None:
    server.replies["/a"] = lambda asked: (
        Reply() if asked.number else Reply(429, {"Retry-After": said})
    )
    assert ask(server.url + "/a").state == "ok"


def test_it_says_who_asks_and_sends_what_a_host_wants(server: Server, another: Server) -> None:
    for one in (server, another):
        one.replies["/a"] = Reply()
    port = server.url.rpartition(":")[2]
    options = QUICK._replace(
        user_agent="us/1", headers={f"127.0.0.1:{port}": {"Authorization": "Bearer x"}}
    )
    check_external([f"{server.url}/a", f"{another.url}/a"], options)
    assert server.seen[0]["User-Agent"] == "us/1"
    assert server.seen[0]["Authorization"] == "Bearer x"
    assert "Authorization" not in another.seen[0]


@pytest.mark.parametrize(
    ("allow", "deny", "is_asked"),
    [
        pytest.param((), (), True, id="no patterns"),
        pytest.param(("127.0.0.1",), (), True, id="allowed host"),
        pytest.param(("127.*",), (), True, id="allowed pattern"),
        pytest.param(("example.org",), (), False, id="not allowed"),
        pytest.param((), ("127.0.0.1/docs/*",), False, id="denied path"),
        pytest.param((), ("127.0.0.1*/docs/*",), False, id="denied path with port"),
        pytest.param((), ("http://127.0.0.1:*/other/*",), True, id="another path denied"),
        pytest.param(("127.0.0.1",), ("http://*/docs/*",), False, id="denial wins"),
    ],
)
def test_patterns_say_what_is_asked(
    server: Server, allow: tuple[str, ...], deny: tuple[str, ...], is_asked: bool
) -> None:
    server.replies["/docs/a"] = Reply()
    deny = tuple(one.replace("127.0.0.1/", server.url[7:] + "/") for one in deny)
    result = ask(server.url + "/docs/a", QUICK._replace(allow=allow, deny=deny))
    assert (result.state == "ok") == bool(server.asked) == is_asked


def test_a_redirect_does_not_lead_to_what_is_denied(server: Server, another: Server) -> None:
    server.replies["/a"] = to(another.url + "/b")
    port = another.url.rpartition(":")[2]
    result = ask(server.url + "/a", QUICK._replace(deny=(f"127.0.0.1:{port}",)))
    assert (result.state, another.asked) == ("skipped", [])


# -- what is ours --------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0.0.0.0"])
def test_a_page_cannot_make_us_knock_at_our_own_doors(server: Server, host: str) -> None:
    port = server.url.rpartition(":")[2]
    result = ask(f"http://{host}:{port}/", QUICK._replace(private=()))
    assert (result.state, server.asked) == ("skipped", [])
    assert "not in" in result.detail


def resolving_to(*addresses: str) -> Callable[..., list[Any]]:
    import socket

    def getaddrinfo(_: str, port: int, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    return getaddrinfo


@pytest.mark.parametrize(
    "address", ["10.0.0.7", "192.168.1.1", "169.254.169.254", "100.64.0.1", "127.0.0.1"]
)
def test_nor_can_a_name_that_stands_for_one_of_them(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    resolve = resolving_to("93.184.216.34", address)
    monkeypatch.setattr("socket.getaddrinfo", resolve)
    assert ask("http://rebound.example/", QUICK).state == "skipped"


@pytest.mark.parametrize("text", ["::ffff:10.0.0.1", "fe80::1%eth0", "fd00::1", "::1", "224.0.0.1"])
def test_addresses_of_other_kinds_are_ours_too(text: str) -> None:
    assert external_asking._is_ours(text)
    assert not external_asking._is_ours("2606:2800:220:1:248:1893:25c8:1946")


def test_nor_can_a_redirect(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    port = server.url.rpartition(":")[2]
    server.replies["/a"] = to(f"http://inside.example:{port}/b", 302)
    monkeypatch.setattr("socket.getaddrinfo", resolving_to("127.0.0.1"))
    assert ask(server.url + "/a").state == "skipped"
    assert [path for _, path in server.asked] == ["/a"]


def test_a_proxy_is_asked_with_the_whole_address(
    server: Server, no_proxies: pytest.MonkeyPatch
) -> None:
    no_proxies.setenv("http_proxy", server.url)
    server.replies["http://example.org/a?b"] = Reply()
    assert ask("http://example.org/a?b", QUICK._replace(private=())).state == "ok"
    assert ask("http://192.168.0.1/", QUICK._replace(private=())).state == "skipped"


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
    ids=["good", "expired", "another host", "unknown authority"],
)
def test_certificates_are_told_apart(
    authority: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    days: str,
    trusted: bool,
    reason: str | None,
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
    external_asking._tls.cache_clear()
    with serving(certificate(authority, name, days)) as server:
        server.replies["/"] = Reply()
        result = ask(server.url + "/")
    external_asking._tls.cache_clear()
    if reason is None:
        assert result.state == "ok"
    else:
        assert (result.state, result.status, server.asked) == ("unreachable", None, [])
        assert reason in result.detail


def test_a_server_that_speaks_no_tls_is_told(server: Server) -> None:
    result = ask(server.url.replace("http:", "https:"))
    assert result.state == "unreachable"
    assert "no TLS connection" in result.detail


# -- fragments -----------------------------------------------------------------------------------

PAGE = b'<h1 id="intro">x</h1><a name="old"></a><p id="user-content-usage">'


@pytest.mark.parametrize(
    ("fragment", "is_there"),
    [
        ("intro", True), ("%69ntro", True), ("old", True), ("usage", True), ("", True),
        ("Top", True), (":~:text=x", True), ("intro:~:text=x", True), ("/route", True),
        ("L10-L20", True), ("gone", False), ("Intro", False), ("gone:~:text=x", False),
    ],
)  # fmt: skip
def test_fragments_are_looked_for_if_wanted(server: Server, fragment: str, is_there: bool) -> None:
    server.replies["/a"] = Reply(body=PAGE)
    result = ask(f"{server.url}/a#{fragment}", QUICK._replace(check_fragments=True))
    assert (result.state == "ok") == is_there
    if not is_there:
        assert (result.state, result.status) == ("broken", 200)


def test_all_fragments_of_a_page_cost_one_request(server: Server) -> None:
    import gzip

    server.replies["/a"] = Reply(body=gzip.compress(PAGE), headers={"Content-Encoding": "gzip"})
    urls = [f"{server.url}/a{end}" for end in ("", "#intro", "#gone")]
    results = check_external(urls, QUICK._replace(check_fragments=True))
    assert [results[url].state for url in urls] == ["ok", "ok", "broken"]
    assert server.asked == [("GET", "/a")]


def test_only_pages_are_looked_into(server: Server) -> None:
    server.replies["/a.pdf"] = Reply(headers={"Content-Type": "application/pdf"})
    options = QUICK._replace(check_fragments=True)
    assert ask(f"{server.url}/a.pdf#page=2", options).state == "ok"


# -- what is kept --------------------------------------------------------------------------------


def later(monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + hours * 3600)


@pytest.mark.parametrize(
    ("reply", "hours", "is_asked_again"),
    [
        pytest.param(Reply(), 1.0, False, id="good is believed"),
        pytest.param(Reply(), 200.0, True, id="good but old"),
        pytest.param(Reply(404), 0.5, False, id="bad is believed for a while"),
        pytest.param(Reply(404), 2.0, True, id="bad and old"),
        pytest.param(Reply(403), 2.0, True, id="a refusal is bad"),
        pytest.param(Reply(), -2.0, True, id="from the future"),
    ],
)
def test_answers_are_believed_for_a_while(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reply: Reply,
    hours: float,
    is_asked_again: bool,
) -> None:
    server.replies["/a"] = reply
    kept, url = tmp_path / "deep" / "external.json", server.url + "/a"
    first = check_external([url], QUICK, cache=kept)
    before = len(server.asked)
    later(monkeypatch, hours)
    assert check_external([url], QUICK, cache=kept) == first
    assert (len(server.asked) > before) == is_asked_again
    assert [path.name for path in kept.parent.iterdir()] == ["external.json"]


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b'{"format": 2, "answers": {}}', b'{"format": 1, "answers": {"x": [1]}}',
     b'{"format": 1, "answers": {"x": [1, "lost", 200, "", null]}}', b"[" * 100_000, b"\xff"],
)  # fmt: skip
def test_what_cannot_be_read_counts_as_nothing(server: Server, tmp_path: Path, raw: bytes) -> None:
    server.replies["/a"] = Reply()
    kept = tmp_path / "external.json"
    kept.write_bytes(raw)
    url = server.url + "/a"
    assert check_external([url], QUICK, cache=kept)[url].state == "ok"
    assert url in json.loads(kept.read_bytes())["answers"]


def test_statuses_declared_fine_later_are_fine_from_the_cache_too(
    server: Server, tmp_path: Path
) -> None:
    server.replies["/a"] = Reply(404)
    kept, url = tmp_path / "external.json", server.url + "/a"
    check_external([url], QUICK, cache=kept)
    options = QUICK._replace(accept=frozenset({404}))
    assert check_external([url], options, cache=kept)[url].state == "ok"


def test_a_cache_that_cannot_be_written_is_told_and_costs_no_answer(
    server: Server, tmp_path: Path
) -> None:
    server.replies["/a"] = Reply()
    (tmp_path / "file").touch()
    said: list[str] = []
    url = server.url + "/a"
    results = check_external([url], QUICK, cache=tmp_path / "file" / "x.json", say=said.append)
    assert results[url].state == "ok"
    assert "cannot be kept" in said[0]


# -- ending --------------------------------------------------------------------------------------


class Cancelled(Exception):
    pass


def test_it_can_be_cancelled_and_keeps_what_it_knows(server: Server, tmp_path: Path) -> None:
    hanging = threading.Event()
    answered = threading.Event()

    def quick(_: Question) -> Reply:
        answered.set()
        return Reply()

    server.replies |= {"/a": quick, "/b": Reply(until=hanging)}
    kept = tmp_path / "external.json"
    turns = Counter[str]()

    def check() -> None:
        turns["after"] += answered.is_set()
        if turns["after"] > 3:
            raise Cancelled

    started = time.monotonic()
    try:
        with pytest.raises(Cancelled):
            check_external([f"{server.url}/a", f"{server.url}/b"], QUICK, cache=kept, check=check)
    finally:
        hanging.set()
    assert time.monotonic() - started < 3
    assert list(json.loads(kept.read_bytes())["answers"]) == [f"{server.url}/a"]


def test_it_ends_when_its_time_is_over(server: Server) -> None:
    hanging = threading.Event()
    server.replies |= {f"/{number}": Reply(until=hanging) for number in range(9)}
    urls = [f"{server.url}/{number}" for number in range(9)]
    try:
        results = check_external(urls, QUICK._replace(total_seconds=0.2))
    finally:
        hanging.set()
    assert {one.state for one in results.values()} == {"skipped"}
    assert len(results) == 9


def test_nothing_to_ask_is_done_at_once() -> None:
    assert check_external([], QUICK) == {}


# -- findings ------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> Site:
    refs = (
        Ref("link", "https://other.test/a#x", "a", "href"),
        Ref("link", "https://other.test/a#y", "a", "href"),
        Ref("image", "//other.test/p.png", "img", "src"),
        Ref("form", "https://other.test/form", "form", "action"),
        Ref("link", "https://ours.test/", "a", "href"),
        Ref("link", "/", "a", "href"),
    )
    css = Sheet((Ref("css", "https://fonts.test/f.woff2", "style", "text"),))
    facts: dict[str, Facts] = {"index.html": Page(refs=refs), "a.css": css}
    return Site(tmp_path, "https://ours.test/", frozenset(facts), facts)


def test_addresses_of_other_hosts_are_collected_once(site: Site) -> None:
    plain = ["https://fonts.test/f.woff2", "https://other.test/a", "https://other.test/p.png"]
    assert list(external_addresses(site, Resolver(site))) == plain
    whole = list(external_addresses(site, Resolver(site), fragments=True))
    assert whole[1:3] == ["https://other.test/a#x", "https://other.test/a#y"]


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (External("ok", 200, ""), None),
        (External("skipped", None, "not asked"), None),
        (External("broken", 404, "gone"), "external-broken"),
        (External("broken", None, "DNS"), "external-broken"),
        (External("broken", 200, "no #x"), "external-fragment"),
        (External("refused", 403, "no"), "external-refused"),
        (External("unreachable", 503, "ill"), "external-unreachable"),
        (External("redirected", 200, "moved", "https://new.test/"), "external-redirect"),
    ],
)
def test_a_finding_follows_from_the_answer(site: Site, result: External, code: str | None) -> None:
    results = {"https://other.test/p.png": result}
    found = list(external_findings(site, Resolver(site), results))
    assert [one.code for one in found] == ([code] if code else [])
    for one in found:
        assert (one.page, one.url, one.element) == ("index.html", "//other.test/p.png", "img")
        assert one.message == f"https://other.test/p.png: {result.detail}"
        assert (one.hint is not None) == (code == "external-redirect")


def test_every_reference_to_an_address_is_found_with_its_fragment(site: Site) -> None:
    results = {
        "https://other.test/a#x": External("ok", 200, ""),
        "https://other.test/a#y": External("broken", 200, "nothing there is named #y"),
        "https://fonts.test/f.woff2": External("broken", 404, "gone"),
    }
    found = {(one.page, one.url, one.code) for one in external_findings(
        site, Resolver(site), results
    )}  # fmt: skip
    assert found == {
        ("index.html", "https://other.test/a#y", "external-fragment"),
        ("a.css", "https://fonts.test/f.woff2", "external-broken"),
    }


def test_each_code_has_one_rule() -> None:
    by_code = defaultdict(list)
    for rule in RULES:
        by_code[rule.code].append(rule.severity)
    assert by_code["external-broken"] == ["error"]
    assert by_code["external-redirect"] == by_code["external-refused"] == ["notice"]
    assert all(len(one) == 1 for one in by_code.values())
