"""What goes wrong in a deploy: nothing is deleted after a failure, and the next one completes it.

Each failure of other tools that we know of is here: see the names.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.publisher import CSS, SITE, Publisher, make_publisher
from tests.deploy.servers import (
    READER,
    Answer,
    Effect,
    Request,
    before,
    held,
    refuse,
    reset_after,
    reset_before,
    say,
    truncated,
)

ONE = "posts/one/index.html"
MANY = {f"pages/{number:03}/index.html": f"<html>{number}</html>" for number in range(60)}


@pytest.fixture
def stale(publisher: Publisher) -> Publisher:
    """A published site of which a page is gone and another has changed since."""
    publisher.build({"old/index.html": "<html>old</html>"})
    publisher.published()
    publisher.proxy.clear()
    return publisher.build({"old/index.html": None, ONE: "<html>One, changed</html>"})


def _nothing_was_deleted(publisher: Publisher) -> bool:
    return publisher.live().get("old/index.html") == b"<html>old</html>"


# -- a phase that fails stops the rest -----------------------------------------------------------


def test_when_all_uploads_are_denied_the_stale_pages_stay(stale: Publisher) -> None:
    stale.proxy.on("PutObject", refuse(403, "AccessDenied"), key=ONE, times=0)
    result = stale.failed()
    assert result["error"]["code"] == "aws_access_denied"
    assert "s3:PutObject" in result["error"]["message"] + result["error"]["hint"]
    assert result["error"]["action"] == "escalate"
    assert result["outputs"]["live"] == "partial"
    assert _nothing_was_deleted(stale)


def test_an_asset_that_fails_keeps_the_pages_that_name_it_from_being_sent(
    publisher: Publisher,
) -> None:
    publisher.proxy.on("PutObject", refuse(403, "AccessDenied"), key=CSS, times=0)
    publisher.failed()
    assert not [key for key in publisher.live() if key.endswith(".html")]


def test_a_style_that_changed_is_not_sent_before_the_new_pictures_that_it_names(
    publisher: Publisher,
) -> None:
    publisher.build({"style.css": "body{color:navy}", "other.css": "p{color:navy}"})
    publisher.published()
    publisher.build({"style.css": "body{background:url(new.png)}", "new.png": b"\x89PNG"})
    publisher.proxy.on("PutObject", refuse(403, "AccessDenied"), key="new.png", times=0)
    publisher.failed()
    assert publisher.live()["style.css"] == b"body{color:navy}"


def test_a_burst_of_503_is_waited_out_and_nothing_is_missing(stale: Publisher) -> None:
    stale.build(MANY)
    stale.proxy.on("PutObject", refuse(503, "SlowDown"), key="pages/", times=30)
    stale.published()
    assert stale.live() == stale.expected()


def test_an_endless_503_ends_as_a_passing_fault_and_deletes_nothing(publisher: Publisher) -> None:
    publisher.put("old/index.html", "<html>old</html>")
    publisher.proxy.on("ListObjectsV2", refuse(503, "SlowDown"), times=0)
    publisher.program.submit("hugo-deploy-dev")
    publisher.program("sweep")
    (task,) = publisher.program.root.glob("tasks/waiting/*.md")
    assert "not_before" in task.read_text(), "it is tried again by itself"
    assert _nothing_was_deleted(publisher)


@pytest.mark.parametrize("fault", [reset_before, reset_after, truncated(0)])
def test_a_connection_that_breaks_once_is_no_failure(publisher: Publisher, fault: Effect) -> None:
    publisher.proxy.on("PutObject", fault, key="index.html", times=2)
    publisher.proxy.on("ListObjectsV2", fault)
    publisher.published()
    assert publisher.live() == publisher.expected()


def test_a_listing_that_is_cut_off_never_passes_for_a_small_bucket(stale: Publisher) -> None:
    stale.proxy.on("ListObjectsV2", truncated(200), times=2)
    assert stale.published()["deleted_files"] == 1
    assert stale.live() == stale.expected()


def test_a_deletion_that_is_refused_for_one_key_is_told_though_the_answer_is_200(
    stale: Publisher,
) -> None:
    answer = (
        "<DeleteResult><Error><Key>old/index.html</Key><Code>AccessDenied</Code>"
        "<Message>no</Message></Error></DeleteResult>"
    )
    stale.proxy.on("DeleteObjects", say(200, answer))
    result = stale.failed()
    assert result["error"]["code"] == "aws_access_denied"
    assert "s3:DeleteObject" in result["error"]["message"] + result["error"]["hint"]
    assert result["outputs"]["deleted_files"] == 0
    stale.published()
    assert stale.live() == stale.expected()


def test_the_next_deploy_completes_one_that_stopped_half_way(publisher: Publisher) -> None:
    publisher.build(MANY)
    publisher.proxy.on("PutObject", refuse(403, "AccessDenied"), key="pages/030/", times=0)
    result = publisher.failed()
    assert result["outputs"]["live"] == "partial"
    assert 0 < result["outputs"]["uploaded_files"] < len(publisher.files)
    publisher.proxy.clear()
    outputs = publisher.published()
    assert outputs["unchanged_files"] == result["outputs"]["uploaded_files"]
    assert publisher.live() == publisher.expected()


# -- what must not be published ------------------------------------------------------------------


def test_an_empty_public_does_not_wipe_the_site(stale: Publisher) -> None:
    before = stale.live()
    stale.build(dict.fromkeys(stale.files))
    assert stale.failed()["error"]["code"] == "empty_site"
    assert stale.live() == before


def test_a_site_far_smaller_than_the_live_one_is_refused(publisher: Publisher) -> None:
    publisher.build(MANY)
    publisher.published()
    publisher.build(dict.fromkeys(MANY))
    result = publisher.failed()
    assert result["error"]["code"] == "site_shrunk"
    assert result["outputs"]["live"] == "untouched"
    assert publisher.live().keys() > SITE.keys()


def test_too_many_deletions_are_refused_with_the_list_of_them(publisher: Publisher) -> None:
    publisher.build(MANY).published()
    publisher.build(dict.fromkeys(list(MANY)[:25]))
    result = publisher.failed()
    assert result["error"]["code"] == "too_many_deletes"
    assert set(result["outputs"]["would_delete"]) == set(list(MANY)[:25])
    assert "environments.dev.deploy in workflow.yaml" in result["error"]["hint"]
    assert "`max_deletes: {number: 25, share: 1}`" in result["error"]["hint"]
    assert len(publisher.live()) == len(SITE) + len(MANY)
    publisher.configure(max_deletes={"number": 25, "share": 0.5})
    assert publisher.published()["deleted_files"] == 25


def test_a_task_may_ask_for_more_deletions_only_where_somebody_approves(
    publisher: Publisher,
) -> None:
    publisher.build(MANY).published()
    publisher.build(dict.fromkeys(list(MANY)[:25]))
    assert publisher.failed("dev", "max_deletes=25")["error"]["code"] == "too_many_deletes"


def test_a_link_out_of_the_site_is_not_published(publisher: Publisher) -> None:
    (publisher.public / "passwd").symlink_to("/etc/passwd")
    publisher.record()
    assert publisher.failed()["error"]["code"] == "bad_link"
    assert publisher.live() == {}


def test_a_link_within_the_site_is_published_as_what_it_leads_to(publisher: Publisher) -> None:
    (publisher.public / "home.html").symlink_to("index.html")
    publisher.record()
    publisher.published()
    assert publisher.live()["home.html"] == publisher.expected()["index.html"]


@pytest.mark.parametrize("name", [".env", "keys/id_rsa", ".git/config", "server.pem"])
def test_what_looks_like_a_secret_is_not_published(publisher: Publisher, name: str) -> None:
    publisher.build({name: "x"})
    assert publisher.failed()["error"]["code"] == "secrets_found"
    assert publisher.live() == {}


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"environment": "production"}, "wrong_build"),
        ({"base_url": "https://elsewhere.example/"}, "wrong_build"),
        ({"digest": "0" * 64}, "changed_since_build"),
    ],
)
def test_a_site_that_was_built_otherwise_is_not_published(
    publisher: Publisher, record: dict[str, str], code: str
) -> None:
    publisher.record(**record)
    result = publisher.failed()
    assert result["error"]["code"] == code
    assert result["error"]["action"] == "fix"
    assert "workflow submit hugo-build --env dev" in result["error"]["hint"]
    assert publisher.live() == {}
    again = "workflow submit hugo-build --env dev --then hugo-deploy-dev"
    assert f"`{again}`" in result["body"], "another try of the deploy alone fails again"
    verified = publisher.program("verify", result["task_id"], "--json")
    assert [step["cmd"] for step in verified.json["next"]] == [again]
    assert verified.data["live"] == "untouched"
    for words in (result["body"], json.dumps(verified.json)):
        assert "workflow logs" not in words, "it printed nothing"
        assert "the site is as it was before" in words


# -- content that changes while it is published --------------------------------------------------


@pytest.mark.parametrize("same_size", [True, False])
def test_content_that_is_swapped_during_the_upload_is_never_sent(
    publisher: Publisher, same_size: bool
) -> None:
    swapped = b"<html>Evil</html>" if same_size else b"<html>Evil, and longer</html>"
    publisher.build({ONE: "<html>Good</html>"})

    def swap() -> None:
        (publisher.public / ONE).write_bytes(swapped)

    publisher.proxy.on("PutObject", before(swap), key=CSS)
    result = publisher.failed()
    assert result["error"]["code"] == "content_changed"
    assert result["outputs"]["live"] == "partial"
    assert publisher.live().get(ONE) in (None, b"<html>Good</html>")
    assert publisher.website.answer("/posts/one/").body != swapped


def test_files_that_vanish_during_the_upload_are_told(publisher: Publisher) -> None:
    publisher.put("old/index.html", "<html>old</html>")
    publisher.proxy.on("PutObject", before(lambda: (publisher.public / ONE).unlink()), key=CSS)
    assert publisher.failed()["error"]["code"] == "content_changed"
    assert _nothing_was_deleted(publisher)


# -- two at once, and cut off --------------------------------------------------------------------


def test_a_deploy_from_another_machine_keeps_this_one_out(
    publisher: Publisher, tmp_path: Path
) -> None:
    release, under_way = threading.Event(), threading.Event()

    def hold(request: Request, forward: Callable[[], Answer]) -> Answer:
        under_way.set()
        return held(release)(request, forward)

    publisher.proxy.on("PutObject", hold, key=CSS)
    publisher.program.submit("hugo-deploy-dev")
    first = publisher.program.start("sweep")
    assert under_way.wait(30)
    (tmp_path / "other").mkdir()
    other = make_publisher(
        tmp_path / "other", publisher.server, publisher.proxy, publisher.website, publisher.bucket
    )
    task_id = other.program.submit("hugo-deploy-dev")
    other.program("sweep")
    assert other.program.states(task_id) == ["waiting"], "it is tried again by itself"
    record = other.program.exchange.read_lease(task_id).decode()
    assert "target_locked" in record
    release.set()
    assert first.wait(30) == 0
    assert publisher.live() == publisher.expected()
    assert publisher.private() == {".workflow/environment-dev"}


def test_a_deploy_that_is_killed_ends_as_interrupted_and_the_next_one_completes_it(
    publisher: Publisher,
) -> None:
    publisher.put("old/index.html", "<html>old</html>")
    under_way = threading.Event()

    def hang(request: Request, forward: Callable[[], Answer]) -> Answer:
        under_way.set()
        return held(threading.Event())(request, forward)

    publisher.proxy.on("PutObject", hang, key=ONE)
    task_id = publisher.program.submit("hugo-deploy-dev")
    sweep = publisher.program.start("sweep")
    assert under_way.wait(30)
    sweep.send_signal(signal.SIGKILL)
    sweep.wait()
    publisher.program("sweep")
    result = publisher.program.result(task_id)
    assert (result["status"], result["error"]["code"]) == ("failed", "interrupted")
    assert result["outputs"]["live"] == "partial"
    verdict = result["body"].strip().splitlines()[0]
    assert verdict.endswith("had been sent; a mixture of the old and the new site may be live.")
    assert f"`workflow retry {task_id}`" in result["body"]
    assert "workflow logs" not in result["body"]
    assert _nothing_was_deleted(publisher)
    assert len(result["attempts"]) == 1, "never twice by itself"
    _let_the_lock_expire(publisher)
    publisher.proxy.clear()
    publisher.published()
    assert publisher.live() == publisher.expected()


def _let_the_lock_expire(publisher: Publisher) -> None:
    """The dead deploy's lock, as it will be in ten minutes."""
    key = ".workflow/lock.json"
    found = publisher.server.objects(publisher.bucket)
    said = json.loads(found[key])
    said["expires_at"] = "2026-01-01T00:00:00Z"
    publisher.put(key, json.dumps(said))


