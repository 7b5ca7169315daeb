"""Templates give a type's defaults and say what is to be filled in."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow import expectations
from workflow.config import Config, load_config
from workflow.errors import WorkflowError
from workflow.handlers import TASK_TYPES
from workflow.task import InvalidTask, Task, read_task
from workflow.templates import builtin_folder, choices, is_hint, load_template, template_names

HUGO_BUILD = """\
---
task_type: hugo-build
worker_type: hugo-builder
params:
  site_path: /Users/mark/PycharmProjects/klm-migrate/klm-hugo-site
  environment: dev | staging | production
  base_url: <environment-specific-url>
  minify: true
  clean: true
expected_outputs:
  - build_success
  - file_count
  - errors
  - warnings
---
Build Hugo site for specified environment.
"""
DEPLOY_STAGING = """\
---
task_type: hugo-deploy-staging
worker_type: deployer
requires_approval: true
params:
  public_dir: /Users/mark/PycharmProjects/klm-migrate/klm-hugo-site/public
  bucket: s3://klmcrm.com
  cloudfront_id: E3HA8770RGET6T
  verify_url: https://www.klmcrm.com
expected_outputs:
  - uploaded_files
  - invalidation_id
  - http_status
---
Deploy built site to staging S3 bucket with CloudFront invalidation.
"""
DEPLOY_PRODUCTION = """\
---
task_type: hugo-deploy-production
worker_type: deployer
requires_approval: true
approval_confirmation: "DEPLOY TO PRODUCTION"
params:
  public_dir: /Users/mark/PycharmProjects/klm-migrate/klm-hugo-site/public
  bucket: s3://klminsurance.com
  verify_url: https://www.klminsurance.com
expected_outputs:
  - uploaded_files
  - deployment_id
  - http_status
