"""Going back to an earlier release: planned, approved and verified like any deploy."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.deploy.publisher import CSS, Publisher

ONE = "posts/one/index.html"
TWO = "posts/two/index.html"
NEW = CSS.replace("0123", "abcd", 1)


@pytest.fixture
def twice(publisher: Publisher) -> Publisher:
    """A site that was published twice, the second time with other pages and another style."""
    publisher.published()
    publisher.build(
        {
            ONE: "<html>One, worse</html>",
            "new/index.html": "<html>new</html>",
            CSS: None,
            NEW: "body{color:red}",
            "index.html": f"<html>{NEW}</html>",
        }
    )
    publisher.published()
    return publisher


def _roll_back(publisher: Publisher, *words: str) -> dict[str, object]:
    task_id = publisher.program("rollback", "--env", "dev", *words).out.strip()
    publisher.program("sweep")
    result = publisher.program.result(task_id)
    assert result["status"] == "success", result.get("error")
    outputs: dict[str, object] = result["outputs"]
    return outputs


def test_the_release_before_is_live_again_and_what_came_since_is_gone(twice: Publisher) -> None:
    outputs = _roll_back(twice)
    live = twice.live()
    assert live[ONE] == b"<html>One</html>"
    assert live[CSS] == b"body{color:navy}"
    assert "new/index.html" not in live
    assert str(outputs["restores"]).startswith("dev-0001-")
    assert outputs["http_status"] == 200


def test_what_is_in_public_does_not_matter(twice: Publisher) -> None:
    shutil.rmtree(twice.public)
    _roll_back(twice)
    assert twice.live()[ONE] == b"<html>One</html>"


def test_a_dry_run_of_going_back_changes_nothing(twice: Publisher) -> None:
    outputs = _roll_back(twice, "--dry-run")
    assert (outputs["would_upload"], outputs["live"]) == (2, "untouched")
    assert twice.live()[ONE] == b"<html>One, worse</html>"


def test_going_back_and_deploying_again_leads_forward(twice: Publisher) -> None:
    _roll_back(twice)
    twice.published()
    assert twice.live()[ONE] == b"<html>One, worse</html>"


def test_any_kept_release_can_be_named(twice: Publisher) -> None:
    twice.build({ONE: "<html>One, third</html>"}).published()
    listed = twice.program("rollback", "--env", "dev", "--list", "--json").data
    assert [r["release"][:8] for r in listed["releases"]] == ["dev-0003", "dev-0002", "dev-0001"]
    assert listed["live"].startswith("dev-0003")
    _roll_back(twice, "--to", listed["releases"][-1]["release"])
    assert twice.live()[ONE] == b"<html>One</html>"
    shown = twice.program("rollback", "--env", "dev", "--list")
    assert "brings back dev-0001-" in shown.out


def test_a_release_that_is_not_kept_is_refused_with_those_that_are(twice: Publisher) -> None:
    refused = twice.program("rollback", "--env", "dev", "--to", "dev-0099-00000000")
    assert refused.code == 5
    assert "dev-0002-" in refused.err
    assert twice.program("rollback", "--env", "nowhere").code == 2


def test_there_is_nothing_to_go_back_to_after_one_release(publisher: Publisher) -> None:
    publisher.published()
    refused = publisher.program("rollback", "--env", "dev")
    assert refused.code == 5
    assert "nothing" in refused.err or "no release" in refused.err


def test_bytes_that_are_lost_here_come_from_the_buckets_own_versions(publisher: Publisher) -> None:
    publisher.server.keep_versions(publisher.bucket)
    publisher.published()
    publisher.build({ONE: "<html>One, worse</html>"}).published()
    shutil.rmtree(publisher.program.root / ".workflow/objects")
    shutil.rmtree(publisher.public)
    _roll_back(publisher)
    assert publisher.live()[ONE] == b"<html>One</html>"


def test_versions_that_have_expired_are_missed_before_anything_is_sent(
    publisher: Publisher,
) -> None:
    publisher.server.keep_versions(publisher.bucket)
    publisher.published()
    publisher.build({ONE: "<html>One, worse</html>", TWO: "<html>Two, worse</html>"}).published()
    client = publisher.server.client()
    listed = client.list_object_versions(Bucket=publisher.bucket, Prefix=TWO)["Versions"]
    (old,) = [one["VersionId"] for one in listed if not one["IsLatest"]]
    client.delete_object(Bucket=publisher.bucket, Key=TWO, VersionId=old)
    shutil.rmtree(publisher.program.root / ".workflow/objects")
    task_id = publisher.program("rollback", "--env", "dev").out.strip()
    publisher.program("sweep")
    result = publisher.program.result(task_id)
    assert (result["error"]["code"], result["outputs"]["live"]) == (
        "release_incomplete",
        "untouched",
    )
    assert result["outputs"]["lost"] == [TWO]
    assert publisher.live()[ONE] == b"<html>One, worse</html>"


def test_a_release_for_another_address_is_not_brought_back(twice: Publisher) -> None:
    config = twice.program.root / "workflow.yaml"
    said = json.loads(config.read_text())
    said["environments"]["dev"]["base_url"] = "https://new.example/"
    config.write_text(json.dumps(said))
    task_id = twice.program("rollback", "--env", "dev").out.strip()
    twice.program("sweep")
    assert twice.program.result(task_id)["error"]["code"] == "wrong_build"
    assert twice.live()[ONE] == b"<html>One, worse</html>"


def test_a_release_whose_bytes_are_nowhere_any_more_is_refused_untouched(
    twice: Publisher,
) -> None:
    before = twice.live()
    shutil.rmtree(twice.program.root / ".workflow/objects")
    task_id = twice.program("rollback", "--env", "dev").out.strip()
    twice.program("sweep")
    result = twice.program.result(task_id)
    assert result["error"]["code"] == "release_incomplete"
    assert result["outputs"]["live"] == "untouched"
    assert twice.live() == before


def test_bytes_that_were_tampered_with_are_not_published(twice: Publisher) -> None:
    for path in (twice.program.root / ".workflow/objects").glob("*.pack"):
        path.write_bytes(path.read_bytes().replace(b"<html>One</html>", b"<html>Bad</html>"))
    task_id = twice.program("rollback", "--env", "dev").out.strip()
    twice.program("sweep")
    result = twice.program.result(task_id)
    assert (result["error"]["code"], result["outputs"]["live"]) == (
        "release_incomplete",
        "untouched",
    )
    assert twice.live()[ONE] == b"<html>One, worse</html>"


def test_where_approval_is_asked_for_going_back_asks_too(publisher: Publisher) -> None:
    publisher.configure("staging", approval="none").build(environment="staging")
    publisher.published("staging")
    publisher.build({ONE: "<html>One, worse</html>"}, "staging").published("staging")
    publisher.configure("staging")
    task_id = publisher.program("rollback", "--env", "staging").out.strip()
    publisher.program("sweep")
    assert publisher.program.states(task_id) == ["waiting"]
    assert publisher.live()[ONE] == b"<html>One, worse</html>"
    digest = publisher.program("plan", task_id, "--field", "data.digest").out.strip()
    assert publisher.program("approve", task_id, "staging", digest[:8]).code == 0
    publisher.program("sweep")
    assert publisher.live()[ONE] == b"<html>One</html>"


def test_manifests_can_be_left_in_the_bucket_too(publisher: Publisher) -> None:
    publisher.configure(releases={"in_bucket": True})
    publisher.published()
    (kept,) = [key for key in publisher.private() if "releases/" in key]
    assert kept.startswith(".workflow/releases/dev-0001-")


def test_no_release_is_kept_where_none_is_wanted(publisher: Publisher) -> None:
    publisher.configure(releases={"keep": 0})
    publisher.published()
    assert not list(publisher.program.root.glob(".workflow/releases/dev/*.json"))
    assert not list(publisher.program.root.glob(".workflow/objects/*"))
    assert publisher.program("rollback", "--env", "dev").code == 5


def _next(publisher: Publisher) -> list[str]:
    listed = publisher.program("rollback", "--env", "dev", "--list", "--json")
    return [step["cmd"] for step in listed.json["next"]]


def test_the_list_proposes_what_rollback_does_by_itself(twice: Publisher) -> None:
    (proposed,) = _next(twice)
    assert proposed.startswith("workflow rollback --env dev --to dev-0001-")
    assert proposed.endswith(str(_roll_back(twice)["restores"]))


def test_of_one_release_the_list_proposes_nothing(publisher: Publisher) -> None:
    publisher.published()
    assert _next(publisher) == []


def test_after_going_back_as_far_as_there_is_the_way_forward_is_named(twice: Publisher) -> None:
    task_id = twice.program("rollback", "--env", "dev").out.strip()
    twice.program("sweep")
    (proposed,) = _next(twice)
    assert proposed.startswith("workflow rollback --env dev --to dev-0002-")
    refused = twice.program("rollback", "--env", "dev")
    assert refused.code == 5
    assert proposed in refused.err
    assert f"If it is wrong: `{proposed}`" in twice.program.result(task_id)["body"]


def test_a_first_release_is_not_said_to_have_a_way_back(publisher: Publisher) -> None:
    first = publisher.deploy()
    assert "workflow rollback" not in first["body"]
    second = publisher.build({ONE: "<html>One, changed</html>"}).deploy()
    assert "If it is wrong: `workflow rollback --env dev`" in second["body"]


def test_the_list_says_that_newer_content_is_live_which_nobody_has_seen_served(
    twice: Publisher,
) -> None:
    twice.configure(verify_url="http://127.0.0.1:9", verify={"timeout_seconds": 0})
    twice.build({ONE: "<html>One, newest</html>"})
    task_id = twice.program.submit("hugo-deploy-dev")
    twice.program("sweep")
    assert twice.live()[ONE] == b"<html>One, newest</html>"
    listed = twice.program("rollback", "--env", "dev", "--list")
    assert f"Newer content is live, unverified: all files were sent by {task_id}" in listed.out
    assert " live " not in listed.out.split("RELEASE", 1)[1]
    data = twice.program("rollback", "--env", "dev", "--list", "--json").data
    assert (data["live"], data["last_verified"][:8]) == (None, "dev-0002")
    (proposed,) = _next(twice)
    assert proposed.startswith("workflow rollback --env dev --to dev-0002-")


def test_a_dry_run_of_going_back_ends_with_the_command_that_does_it(twice: Publisher) -> None:
    ran = twice.program("rollback", "--env", "dev", "--dry-run", "--json")
    task_id = ran.data["task_id"]
    assert [step["cmd"] for step in ran.json["next"]] == [f"workflow wait {task_id}"]
    twice.program("sweep")
    command = f"`workflow rollback --env dev --to {ran.data['release']}`"
    assert command in twice.program.result(task_id)["body"]