def test_a_deploy_that_is_cancelled_stops_at_once_and_says_what_is_live(
    publisher: Publisher,
) -> None:
    publisher.put("old/index.html", "<html>old</html>")
    publisher.build(MANY)
    under_way, release = threading.Event(), threading.Event()

    def hold(request: Request, forward: Callable[[], Answer]) -> Answer:
        under_way.set()
        return held(release)(request, forward)

    publisher.proxy.on("PutObject", hold, key="pages/010/")
    task_id = publisher.program.submit("hugo-deploy-dev")
    sweep = publisher.program.start("sweep")
    assert under_way.wait(30)
    publisher.program("cancel", task_id)
    release.set()
    assert sweep.wait(30) == 0
    result = publisher.program.result(task_id)
    assert result["status"] in ("cancelled", "success")
    if result["status"] == "cancelled":
        assert result["outputs"]["live"] in ("partial", "complete")
        assert _nothing_was_deleted(publisher)
    assert ".workflow/lock.json" not in publisher.private()


# -- what AWS refuses ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("effect", "code", "action"),
    [
        (refuse(400, "ExpiredToken"), "aws_token_expired", "escalate"),
        (refuse(403, "SignatureDoesNotMatch"), "aws_signature", "escalate"),
        (refuse(403, "RequestTimeTooSkewed"), "clock_skew", "escalate"),
        (refuse(403, "AccessDenied"), "aws_access_denied", "escalate"),
        (refuse(404, "NoSuchBucket"), "no_such_bucket", "escalate"),
        (
            refuse(301, "PermanentRedirect", x_amz_bucket_region="eu-central-1"),
            "aws_wrong_region",
            "escalate",
        ),
    ],
)
def test_what_aws_refuses_has_its_code_and_says_who_acts(
    publisher: Publisher, effect: Effect, code: str, action: str
) -> None:
    publisher.proxy.on("*", effect, times=0)
    result = publisher.failed()
    assert (result["error"]["code"], result["error"]["action"]) == (code, action)
    assert result["outputs"]["live"] == "untouched"
    assert result["error"]["hint"]


