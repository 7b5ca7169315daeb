"""Invalidations: which paths, and what CloudFront answers to them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.deploy.moto import Moto
from workflow.deploy import cloudfront
from workflow.deploy.cloudfront import Distribution, Invalidation, encoded, paths
from workflow.errors import TaskError, TaskFailed

pytestmark = pytest.mark.usefixtures("credentials")

# -- paths ---------------------------------------------------------------------------------------


def test_a_page_is_forgotten_by_both_of_its_addresses() -> None:
    assert paths(["about/index.html"], 15) == ["/about/", "/about/index.html"]
    assert paths(["index.html"], 15) == ["/", "/index.html"]


def test_other_files_are_forgotten_by_their_own_address_sorted_and_once() -> None:
    assert paths(["sitemap.xml", "feed.xml", "feed.xml"], 15) == ["/feed.xml", "/sitemap.xml"]


def test_nothing_changed_is_nothing_to_forget() -> None:
    assert paths([], 15) == []


def test_a_site_below_an_address_of_its_own_keeps_to_it() -> None:
    assert paths(["index.html"], 15, "blog/") == ["/blog/", "/blog/index.html"]
    assert paths([f"{n}.html" for n in range(9)], 3, "/blog/") == ["/blog/*"]
    assert paths(["a.html"], 15, "/%C3%BCber uns/") == ["/%C3%BCber%20uns/a.html"]
    assert paths(["a.html"], 15, "/people/~joe/") == ["/people/*"]


def test_too_many_paths_become_the_folder_that_all_share() -> None:
    posts = [f"posts/{number}/index.html" for number in range(9)]
    assert paths(posts, 15) == ["/posts/*"], "each page counts twice"
    assert paths(["posts/index.html", *posts], 15) == ["/posts/*"]
    assert paths(["posts/2024/a/x.html", "posts/2024/b.html"], 1) == ["/posts/2024/*"]


def test_a_folder_whose_name_only_begins_alike_is_not_shared() -> None:
    assert paths(["blog/a.html", "blog-old/a.html"], 1) == ["/*"]


def test_too_many_paths_all_over_the_site_become_the_whole_site() -> None:
    assert paths(["index.html", "posts/a.html", "posts/b.html"], 3) == ["/*"]


def test_as_many_as_allowed_are_still_named() -> None:
    assert paths(["a.html", "b.html"], 2) == ["/a.html", "/b.html"]


@pytest.mark.parametrize(
    ("path", "as_sent"),
    [
        ("/über uns/", "/%C3%BCber%20uns/"),
        ("/a+b&c=d,e;f:g@h!$'()-_.html", "/a+b&c=d,e;f:g@h!$'()-_.html"),
        ("/100%.html", "/100%25.html"),
        ('/a<b>"c#d?e{f}|\\^[g]`', "/a%3Cb%3E%22c%23d%3Fe%7Bf%7D%7C%5C%5E%5Bg%5D%60"),
        ("/日本.html", "/%E6%97%A5%E6%9C%AC.html"),
    ],
)
def test_only_what_is_unsafe_or_not_ascii_is_encoded(path: str, as_sent: str) -> None:
    assert encoded(path) == as_sent


def test_what_is_encoded_already_can_stay_as_it_is() -> None:
    assert encoded("/%C3%BCber uns/*", keep_percent=True) == "/%C3%BCber%20uns/*"


def test_what_has_no_form_that_works_is_forgotten_by_its_beginning() -> None:
    assert paths(["js/main~vendor.js"], 15) == ["/js/main*"]
    assert paths(["odd*name.html"], 15) == ["/odd*"], "a * may only stand at the end"


def test_more_wildcards_than_cloudfront_takes_at_once_become_one() -> None:
    names = [f"js/{number:02}~x.js" for number in range(16)]
    assert paths(names[:15], 3000) == [f"/js/{number:02}*" for number in range(15)]
    assert paths(names, 3000) == ["/js/*"]


# -- against moto --------------------------------------------------------------------------------


def test_an_invalidation_is_made_and_waited_for(moto: Moto) -> None:
    distribution = Distribution(moto.make_distribution(), endpoint_url=moto.url)
    made = distribution.invalidate(["/b", "/a", "/a"], "release-1")
    assert distribution.wait(made.id, 10).is_done, "moto says COMPLETED, CloudFront Completed"
    (seen,) = moto.invalidations(distribution.id)
    assert (seen["id"], seen["paths"]) == (made.id, ["/a", "/b"])
    assert seen["reference"].startswith("release-1")


def test_the_reference_is_the_same_for_the_same_paths_alone(moto: Moto) -> None:
    distribution = Distribution(moto.make_distribution(), endpoint_url=moto.url)
    distribution.invalidate(["/a", "/b"], "release-1")
    distribution.invalidate(["/b", "/a"], "release-1")
    distribution.invalidate(["/c"], "release-1")
    distribution.invalidate(["/a", "/b"], "release-2")
    first, again, other, later = (one["reference"] for one in moto.invalidations(distribution.id))
    assert first == again
    assert len({first, other, later}) == 3


def test_a_distribution_that_is_not_there_is_told(moto: Moto) -> None:
    with pytest.raises(TaskFailed) as caught:
        Distribution("E0NOTTHERE", endpoint_url=moto.url).invalidate(["/*"], "r")
    error = caught.value.error
    assert (error.code, error.action) == ("no_such_distribution", "escalate")
    assert "E0NOTTHERE" in error.message


def test_without_credentials_it_is_told(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(TaskFailed) as caught:
        Distribution("E0", endpoint_url=moto.url).invalidate(["/*"], "r")
    assert (caught.value.error.code, caught.value.error.action) == (
        "no_aws_credentials",
        "escalate",
    )


# -- against a stand-in, for what moto cannot do: quotas, refusals and invalidations that last ----

_DONE = (
    "<Invalidation><Id>I1</Id><Status>{status}</Status><CreateTime>2026-01-19T14:30:00Z</CreateTime>"
    "<InvalidationBatch><Paths><Quantity>1</Quantity><Items><Path>/*</Path></Items></Paths>"
    "<CallerReference>r</CallerReference></InvalidationBatch></Invalidation>"
)


def _error(code: str) -> str:
    return f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code></Error></ErrorResponse>"


def _refused(code: str, status: int = 400) -> tuple[int, str]:
    return status, _error(code)


def _said(status: str, code: int = 200) -> tuple[int, str]:
    return code, _DONE.format(status=status)


@contextmanager
def cloudfront_that_answers(*answers: tuple[int, str]) -> Iterator[tuple[str, list[str]]]:
    """Its URL, and the methods it was asked with; the last answer is given for ever."""
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            self.do_GET()

        def do_GET(self) -> None:
            status, body = answers[min(len(asked), len(answers) - 1)]
            asked.append(self.command)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it would have waited each time."""
    waited: list[float] = []

    def pause(seconds: float, check: object) -> None:
        waited.append(seconds)

    monkeypatch.setattr(cloudfront, "pause", pause)
    return waited


