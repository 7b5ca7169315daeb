"""A task file is taken as people write it; all that is wrong is said at once, at its place."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workflow import yaml12
from workflow.config import Config, load_config
from workflow.document import Document
from workflow.errors import Problem
from workflow.task import InvalidTask, Task, load_task, read_task
from workflow.unrun import refused_result

TASK_ID = "2026-01-19-1430-hugo-build-staging"
FULL = """\
---
# Metadata
task_id: 2026-01-19-1430-hugo-build-staging
task_type: hugo-build
created_at: 2026-01-19T14:30:00Z
created_by: claude-code
status: pending
worker_type: hugo-builder
priority: normal
timeout_minutes: 10

# Context (audit trail)
context:
  user_request: "Deploy updated homepage to staging"
  branch: claude/update-homepage-xyz
  files_changed:
    - content/_index.md

# Task Parameters
params:
  site_path: /Users/mark/PycharmProjects/klm-migrate/klm-hugo-site
  environment: staging
  base_url: https://www.klmcrm.com
  minify: true
  clean: true

# Expected Outputs (for CC verification)
expected_outputs:
  - build_success: boolean
  - file_count: integer (>100)
  - errors: array (empty)
  - duration_seconds: float (<60)

# Approval (if needed)
requires_approval: false
---

## Task Description
Build Hugo site for staging environment after homepage updates.

## Success Criteria
- Build completes without errors
- File count > 100
- Duration < 60 seconds

## Rollback Plan
If build fails, restore previous public/ directory and report errors.
"""
"""The example of the plan that the project grew out of, word for word; so is the next."""

MINIMAL = """\
---
task_id: 2026-01-19-1430-hugo-build-dev
task_type: hugo-build
params:
  environment: dev
  base_url: http://dev-klmhugoweb.s3-website-us-east-1.amazonaws.com/
  minify: true
---
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "workflow.yaml").write_text(
        "version: 1\n"
        "sites:\n"
        "  main: {path: /Users/mark/PycharmProjects/klm-migrate/klm-hugo-site}\n"
        "  other: {path: other}\n"
        "  broken: {pth: x}\n"
        "environments:\n"
        "  dev: {base_url: http://dev.example.org/}\n"
        "  staging: {base_url: https://www.klmcrm.com}\n"
        "policies: {timeout_minutes: 7, retry: {max_attempts: 4}}\n"
    )
    return load_config(tmp_path)


def read(config: Config, matter: str) -> Task:
    return read_task(f"---\n{matter}\n---\n".encode(), TASK_ID, config)[0]


def refused(config: Config, matter: str) -> InvalidTask:
    with pytest.raises(InvalidTask) as caught:
        read(config, matter)
    return caught.value


def problem(config: Config, matter: str) -> Problem:
    (found,) = refused(config, matter).problems
    return found


# -- what is taken -----------------------------------------------------------------------------


def test_the_full_example_is_taken_word_for_word(config: Config) -> None:
    task, document = read_task(FULL.encode(), TASK_ID, config)
    assert (task.task_id, task.kind.name, task.environment) == (TASK_ID, "hugo-build", "staging")
    assert task.timeout_seconds == 600
    assert task.rank == 2
    assert [(e.name, e.expected) for e in task.expected] == [
        ("build_success", "boolean"), ("file_count", "integer (>100)"),
        ("errors", "array (empty)"), ("duration_seconds", "float (<60)"),
    ]  # fmt: skip
    assert task.params.model_dump(
        include={"site_path", "environment", "base_url", "minify", "clean"}
    ) == {
        "site_path": "/Users/mark/PycharmProjects/klm-migrate/klm-hugo-site",
        "environment": "staging",
        "base_url": "https://www.klmcrm.com",
        "minify": True,
        "clean": True,
    }
    assert task.file.context == {
        "user_request": "Deploy updated homepage to staging",
        "branch": "claude/update-homepage-xyz",
        "files_changed": ["content/_index.md"],
    }
    assert task.file.requires_approval is False
    assert task.worker_id.startswith("hugo-builder-")
    assert task.warnings == ()
    assert document.encode() == FULL.encode()


def test_the_minimal_example_is_taken_word_for_word(config: Config) -> None:
    task, _ = read_task(MINIMAL.encode(), "2026-01-19-1430-hugo-build-dev", config)
    assert task.environment == "dev"
    assert task.timeout_seconds == 600, "the template's ten minutes"
    assert task.retry.max_attempts == 4, "workflow.yaml's"
    assert [e.name for e in task.expected] == ["build_success", "file_count", "errors", "warnings"]
    assert len(task.resources) == 1, "the site's folder"


def test_a_task_type_alone_is_enough(config: Config) -> None:
    task = read(config, "task_type: noop")
    assert task.params.model_dump() == {"message": "Nothing was to be done."}
    assert (task.timeout_seconds, task.rank) == (60, 2)