def test_no_credentials_are_told_as_such(publisher: Publisher) -> None:
    publisher.program.extra.update({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""})
    result = publisher.failed()
    assert result["error"]["code"] == "no_aws_credentials"
    assert publisher.live() == {}


def test_credentials_that_may_only_read_are_told_the_right_that_is_missing(
    publisher: Publisher,
) -> None:
    publisher.program.extra.update(READER.environ)
    result = publisher.failed()
    assert result["error"]["code"] == "aws_access_denied"
    assert "s3:PutObject" in result["error"]["message"] + result["error"]["hint"]


def test_no_secret_stands_in_any_file_of_the_exchange(publisher: Publisher) -> None:
    publisher.program.extra["AWS_SESSION_TOKEN"] = "sessiontokensessiontoken"
    publisher.proxy.on("PutObject", refuse(403, "AccessDenied"), key="index.html", times=0)
    publisher.deploy()
    for path in publisher.program.root.rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            assert b"testsecret" not in raw and b"sessiontoken" not in raw, path


# -- verification --------------------------------------------------------------------------------


def test_a_cache_that_is_late_is_waited_for(publisher: Publisher) -> None:
    publisher.published()
    publisher.website.stay("/posts/one/", 2)
    publisher.build({ONE: "<html>One, changed</html>"})
    assert publisher.published()["verified_files"] > 0