---
Deploy to PRODUCTION (customer-facing site). Requires explicit approval.
"""
"""The three of the plan that the project grew out of, word for word."""

PACKAGED = sorted(path.stem for path in builtin_folder().glob("*.md"))


def put(root: Path, name: str, text: str) -> None:
    folder = root / "tasks" / "templates"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(text)


@pytest.mark.parametrize("name", PACKAGED)
def test_a_packaged_template_is_whole(tmp_path: Path, name: str) -> None:
    found = load_template(tmp_path, name)
    assert found is not None
    assert found.data["task_type"] == found.task_type == name
    assert found.source == f"built in: {name}.md"
    assert found.body.strip() and found.text.startswith("---\n")
    assert expectations.parse(found.data["expected_outputs"])
    assert {"params", "worker_type"} <= set(found.data)


def test_every_task_type_has_a_packaged_template() -> None:
    assert set(TASK_TYPES) <= set(PACKAGED)


def test_the_packaged_build_names_its_choices_and_hints(tmp_path: Path) -> None:
    found = load_template(tmp_path, "hugo-build")
    assert found is not None
    assert found.choices == {"environment": ["dev", "staging", "production"]}
    assert found.hints == {"site_path", "base_url"}
    assert found.params == {"minify": True, "clean": True}


def test_the_first_template_of_the_plan_is_understood(tmp_path: Path) -> None:
    put(tmp_path, "hugo-build", HUGO_BUILD)
    found = load_template(tmp_path, "hugo-build")
    assert found is not None
    assert found.choices == {"environment": ["dev", "staging", "production"]}
    assert found.hints == {"base_url"}
    assert found.params == {
        "site_path": "/Users/mark/PycharmProjects/klm-migrate/klm-hugo-site",
        "minify": True,
        "clean": True,
    }
    assert found.defaults == {
        "task_type": "hugo-build",
        "worker_type": "hugo-builder",
        "expected_outputs": ["build_success", "file_count", "errors", "warnings"],
    }
    assert found.body == "Build Hugo site for specified environment.\n"
    assert found.text == HUGO_BUILD


@pytest.mark.parametrize(
    ("name", "text", "confirmation"),
    [("hugo-deploy-staging", DEPLOY_STAGING, None),
     ("hugo-deploy-production", DEPLOY_PRODUCTION, "DEPLOY TO PRODUCTION")],
)  # fmt: skip
def test_the_deploy_templates_of_the_plan_are_understood(
    tmp_path: Path, name: str, text: str, confirmation: str | None
) -> None:
    put(tmp_path, name, text)
    found = load_template(tmp_path, name)
    assert found is not None
    assert found.choices == {} and found.hints == set()
    assert found.params == found.data["params"]
    assert found.defaults["requires_approval"] is True
    assert found.defaults.get("approval_confirmation") == confirmation
    assert len(found.defaults["expected_outputs"]) == 3


def test_the_exchange_s_own_template_comes_before_the_packaged_one(tmp_path: Path) -> None:
    put(tmp_path, "noop", "---\ntask_type: noop\nparams: {message: ours}\n---\n")
    found = load_template(tmp_path, "noop")
    assert found is not None
    assert (found.params, found.source) == ({"message": "ours"}, "tasks/templates/noop.md")


def test_both_kinds_of_templates_are_listed_once(tmp_path: Path) -> None:
    put(tmp_path, "noop", "---\ntask_type: noop\n---\n")
    put(tmp_path, "mine", "---\ntask_type: mine\n---\n")
    assert template_names(tmp_path) == sorted({*PACKAGED, "mine"})


def test_what_belongs_to_one_task_is_never_a_default(tmp_path: Path) -> None:
    keys = (
        "task_id: x\ncreated_at: y\nstatus: z\nafter: [a]\nnot_before: b\napproval: {}\nchain: c\n"
    )
    put(tmp_path, "noop", f"---\ntask_type: noop\n{keys}priority: high\n---\n")
    found = load_template(tmp_path, "noop")
    assert found is not None
    assert found.defaults == {"task_type": "noop", "priority": "high"}


@pytest.mark.parametrize("name", ["nothing", "../../workflow", "Noop", "", ".hidden", "a/b", "a\0"])
def test_a_type_without_a_template_has_none(tmp_path: Path, name: str) -> None:
    put(tmp_path, "x", "---\n---\n")
    assert load_template(tmp_path, name) is None


def test_a_broken_template_is_named_with_the_place(tmp_path: Path) -> None:
    put(tmp_path, "noop", "---\ntask_type: noop\nparams: {a: 1\n---\n")
    with pytest.raises(WorkflowError) as caught:
        load_template(tmp_path, "noop")
    assert caught.value.code == "bad_template"
    assert caught.value.message.startswith("tasks/templates/noop.md:")
    assert caught.value.hint == "mend tasks/templates/noop.md"


def test_a_template_that_is_a_folder_is_a_broken_one(tmp_path: Path) -> None:
    (tmp_path / "tasks/templates/noop.md").mkdir(parents=True)
    with pytest.raises(
        WorkflowError, match=r"tasks/templates/noop\.md: it is not a plain file"
    ) as caught:
        load_template(tmp_path, "noop")
    assert caught.value.code == "bad_template"


# -- choices and hints -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("dev | staging | production", ["dev", "staging", "production"]),
        (" a | b ", ["a", "b"]),
        ("two words | three", ["two words", "three"]),
        ("dev|staging", None),
        ("dev |", None),
        ("| dev", None),
        ("dev", None),
        ("", None),
        ("<a> | <b>", None),
        ("a\nb | c", None),
        (5, None),
        (["a | b"], None),
        (None, None),
    ],
)
def test_words_between_bars_are_choices(value: object, expected: list[str] | None) -> None:
    assert choices(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("<environment-specific-url>", True), (" <x y> ", True), ("<>", False), ("<a", False),
     ("a <b>", False), ("<a><b>", False), ("<a\nb>", False), ("", False), (5, False)],
)  # fmt: skip
def test_words_in_angle_brackets_are_a_hint(value: object, expected: bool) -> None:
    assert is_hint(value) is expected


@settings(deadline=1000)
@given(st.text("ab |<>\n\t", max_size=40))
def test_a_value_is_at_most_one_of_the_two(value: str) -> None:
    assert not (choices(value) and is_hint(value))


@pytest.mark.parametrize(
    "value",
    [" " * 500_000, "a" * 500_000, "a | " * 100_000, " |" * 200_000, "\t " * 200_000 + "|",
     "<" + "a" * 500_000, " " * 500_000 + "<"],
    ids=["blanks", "letters", "bars", "empty bars", "tabs", "open bracket", "blanks and bracket"],
)  # fmt: skip
def test_long_values_are_looked_at_in_no_time(value: str) -> None:
    started = time.monotonic()
    choices(value)
    is_hint(value)
    assert time.monotonic() - started < 30


# -- tasks made from templates -----------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "workflow.yaml").write_text(
        "version: 1\nsites:\n"
        "  main: {path: /Users/mark/PycharmProjects/klm-migrate/klm-hugo-site}\n"
        "environments:\n  dev: {base_url: http://d/}\n  staging: {base_url: http://s/}\n"
        "  production: {base_url: http://p/}\n"
    )
    return load_config(tmp_path)


def task(config: Config, matter: str) -> Task:
    return read_task(f"---\n{matter}---\n".encode(), "2026-01-19-1430-t", config)[0]


def problems(config: Config, matter: str) -> list[tuple[int | None, str | None, str]]:
    with pytest.raises(InvalidTask) as caught:
        task(config, matter)
    return [(p.line, p.key, p.message) for p in caught.value.problems]


def test_a_task_takes_what_it_does_not_say_from_its_template(config: Config) -> None:
    put(config.root, "hugo-build", HUGO_BUILD)
    found = task(config, "task_type: hugo-build\nparams: {environment: staging, minify: false}\n")
    assert found.params.model_dump(
        include={"environment", "minify", "clean", "site_path", "base_url"}
    ) == {
        "environment": "staging",
        "minify": False,
        "clean": True,
        "site_path": "/Users/mark/PycharmProjects/klm-migrate/klm-hugo-site",
        "base_url": None,
    }
    assert [e.name for e in found.expected] == ["build_success", "file_count", "errors", "warnings"]
    assert found.file.worker_type == "hugo-builder"


def test_what_a_task_says_counts_more_than_its_template(config: Config) -> None:
    put(config.root, "noop", "---\ntask_type: noop\npriority: high\ntimeout_minutes: 3\n"
        "params: {message: theirs}\nexpected_outputs: [a]\n---\n")  # fmt: skip
    taken = task(config, "task_type: noop\n")
    assert (taken.rank, taken.timeout_seconds, len(taken.expected)) == (1, 180, 1)
    own = "task_type: noop\npriority: low\nparams: {message: mine}\nexpected_outputs: []\n"
    found = task(config, own)
    assert (found.rank, found.timeout_seconds, len(found.expected)) == (3, 180, 0)
    assert found.params.model_dump() == {"message": "mine"}


def test_a_choice_left_open_is_a_problem_at_its_line(config: Config) -> None:
    matter = HUGO_BUILD.split("---\n")[1]
    assert problems(config, matter) == [
        (6, "params.environment", "choose one of dev, staging, production")
    ]


def test_a_hint_left_where_the_template_has_one_counts_as_left_out(config: Config) -> None:
    found = task(config, HUGO_BUILD.split("---\n")[1].replace("dev | staging | production", "dev"))
    assert found.params.model_dump()["base_url"] is None


def test_a_hint_where_the_template_has_none_is_a_value_and_judged(config: Config) -> None:
    put(config.root, "hugo-build", HUGO_BUILD.replace("<environment-specific-url>", "http://x/"))
    matter = "task_type: hugo-build\nparams:\n  base_url: <environment-specific-url>\n"
    ((line, key, message),) = problems(config, matter)
    assert (line, key) == (4, "params.base_url")
    assert "must be an address" in message


def test_text_that_merely_looks_like_choices_is_text(config: Config) -> None:
    found = task(config, "task_type: noop\nparams: {message: Home | KLM Insurance}\n")
    assert found.params.model_dump() == {"message": "Home | KLM Insurance"}


def test_a_value_outside_the_choices_is_met_with_the_nearest(config: Config) -> None:
    put(config.root, "noop", "---\ntask_type: noop\nparams: {message: hello | goodbye}\n---\n")
    assert task(config, "task_type: noop\nparams: {message: hello}\n").params
    with pytest.raises(InvalidTask) as caught:
        task(config, "task_type: noop\nparams:\n  message: helo\n")
    (problem,) = caught.value.problems
    assert (problem.line, problem.key) == (4, "params.message")
    assert problem.message == "'helo' is not among hello, goodbye"
    assert problem.did_you_mean == ("hello",)


def test_a_task_whose_template_is_broken_is_told_where(config: Config) -> None:
    put(config.root, "noop", "---\ntask_type: noop\nparams: {a: 1\n---\n")
    ((line, _, message),) = problems(config, "task_type: noop\n")
    assert line is None, "the line is the template's and not the task's"
    assert message.startswith("tasks/templates/noop.md:")
