"""The task type cloudfront-invalidate."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.deploy.moto import Moto
from tests.program import make_exchange
from workflow.config import Config, load_config
from workflow.deploy.cloudfront import Distribution, Invalidation
from workflow.errors import TaskError, TaskFailed
from workflow.handler import Context
from workflow.handlers import cloudfront_invalidate, find_type
from workflow.handlers.cloudfront_invalidate import Params, resources, run

pytestmark = pytest.mark.usefixtures("credentials")
TASK = "2026-01-19-1600-cloudfront-invalidate-staging"


def text(moto: Moto | None = None, distribution: str = "E1STAGING") -> str:
    deploy: dict[str, Any] = {"strategy": "native", "bucket": "bbb", "cloudfront_id": distribution}
    if moto is not None:
        deploy["cloudfront_endpoint_url"] = moto.url
    environments = {
        "dev": {"base_url": "http://localhost:1313/"},
        "staging": {"base_url": "https://staging.example.com/", "deploy": deploy},
    }
    sites = {"main": {"path": "site"}}
    return json.dumps({"version": 1, "sites": sites, "environments": environments})


def configured(folder: Path, *words: Any) -> Config:
    (folder / "workflow.yaml").write_text(text(*words))
    return load_config(folder)


def context(config: Config, **params: Any) -> Context:
    def run_program(*_: Any, **__: Any) -> Any:
        raise AssertionError("no program is run")

    return Context(
        task_id=TASK,
        task_type="cloudfront-invalidate",
        params=Params(environment="staging", **params),
        config=config,
        attempt=1,
        make_folder=lambda: config.root,
        run_program=run_program,
    )


def test_it_is_submitted_run_and_verified_like_any_task(tmp_path: Path, moto: Moto) -> None:
    distribution = moto.make_distribution()
    program = make_exchange(tmp_path, text(moto, distribution))
    task_id = program.submit("cloudfront-invalidate", "--env", "staging")
    assert program("sweep").code == 0
    result = program.result(task_id)
    (made,) = moto.invalidations(distribution)
    assert (result["status"], result["verification"]["verdict"]) == ("success", "proceed")
    assert result["outputs"] == {
        "invalidation_id": made["id"],
        "paths": ["/*"],
        "status": "completed",
        "distribution": distribution,
    }
    assert f"CloudFront {distribution} (staging) has forgotten /*." in result["body"]


def test_paths_are_encoded_sorted_and_sent_once(tmp_path: Path, moto: Moto) -> None:
    config = configured(tmp_path, moto, moto.make_distribution())
    outcome = run(context(config, paths=["/über uns/", "/a%20b", "/a%20b", "/c/*", "/"]))
    sent = ["/", "/%C3%BCber%20uns/", "/a%20b", "/c/*"]
    assert outcome.outputs["paths"] == sent
    assert moto.invalidations(outcome.outputs["distribution"])[0]["paths"] == sent
    assert "/, /%C3%BCber%20uns/, /a%20b and 1 more" in outcome.verdict


def test_the_reference_is_the_tasks_own(tmp_path: Path, moto: Moto) -> None:
    config = configured(tmp_path, moto, moto.make_distribution())
    made = run(context(config))
    (seen,) = moto.invalidations(made.outputs["distribution"])
    assert seen["reference"].startswith(TASK)


def test_a_dry_run_sends_nothing_and_needs_no_network(tmp_path: Path, moto: Moto) -> None:
    config = configured(tmp_path, moto, moto.make_distribution())
    outcome = run(context(config, dry_run=True))
    assert outcome.outputs["status"] == "dry-run"
    assert "Nothing was sent" in outcome.verdict
    assert moto.invalidations(outcome.outputs["distribution"]) == []


class _Slow(Distribution):
    """In place of a distribution whose invalidation lasts, which moto's never do."""

    def invalidate(self, *_: Any, **__: Any) -> Invalidation:
        return Invalidation("I1", "InProgress")

    def wait(self, invalidation_id: str, seconds: float) -> Invalidation:
        raise TaskFailed(TaskError("invalidation_pending", "not yet", "retry"))


def test_it_need_not_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloudfront_invalidate, "Distribution", _Slow)
    outcome = run(context(configured(tmp_path), wait=False))
    assert (outcome.outputs["invalidation_id"], outcome.outputs["status"]) == ("I1", "in-progress")
    assert "was told to forget /*" in outcome.verdict


def test_what_was_begun_is_noted_before_it_waits_and_told_if_it_waits_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloudfront_invalidate, "Distribution", _Slow)
    noted: list[dict[str, Any]] = []
    waiting = dataclasses.replace(
        context(configured(tmp_path)), record=lambda outputs: noted.append(dict(outputs))
    )
    with pytest.raises(TaskFailed) as caught:
        run(waiting)
    assert caught.value.error.code == "invalidation_pending"
    assert caught.value.outputs["invalidation_id"] == "I1"
    assert [one["invalidation_id"] for one in noted] == ["I1"]


def test_an_environment_without_a_distribution_has_nothing_to_forget(tmp_path: Path) -> None:
    config = configured(tmp_path)
    there = dataclasses.replace(context(config), params=Params(environment="dev"))
    with pytest.raises(TaskFailed) as caught:
        run(there)
    assert (caught.value.error.code, caught.value.error.action) == ("no_distribution", "escalate")
    assert resources(there.params, config) == ()


def test_no_two_tasks_use_one_distribution_at_once(tmp_path: Path) -> None:
    config = configured(tmp_path)
    assert list(resources(Params(environment="staging"), config)) == ["cloudfront:E1STAGING"]
    assert resources(Params(environment="nowhere"), config) == ()


@pytest.mark.parametrize(
    ("paths", "problem"),
    [
        (["about/"], "must start with a slash"),
        (["/a\n"], "control character"),
        (["/*/a"], "last character"),
        (["/" + "a" * 1000], "at most 1000"),
        ([], "at least 1"),
        (["/a"] * 3001, "at most 3000"),
        ([f"/{n}*" for n in range(16)], "use /*"),
    ],
)
def test_paths_that_cloudfront_would_not_take_are_refused(paths: list[str], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem.replace("*", r"\*")):
        Params(paths=paths)


def test_one_path_alone_is_a_list_of_one_and_what_is_no_list_is_told_in_our_words() -> None:
    assert Params(paths="/blog/*").paths == ("/blog/*",)
    with pytest.raises(ValidationError, match=r"must be a list of paths, such as \[/, /blog/\*\]"):
        Params(paths={"/": 1})


def test_it_is_not_repeated_by_itself() -> None:
    kind = find_type("cloudfront-invalidate")
    assert kind is not None
    assert not kind.safe_to_repeat