def test_keys_that_are_not_known_are_kept(config: Config) -> None:
    text = "---\ntask_type: noop\nx-team: [web, 5]\nno: no\n5: five\n---\nbody\n"
    task, document = read_task(text.encode(), TASK_ID, config)
    assert task.file.model_extra == {"x-team": ["web", 5], "no": "no", "5": "five"}
    changed: Document = document.replace({"status": "completed"})
    assert changed.text == text.replace("---\nbody", "status: completed\n---\nbody")
    assert task.warnings == ()


def test_every_key_of_the_contract_is_read(config: Config) -> None:
    task = read(
        config,
        "task_type: noop\ntask_id: other\npriority: urgent\ntimeout_minutes: 0.5\n"
        "after: [2026-01-19-1400-a, 2026-01-19-1401-b]\nnot_before: 2026-01-19T15:00:00+01:00\n"
        "retry: {max_attempts: 2, backoff_seconds: 0}\nidempotency_key: k\nchain: c\n"
        "approval: {by: mark}\napproval_confirmed: true\napproval_confirmation: DEPLOY\n",
    )
    assert (task.rank, task.timeout_seconds) == (0, 30)
    assert task.file.after == ["2026-01-19-1400-a", "2026-01-19-1401-b"]
    assert task.file.not_before == datetime(2026, 1, 19, 14, tzinfo=UTC)
    assert (task.retry.max_attempts, task.retry.backoff_seconds) == (2, 0)
    assert (task.file.idempotency_key, task.file.chain) == ("k", "c")
    assert task.file.approval == {"by": "mark"}


def test_after_may_be_one_id_or_several(config: Config) -> None:
    assert read(config, "task_type: noop\nafter: 2026-01-19-1400-a").file.after == [
        "2026-01-19-1400-a"
    ]
    assert read(config, "task_type: noop\nafter: []").file.after == []
    assert read(config, "task_type: noop\nafter:\n- a\n- b").file.after == ["a", "b"]


