"""Nothing is published to an environment that asks for approval but what somebody approved."""

from __future__ import annotations

import json

import pytest

from tests.deploy.publisher import CSS, Publisher
from tests.deploy.servers import before
from tests.program import Ran

ONE = "posts/one/index.html"


@pytest.fixture
def staging(publisher: Publisher) -> Publisher:
    return publisher.configure("staging").build(environment="staging")


def _waits(publisher: Publisher, *words: str) -> tuple[str, str]:
    """Submit and plan a deploy to staging; its id and the digest that is to be approved."""
    task_id = publisher.program.submit("hugo-deploy-staging", *words)
    publisher.program("sweep")
    assert publisher.program.states(task_id) == ["waiting"]
    return task_id, publisher.program("plan", task_id, "--field", "data.digest").out.strip()


def _approve(publisher: Publisher, task_id: str, digest: str) -> Ran:
    return publisher.program("approve", task_id, "staging", digest[:8])


def test_one_approval_takes_a_deploy_from_its_plan_to_the_site(staging: Publisher) -> None:
    task_id, digest = _waits(staging)
    assert staging.live() == {}
    assert staging.private() == set(), "waiting holds no lock"
    waited = staging.program("wait", task_id, "--until", "approval")
    assert waited.code == 4
    assert f"workflow approve {task_id} staging {digest[:8]}" in waited.err
    assert _approve(staging, task_id, digest).code == 0
    staging.program("sweep")
    result = staging.program.result(task_id)
    assert result["status"] == "success", result.get("error")
    assert staging.live() == staging.expected()
    agreed = result["outputs"]["approval"]
    assert (agreed["way"], agreed["digest"]) == ("approved", digest)


def test_a_plan_shows_each_file_with_the_reason_and_what_it_is_stored_as(
    staging: Publisher,
) -> None:
    task_id, digest = _waits(staging)
    shown = staging.program("plan", task_id)
    assert shown.code == 0, shown.err
    assert f"s3://{staging.bucket}" in shown.out
    assert digest[:8] in shown.out + shown.err
    said = staging.program("plan", task_id, "--json").data
    (step,) = [s for s in said["details"]["actions"] if s["path"] == CSS]
    assert step["action"] == "new"
    assert step["reason"] == "not there yet"
    assert step["content_type"] == "text/css; charset=utf-8"
    assert "immutable" in step["cache_control"]
    assert said["details"]["totals"]["new"] == len(staging.files)


def test_a_sweep_that_only_parks_a_task_says_what_to_do_about_it(staging: Publisher) -> None:
    task_id = staging.program.submit("hugo-deploy-staging")
    swept = staging.program("sweep", "--json")
    commands = [step["cmd"] for step in swept.json["next"]]
    assert commands[0] == f"workflow plan {task_id}"
    assert commands[1].startswith(f"workflow approve {task_id} staging ")


def test_without_approval_nothing_is_ever_published(staging: Publisher) -> None:
    _waits(staging)
    for _ in range(3):
        staging.program("sweep")
    assert staging.live() == {}
    assert not staging.proxy.counts["PutObject"]


def test_what_changed_after_it_was_approved_is_not_published(staging: Publisher) -> None:
    task_id, digest = _waits(staging)
    _approve(staging, task_id, digest)
    staging.build({ONE: "<html>swapped</html>"}, "staging")
    staging.program("sweep")
    result = staging.program.result(task_id)
    assert (result["status"], result["error"]["code"]) == ("failed", "stale_plan")
    assert f"({ONE} changed)" in result["error"]["message"]
    assert result["error"]["action"] == "escalate", "a person has to approve the next one"
    assert staging.live() == {}
    assert staging.program("wait", task_id).code == 6


def test_what_somebody_changed_by_hand_after_it_was_approved_is_a_stale_plan_too(
    staging: Publisher,
) -> None:
    task_id, digest = _waits(staging)
    _approve(staging, task_id, digest)
    (staging.public / ONE).write_text("<html>by hand</html>")
    staging.program("sweep")
    error = staging.program.result(task_id)["error"]
    assert error["code"] == "stale_plan"
    assert digest[:8] in error["message"]
    assert "something changed it since" in error["message"]
    assert "workflow submit hugo-build --env staging" in error["hint"]
    assert staging.live() == {}
    assert staging.program("wait", task_id).code == 6