def test_it_waits_while_too_many_invalidations_are_under_way(paused: list[float]) -> None:
    full = _refused("TooManyInvalidationsInProgress")
    with cloudfront_that_answers(full, full, _said("InProgress", 201)) as (url, asked):
        made = Distribution("E1", endpoint_url=url).invalidate(["/*"], "r")
    assert made == Invalidation("I1", "InProgress")
    assert (paused, asked) == ([2, 4], ["POST"] * 3)


def test_it_gives_up_when_cloudfronts_quota_stays_used_up(paused: list[float]) -> None:
    with (
        cloudfront_that_answers(_refused("TooManyInvalidationsInProgress")) as (url, _),
        pytest.raises(TaskFailed) as caught,
    ):
        Distribution("E1", endpoint_url=url).invalidate(["/*"], "r", seconds=1)
    assert (caught.value.error.code, caught.value.error.action) == ("cloudfront_quota", "retry")


def test_it_looks_until_the_invalidation_is_completed(paused: list[float]) -> None:
    answers = (_said("InProgress"), _said("InProgress"), _said("Completed"))
    with cloudfront_that_answers(*answers) as (url, asked):
        assert Distribution("E1", endpoint_url=url).wait("I1", 60).status == "Completed"
    assert (paused, asked) == ([1, 2], ["GET"] * 3)


def test_an_invalidation_that_takes_too_long_is_told_with_its_id() -> None:
    with (
        cloudfront_that_answers(_said("InProgress")) as (url, _),
        pytest.raises(TaskFailed) as caught,
    ):
        Distribution("E1", endpoint_url=url).wait("I1", 0)
    assert (caught.value.error.code, caught.value.error.action) == ("invalidation_pending", "retry")
    assert caught.value.outputs == {"invalidation_id": "I1"}


def test_a_task_that_is_cancelled_waits_no_longer() -> None:
    cancelled = TaskFailed(TaskError("cancelled", "so it was asked", "escalate"))
    looked = threading.Event()

    def check() -> None:
        if looked.is_set():
            raise cancelled
        looked.set()

    with cloudfront_that_answers(_said("InProgress")) as (url, _):
        distribution = Distribution("E1", endpoint_url=url, check=check)
        with pytest.raises(TaskFailed) as caught:
            distribution.wait("I1", 3600)
    assert caught.value is cancelled


def test_what_aws_refuses_is_explained() -> None:
    with (
        cloudfront_that_answers(_refused("AccessDenied", 403)) as (url, _),
        pytest.raises(TaskFailed) as caught,
    ):
        Distribution("E1", endpoint_url=url).invalidate(["/*"], "r")
    error = caught.value.error
    assert (error.code, error.action) == ("aws_access_denied", "escalate")
    assert "cloudfront:CreateInvalidation on the distribution E1 is not allowed" in error.message