@pytest.mark.parametrize(
    ("written", "hour"),
    [("2026-01-19T14:30:00", 14), ("2026-01-19T14:30:00Z", 14), ("2026-01-19 14:30", 14),
     ("'2026-01-19T14:30:00+05:00'", 9), ("2026-01-19", 0), ("20260119T143000Z", 14)],
)  # fmt: skip
def test_a_time_without_a_zone_is_utc_wherever_the_machine_stands(
    config: Config, written: str, hour: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        moment = read(config, f"task_type: noop\nnot_before: {written}").file.not_before
    finally:
        monkeypatch.undo()
        time.tzset()
    assert moment is not None
    assert moment.utcoffset() == UTC.utcoffset(None)
    assert (moment.day, moment.hour) == (19, hour)


def test_the_file_s_name_is_the_id_whatever_stands_inside(config: Config) -> None:
    task = read(config, "task_type: noop\ntask_id: 2025-01-01-0000-other")
    assert task.task_id == TASK_ID
    assert task.warnings == (
        f"task_id says '2025-01-01-0000-other'; the file's name counts: {TASK_ID}",
    )
    assert read(config, f"task_type: noop\ntask_id: {TASK_ID}").warnings == ()


def test_a_status_inside_decides_nothing(config: Config) -> None:
    assert read(config, "task_type: noop\nstatus: completed\napproval_confirmed: true").rank == 2


def test_a_key_that_is_nearly_a_known_one_is_pointed_out(config: Config) -> None:
    assert read(config, "task_type: noop\nprioritty: high\nafer: x").warnings == (
        "the key 'prioritty' is not known; did you mean priority?",
        "the key 'afer' is not known; did you mean after?",
    )


def test_a_site_goes_by_name_or_by_path(config: Config) -> None:
    for site in ("other", "./other", str(config.root / "other")):
        assert read(config, f"task_type: hugo-build\nparams: {{site_path: {site}}}").params


# -- what is refused ---------------------------------------------------------------------------


def test_a_type_that_is_not_known_is_met_with_the_nearest(config: Config) -> None:
    error = refused(config, "x: 1\ntask_type: hugo-biuld\nparams: {anything: goes}")
    assert error.code == "unknown_type"
    (found,) = error.problems
    assert (found.line, found.column, found.key) == (3, 1, "task_type")
    assert found.did_you_mean == ("hugo-build",)
    assert found.sentence().endswith(
        "there is no task type 'hugo-biuld' (did you mean hugo-build?)"
    )


def test_a_type_like_none_lists_all(config: Config) -> None:
    found = problem(config, "task_type: xyzzy")
    assert found.did_you_mean == ()
    assert "hugo-build, hugo-deploy-dev" in (found.hint or "")


@pytest.mark.parametrize("key", ["task_typ", "tasktype", "type_task", "Task_type"])
def test_a_misspelt_task_type_is_pointed_out_at_its_line(config: Config, key: str) -> None:
    found = problem(config, f"task_id: x\nnothing: 1\n{key}: noop")
    assert found.message == "the key 'task_type' is missing"
    if key != "type_task":
        assert found.line == 4
        assert found.hint == f"the key {key!r} is not known"


@pytest.mark.parametrize("matter", ["", "# nothing", "{}", "params: {}", "5: x", "null: x"])
def test_a_file_without_a_task_type_is_no_task(config: Config, matter: str) -> None:
    found = problem(config, matter)
    assert found.message == "the key 'task_type' is missing"


WRONG = [
    ("task_type: 5", 2, "task_type", "valid string"),
    ("task_type: [noop]", 2, "task_type", "valid string"),
    ("task_type:", 2, "task_type", "valid string"),
    ("task_type: noop\npriority: hihg", 3, "priority", "'urgent', 'high', 'normal' or 'low'"),
    ("task_type: noop\ntimeout_minutes: 0", 3, "timeout_minutes", "greater than 0"),
    ("task_type: noop\ntimeout_minutes: 1441", 3, "timeout_minutes", "less than or equal to 1440"),
    ("task_type: noop\ntimeout_minutes: .nan", 3, "timeout_minutes", ""),
    ("task_type: noop\ntimeout_minutes: soon", 3, "timeout_minutes", "valid number"),
    ("task_type: noop\nparams: [a]", 3, "params", "must be a mapping"),
    ("task_type: noop\nparams: x", 3, "params", "must be a mapping"),
    ("task_type: noop\nparams: {message: 5}", 3, "params.message", "valid string"),
    ("task_type: noop\nparams:\n  massage: x", 4, "params.massage", "unknown key"),
    ("task_type: noop\ncontext: [a]", 3, "context", "must be a mapping"),
    ("task_type: noop\nafter: 5", 3, "after", "must be a list"),
    ("task_type: noop\nafter: [a, 5]", 3, "after.1", "valid string"),
    ("task_type: noop\nnot_before: tomorrow", 3, "not_before", "tomorrow"),
    ("task_type: noop\nnot_before: 2026-02-30T00:00:00", 3, "not_before", "day is out of range"),
    ("task_type: noop\nnot_before: 5", 3, "not_before", "must be a UTC time such as"),
    ("task_type: noop\nnot_before: 0001-01-01T00:00:00+23:00", 3, "not_before", "the year 1"),
    ("task_type: noop\nnot_before: 9999-12-31T23:00:00-23:00", 3, "not_before", "after 9999"),
    ("task_type: noop\nretry: 3", 3, "retry", "must be a mapping"),
    ("task_type: noop\nretry: {max_attempts: 0}", 3, "retry.max_attempts", "equal to 1"),
    ("task_type: noop\nretry:\n  max_attemps: 3", 4, "retry.max_attemps", "unknown key"),
    ("task_type: noop\nrequires_approval: perhaps", 3, "requires_approval", "boolean"),
    ("task_type: noop\ntask_id: [x]", 3, "task_id", "valid string"),
    ("task_type: noop\nexpected_outputs: 5", 3, "expected_outputs", "must be a list of names"),
    ("task_type: noop\nexpected_outputs:\n- a\n- b: intger", 5, "expected_outputs.1.b",
     "did you mean integer?"),
    ("task_type: noop\nexpected_outputs:\n  b: array (of)", 4, "expected_outputs.b", "is no bound"),
    ("task_type: noop\nexpected_outputs:\n- a\n- 5", 5, "expected_outputs.1", "neither a name nor"),
    ("task_type: hugo-build\nparams: {minfy: true}", 3, "params.minfy", "unknown key"),
    ("task_type: hugo-build\nparams: {minify: 5}", 3, "params.minify", "boolean"),
    ("task_type: hugo-build\nparams: {base_url: 'ftp://x'}", 3, "params.base_url",
     "must be an address that starts with http"),
    ("task_type: hugo-build\nparams: {environment: stagin}", 3, "params.environment",
     "does not list the environment 'stagin'; it lists: dev, staging"),
    ("task_type: hugo-build\nparams:\n  site_path: /etc", 4, "params.site_path",
     "does not list the site '/etc'; it lists: main, other"),
    ('task_type: hugo-build\nparams:\n  site_path: "a\\0b"', 4, "params.site_path", "not list"),
]  # fmt: skip


@pytest.mark.parametrize(("matter", "line", "key", "message"), WRONG)
def test_a_problem_has_its_line_its_key_and_a_reason(
    config: Config, matter: str, line: int, key: str, message: str
) -> None:
    found = problem(config, matter)
    assert (found.line, found.key) == (line, key), found
    assert message in found.message


@pytest.mark.parametrize(
    ("matter", "near"),
    [
        ("task_type: noop\npriority: hihg", "high"),
        ("task_type: noop\nparams: {massage: x}", "message"),
        ("task_type: noop\nretry: {max_attemps: 3}", "max_attempts"),
        ("task_type: hugo-build\nparams: {environment: stagin}", "staging"),
        ("task_type: hugo-build\nparams: {site_path: othr}", "other"),
        ("task_type: hugo-build\nparams: {enviroment: dev}", "environment"),
    ],
)
def test_what_was_probably_meant_is_said(config: Config, matter: str, near: str) -> None:
    assert problem(config, matter).did_you_mean[0] == near


def test_all_problems_are_said_at_once_in_the_order_of_the_file(config: Config) -> None:
    error = refused(
        config,
        "task_type: hugo-build\npriority: hihg\nafter: 5\nparams:\n  environment: stagin\n"
        "  minfy: true\n  site_path: /etc\nexpected_outputs:\n- a: intger\n- b\n- c: strng\n",
    )
    assert error.code == "invalid_task"
    assert [(p.line, p.key) for p in error.problems] == [
        (3, "priority"),
        (4, "after"),
        (6, "params.environment"),
        (7, "params.minfy"),
        (8, "params.site_path"),
        (10, "expected_outputs.0.a"),
        (12, "expected_outputs.2.c"),
    ]


@pytest.mark.parametrize(
    ("params", "code"),
    [("{environment: production}", "no_such_environment"), ("{site_path: nowhere}", "no_such_site"),
     ("{minfy: 1}", "invalid_task"), ("{environment: x, site_path: y}", "invalid_task")],
)  # fmt: skip
def test_the_code_says_what_kind_of_problem_it_is(config: Config, params: str, code: str) -> None:
    assert refused(config, f"task_type: hugo-build\nparams: {params}").code == code


def test_a_site_that_is_broken_in_the_configuration_is_no_fault_of_the_task(config: Config) -> None:
    assert (
        read(config, "task_type: hugo-build\nparams: {site_path: broken}").resources == frozenset()
    )


@pytest.mark.parametrize("raw", [b"", b"\0", b"no front matter", b"---\na: [\n---\n", b"---\n\xff"])
def test_a_file_that_cannot_be_read_says_so(config: Config, raw: bytes) -> None:
    with pytest.raises(InvalidTask) as caught:
        read_task(raw, TASK_ID, config)
    assert caught.value.code == "unreadable_task"
    assert caught.value.problems[0].line is not None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
    | st.sampled_from(["noop", "dev", "2026-01-19T14:30:00", "integer (>5)", "a | b", "<x>", "\0"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["message", "a", "max_attempts", "5"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
KEYS = [
    "task_id", "priority", "timeout_minutes", "context", "params", "expected_outputs", "after",
    "not_before", "retry", "requires_approval", "approval", "chain", "5", "null", "x",
]  # fmt: skip


@settings(deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["noop", "hugo-build"]), st.dictionaries(st.sampled_from(KEYS), anything))
def test_whatever_a_task_says_it_is_taken_or_refused_with_reasons(
    config: Config, kind: str, data: dict[str, object]
) -> None:
    try:
        task = read(config, yaml12.dump({"task_type": kind, **data}))
    except InvalidTask as error:
        assert error.problems
        assert all(p.message and p.line for p in error.problems)
        refused_result(TASK_ID, TASK_ID, None, error)
    else:
        assert task.timeout_seconds > 0


# -- files that are none -----------------------------------------------------------------------


def test_what_is_no_plain_file_is_refused_without_hanging(config: Config, tmp_path: Path) -> None:
    (tmp_path / "real.md").write_text(MINIMAL)
    (tmp_path / "link.md").symlink_to("real.md")
    (tmp_path / "folder.md").mkdir()
    os.mkfifo(tmp_path / "pipe.md")
    for name in ("link.md", "folder.md", "pipe.md"):
        with pytest.raises(InvalidTask) as caught:
            load_task(str(tmp_path / name), TASK_ID, config)
        assert caught.value.code == "not_a_file"
    with pytest.raises(InvalidTask):
        load_task("/dev/zero", TASK_ID, config)
    assert load_task(str(tmp_path / "real.md"), TASK_ID, config)[0].environment == "dev"


def test_a_file_of_fifty_megabytes_is_refused(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "big.md"
    path.write_text(MINIMAL)
    os.truncate(path, 50 * 1024 * 1024)
    with pytest.raises(InvalidTask, match="larger than"):
        load_task(str(path), TASK_ID, config)