def test_an_approval_of_another_plan_is_not_shown_as_one_of_this(staging: Publisher) -> None:
    task_id, digest = _waits(staging)
    _approve(staging, task_id, digest)
    shown = staging.program("plan", task_id)
    assert "approved by" in shown.out
    staging.configure("staging", prefix="sub")
    shown = staging.program("plan", task_id)
    assert "approved by" not in shown.out
    assert f"{digest[:8]} was approved; this is another plan" in shown.out
    assert f"workflow retry {task_id}" in shown.err
    said = staging.program("plan", task_id, "--json").data
    assert (said["approval"], said["stale_approval"]["digest"]) == (None, digest)


def test_a_plan_shows_the_server_the_region_the_site_and_the_commit(staging: Publisher) -> None:
    commit = "0123456789abcdef" * 2 + "01234567"
    staging.record("staging", git_commit=commit)
    task_id, _ = _waits(staging)
    shown = staging.program("plan", task_id).out
    assert f"to s3://{staging.bucket} at {staging.proxy.endpoint}" in shown
    assert f"site main, built with commit {commit[:12]} checked out, for region us-east-1" in shown
    said = staging.program("plan", task_id, "--json").data
    assert (said["to_send"], said["details"]["totals"]["new"]) == (6, 6)


def test_what_others_put_there_is_said_to_be_not_from_us(staging: Publisher) -> None:
    staging.put("foreign.txt", "a colleague's")
    staging.put(ONE, "somebody else's")
    task_id, digest = _waits(staging)
    actions = staging.program("plan", task_id, "--json").data["details"]["actions"]
    reasons = {action["path"]: action["reason"] for action in actions}
    assert reasons["foreign.txt"].startswith("not from us")
    assert reasons[ONE] == "not from us, and its content differs"
    _approve(staging, task_id, digest)
    staging.program("sweep")
    staging.build({ONE: "<html>One, changed</html>", CSS: None}, "staging")
    staging.configure("staging", keep_superseded_days=0)
    task_id, _ = _waits(staging)
    actions = staging.program("plan", task_id, "--json").data["details"]["actions"]
    reasons = {action["path"]: action["reason"] for action in actions}
    assert (reasons[ONE], reasons[CSS][:4]) == ("its content differs", "gone")


def test_a_plan_with_nothing_to_send_says_what_it_is_for(staging: Publisher) -> None:
    task_id, digest = _waits(staging)
    staging.configure("staging", verify_url="http://127.0.0.1:9", verify={"timeout_seconds": 0})
    _approve(staging, task_id, digest)
    staging.program("sweep")
    assert staging.live() == staging.expected()
    staging.program("cancel", task_id)
    staging.configure("staging")
    again, _ = _waits(staging, "--description", "again")
    shown = staging.program("plan", again)
    assert "6 unchanged; nothing to send, but to complete a deploy that did not end" in shown.out


def test_what_changed_before_it_was_approved_cannot_be_approved(staging: Publisher) -> None:
    task_id, digest = _waits(staging)
    staging.build({ONE: "<html>swapped</html>"}, "staging")
    refused = _approve(staging, task_id, digest)
    assert refused.code == 6
    assert "stale_plan" in staging.program("approve", task_id, "staging", digest, "--json").out
    staging.program("sweep")
    assert staging.live() == {}


def test_what_is_swapped_while_it_is_published_is_not_published(staging: Publisher) -> None:
    task_id, digest = _waits(staging)
    _approve(staging, task_id, digest)
    path = staging.public / ONE
    staging.proxy.on(
        "PutObject", before(lambda: (path.write_text("<html>Evil</html>"), None)[1]), key=CSS
    )
    staging.program("sweep")
    assert staging.program.result(task_id)["error"]["code"] == "content_changed"
    assert b"<html>Evil</html>" not in staging.live().values()


def test_an_approval_for_one_bucket_is_none_for_another(staging: Publisher) -> None:
    task_id, digest = _waits(staging)
    _approve(staging, task_id, digest)
    staging.bucket = staging.server.make_bucket()
    staging.configure("staging")
    staging.program("sweep")
    assert staging.program.result(task_id)["error"]["code"] == "stale_plan"
    assert staging.live() == {}