def test_a_site_that_stays_stale_fails_the_deploy_and_deletes_nothing(stale: Publisher) -> None:
    stale.website.stay("/posts/one/", 10_000)
    stale.configure(verify={"timeout_seconds": 0.5})
    task_id = stale.program.submit("hugo-deploy-dev")
    stale.program("sweep")
    assert stale.program.states(task_id) == ["waiting"], "a cache may need longer: tried again"
    assert "stale_site" in stale.program.exchange.read_lease(task_id).decode()
    assert stale.live()[ONE] == b"<html>One, changed</html>"
    assert _nothing_was_deleted(stale)


def test_a_site_that_nobody_serves_fails_the_deploy(publisher: Publisher) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    publisher.configure(verify_url=f"http://127.0.0.1:{port}", verify={"timeout_seconds": 0.2})
    task_id = publisher.program.submit("hugo-deploy-dev")
    publisher.program("sweep")
    assert "site_unreachable" in publisher.program.exchange.read_lease(task_id).decode()
    assert publisher.live() == publisher.expected()


# -- the disk ------------------------------------------------------------------------------------


def test_a_way_back_that_cannot_be_kept_does_not_stop_the_site(publisher: Publisher) -> None:
    store = publisher.program.root / ".workflow/objects"
    store.parent.mkdir(exist_ok=True)
    store.write_text("in the way")
    result: dict[str, Any] = publisher.deploy()
    assert publisher.live() == publisher.expected()
    assert result["outputs"]["live"] == "complete"
    assert os.path.isfile(store)