def test_an_approval_binds_the_headers_as_well(staging: Publisher) -> None:
    task_id, digest = _waits(staging)
    _approve(staging, task_id, digest)
    staging.configure("staging", objects=[{"match": "*.html", "content_type": "text/plain"}])
    staging.program("sweep")
    assert staging.program.result(task_id)["error"]["code"] == "stale_plan"
    assert staging.live() == {}


def test_a_small_change_needs_no_approval_where_the_owner_waives_it(staging: Publisher) -> None:
    staging.configure("staging", waive={"max_changed": 2, "max_deleted": 0})
    task_id, digest = _waits(staging)
    _approve(staging, task_id, digest)
    staging.program("sweep")
    staging.build({ONE: "<html>One, changed</html>"}, "staging")
    outputs = staging.published("staging")
    assert outputs["approval"]["way"] == "waived"
    assert "up to 2" in outputs["approval"]["reason"]
    staging.build({ONE: None}, "staging")
    _waits(staging, "--description", "a deletion")


def test_what_is_live_already_asks_nobody(staging: Publisher) -> None:
    task_id, digest = _waits(staging)
    _approve(staging, task_id, digest)
    staging.program("sweep")
    assert staging.published("staging")["uploaded_files"] == 0


def test_the_objects_are_listed_again_under_the_lock(staging: Publisher) -> None:
    """Between its plan and its approval others may have published: what is there now counts."""
    task_id, digest = _waits(staging)
    staging.put("index.html", "somebody else's")
    _approve(staging, task_id, digest)
    staging.program("sweep")
    assert staging.live() == staging.expected()
    log = staging.proxy.log
    locked = next(at for at, r in enumerate(log) if r.key == ".workflow/lock.json")
    assert "ListObjectsV2" in [request.operation for request in log[locked:]]


def test_more_deletions_can_be_asked_for_and_are_approved_with_the_plan(
    staging: Publisher,
) -> None:
    for number in range(20):
        staging.put(f"old/{number}.html", "x")
    staging.configure("staging", min_share=0)
    result = staging.failed("staging")
    assert result["error"]["code"] == "too_many_deletes"
    command = "`workflow submit hugo-deploy-staging --set max_deletes=20`"
    assert command in result["error"]["hint"]
    assert result["error"]["message"].endswith("20 in old/")
    task_id, digest = _waits(staging, "--set", "max_deletes=20")
    _approve(staging, task_id, digest)
    staging.program("sweep")
    assert staging.program.result(task_id)["outputs"]["deleted_files"] == 20


def _with_copies(publisher: Publisher, environment: str) -> None:
    """By mistake there are sixty pages more."""
    publisher.build(
        {f"copies/{number}/index.html": f"<p>{number}</p>" for number in range(60)}, environment
    )


def test_pages_that_came_by_mistake_are_taken_back_however_many_once_a_person_agrees(
    staging: Publisher,
) -> None:
    small = dict(staging.files)
    for is_slip in (False, True):
        if is_slip:
            _with_copies(staging, "staging")
        task_id, digest = _waits(staging)
        _approve(staging, task_id, digest)
        staging.program("sweep")
    assert len(staging.live()) == len(small) + 60
    back = staging.program("rollback", "--env", "staging").out.strip()
    staging.program("sweep")
    digest = staging.program("plan", back, "--field", "data.digest").out.strip()
    _approve(staging, back, digest)
    staging.program("sweep")
    assert staging.program.result(back)["outputs"]["deleted_files"] == 60
    assert staging.live().keys() == small.keys()


def test_going_back_takes_nothing_of_others_beyond_the_limit(staging: Publisher) -> None:
    for change in ({}, {"index.html": "<html>Home, worse</html>"}):
        staging.build(change, "staging")
        task_id, digest = _waits(staging)
        _approve(staging, task_id, digest)
        staging.program("sweep")
    for number in range(20):
        staging.put(f"theirs/{number}.html", "x")
    back = staging.program("rollback", "--env", "staging").out.strip()
    staging.program("sweep")
    error = staging.program.result(back)["error"]
    assert error["code"] == "too_many_deletes"
    assert error["message"].endswith("20 in theirs/")


def test_where_nobody_is_asked_going_back_has_the_limits_of_every_deploy(
    publisher: Publisher,
) -> None:
    publisher.configure("dev").build()
    publisher.published()
    _with_copies(publisher, "dev")
    publisher.published()
    back = publisher.program("rollback", "--env", "dev").out.strip()
    publisher.program("sweep")
    assert publisher.program.result(back)["error"]["code"] == "site_shrunk"
    assert len(publisher.live()) == len(publisher.files)


def test_what_came_since_it_was_approved_is_not_deleted(staging: Publisher) -> None:
    task_id, digest = _waits(staging)
    staging.put("rates/2026.pdf", "a colleague's")
    _approve(staging, task_id, digest)
    staging.program("sweep")
    assert staging.program.result(task_id)["error"]["code"] == "stale_plan"
    assert set(staging.live()) == {"rates/2026.pdf"}


def test_what_was_to_be_kept_when_it_was_approved_is_not_deleted(staging: Publisher) -> None:
    staging.put("downloads/form.zip", "x")
    staging.configure("staging", keep=["downloads/**"])
    task_id, digest = _waits(staging)
    staging.configure("staging")
    _approve(staging, task_id, digest)
    staging.program("sweep")
    assert staging.program.result(task_id)["error"]["code"] == "stale_plan"
    assert set(staging.live()) == {"downloads/form.zip"}


def test_a_deletion_that_was_shown_is_made(staging: Publisher) -> None:
    staging.put("old.html", "x")
    task_id, digest = _waits(staging)
    assert _approve(staging, task_id, digest).code == 0
    staging.program("sweep")
    assert staging.program.result(task_id)["outputs"]["deleted_files"] == 1


def test_what_comes_between_the_agreement_and_the_lock_is_not_deleted(staging: Publisher) -> None:
    """Also where nobody is asked, since the change is so small that the owner waives it."""
    staging.configure("staging", waive={"max_changed": 10, "max_deleted": 0})
    late = before(lambda: staging.put("late.pdf", "a colleague's"))
    staging.proxy.on("PutObject", late, key="lock.json")
    result = staging.failed("staging")
    assert result["error"]["code"] == "stale_plan"
    assert set(staging.live()) == {"late.pdf"}


def test_a_lock_that_is_taken_does_not_use_up_the_approval(staging: Publisher) -> None:
    task_id, digest = _waits(staging)
    held = {"token": "x", "holder": "other:1", "expires_at": "2099-01-01T00:00:00Z"}
    staging.put(".workflow/lock.json", json.dumps(held))
    assert _approve(staging, task_id, digest).code == 0
    staging.program("sweep")
    assert staging.program.states(task_id) == ["waiting"]
    assert (staging.program.root / f".workflow/approvals/{task_id}.json").exists()
    assert set(staging.live()) == set()


def test_planning_sends_nothing_also_where_nobody_is_asked(publisher: Publisher) -> None:
    task_id = publisher.program.submit("hugo-deploy-dev")
    assert publisher.program("plan", task_id).code == 0
    publisher.program("sweep")
    again = publisher.program.submit("hugo-deploy-dev")
    publisher.proxy.clear()
    assert "Nothing to do for dev" in publisher.program("plan", again).out
    assert not {"PutObject", "DeleteObject"} & publisher.proxy.counts.keys()


def test_production_wants_the_phrase_which_no_program_can_say(publisher: Publisher) -> None:
    publisher.configure("production").build(environment="production")
    task_id = publisher.program.submit("hugo-deploy-production")
    publisher.program("sweep")
    digest = publisher.program("plan", task_id, "--field", "data.digest").out.strip()
    refused = publisher.program("approve", task_id, "production", digest[:8])
    assert refused.code == 4
    publisher.program("sweep")
    assert publisher.live() == {}


def test_the_plan_and_who_agreed_to_it_stand_beside_the_result(staging: Publisher) -> None:
    task_id, digest = _waits(staging)
    _approve(staging, task_id, digest)
    staging.program("sweep")
    (plan,) = staging.program.root.glob(f"results/*/{task_id}.logs/plan.json")
    assert len(json.loads(plan.read_text())["actions"]) == len(staging.files)
    (release,) = staging.program.root.glob(".workflow/releases/staging/*.json")
    assert json.loads(release.read_text())["approval"]["digest"] == digest


def test_two_sweeps_never_publish_one_approval_twice(staging: Publisher) -> None:
    task_id, digest = _waits(staging)
    _approve(staging, task_id, digest)
    sweeps = [staging.program.start("sweep") for _ in range(2)]
    for sweep in sweeps:
        sweep.wait(60)
    assert staging.program.result(task_id)["status"] == "success"
    assert len([key for key in staging.sent() if key == "index.html"]) == 1
